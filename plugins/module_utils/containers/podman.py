# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Podman behind its Docker-compatible socket: what it tells otherwise than Docker, and what it cannot do. Pure.

`as_docker` makes of its inspects what Docker would have said, so that nothing behind it has to know; `adapted` makes of
what a spec means on Docker what it means here. What Podman does not tell again as it was asked is kept in a label.
"""

from __future__ import annotations

import copy
import json
import typing as t
from dataclasses import replace

from ..errors import Fault
from . import values
from .networks import NetworkSpec
from .observe_host import MASKED, READ_ONLY
from .spec import Spec
from .state import ANY, Daemon, State
from .tmpfs import tmpfs_options
from .units import MIB
from .volumes import VolumeSpec

Json = t.Dict[str, t.Any]
Inspect = t.Mapping[str, t.Any]

ASKED_LABEL = f"{values.LABEL_PREFIX}asked"
# It mounts a tmpfs there in each read-only container: without a size, unless we say one.
SCRATCH = "/var/tmp"
_SCRATCH_OPTIONS = tmpfs_options(f"noexec,nosuid,nodev,size={16 * MIB},mode=1777")
_OWN_ENV = ("HOME", "HOSTNAME", "TERM", "container")  # set by itself where nobody else does
_OWN_FLAGS = frozenset(("rw", "rprivate", "tmpcopyup"))
_OWN_SYSCTLS = {"net.ipv4.ping_group_range": ("0 0", "0\t0")}  # of the distributions' containers.conf
# Annotations that it makes itself, of what the inspect says elsewhere.
_OWN_ANNOTATIONS = ("io.container.manager", "io.podman.annotations.", "io.kubernetes.cri-o.",
                    "org.opencontainers.image.stopSignal", "org.systemd.property.KillSignal",
                    "org.systemd.property.TimeoutStopUSec")  # fmt: skip
_CPU_STEP = 10**4  # in nano-CPUs; it counts in microseconds of a tenth of a second
_DEFAULT_NETWORK = "podman"
_LOG_DRIVERS = ("journald", "json-file", "local", "none")
_LOG_OPTIONS = frozenset(("max-size", "max-file", "tag"))
_TMPFS = frozenset("size mode exec noexec suid nosuid dev nodev ro".split())


def as_docker(inspect: Inspect, native: Inspect, runtime: Inspect | None) -> Json:
    """The inspect as Docker would give it.

    native: Podman's own inspect of the container. runtime: the configuration that its OCI runtime was given; None where
    it cannot be read or was never started, and the label then says what was asked.
    """
    found: Json = copy.deepcopy(dict(inspect))
    host, config = (found.setdefault(key, {}) for key in ("HostConfig", "Config"))
    theirs, asked = native.get("HostConfig") or {}, _asked(config.get("Labels"))
    bounding = () if host.get("Privileged") else native.get("BoundingCaps") or ()
    host.update(
        CapDrop=["ALL"],
        CapAdd=sorted(name.replace("CAP_", "", 1) for name in bounding),
        CgroupnsMode=theirs.get("CgroupMode") or host.get("CgroupnsMode") or "",
        IpcMode=_plain(host.get("IpcMode"), shareable="private"),
        UTSMode=_plain(host.get("UTSMode"), private=""),
        Runtime=native.get("OCIRuntime") or "",
        Tmpfs={target: _tmpfs(given) for target, given in (host.get("Tmpfs") or {}).items()},
        PortBindings=_bindings(host.get("PortBindings") or {}, asked.get("ports", [])),
    )
    if host.get("NanoCpus"):
        host.update(CpuPeriod=0, CpuQuota=0)  # the same once more
    for limit in host.get("Ulimits") or ():
        limit["Name"] = str(limit.get("Name")).replace("RLIMIT_", "", 1).lower()
    noted = (host.pop("Annotations", None) or {}).items()  # told by newer ones
    host.update(Annotations={key: value for key, value in noted if not key.startswith(_OWN_ANNOTATIONS)})
    host["LogConfig"] = {**(host.get("LogConfig") or {}), "Config": asked.get("log_options", {})}
    _from_runtime(host, runtime, asked)
    _networks(found, host, asked.get("addresses", {}))
    config["Entrypoint"] = [each for each in config.get("Entrypoint") or () if each]  # an empty word means none
    own = f"HOSTNAME={config.get('Hostname')}"
    if str(found.get("Id", "")).startswith(str(config.get("Hostname"))):
        config["Env"] = [each for each in config.get("Env") or () if each != own]
    if not ((found.get("State") or {}).get("Health") or {}).get("Status"):
        (found.get("State") or {}).pop("Health", None)
    return found


def _asked(labels: t.Any) -> Json:
    try:
        found = json.loads((labels or {}).get(ASKED_LABEL, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _plain(given: t.Any, **names: str) -> str:
    return names.get(str(given or ""), str(given or ""))


def _tmpfs(given: str | None) -> str:
    return ",".join(word for word in (given or "").split(",") if word not in _OWN_FLAGS)


def _bindings(given: t.Mapping[str, t.Any], asked: t.Any) -> Json:
    """A host's port that was left to the engine is left to it here too."""
    found = copy.deepcopy(dict(given))
    for inner, host in asked:
        free = next((each for each in found.get(inner) or () if (each.get("HostIp") or "") == host), None)
        if free is not None:
            free["HostPort"] = ""
    return found


def _from_runtime(host: Json, runtime: Inspect | None, asked: t.Mapping[str, t.Any]) -> None:
    """What only the OCI runtime's configuration tells."""
    if runtime is None:
        host.update(MaskedPaths=sorted(MASKED), ReadonlyPaths=sorted(READ_ONLY), Sysctls=asked.get("sysctls", {}))
        return
    linux = runtime.get("linux") or {}
    sysctls = linux.get("sysctl") or {}
    kept = {key: value for key, value in sysctls.items() if value not in _OWN_SYSCTLS.get(key, ())}
    own = {key: value for key, value in asked.get("sysctls", {}).items() if sysctls.get(key) == value}
    host.update(
        MaskedPaths=linux.get("maskedPaths") or [],
        ReadonlyPaths=linux.get("readonlyPaths") or [],
        Sysctls={**kept, **own},
    )
    opts = host.get("SecurityOpt") or []
    if not linux.get("seccomp") and not host.get("Privileged") and not any("seccomp" in opt for opt in opts):
        host["SecurityOpt"] = [*opts, "seccomp=unconfined"]
    nodes: Json = {each.get("path"): (each.get("major"), each.get("minor")) for each in linux.get("devices") or ()}
    rules = (linux.get("resources") or {}).get("devices") or ()
    access: dict[t.Any, t.Any] = {
        (each.get("major"), each.get("minor")): each.get("access") for each in rules if each.get("allow")
    }
    for device in host.get("Devices") or ():
        device["CgroupPermissions"] = access.get(nodes.get(device.get("PathInContainer"))) or "rwm"


def _networks(found: Json, host: Json, addresses: t.Mapping[str, str]) -> None:
    settings = found.get("NetworkSettings") or {}
    known = {
        "bridge" if name == _DEFAULT_NETWORK else name: each for name, each in (settings.get("Networks") or {}).items()
    }
    settings["Networks"] = known
    if host.get("NetworkMode") == "bridge" and known and "bridge" not in known:
        host["NetworkMode"] = next(iter(known))
    for name, endpoint in known.items():
        fixed = addresses.get(name)
        if fixed and endpoint and endpoint.get("IPAddress") in ("", None, fixed):
            endpoint["IPAMConfig"] = {"IPv4Address": fixed}


def adapted(state: State, daemon: Daemon) -> State:
    """What the state that a spec means on Docker means on Podman."""
    found = {**state, "env": {**dict.fromkeys(_OWN_ENV, ANY), **state["env"]}}
    # It knows no owner of a tmpfs.
    found["tmpfs"] = {
        target: {key: value for key, value in given.items() if key not in ("uid", "gid")}
        for target, given in state["tmpfs"].items()
    }
    if state["read_only"] and SCRATCH not in (*state["tmpfs"], *state["mounts"]):
        found["tmpfs"][SCRATCH] = dict(_SCRATCH_OPTIONS)
    found["cpus"] = state["cpus"] if state["cpus"] is ANY else state["cpus"] // _CPU_STEP * _CPU_STEP
    found["log_options"] = {key: value for key, value in state["log_options"].items() if key != "max-file"}
    if state["log_driver"] == "local":
        found["log_driver"] = "json-file"  # Podman's own, k8s-file, by the name that its socket gives it
    if daemon.cgroup_version == "1":
        found["cgroupns_mode"] = ANY
    asked = {
        "addresses": {each.name: each.ipv4_address for each in state["networks"].values() if each.ipv4_address},
        "log_options": found["log_options"],
        "ports": sorted([inner, host] for inner, host, outer in state["published_ports"] if not outer),
        "sysctls": state["sysctls"],
    }
    told = json.dumps({key: value for key, value in asked.items() if value}, sort_keys=True)
    found["labels"] = {**state["labels"], ASKED_LABEL: told}
    return found


def faults(spec: Spec) -> t.Iterator[Fault]:
    """What of the spec Podman cannot do, or does not tell whether it did."""
    where = f"container {spec.name!r}"
    if "ALL" not in spec.cap_drop and not spec.privileged:
        remedy = "write ALL, and name in capabilities what is needed"
        yield Fault(where, "cap_drop", sorted(spec.cap_drop), "cannot be compared on Podman", remedy)
    if spec.log_driver not in _LOG_DRIVERS:
        remedy = f"use {', '.join(_LOG_DRIVERS)}; journald leads to every collector"
        yield Fault(where, "log_driver", spec.log_driver, "is not a log driver of Podman's socket", remedy)
    for option in sorted(set(spec.log_options) - _LOG_OPTIONS):
        yield Fault(where, "log_options", option, "is not a log option of Podman", "leave it out")
    for target, options in sorted(spec.tmpfs.items()):
        for option in sorted(set(options) - _TMPFS):
            yield Fault(where, "tmpfs", target, f"has {option}, which Podman does not know", "use size and mode")
    if spec.device_cgroup_rules:
        yield Fault(where, "device_cgroup_rules", "rules", "are not taken by Podman's socket", "name devices")
    for opt in sorted(spec.security_opts):
        if opt.startswith(("seccomp={", "systempaths=")):
            option = opt.partition("=")[0]
            yield Fault(where, "security_opts", option, "is not taken by Podman's socket", "leave it out")
    if spec.keep_previous and spec.restart_policy == "always":
        remedy = "set restart_policy: unless-stopped"
        yield Fault(where, "restart_policy", "always", "would start the kept generation too on Podman", remedy)


def volume_faults(specs: t.Iterable[VolumeSpec]) -> t.Iterator[Fault]:
    for each in specs:
        if each.driver == "local" and each.driver_options.get("type") == "tmpfs":
            problem, remedy = "has a size, which Podman takes for a quota", "use the option tmpfs of a container"
            yield Fault(f"volume {each.name!r}", "driver_options", "tmpfs", problem, remedy)


def networks(specs: t.Sequence[NetworkSpec]) -> tuple[list[NetworkSpec], list[str]]:
    """The networks as Podman can make them, and what of them it cannot hold."""
    found, said = [], []
    for each in specs:
        open_within = each.icc is False and each.state == "present" and not each.implied
        open_to_host = each.internal and not each.host_access and each.state == "present"
        lost = ["icc: false"] * open_within + ["host_access: false"] * open_to_host
        if lost:
            said.append(f"network {each.name!r}: {' and '.join(lost)} cannot be held by Podman, and is left out")
        found.append(replace(each, icc=None, host_access=each.internal))
    return found, said
