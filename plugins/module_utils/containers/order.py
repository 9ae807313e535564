# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""In which order things happen: the old container and its successor, and containers that depend on each other. Pure."""

from __future__ import annotations

import typing as t

from ..errors import Fault, nearest
from .ports import overlap
from .spec import Spec
from .state import State

STOP_FIRST = "stop-first"
START_FIRST = "start-first"


def exclusive(wanted: State, observed: State) -> tuple[str, ...]:
    """What the container and its successor cannot hold at the same time; if nothing, the successor may start first.

    A volume that both write to is one: two databases on one directory destroy it.
    """
    found = [f"the published port {port}" for port in _shared_ports(wanted, observed)]
    for name, network in wanted["networks"].items():
        other = observed["networks"].get(name)
        both = (
            {network.ipv4_address, network.ipv6_address} & {other.ipv4_address, other.ipv6_address} if other else set()
        )
        found += [f"the address {address}" for address in sorted(both - {""})]
    written = {_source(mount) for mount in observed["mounts"].values() if not mount[3]}
    shared = [mount for mount in wanted["mounts"].values() if not mount[3] and _source(mount) in written]
    found += [f"the mount {mount[0]}" for mount in shared]
    if wanted["network_mode"] == observed["network_mode"] == "host":
        found.append("the host's network")
    if wanted["mac_address"] and wanted["mac_address"] == observed["mac_address"]:
        found.append(f"the address {wanted['mac_address']}")
    if set(wanted["devices"]) & set(observed["devices"]):
        found.append("a device")
    return tuple(dict.fromkeys(found))


def _source(mount: tuple[t.Any, ...]) -> tuple[str, str]:
    target, kind, source = mount[:3]
    return (kind, source) if source else ("anonymous", target)  # the successor is given the same anonymous volume


def _shared_ports(wanted: State, observed: State) -> list[str]:
    held = observed["published_ports"]
    shared = [port for port in sorted(wanted["published_ports"]) if any(overlap(port, other) for other in held)]
    return [f"{outer}/{inner.partition('/')[2]}" for inner, _host, outer in shared]


def dependency_faults(specs: t.Sequence[Spec], present: t.Collection[str]) -> list[Fault]:
    """Dependencies that no order can meet. present: the names of the engine's containers."""
    asked = {spec.name: spec for spec in specs}
    faults = []
    for spec in specs:
        where = f"container {spec.name!r}"
        for name in (dependency.name for dependency in spec.depends_on):
            other = asked.get(name)
            if other is None and name not in present:
                hint = nearest(name, {*asked, *present})
                fault = "is neither in this run nor on the host", f"name a container that is{hint}"
            elif other is not None and other.state != "started":
                fault = f"is to be {other.state}", "set its state to started, or leave the dependency out"
            else:
                continue
            faults.append(Fault(where, "depends_on", name, *fault))
    return faults + _circles(specs)


def _circles(specs: t.Sequence[Spec]) -> list[Fault]:
    """What is left after taking away, again and again, what waits for nothing of the rest."""
    waiting = {spec.name: {each.name for each in spec.depends_on} for spec in specs}
    while True:
        free = {name for name, needs in waiting.items() if not needs & set(waiting)}
        if not free:
            break
        waiting = {name: needs for name, needs in waiting.items() if name not in free}
    circle = _walk(waiting) if waiting else []
    if not circle:
        return []
    said = " -> ".join([*circle, circle[0]])
    return [Fault(f"container {circle[0]!r}", "depends_on", said, "goes in a circle", "take one dependency out")]


def _walk(waiting: t.Mapping[str, set[str]]) -> list[str]:
    """One circle among the names that wait for each other."""
    path = [min(waiting)]
    while True:
        following = min(waiting[path[-1]] & set(waiting))
        if following in path:
            return path[path.index(following) :]
        path.append(following)
