# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The whole effective state of a container in one canonical form. Pure.

`resolve` makes it from a spec, with the image's configuration and the daemon's defaults; `observe.observe` makes it
from what the engine reports. Both fill the same fields, so the comparison sees options that the user never named,
and what somebody added behind the playbook's back.
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass, replace

from . import references, tmpfs, values
from .records import HEALTH_DEFAULTS, Network
from .spec import Spec
from .units import Wrong

State = t.Dict[str, t.Any]
ANY: t.Any = object()  # stands for a value that is not compared


class AtLeast(t.Dict[str, t.Any]):
    """A map that may hold more in the container: what an engine adds by itself, which it tells nobody."""


INTERNAL_SUFFIX = "-internal"  # ends the name of the project's network without a way out
PROJECT_LABEL = f"{values.LABEL_PREFIX}project"
WAIVERS_LABEL = f"{values.LABEL_PREFIX}waivers"
DRIFT_LABEL = f"{values.LABEL_PREFIX}drift_ignore"
DIGEST_LABEL = f"{values.LABEL_PREFIX}image_digest"
KEEP_LABEL = f"{values.LABEL_PREFIX}keep_previous"  # tells a kept generation from what a killed run left

# What no option of a spec sets: the container's value must be the one that isolates.
FIXED: State = {
    "auto_remove": False,
    "blkio_weight_device": (),
    "cpu_quota": 0,
    "links": (),
    "mac_address": "",
    "publish_all_ports": False,
    "system_paths": "masked",
    "volumes_from": (),
}

# Limits that a kernel may be unable to hold; without the ability they are left out and not compared.
LIMITS = frozenset(
    "memory memory_swap memory_reservation memory_swappiness oom_killer cpus cpu_shares cpuset_cpus cpuset_mems"
    " pids_limit blkio_weight device_read_bps device_read_iops device_write_bps device_write_iops".split()
)
UNCONFINED_PATHS = "systempaths=unconfined"
NO_LABEL = "label=disable"


@dataclass(frozen=True)
class Image:
    """What an image brings: its id and the parts of its configuration that a container inherits."""

    id: str
    config: t.Mapping[str, t.Any]
    digests: tuple[str, ...] = ()
    size: int | None = None  # bytes, as the engine counts them

    def get(self, key: str) -> t.Any:
        return self.config.get(key)


@dataclass(frozen=True)
class Daemon:
    """What an engine adds to a container by itself, and which limits it can hold."""

    id: str = ""
    version: str = ""
    api_version: str = "1.41"
    runtime: str = "runc"
    log_driver: str = "json-file"
    cpus: int = 0  # how many the host has; 0 where that is not known
    limits: frozenset[str] = LIMITS
    runtimes: frozenset[str] = frozenset()  # empty where that is not known
    apparmor: bool = False
    root: str = ""  # where its data lie
    podman: bool = False
    cgroup_version: str = "2"
    rootless: bool = False
    shift: tuple[int, int] = (0, 0)  # the host's ids of the root inside; (-1, -1) where they cannot be known
    # Whether what passes within a bridge goes through the packet filter. From 28 on the engine sees to it itself.
    bridge_filter: bool = True

    @property
    def plain_id(self) -> str:
        """The engine's id with what may stand in a file's name."""
        return re.sub(r"[^A-Za-z0-9-]", "", self.id)[:40]

    @property
    def major(self) -> int:
        """The engine's version, 0 where it says none."""
        first = self.version.partition(".")[0]
        return int(first) if first.isdigit() else 0

    @property
    def api(self) -> tuple[int, ...]:
        return tuple(map(int, self.api_version.split(".")))


def resolve(spec: Spec, image: Image, daemon: Daemon, project: str) -> State:
    """The state that the spec means on this engine with this image."""
    inherited: dict[str, str] = dict(image.get("Labels") or {})
    # An image that was made of one of our containers has the labels too; they must not be taken for its own.
    stale, kept = ("" if inherited.pop(label, None) is not None else None for label in (DIGEST_LABEL, KEEP_LABEL))
    user = spec.user or str(image.get("User") or "")
    state: State = {
        **FIXED,
        "image": image.id,
        "image_digest": references.digest(image.digests, str(spec.image)) or stale,
        "keep_previous": "true" if spec.keep_previous else kept,
        "user": user,
        "working_dir": working_dir(spec.working_dir or image.get("WorkingDir")),
        "hostname": spec.hostname or "",
        "env": {**env_map(image.get("Env")), **spec.env},
        "labels": {**inherited, **spec.labels, **own_labels(spec, project, image)},
        "healthcheck": health(image.get("Healthcheck"), spec.healthcheck),
        "stop_signal": spec.stop_signal or stop_signal(image.get("StopSignal")),
        "exposed_ports": _exposed_ports(spec, image),
        "secrets": {},  # the files are placed by the run, which knows their owners and where they lie
        "mounts": _mounts(spec, image),
        "tmpfs": tmpfs.owned(spec.tmpfs, user),
        "ulimits": dict(spec.ulimits),
        # Where the driver is the daemon's own, the daemon adds its options for it.
        "log_options": (AtLeast if spec.log_driver == daemon.log_driver else dict)(spec.log_options),
        "runtime": spec.runtime or daemon.runtime,
    }
    state.update(_command(spec, image))
    state.update(_networks(spec, project))
    for same in _SAME:
        state[same] = getattr(spec, same)
    state.update(_security(spec))
    state.update(dict.fromkeys(LIMITS - daemon.limits, ANY))
    return state


def _security(spec: Spec) -> State:
    """The security options as an engine holds them: the paths apart, and the label that it drops by itself."""
    opts = spec.security_opts - {UNCONFINED_PATHS}
    labelled = any(opt.startswith("label=") for opt in opts)
    if not labelled and (spec.privileged or "host" in (spec.pid_mode, spec.ipc_mode)):
        opts |= {NO_LABEL}
    bare = spec.privileged or UNCONFINED_PATHS in spec.security_opts
    return {"security_opts": opts, "system_paths": "unconfined" if bare else "masked"}


def _exposed_ports(spec: Spec, image: Image) -> frozenset[str]:
    published = {port[0] for port in spec.published_ports}
    return frozenset(protocol(port) for port in image.get("ExposedPorts") or ()) | spec.exposed_ports | published


def protocol(port: str) -> str:
    """A port as `port/protocol`, for tcp may be left unsaid."""
    return port if "/" in port else f"{port}/tcp"


def own_network(spec: Spec, project: str) -> str:
    """The network of the project that the container is attached to where it names none."""
    return project + INTERNAL_SUFFIX if spec.internal else project


def _networks(spec: Spec, project: str) -> State:
    """Without `networks`, the project's own network; an empty list is no network at all."""
    attached = (Network(own_network(spec, project)),) if spec.networks is None else spec.networks
    names = [network.name for network in attached]
    special = [name for name in names if name in ("host", "none", "bridge")]
    mode = special[0] if special else "user" if names else "none"
    kept = attached if mode in ("user", "bridge") else ()
    # Its own names it has on each network anyway; some engines say so and some do not.
    own = {spec.name, spec.hostname or ""}
    wanted = [replace(network, aliases=network.aliases - own) for network in kept]
    return {"network_mode": mode, "networks": {network.name: network for network in wanted}}


_SAME = (
    "blkio_weight cap_drop capabilities cgroup_parent cgroupns_mode cpu_shares cpus cpuset_cpus cpuset_mems"
    " device_cgroup_rules device_read_bps device_read_iops device_requests device_write_bps device_write_iops devices"
    " dns_opts dns_search_domains dns_servers domainname etc_hosts groups init interactive ipc_mode log_driver memory"
    " memory_reservation memory_swap memory_swappiness oom_killer oom_score_adj pid_mode pids_limit privileged"
    " published_ports read_only restart_policy restart_retries shm_size stop_timeout storage_opts sysctls"
    " tty userns_mode uts"
).split()


def own_labels(spec: Spec, project: str, image: Image) -> dict[str, str]:
    """The labels by which a container is known as ours, with its waivers for whoever inspects it."""
    found = {PROJECT_LABEL: project}
    if spec.waivers:
        waived = [waiver.as_dict() for waiver in sorted(spec.waivers, key=lambda each: each.control)]
        found[WAIVERS_LABEL] = json.dumps(waived, sort_keys=True)
    # An image must not excuse itself from being looked at.
    if spec.drift_ignore or DRIFT_LABEL in (image.get("Labels") or {}):
        found[DRIFT_LABEL] = json.dumps(spec.drift_ignore)
    return found


def _command(spec: Spec, image: Image) -> State:
    # An entrypoint of its own drops the image's command, as the engine does.
    inherited = None if spec.entrypoint is not None else image.get("Cmd")
    command = spec.command if spec.command is not None else tuple(inherited or ())
    entrypoint = spec.entrypoint if spec.entrypoint is not None else tuple(image.get("Entrypoint") or ())
    return {"command": command, "entrypoint": entrypoint}


def _mounts(spec: Spec, image: Image) -> dict[str, values.Mount]:
    found = {mount[0]: mount for mount in spec.mounts}
    for declared in image.get("Volumes") or ():
        target = path(declared)
        if target not in found and target not in spec.tmpfs:
            found[target] = (target, "volume", "", False, "")
    return found


def env_map(given: t.Iterable[str] | None) -> dict[str, str]:
    return dict(item.partition("=")[::2] for item in given or ())


def path(given: t.Any) -> str:
    """A path of an image or a container, normalised; one that no option would take stays as it is."""
    try:
        return values.path(given)
    except Wrong:
        return str(given)


def working_dir(given: str | None) -> str:
    return path(given) if given else "/"


def stop_signal(given: t.Any) -> str:
    try:
        return values.stop_signal(given or "SIGTERM")
    except Wrong:
        return str(given)


def health(inherited: t.Mapping[str, t.Any] | None, given: t.Mapping[str, t.Any] | None) -> t.Any:
    """The check in force: each part from the spec, else from the image, else the engine's default; None for none."""
    parts: dict[str, t.Any] = dict(health_parts(inherited))
    # A time of 0 is one that was not given: the engine takes the image's for it.
    parts.update({key: value for key, value in (given or {}).items() if value})
    if not parts.get("test") or parts["test"] == ("NONE",):
        return None
    timing = {key: parts.get(key) or default for key, default in HEALTH_DEFAULTS.items()}
    return {"test": parts["test"], **timing}


def health_parts(raw: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """The engine's form of a check (``Test``, ``Interval`` in nanoseconds) under our names, unset parts left out."""
    raw = raw or {}
    names = {
        "interval": "Interval",
        "timeout": "Timeout",
        "start_period": "StartPeriod",
        "start_interval": "StartInterval",
        "retries": "Retries",
    }
    found = {ours: raw[theirs] for ours, theirs in names.items() if raw.get(theirs)}
    if raw.get("Test"):
        found["test"] = tuple(raw["Test"])
    return found
