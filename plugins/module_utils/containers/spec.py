# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The spec: what the user wrote for a container, read, checked and complete with the hardened defaults. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, fields

from ..errors import HIDDEN, Fault, InputError, nearest, shown
from . import globs, isolation, options, ports, records, resources, tmpfs, values
from .conflicts import DEFAULT_MEMORY, NO_CONTAINER, conflicts
from .declared import read_options
from .docker_container import refusal
from .secrets import Secret, read_secrets
from .units import MIB, Wrong, parse_cpus, parse_size

DEFAULT_TMPFS = {
    "/tmp": f"noexec,nosuid,nodev,size={64 * MIB},mode=1777",
    "/run": f"noexec,nosuid,nodev,size={16 * MIB},mode=1777",
}
# nproc counts all processes of the user on the host, so it is only a backstop to pids_limit.
DEFAULT_ULIMITS = {"core": (0, 0), "nofile": (1024, 4096), "nproc": (4096, 4096)}
ROTATING = {"local": {"max-size": "10m", "max-file": "3"}, "json-file": {"max-size": "10m", "max-file": "3"}}
SECRET_OPTIONS = frozenset({"env", "log_options", "secrets"})  # a log driver may take a token


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
    memory: int = DEFAULT_MEMORY
    memory_swap: int = DEFAULT_MEMORY
    cpus: int = 10**9
    pids_limit: int = 256
    ulimits: t.Mapping[str, tuple[int, int]] = field(default_factory=lambda: dict(DEFAULT_ULIMITS))
    shm_size: int = 64 * MIB
    networks: tuple[records.Network, ...] | None = None
    internal: bool = False
    published_ports: frozenset[ports.Port] = frozenset()
    log_driver: str = "local"
    log_options: t.Mapping[str, str] = field(default_factory=lambda: dict(ROTATING["local"]))
    restart_policy: str = "on-failure"
    restart_retries: int = 5
    stop_timeout: int = 10
    stop_signal: str | None = None
    sysctls: t.Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[records.Dependency, ...] = ()
    keep_previous: bool = False
    update_order: str = "auto"
    memory_reservation: int = 0
    memory_swappiness: int | None = None
    oom_killer: bool = False  # whether it is switched off; the name is docker_container's
    oom_score_adj: int = 0
    cpu_shares: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    blkio_weight: int = 0
    device_read_bps: tuple[resources.Rate, ...] = ()
    device_read_iops: tuple[resources.Rate, ...] = ()
    device_write_bps: tuple[resources.Rate, ...] = ()
    device_write_iops: tuple[resources.Rate, ...] = ()
    storage_opts: t.Mapping[str, str] = field(default_factory=dict)
    privileged: bool = False
    pid_mode: str = ""
    ipc_mode: str = "private"
    uts: str = ""
    userns_mode: str = ""
    cgroupns_mode: str = "private"
    cgroup_parent: str = ""
    devices: tuple[str, ...] = ()
    device_cgroup_rules: tuple[str, ...] = ()
    device_requests: tuple[isolation.DeviceRequest, ...] = ()
    groups: frozenset[str] = frozenset()
    runtime: str | None = None
    tty: bool = False
    interactive: bool = False
    domainname: str = ""
    dns_servers: tuple[str, ...] = ()
    dns_opts: tuple[str, ...] = ()
    dns_search_domains: tuple[str, ...] = ()
    etc_hosts: t.Mapping[str, str] = field(default_factory=dict)
    exposed_ports: frozenset[str] = frozenset()
    drift_ignore: tuple[str, ...] = ()
    waivers: tuple[records.Waiver, ...] = ()
    secrets: tuple[Secret, ...] = ()
    secrets_rotation: str = "replace"
    secrets_signal: str | None = None

    @property
    def wants_container(self) -> bool:
        """Whether the other options say what it should be like."""
        return self.state not in NO_CONTAINER


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
    "internal": values.boolean,
    "published_ports": ports.published_ports,
    "log_driver": values.log_driver,
    "log_options": values.log_options,
    "restart_policy": values.choice(*options.RESTART_POLICIES),
    "restart_retries": values.integer(0, 1000, "a number of restarts"),
    "stop_timeout": values.integer(0, 86400, "a number of seconds"),
    "stop_signal": values.stop_signal,
    "sysctls": values.sysctls,
    "depends_on": records.depends_on,
    "keep_previous": values.boolean,
    "update_order": values.choice(*options.ORDERS),
    "drift_ignore": globs.patterns,
    "waivers": records.waivers,
    **resources.READERS,
    **isolation.READERS,
    "secrets": read_secrets,
    "secrets_rotation": values.choice(*options.SECRETS_ROTATIONS),
    "secrets_signal": values.stop_signal,
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
    found, faults = read_options(entry, where, READERS, SECRET_OPTIONS, _unknown)
    faults += [Fault(where, *fault) for fault in conflicts(entry, found)]
    return (None, faults) if faults else (_complete(found), [])


def _unknown(name: str) -> tuple[str, str]:
    return refusal(name) or ("is not an option of a container", f"remove it{nearest(name, READERS)}")


def _complete(found: dict[str, t.Any]) -> Spec:
    """The spec with each default in its place."""
    given = {option: value for option, value in found.items() if option not in ("mounts", "volumes", "tmpfs")}
    mounts = sorted((*found.get("mounts", ()), *found.get("volumes", ())))
    targets = {mount[0] for mount in mounts}
    scratch = {target: tmpfs.tmpfs_options(flags) for target, flags in DEFAULT_TMPFS.items() if target not in targets}
    for target, flags in found.get("tmpfs", {}).items():
        scratch[target] = hardened_tmpfs(flags)
    given["memory_swap"] = found.get("memory_swap", found.get("memory", DEFAULT_MEMORY))
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
