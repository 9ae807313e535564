# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the engine reports of a container, in the canonical form of `state`. Pure: takes the JSON of an inspect.

Engines differ in how they spell the same thing: null, empty and absent, order, sizes as words, old and new names.
All of that ends here.
"""

from __future__ import annotations

import re
import typing as t

from ..errors import CaissonError, shown
from . import ports, tmpfs, values
from .records import Network
from .state import State, env_map, health, path, stop_signal, working_dir
from .units import Wrong

_ANONYMOUS = re.compile(r"\A[0-9a-f]{64}\Z")
# Every engine masks at least these; a container without them was started with system paths unconfined.
_MASKED = frozenset({"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"})
_READ_ONLY = frozenset({"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"})

# Parts of HostConfig that are read below, that only Windows has, or that say nothing of the container's powers.
_READ = frozenset(
    "AutoRemove Binds BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps BlkioDeviceWriteIOps"
    " BlkioWeight BlkioWeightDevice CapAdd CapDrop Cgroup CgroupParent CgroupnsMode ConsoleSize ContainerIDFile"
    " CpuCount CpuPercent CpuQuota CpuShares CpusetCpus CpusetMems"
    " DeviceCgroupRules DeviceRequests Devices Dns DnsOptions DnsSearch ExtraHosts GroupAdd IOMaximumBandwidth"
    " IOMaximumIOps Init IpcMode Isolation Links LogConfig MaskedPaths Memory"
    " MemoryReservation MemorySwap MemorySwappiness Mounts NanoCpus NetworkMode OomKillDisable OomScoreAdj PidMode"
    " PidsLimit PortBindings Privileged PublishAllPorts ReadonlyPaths ReadonlyRootfs RestartPolicy Runtime SecurityOpt"
    " ShmSize StorageOpt Sysctls Tmpfs UTSMode Ulimits UsernsMode VolumesFrom".split()
)


def observe(inspect: t.Mapping[str, t.Any]) -> State:
    """The canonical state of an inspected container. CaissonError where the answer is not what an engine gives."""
    try:
        return _observe(inspect)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        name = shown(str(inspect.get("Name", "")).lstrip("/"))
        problem = f"what the engine tells of it cannot be read ({type(error).__name__}: {error})"
        raise CaissonError(f"container {name}: {problem}; please report it with the engine's version") from error


def _observe(inspect: t.Mapping[str, t.Any]) -> State:
    host: t.Mapping[str, t.Any] = inspect.get("HostConfig") or {}
    config: t.Mapping[str, t.Any] = inspect.get("Config") or {}
    state: State = {
        "image": inspect.get("Image", ""),
        "command": tuple(config.get("Cmd") or ()),
        "entrypoint": tuple(config.get("Entrypoint") or ()),
        "env": env_map(config.get("Env")),
        "user": config.get("User") or "",
        "working_dir": working_dir(config.get("WorkingDir")),
        "labels": dict(config.get("Labels") or {}),
        "hostname": _hostname(inspect, config, host),
        "domainname": config.get("Domainname") or "",
        "mac_address": config.get("MacAddress") or "",
        "tty": bool(config.get("Tty")),
        "interactive": bool(config.get("OpenStdin")),
        "exposed_ports": frozenset(config.get("ExposedPorts") or ()),
        "healthcheck": health(config.get("Healthcheck"), None),
        "stop_signal": stop_signal(config.get("StopSignal")),
        "stop_timeout": 10 if config.get("StopTimeout") is None else config["StopTimeout"],
    }
    for part in (_security, _namespaces, _resources, _storage, _wiring, _lifecycle):
        state.update(part(host))
    state["mounts"] = _mounts(inspect)
    state["networks"] = _networks(inspect)
    for key in sorted(set(host) - _READ):
        if host[key]:
            state[f"host_config.{key}"] = host[key]
    return state


def _hostname(inspect: t.Mapping[str, t.Any], config: t.Mapping[str, t.Any], host: t.Mapping[str, t.Any]) -> str:
    """The host name, unless it is the one that the engine makes from the id, or takes from the host."""
    found = str(config.get("Hostname") or "")
    given = host.get("NetworkMode") == "host" or str(inspect.get("Id", "")).startswith(found)
    return "" if given else found


def _security(host: t.Mapping[str, t.Any]) -> State:
    masked, read_only = host.get("MaskedPaths"), host.get("ReadonlyPaths")
    covered = set(masked or ()) >= _MASKED and set(read_only or ()) >= _READ_ONLY
    return {
        "cap_drop": _capabilities(host.get("CapDrop")),
        "capabilities": _capabilities(host.get("CapAdd")),
        "privileged": bool(host.get("Privileged")),
        "read_only": bool(host.get("ReadonlyRootfs")),
        "security_opts": frozenset(_security_opt(opt) for opt in host.get("SecurityOpt") or ()),
        "system_paths": "masked" if covered else "unconfined",
    }


def _capabilities(given: t.Iterable[str] | None) -> frozenset[str]:
    return frozenset(_capability(name) for name in given or ())


def _capability(given: str) -> str:
    try:
        return values.capability(given)
    except Wrong:
        return given


def _security_opt(given: str) -> str:
    try:
        return values.security_opt(given)
    except Wrong:
        return given


def _namespaces(host: t.Mapping[str, t.Any]) -> State:
    mode = str(host.get("NetworkMode") or "default")
    special = mode in ("none", "host", "default", "bridge") or mode.startswith("container:")
    return {
        "cgroup_parent": host.get("CgroupParent") or "",
        # An engine on a host without cgroup namespaces leaves this empty; its default is the host's.
        "cgroupns_mode": host.get("CgroupnsMode") or "host",
        "ipc_mode": host.get("IpcMode") or "private",
        "network_mode": {"default": "bridge"}.get(mode, mode) if special else "user",
        "pid_mode": host.get("PidMode") or "",
        "userns_mode": host.get("UsernsMode") or "",
        "uts_mode": host.get("UTSMode") or "",
    }


def _resources(host: t.Mapping[str, t.Any]) -> State:
    swappiness = host.get("MemorySwappiness")
    blkio = {
        key: host[key] for key in host if key.startswith("Blkio") and host[key]
    }  # none of them is an option; any is a difference
    return {
        "blkio": tuple(sorted((key, str(value)) for key, value in blkio.items())),
        "cpu_quota": host.get("CpuQuota") or 0,
        "cpu_shares": host.get("CpuShares") or 0,
        "cpus": host.get("NanoCpus") or 0,
        "cpuset_cpus": host.get("CpusetCpus") or "",
        "cpuset_mems": host.get("CpusetMems") or "",
        "memory": host.get("Memory") or 0,
        "memory_reservation": host.get("MemoryReservation") or 0,
        "memory_swap": host.get("MemorySwap") or 0,
        "memory_swappiness": None if swappiness in (None, -1) else swappiness,
        "oom_kill_disable": bool(host.get("OomKillDisable")),
        "oom_score_adj": host.get("OomScoreAdj") or 0,
        "pids_limit": max(host.get("PidsLimit") or 0, 0),
        "shm_size": host.get("ShmSize") or 0,
        "sysctls": dict(host.get("Sysctls") or {}),
        "ulimits": {limit["Name"]: (limit["Soft"], limit["Hard"]) for limit in host.get("Ulimits") or ()},
    }


def _storage(host: t.Mapping[str, t.Any]) -> State:
    return {
        "devices": tuple(
            sorted(
                f"{device.get('PathOnHost')}:{device.get('PathInContainer')}:{device.get('CgroupPermissions')}"
                for device in host.get("Devices") or ()
            )
        )
        + tuple(sorted(host.get("DeviceCgroupRules") or ())),
        "device_requests": tuple(str(request) for request in host.get("DeviceRequests") or ()),
        "storage_opts": dict(host.get("StorageOpt") or {}),
        "tmpfs": {path(target): _tmpfs(options or "") for target, options in (host.get("Tmpfs") or {}).items()},
        "volumes_from": tuple(host.get("VolumesFrom") or ()),
    }


def _tmpfs(options: str) -> dict[str, str]:
    try:
        return tmpfs.tmpfs_options(options)
    except Wrong:
        return {options: ""}


_UNBOUND: dict[str, str] = {}  # a port published without any binding: address and port are the engine's choice


def _wiring(host: t.Mapping[str, t.Any]) -> State:
    ports = frozenset(
        (port, _address(binding.get("HostIp")), _port(binding.get("HostPort")))
        for port, bindings in (host.get("PortBindings") or {}).items()
        for binding in bindings or [_UNBOUND]
    )
    dns = [*(host.get("Dns") or ()), *(host.get("DnsOptions") or ()), *(host.get("DnsSearch") or ())]
    return {
        "dns": tuple(dns),
        "extra_hosts": tuple(host.get("ExtraHosts") or ()),
        "links": tuple(host.get("Links") or ()),
        "publish_all_ports": bool(host.get("PublishAllPorts")),
        "published_ports": ports,
    }


def _address(given: str | None) -> str:
    try:
        return ports.address(given) if given else ""
    except Wrong:
        return str(given)


def _port(given: t.Any) -> str:
    return "" if given in (None, "", "0", 0) else str(given)


def _lifecycle(host: t.Mapping[str, t.Any]) -> State:
    log = host.get("LogConfig") or {}
    restart = host.get("RestartPolicy") or {}
    return {
        "auto_remove": bool(host.get("AutoRemove")),
        "groups": frozenset(host.get("GroupAdd") or ()),
        "init": bool(host.get("Init")),
        "log_driver": log.get("Type") or "",
        "log_options": dict(log.get("Config") or {}),
        "restart_policy": restart.get("Name") or "no",
        "restart_retries": restart.get("MaximumRetryCount") or 0,
        "runtime": host.get("Runtime") or "",
    }


def _mounts(inspect: t.Mapping[str, t.Any]) -> dict[str, values.Mount]:
    """The mounts in force: those asked for, and the anonymous volumes that the image declares."""
    found = {}
    for mount in inspect.get("Mounts") or ():
        kind, target = mount.get("Type", ""), path(mount["Destination"])
        source = mount.get("Name") if kind == "volume" else mount.get("Source")
        source = "" if kind == "volume" and _ANONYMOUS.match(source or "") else source or ""
        propagation = (mount.get("Propagation") or "rprivate") if kind == "bind" else ""
        found[target] = (target, kind, source, not mount.get("RW", True), propagation)
    return found


def _networks(inspect: t.Mapping[str, t.Any]) -> dict[str, Network]:
    """The networks by name; the aliases without those that the engine adds by itself."""
    own = {str(inspect.get("Id", ""))[:12], str(inspect.get("Name", "")).lstrip("/")}
    own.add(str((inspect.get("Config") or {}).get("Hostname", "")))
    found = {}
    for name, given in ((inspect.get("NetworkSettings") or {}).get("Networks") or {}).items():
        if name in ("none", "host"):
            continue
        endpoint = given or {}  # null where it has never been on the network yet
        fixed = endpoint.get("IPAMConfig") or {}
        found[name] = Network(
            name=name,
            aliases=frozenset(endpoint.get("Aliases") or ()) - own,
            ipv4_address=_address(fixed.get("IPv4Address")),
            ipv6_address=_address(fixed.get("IPv6Address")),
        )
    return found


def anonymous_volumes(inspect: t.Mapping[str, t.Any]) -> dict[str, str]:
    """The anonymous volumes' names by target; a successor is given the same ones, so no data is left behind."""
    return {
        path(mount["Destination"]): mount["Name"]
        for mount in inspect.get("Mounts") or ()
        if mount.get("Type") == "volume" and _ANONYMOUS.match(mount.get("Name") or "")
    }
