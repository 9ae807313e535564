# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From a canonical state to the bodies that the Engine API takes. Pure."""

from __future__ import annotations

import typing as t

from . import isolation, resources
from .records import HEALTH_DEFAULTS, Network
from .spec import Spec
from .state import ANY, DIGEST_LABEL, KEEP_LABEL, State

START_INTERVAL = HEALTH_DEFAULTS["start_interval"]
# Our limit and the engine's name for it; the first are always set.
_LIMITS = {"memory": "Memory", "memory_swap": "MemorySwap", "cpus": "NanoCpus", "pids_limit": "PidsLimit"}
_SHARES = {
    "memory_reservation": "MemoryReservation",
    "cpu_shares": "CpuShares",
    "cpuset_cpus": "CpusetCpus",
    "cpuset_mems": "CpusetMems",
    "blkio_weight": "BlkioWeight",
}


def create_body(spec: Spec, state: State, volumes: t.Mapping[str, str]) -> dict[str, t.Any]:
    """The body of POST /containers/create.

    volumes: the names of the predecessor's anonymous volumes by target, to be carried over.
    """
    body: dict[str, t.Any] = {
        "Image": spec.image,
        "Cmd": list(state["command"]) or None,
        "Entrypoint": list(state["entrypoint"]) or None,
        "Env": [f"{key}={value}" for key, value in state["env"].items() if value is not ANY],
        "User": state["user"],
        "WorkingDir": state["working_dir"],
        "Labels": _labels(state),
        "Healthcheck": _health(state["healthcheck"]),
        "StopSignal": state["stop_signal"],
        "StopTimeout": state["stop_timeout"],
        "ExposedPorts": {port: {} for port in sorted(state["exposed_ports"])},
        "HostConfig": _host_config(state, volumes),
    }
    if state["hostname"]:
        body["Hostname"] = state["hostname"]
    body.update(_asked({"Domainname": state["domainname"], "Tty": state["tty"], "OpenStdin": state["interactive"]}))
    body["HostConfig"].update(_opened(state))
    if spec.runtime:
        body["HostConfig"]["Runtime"] = spec.runtime
    first = next(iter(state["networks"].values()), None)
    # The default bridge takes no endpoint of its own, and Podman does not know it by that name.
    if first is not None and first.name != "bridge":
        body["NetworkingConfig"] = {"EndpointsConfig": {first.name: endpoint(first)}}
    return body


def _labels(state: State) -> dict[str, str]:
    """With the digest that the image's name stands for now; it is told and not compared."""
    beside = {DIGEST_LABEL: state["image_digest"], KEEP_LABEL: state["keep_previous"]}
    return {**state["labels"], **{key: value for key, value in beside.items() if value is not None}}


def _host_config(state: State, volumes: t.Mapping[str, str]) -> dict[str, t.Any]:
    first = next(iter(state["networks"]), state["network_mode"])
    return {
        **update_body(state),
        "CapAdd": sorted(state["capabilities"]),
        "CapDrop": sorted(state["cap_drop"]),
        "Init": state["init"],
        "IpcMode": state["ipc_mode"],
        "LogConfig": {"Type": state["log_driver"], "Config": state["log_options"]},
        "Mounts": [_mount(mount, volumes) for mount in state["mounts"].values()],
        "NetworkMode": first,
        "PortBindings": _port_bindings(state),
        "ReadonlyRootfs": state["read_only"],
        "SecurityOpt": sorted(state["security_opts"]),
        "ShmSize": state["shm_size"],
        "Sysctls": state["sysctls"],
        "Tmpfs": {target: _flags(options) for target, options in state["tmpfs"].items()},
        "Ulimits": [
            {"Name": name, "Soft": soft, "Hard": hard} for name, (soft, hard) in sorted(state["ulimits"].items())
        ],
    }


def _asked(keys: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What was asked for; an engine is not told of the rest, which an older or newer one may not know."""
    return {key: value for key, value in keys.items() if value and value is not ANY}


def _opened(state: State) -> dict[str, t.Any]:
    """What opens or shapes the isolation, and limits that do not change on a living container."""
    body = _asked(
        {
            "CgroupParent": state["cgroup_parent"],
            "CgroupnsMode": state["cgroupns_mode"],
            "DeviceCgroupRules": list(state["device_cgroup_rules"]),
            "DeviceRequests": [_device_request(request) for request in state["device_requests"]],
            "Devices": [_device(device) for device in state["devices"]],
            "Dns": list(state["dns_servers"]),
            "DnsOptions": list(state["dns_opts"]),
            "DnsSearch": list(state["dns_search_domains"]),
            "ExtraHosts": [f"{name}:{where}" for name, where in sorted(state["etc_hosts"].items())],
            "GroupAdd": sorted(state["groups"]),
            "OomKillDisable": state["oom_killer"],
            "OomScoreAdj": state["oom_score_adj"],
            "PidMode": state["pid_mode"],
            "Privileged": state["privileged"],
            "StorageOpt": state["storage_opts"],
            "UTSMode": state["uts"],
            "UsernsMode": state["userns_mode"],
        }
    )
    for ours, theirs in resources.RATES.items():
        if state[ours] and state[ours] is not ANY:
            body[theirs] = [{"Path": path, "Rate": rate} for path, rate in state[ours]]
    if state["memory_swappiness"] is not None and state["memory_swappiness"] is not ANY:
        body["MemorySwappiness"] = state["memory_swappiness"]  # 0 is a value of its own
    if state["system_paths"] == "unconfined" and not state["privileged"]:
        body.update(MaskedPaths=[], ReadonlyPaths=[])
    return body


def _device(given: str) -> dict[str, str]:
    host, inside, allowed = given.split(":")
    return {"PathOnHost": host, "PathInContainer": inside, "CgroupPermissions": allowed}


def _device_request(given: isolation.DeviceRequest) -> dict[str, t.Any]:
    return {
        "Driver": given.driver,
        "Count": given.count,
        "DeviceIDs": list(given.device_ids) or None,
        "Capabilities": [list(group) for group in given.capabilities],
        "Options": dict(given.options),
    }


def update_body(state: State) -> dict[str, t.Any]:
    """The body of POST /containers/ID/update: the limits that change on a living container.

    There 0 and empty mean "leave as it is", so the limits that were not asked for are left out.
    """
    body: dict[str, t.Any] = {theirs: state[ours] for ours, theirs in _LIMITS.items() if state[ours] is not ANY}
    body.update(_asked({theirs: state[ours] for ours, theirs in _SHARES.items()}))
    body["RestartPolicy"] = {"Name": state["restart_policy"], "MaximumRetryCount": state["restart_retries"]}
    return body


def endpoint(network: Network) -> dict[str, t.Any]:
    fixed = {"IPv4Address": network.ipv4_address, "IPv6Address": network.ipv6_address}
    return {"Aliases": sorted(network.aliases), "IPAMConfig": {key: value for key, value in fixed.items() if value}}


def _health(check: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    if check is None:
        return {"Test": ["NONE"]}
    return {
        "Test": list(check["test"]),
        "Interval": check["interval"],
        "Timeout": check["timeout"],
        "StartPeriod": check["start_period"],
        # Older engines do not know it; 5 s is what it is without.
        **({"StartInterval": check["start_interval"]} if check["start_interval"] != START_INTERVAL else {}),
        "Retries": check["retries"],
    }


def _mount(mount: tuple[str, str, str, bool, str], volumes: t.Mapping[str, str]) -> dict[str, t.Any]:
    target, kind, source, read_only, propagation = mount
    body: dict[str, t.Any] = {"Target": target, "Type": kind, "ReadOnly": read_only}
    name = source or volumes.get(target, "")
    if name:
        body["Source"] = name
    if propagation:
        body["BindOptions"] = {"Propagation": propagation}
    return body


def _flags(options: t.Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" if value else key for key, value in sorted(options.items()))


def _port_bindings(state: State) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for inner, host, outer in sorted(state["published_ports"]):
        found.setdefault(inner, []).append({"HostIp": host, "HostPort": outer})
    return found
