# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The part ``HostConfig`` of an inspect in the canonical form of `state`. Pure."""

from __future__ import annotations

import typing as t

from . import isolation, ports, resources, tmpfs, values
from .state import State, path, protocol
from .units import Wrong

# Every engine masks at least these; a container without them was started with system paths unconfined.
MASKED = frozenset({"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"})
READ_ONLY = frozenset({"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"})

# Parts of HostConfig that are read below, that only Windows has, or that say nothing of the container's powers.
_READ = frozenset(
    "AutoRemove Binds BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps BlkioDeviceWriteIOps"
    " BlkioWeight BlkioWeightDevice CapAdd CapDrop Cgroup CgroupParent CgroupnsMode ConsoleSize ContainerIDFile"
    " CpuCount CpuPercent CpuPeriod CpuQuota CpuShares CpusetCpus CpusetMems"
    " DeviceCgroupRules DeviceRequests Devices Dns DnsOptions DnsSearch ExtraHosts GroupAdd IOMaximumBandwidth"
    " IOMaximumIOps Init IpcMode Isolation Links LogConfig MaskedPaths Memory"
    " MemoryReservation MemorySwap MemorySwappiness Mounts NanoCpus NetworkMode OomKillDisable OomScoreAdj PidMode"
    " PidsLimit PortBindings Privileged PublishAllPorts ReadonlyPaths ReadonlyRootfs RestartPolicy Runtime SecurityOpt"
    " ShmSize StorageOpt Sysctls Tmpfs UTSMode Ulimits UsernsMode VolumesFrom".split()
)


def host_state(host: t.Mapping[str, t.Any]) -> State:
    """What the engine holds of the host's side; a part that nobody here knows comes under its own name."""
    state: State = {}
    for part in (_security, _namespaces, _resources, _storage, _wiring, _lifecycle):
        state.update(part(host))
    for key in sorted(set(host) - _READ):
        if host[key]:
            state[f"host_config.{key}"] = host[key]
    return state


def _security(host: t.Mapping[str, t.Any]) -> State:
    masked, read_only = host.get("MaskedPaths"), host.get("ReadonlyPaths")
    covered = set(masked or ()) >= MASKED and set(read_only or ()) >= READ_ONLY
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
        "pid_mode": {"private": ""}.get(host.get("PidMode") or "", host.get("PidMode") or ""),
        "userns_mode": host.get("UsernsMode") or "",
        "uts": host.get("UTSMode") or "",
    }


def _resources(host: t.Mapping[str, t.Any]) -> State:
    swappiness, nano = host.get("MemorySwappiness"), int(host.get("NanoCpus") or 0)
    # Some engines tell the processors as a quota of a period too.
    same = nano and int(host.get("CpuQuota") or 0) * 10**9 == nano * int(host.get("CpuPeriod") or 0)
    state: State = {
        "blkio_weight": host.get("BlkioWeight") or 0,
        "blkio_weight_device": tuple(sorted(map(str, host.get("BlkioWeightDevice") or ()))),
        "cpu_quota": 0 if same else host.get("CpuQuota") or 0,
        "cpu_shares": host.get("CpuShares") or 0,
        "cpus": nano,
        "cpuset_cpus": _cpuset(host.get("CpusetCpus")),
        "cpuset_mems": _cpuset(host.get("CpusetMems")),
        "memory": host.get("Memory") or 0,
        "memory_reservation": host.get("MemoryReservation") or 0,
        "memory_swap": host.get("MemorySwap") or 0,
        "memory_swappiness": None if swappiness in (None, -1) else swappiness,
        "oom_killer": bool(host.get("OomKillDisable")),
        "oom_score_adj": host.get("OomScoreAdj") or 0,
        "pids_limit": max(host.get("PidsLimit") or 0, 0),
        "shm_size": host.get("ShmSize") or 0,
        "sysctls": dict(host.get("Sysctls") or {}),
        "ulimits": {_ulimit(limit["Name"]): (limit["Soft"], limit["Hard"]) for limit in host.get("Ulimits") or ()},
    }
    for ours, theirs in resources.RATES.items():
        state[ours] = tuple(sorted((rate["Path"], rate["Rate"]) for rate in host.get(theirs) or ()))
    if host.get("CpuPeriod") and not same:
        state["host_config.CpuPeriod"] = host["CpuPeriod"]
    return state


def _cpuset(given: str | None) -> str:
    try:
        return resources.cpuset(given) if given else ""
    except Wrong:
        return str(given)


def _ulimit(name: str) -> str:
    return name[len("RLIMIT_") :].lower() if name.startswith("RLIMIT_") else name


def _storage(host: t.Mapping[str, t.Any]) -> State:
    state: State = {
        "devices": tuple(sorted(_device(device) for device in host.get("Devices") or ())),
        "device_cgroup_rules": tuple(sorted({_cgroup_rule(rule) for rule in host.get("DeviceCgroupRules") or ()})),
        "device_requests": tuple(sorted(_device_request(request) for request in host.get("DeviceRequests") or ())),
        "storage_opts": dict(host.get("StorageOpt") or {}),
        "tmpfs": {path(target): _tmpfs(options or "") for target, options in (host.get("Tmpfs") or {}).items()},
        "volumes_from": tuple(host.get("VolumesFrom") or ()),
    }
    odd = [each for each in map(_odd_mount, host.get("Mounts") or ()) if each]
    return {**state, "host_config.Mounts": "; ".join(sorted(odd))} if odd else state


def _odd_mount(mount: t.Mapping[str, t.Any]) -> str:
    """What of a mount no option sets: a part of a volume, a read-only bind that is writable below, and the like."""
    found = {}
    for kind in ("BindOptions", "VolumeOptions", "TmpfsOptions", "ImageOptions"):
        found.update({key: value for key, value in (mount.get(kind) or {}).items() if value and key != "Propagation"})
    return f"{mount.get('Target')} {found}" if found else ""


def _device(given: t.Mapping[str, t.Any]) -> str:
    allowed = isolation.permissions(str(given.get("CgroupPermissions") or "rwm"))
    return f"{path(given.get('PathOnHost'))}:{path(given.get('PathInContainer'))}:{allowed}"


def _cgroup_rule(given: str) -> str:
    try:
        return isolation.cgroup_rule(given)
    except Wrong:
        return given


def _device_request(given: t.Mapping[str, t.Any]) -> isolation.DeviceRequest:
    return isolation.DeviceRequest(
        driver=given.get("Driver") or "",
        count=given.get("Count") or 0,
        device_ids=tuple(sorted(given.get("DeviceIDs") or ())),
        capabilities=tuple(sorted(tuple(sorted(group)) for group in given.get("Capabilities") or ())),
        options=tuple(sorted((given.get("Options") or {}).items())),
    )


def _tmpfs(options: str) -> dict[str, str]:
    try:
        return tmpfs.tmpfs_options(options)
    except Wrong:
        return {options: ""}


_UNBOUND: dict[str, str] = {}  # a port published without any binding: address and port are the engine's choice


def _wiring(host: t.Mapping[str, t.Any]) -> State:
    published = frozenset(
        (protocol(port), _bound(binding.get("HostIp")), _port(binding.get("HostPort")))
        for port, bindings in (host.get("PortBindings") or {}).items()
        for binding in bindings or [_UNBOUND]
    )
    return {
        "dns_servers": tuple(address(server) for server in host.get("Dns") or ()),
        "dns_opts": tuple(host.get("DnsOptions") or ()),
        "dns_search_domains": tuple(host.get("DnsSearch") or ()),
        "etc_hosts": _etc_hosts(host.get("ExtraHosts") or ()),
        "links": tuple(host.get("Links") or ()),
        "publish_all_ports": bool(host.get("PublishAllPorts")),
        "published_ports": published,
    }


def _etc_hosts(given: t.Iterable[str]) -> dict[str, str]:
    """Addresses by name; of a name that has several, all of them."""
    found: dict[str, list[str]] = {}
    for line in given:
        name, _colon, where = line.partition(":")
        found.setdefault(name, []).append(address(where))
    return {name: ", ".join(sorted(where)) for name, where in found.items()}


def address(given: str | None) -> str:
    try:
        return ports.address(given) if given else ""
    except Wrong:
        return str(given)


def _bound(given: str | None) -> str:
    try:
        return ports.bound(given) if given else ""
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
