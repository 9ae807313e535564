# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The spec: what the user wrote for a container, read, checked and complete with the hardened defaults. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, fields

from ..errors import HIDDEN, Fault, InputError, named, nearest, shown
from . import options, ports, records, tmpfs, values
from .units import MIB, Wrong, parse_cpus, parse_size

DEFAULT_TMPFS = {
    "/tmp": f"noexec,nosuid,nodev,size={64 * MIB},mode=1777",
    "/run": f"noexec,nosuid,nodev,size={16 * MIB},mode=1777",
}
# nproc counts all processes of the user on the host, so it is only a backstop to pids_limit.
DEFAULT_ULIMITS = {"core": (0, 0), "nofile": (1024, 4096), "nproc": (4096, 4096)}
ROTATING = {"local": {"max-size": "10m", "max-file": "3"}, "json-file": {"max-size": "10m", "max-file": "3"}}
LEAST_MEMORY = 6 * MIB  # the engine refuses less
SECRET_OPTIONS = frozenset({"env"})


@dataclass(frozen=True)
class Spec:
    """One container as it should be. Sizes in bytes, CPUs in nano-CPUs, durations in nanoseconds.

    None in image, command, entrypoint, env, user, working_dir, healthcheck and stop_signal leaves the image's own.
    """

    name: str
    state: str = "started"
    image: str | None = None
    pull: str = "missing"
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    env: t.Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    working_dir: str | None = None
    labels: t.Mapping[str, str] = field(default_factory=dict)
    hostname: str | None = None
    init: bool = True
    healthcheck: t.Mapping[str, t.Any] | None = None
    read_only: bool = True
    tmpfs: t.Mapping[str, t.Mapping[str, str]] = field(default_factory=dict)
    mounts: tuple[values.Mount, ...] = ()
    cap_drop: frozenset[str] = frozenset({"ALL"})
    capabilities: frozenset[str] = frozenset()
    security_opts: frozenset[str] = frozenset({"no-new-privileges=true"})
    memory: int = 512 * MIB
    memory_swap: int = 512 * MIB
    cpus: int = 10**9
    pids_limit: int = 256
    ulimits: t.Mapping[str, tuple[int, int]] = field(default_factory=lambda: dict(DEFAULT_ULIMITS))
    shm_size: int = 64 * MIB
    networks: tuple[records.Network, ...] | None = None
    published_ports: frozenset[ports.Port] = frozenset()
    log_driver: str = "local"
    log_options: t.Mapping[str, str] = field(default_factory=lambda: dict(ROTATING["local"]))
    restart_policy: str = "on-failure"
    restart_retries: int = 5
    stop_timeout: int = 10
    stop_signal: str | None = None
    sysctls: t.Mapping[str, str] = field(default_factory=dict)
    waivers: tuple[records.Waiver, ...] = ()

    @property
    def wants_container(self) -> bool:
        return self.state != "absent"


def _swap(value: t.Any) -> int:
    return -1 if value in (-1, "-1", "unlimited") else parse_size(value)


def _pids(value: t.Any) -> int:
    return 0 if value in (-1, "-1") else values.integer(0, 4194304, "a number of processes")(value)


def _entrypoint(value: t.Any) -> tuple[str, ...]:
    found = tuple(values.argv(value))
    if not found or not found[0]:
        raise Wrong("is empty", "leave it out to keep the image's own, or name a program")
    return found


READERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "name": values.name,
    "state": values.choice(*options.STATES),
    "image": values.image,
    "pull": values.choice(*options.PULLS),
    "command": lambda value: tuple(values.argv(value)) or None,
    "entrypoint": _entrypoint,
    "env": values.env,
    "user": values.user,
    "working_dir": values.path,
    "labels": values.labels,
    "hostname": values.hostname,
    "init": values.boolean,
    "healthcheck": records.healthcheck,
    "read_only": values.boolean,
    "tmpfs": tmpfs.tmpfs,
    "mounts": records.mounts,
    "volumes": records.volumes,
    "cap_drop": values.capabilities,
    "capabilities": values.capabilities,
    "security_opts": values.security_opts,
    "memory": parse_size,
    "memory_swap": _swap,
    "cpus": parse_cpus,
    "pids_limit": _pids,
    "ulimits": values.ulimits,
    "shm_size": parse_size,
    "networks": records.networks,
    "published_ports": ports.published_ports,
    "log_driver": values.log_driver,
    "log_options": values.log_options,
    "restart_policy": values.choice(*options.RESTART_POLICIES),
    "restart_retries": values.integer(0, 1000, "a number of restarts"),
    "stop_timeout": values.integer(0, 86400, "a number of seconds"),
    "stop_signal": values.stop_signal,
    "sysctls": values.sysctls,
    "waivers": records.waivers,
}


def parse_specs(given: t.Any) -> list[Spec]:
    """The specs of a list of containers, in its order. InputError with every fault of every container."""
    if not isinstance(given, (list, tuple)):
        raise InputError([Fault("containers", "containers", HIDDEN, "is not a list", "write one entry a container")])
    specs: list[Spec] = []
    faults: list[Fault] = []
    for number, entry in enumerate(given, 1):
        if not isinstance(entry, dict):
            faults.append(Fault(f"container {number}", "containers", HIDDEN, "is not a dictionary", "begin with name:"))
            continue
        spec, wrong = _parse(entry, f"container {shown(entry.get('name') or number)}")
        faults += wrong
        if spec is not None:
            specs.append(spec)
    faults += _doubled(given)
    if faults:
        raise InputError(faults)
    return specs


def _doubled(given: t.Iterable[t.Any]) -> list[Fault]:
    seen: set[str] = set()
    faults = []
    for entry in given:
        name = entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str) and name in seen:
            faults.append(Fault("containers", "name", name, "is given twice", "give each container a name of its own"))
        if isinstance(name, str):
            seen.add(name)
    return faults


def _parse(entry: t.Mapping[str, t.Any], where: str) -> tuple[Spec | None, list[Fault]]:
    found: dict[str, t.Any] = {}
    faults: list[Fault] = []
    for option, value in entry.items():
        reader = READERS.get(option)
        if reader is None:
            remedy = f"remove it{nearest(named(option), READERS)}"
            # Its value is not shown: it may be a misspelt env.
            faults.append(Fault(where, named(option), HIDDEN, "is not an option of a container", remedy))
        elif value is not None:
            try:
                found[option] = reader(value)
            except Wrong as wrong:
                shown = HIDDEN if option in SECRET_OPTIONS else value
                faults.append(Fault(where, option, shown, wrong.problem, wrong.remedy))
    faults += [Fault(where, *fault) for fault in _conflicts(entry, found)]
    return (None, faults) if faults else (_complete(found), [])


_Conflict = t.Tuple[str, t.Any, str, str]


def _conflicts(entry: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any]) -> t.Iterator[_Conflict]:
    """What is wrong only beside another option."""
    if entry.get("name") is None:
        yield "name", None, "is missing", "name the container"
    if entry.get("image") is None and found.get("state") != "absent":
        yield "image", None, "is missing", "name the image, or set state: absent"
    memory = found.get("memory", 512 * MIB)
    swap = found.get("memory_swap", memory)
    if 0 < memory < LEAST_MEMORY:
        yield "memory", entry["memory"], "is less than the engine accepts", "write 6m or more"
    if swap != -1 and swap < memory:
        yield "memory_swap", entry["memory_swap"], "is less than memory", "write memory plus swap, or leave it out"
    if found.get("shm_size") == 0:
        yield "shm_size", entry["shm_size"], "means the engine's default", "write a size, such as 64m"
    if swap > 0 and not memory:
        yield "memory_swap", entry["memory_swap"], "needs a limit of memory", "set memory too"
    targets = [mount[0] for mount in (*found.get("mounts", ()), *found.get("volumes", ()))]
    for target in sorted({one for one in targets if targets.count(one) > 1}):
        yield "mounts", target, "is the target of two mounts", "mount one thing at each path"
    for target in sorted(set(targets) & set(found.get("tmpfs", ()))):
        yield "tmpfs", target, "is the target of a mount too", "keep one of them"
    if found.get("restart_retries") is not None and found.get("restart_policy", "on-failure") != "on-failure":
        yield "restart_retries", entry["restart_retries"], "counts only for on-failure", "leave it out"
    if found.get("published_ports") and found.get("networks") == ():
        yield "published_ports", entry["published_ports"], "need a network", "leave networks out, or name one"
    special = {network.name for network in found.get("networks", ())} & {"host", "none"}
    if special and len(found["networks"]) > 1:
        yield "networks", special.pop(), "excludes every other network", "name it alone"
    if found.get("stop_signal") == "SIGKILL" and found.get("state") != "absent":
        yield "stop_signal", entry["stop_signal"], "gives the program no chance to end", "name another, or leave it out"


def _complete(found: dict[str, t.Any]) -> Spec:
    """The spec with each default in its place."""
    given = {option: value for option, value in found.items() if option not in ("mounts", "volumes", "tmpfs")}
    mounts = sorted((*found.get("mounts", ()), *found.get("volumes", ())))
    targets = {mount[0] for mount in mounts}
    scratch = {target: tmpfs.tmpfs_options(flags) for target, flags in DEFAULT_TMPFS.items() if target not in targets}
    for target, flags in found.get("tmpfs", {}).items():
        scratch[target] = hardened_tmpfs(flags)
    given["memory_swap"] = found.get("memory_swap", found.get("memory", 512 * MIB))
    given["ulimits"] = {**DEFAULT_ULIMITS, **found.get("ulimits", {})}
    driver = found.get("log_driver", "local")
    given["log_options"] = {**ROTATING.get(driver, {}), **found.get("log_options", {})}
    given["restart_retries"] = found.get(
        "restart_retries", 5 if given.get("restart_policy") in (None, "on-failure") else 0
    )
    opts = found.get("security_opts", frozenset())
    if not any(opt.startswith("no-new-privileges=") for opt in opts):
        given["security_opts"] = opts | {"no-new-privileges=true"}
    return Spec(**given, mounts=tuple(mounts), tmpfs=scratch)


def hardened_tmpfs(flags: t.Mapping[str, str]) -> dict[str, str]:
    """The options of a tmpfs with noexec, nosuid, nodev and a size, save where the user wrote the opposite."""
    found = dict(flags)
    for flag in ("exec", "suid", "dev"):
        if flag not in found:
            found[f"no{flag}"] = ""
    found.setdefault("size", str(64 * MIB))
    return found


def option_names() -> set[str]:
    """Every option that becomes a field of the spec; `volumes` becomes part of `mounts`."""
    return {each.name for each in fields(Spec)} | {"volumes"}
