# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of one container that contradict each other. Pure."""

from __future__ import annotations

import typing as t

from .secrets import conflicts as conflicts_of_secrets
from .units import MIB

DEFAULT_MEMORY = 512 * MIB
LEAST_MEMORY = 6 * MIB  # the engine refuses less
NO_CONTAINER = ("absent", "rolled_back")  # states in which the other options say nothing

Conflict = t.Tuple[str, t.Any, str, str]  # option, value, problem, remedy


def conflicts(entry: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any]) -> t.Iterator[Conflict]:
    """What is wrong only beside another option.

    entry: what the user wrote; found: what the readers made of it.
    """
    if entry.get("name") is None:
        yield "name", None, "is missing", "name the container"
    if entry.get("image") is None and found.get("state") not in NO_CONTAINER:
        yield "image", None, "is missing", "name the image, or set state: absent"
    yield from _of_resources(entry, found)
    yield from _of_mounts(found)
    if found.get("restart_retries") is not None and found.get("restart_policy", "on-failure") != "on-failure":
        yield "restart_retries", entry["restart_retries"], "counts only for on-failure", "leave it out"
    if found.get("published_ports") and found.get("networks") == ():
        yield "published_ports", entry["published_ports"], "need a network", "leave networks out, or name one"
    yield from _of_internal(entry, found)
    yield from conflicts_of_secrets(found)
    special = {network.name for network in found.get("networks", ())} & {"host", "none"}
    if special and len(found["networks"]) > 1:
        yield "networks", special.pop(), "excludes every other network", "name it alone"
    if found.get("stop_signal") == "SIGKILL" and found.get("state") not in NO_CONTAINER:
        yield "stop_signal", entry["stop_signal"], "gives the program no chance to end", "name another, or leave it out"
    if found.get("name") in {dependency.name for dependency in found.get("depends_on", ())}:
        yield "depends_on", entry["name"], "is the container itself", "leave it out"
    for name in ("hostname", "domainname"):
        if found.get("uts") == "host" and found.get(name):
            yield name, entry[name], "would be the host's, as uts is host", "leave one of them out"


def _of_internal(entry: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any]) -> t.Iterator[Conflict]:
    if not found.get("internal"):
        return
    if found.get("published_ports"):
        remedy = "leave one out; whoever has to reach it joins its internal network"
        yield "published_ports", entry["published_ports"], "lead in from outside, and internal is true", remedy
    for name in sorted({network.name for network in found.get("networks", ())} & {"host", "bridge"}):
        yield "networks", name, "is not internal", "leave networks out, or name an internal network"


def _of_mounts(found: t.Mapping[str, t.Any]) -> t.Iterator[Conflict]:
    targets = [mount[0] for mount in (*found.get("mounts", ()), *found.get("volumes", ()))]
    for target in sorted({one for one in targets if targets.count(one) > 1}):
        yield "mounts", target, "is the target of two mounts", "mount one thing at each path"
    for target in sorted(set(targets) & set(found.get("tmpfs", ()))):
        yield "tmpfs", target, "is the target of a mount too", "keep one of them"


def _of_resources(entry: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any]) -> t.Iterator[Conflict]:
    memory = found.get("memory", DEFAULT_MEMORY)
    swap = found.get("memory_swap", memory)
    if 0 < memory < LEAST_MEMORY:
        yield "memory", entry["memory"], "is less than the engine accepts", "write 6m or more"
    if swap != -1 and swap < memory:
        yield "memory_swap", entry["memory_swap"], "is less than memory", "write memory plus swap, or leave it out"
    if found.get("shm_size") == 0:
        yield "shm_size", entry["shm_size"], "means the engine's default", "write a size, such as 64m"
    if swap > 0 and not memory:
        yield "memory_swap", entry["memory_swap"], "needs a limit of memory", "set memory too"
    reservation = found.get("memory_reservation", 0)
    if 0 < reservation < LEAST_MEMORY:
        yield "memory_reservation", entry["memory_reservation"], "is less than the engine accepts", "write 6m or more"
    if 0 < memory < reservation:
        yield "memory_reservation", entry["memory_reservation"], "is more than memory", "write less than memory"
