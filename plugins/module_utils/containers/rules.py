# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules: what in the canonical state of a container, or beside it, breaks each control. Pure."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass, field

from ..controls.container import DANGEROUS_CAPABILITIES
from . import references, rules_mounts
from .rules_secrets import env_secrets
from .state import ANY, State
from .units import format_size

if t.TYPE_CHECKING:  # few runs look that far
    from .drift import Drift
    from .programs import Programs

_IMAGE_ID = re.compile(r"\A(?:sha256:)?[0-9a-f]{64}\Z")
_ZERO = re.compile(r"\A[+-]?0+\Z")  # the engine reads a user as a number first
_UNCONFINED_TYPES = ("type:spc_t", "type:unconfined_t", "type:unconfined_service_t")  # SELinux's, in name only
_ROOTS_GROUPS = frozenset("root disk docker kmem mem shadow sudo wheel".split())

ONE_APPLICATION = "container.one_application"


class NotJudged(str):
    """In place of evidence: why the control does not apply."""


Evidence = t.Optional[str]  # what breaks the control, or None where it holds


@dataclass(frozen=True)
class Context:
    """What is judged beside the state.

    image: the reference by which the image was named. name: the container's, where it is known.
    real_paths: what the paths of the host that are mounted really are, where that is another one and known.
    volumes: what of the host volumes hand in, by their names. data_root: where the engine's data lie, if known.
    programs: the distinct programs that run inside, or None where nobody has looked.
    drift: what was changed in the file system and not declared, or None where nobody has looked.
    allowed_images: the repositories that images may come from, as `references` has them; none is every one.
    image_size: in bytes; None where it is not known (yet). max_image_size: 0 is no limit.
    pulled: whether the image came in this run.
    """

    image: str
    real_paths: t.Mapping[str, str] = field(default_factory=dict)
    volumes: rules_mounts.Volumes = field(default_factory=dict)
    data_root: str = ""
    programs: Programs | None = None
    drift: Drift | None = None
    allowed_images: tuple[str, ...] = ()
    image_size: int | None = None
    max_image_size: int = 0
    pulled: bool = False
    name: str = ""


def judge(state: State, context: Context) -> dict[str, Evidence]:
    """Each control's evidence against the state."""
    found: dict[str, Evidence] = {f"container.{name}": rule(state) for name, rule in _RULES.items()}
    found.update({f"container.{name}": rule(state, context) for name, rule in _CONTEXT_RULES.items()})
    added = state["capabilities"]
    for name in DANGEROUS_CAPABILITIES:
        found[f"container.capability_{name.lower()}"] = f"capabilities has {name}" if name in added else None
    ordinary = sorted(added - set(DANGEROUS_CAPABILITIES))
    found["container.capabilities"] = f"capabilities has {', '.join(ordinary)}" if ordinary else None
    return found


def _is(field: str, wanted: t.Any, *, also: t.Sequence[t.Any] = ()) -> t.Callable[[State], Evidence]:
    def rule(state: State) -> Evidence:
        given = state[field]
        if given == wanted or given is ANY or given in also:
            return None
        shown = ", ".join(map(str, given)) if isinstance(given, (tuple, frozenset, list)) else given
        return f"{field} is {str(shown).lower() if isinstance(shown, bool) else shown}"

    return rule


def _limit(field: str) -> t.Callable[[State], Evidence]:
    return lambda state: f"{field} is unlimited" if state[field] == 0 else None


def _tmpfs_options(state: State) -> Evidence:
    for target, options in sorted(state["tmpfs"].items()):
        missing = [flag for flag in ("noexec", "nosuid", "nodev") if flag not in options]
        if missing:
            return f"tmpfs {target} is without {', '.join(missing)}"
    return None


def _tmpfs_size(state: State) -> Evidence:
    for target, options in sorted(state["tmpfs"].items()):
        size = options.get("size", "0")
        if size.endswith("%"):
            return f"tmpfs {target} has {size} of the host's memory"
        if not size.strip("0"):
            return f"tmpfs {target} is without size"
    return None


def _cap_drop(state: State) -> Evidence:
    if "ALL" in state["cap_drop"]:
        return None
    return f"cap_drop is {', '.join(sorted(state['cap_drop'])) or 'empty'} and not ALL"


def _security_opt(key: str, *bad: str, needed: str = "") -> t.Callable[[State], Evidence]:
    def rule(state: State) -> Evidence:
        for opt in sorted(state["security_opts"]):
            if opt in {f"{key}={value}" for value in bad}:
                return f"security_opts has {opt}"
        if needed and f"{key}={needed}" not in state["security_opts"]:
            return f"security_opts is without {key}={needed}"
        return None

    return rule


def _memory_swap(state: State) -> Evidence:
    memory, swap = state["memory"], state["memory_swap"]
    if ANY in (memory, swap) or not memory or swap == memory:
        return None
    return f"memory_swap is {format_size(swap)} with {format_size(memory)} of memory"


def _ulimits(state: State) -> Evidence:
    limits: t.Mapping[str, tuple[int, int]] = state["ulimits"]
    missing = [name for name in ("nofile", "nproc", "core") if name not in limits]
    if missing:
        return f"ulimits is without {', '.join(missing)}"
    endless = [name for name in ("nofile", "nproc") if limits[name][1] == -1]
    if endless:
        return f"ulimits leaves {', '.join(endless)} unlimited"
    return "ulimits allows core dumps" if limits["core"] != (0, 0) else None


def is_root(user: str) -> bool:
    """Whether the engine would run this as root: no user, the name, or a number that is 0 in any spelling."""
    name = user.partition(":")[0].strip()
    return name in ("", "root") or bool(_ZERO.match(name))


def _user(state: State) -> Evidence:
    if not is_root(state["user"]):
        return None
    return f"user is {state['user']}" if state["user"] else "neither user nor the image names one, so it is root"


def _log_driver(state: State) -> Evidence:
    driver, options = state["log_driver"], state["log_options"]
    if driver == "none":
        return "log_driver is none"
    if driver == "json-file" and "max-size" not in options:
        return "log_options of json-file is without max-size, so the log is never rotated"
    return None


def _restart_policy(state: State) -> Evidence:
    policy, retries = state["restart_policy"], state["restart_retries"]
    if policy == "no" or (policy == "on-failure" and 0 < retries <= 5):
        return None
    tries = f" with {retries or 'unlimited'} retries" if policy == "on-failure" else ""
    return f"restart_policy is {policy}{tries}"


def _network_mode(state: State) -> Evidence:
    mode = state["network_mode"]
    return f"network_mode is {mode}" if mode == "host" or mode.startswith("container:") else None


def _seccomp(state: State) -> Evidence:
    for opt in sorted(state["security_opts"]):
        key, _equals, value = opt.partition("=")
        if key == "seccomp" and value == "unconfined":
            return f"security_opts has {opt}"
        if key == "seccomp" and value.lstrip().startswith("{") and not _denies(value):
            return "security_opts has a seccomp profile that allows every system call it does not name"
    return None


def _denies(profile: str) -> bool:
    """Whether the profile denies what it does not name; one that cannot be read is refused by the engine."""
    try:
        action = json.loads(profile).get("defaultAction")
    except (ValueError, RecursionError, AttributeError):
        return True
    return action not in ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG")


def _groups(state: State) -> Evidence:
    strong = sorted(filter(_is_strong, state["groups"]))
    if strong:
        return f"groups has {', '.join(strong)}"
    primary = state["user"].partition(":")[2].strip()
    # What root's own group adds to root is nothing.
    return f"user is {state['user']}" if _is_strong(primary) and not is_root(state["user"]) else None


def _is_strong(group: str) -> bool:
    return group.lower() in _ROOTS_GROUPS or bool(_ZERO.match(group))


def _oom_score_adj(state: State) -> Evidence:
    score = state["oom_score_adj"]
    return f"oom_score_adj is {score}" if score < 0 else None


def _listed(name: str) -> t.Callable[[State], Evidence]:
    """A list that has to be empty."""
    return lambda state: f"{name} has {', '.join(map(str, state[name]))}" if state[name] else None


def _published_by_chance(state: State) -> Evidence:
    return "publish_all_ports is true" if state["publish_all_ports"] else None


def _port_address(state: State) -> Evidence:
    wild = sorted(
        {f"{host or '*'}:{outer}" for _inner, host, outer in state["published_ports"] if host in ("", "0.0.0.0", "::")}
    )
    if state["publish_all_ports"]:
        wild.append("every exposed port")
    return f"published_ports has {', '.join(wild)}, on every interface" if wild else None


def _privileged_port(state: State) -> Evidence:
    # A container that was not deployed here may have a range, of which the engine chooses one.
    firsts = {(outer.partition("-")[0], outer) for _inner, _host, outer in state["published_ports"]}
    low = sorted((int(first), outer) for first, outer in firsts if first.isdecimal() and int(first) < 1024)
    return f"published_ports has the host's {', '.join(outer for _first, outer in low)}" if low else None


def _image_tag(_state: State, context: Context) -> Evidence:
    image = context.image
    if "@sha256:" in image or _IMAGE_ID.match(image):
        return None
    tag = image.rpartition("/")[2].partition(":")[2]
    if tag in ("", "latest"):
        return f"image is {image}" if tag else f"image is {image}, without tag or digest"
    return None


def _image_digest(_state: State, context: Context) -> Evidence:
    exact = "@sha256:" in context.image or _IMAGE_ID.match(context.image)
    return None if exact else f"image is {context.image}, without a digest"


def _one_application(_state: State, context: Context) -> Evidence:
    if context.programs is None:
        return NotJudged("its processes were not looked at")
    return context.programs.evidence()


def _drift(_state: State, context: Context) -> Evidence:
    if context.drift is None:
        return NotJudged("its file system was not looked at; container_drift does")
    return context.drift.evidence()


def _image_registry(state: State, context: Context) -> Evidence:
    if not context.allowed_images:
        return NotJudged("no allowed_images are given")
    if references.is_id(context.image, state["image"]):
        return f"image is {context.image}, an id, which names no repository"
    if references.allows(context.allowed_images, context.image):
        return None
    return f"image is of {references.repository(context.image)}, which is not among allowed_images"


def _image_size(_state: State, context: Context) -> Evidence:
    size, most = context.image_size, context.max_image_size
    if not most:
        return NotJudged("no max_image_size is given")
    if size is None:
        return NotJudged("the image is not on the host, so its size is not known")
    if size <= most:
        return None
    when = "; it was measured after its pull and before any container is touched" if context.pulled else ""
    return f"image has {size} bytes, more than max_image_size, which is {format_size(most)}{when}"


_RULES: dict[str, t.Callable[[State], Evidence]] = {
    "read_only": _is("read_only", True),
    "tmpfs_options": _tmpfs_options,
    "tmpfs_size": _tmpfs_size,
    "cap_drop": _cap_drop,
    "no_new_privileges": _security_opt("no-new-privileges", "false", needed="true"),
    "seccomp": _seccomp,
    "apparmor": _security_opt("apparmor", "unconfined"),
    "selinux": _security_opt("label", "disable", *_UNCONFINED_TYPES),
    "privileged": _is("privileged", False),
    "system_paths": _is("system_paths", "masked"),
    "memory": _limit("memory"),
    "memory_swap": _memory_swap,
    "oom_kill": _is("oom_killer", False),
    "oom_score_adj": _oom_score_adj,
    "cpus": lambda state: None if state["cpu_quota"] > 0 else _limit("cpus")(state),
    "pids_limit": _limit("pids_limit"),
    "ulimits": _ulimits,
    "init": _is("init", True),
    "user": _user,
    "log_driver": _log_driver,
    "restart_policy": _restart_policy,
    "network_mode": _network_mode,
    "default_bridge": lambda state: "networks has bridge" if "bridge" in state["networks"] else None,
    "pid_mode": _is("pid_mode", "", also=("private",)),
    "ipc_mode": _is("ipc_mode", "private", also=("none",)),
    "uts_mode": _is("uts", ""),
    "userns_mode": _is("userns_mode", ""),
    "cgroupns_mode": _is("cgroupns_mode", "private"),
    "cgroup_parent": _is("cgroup_parent", ""),
    "devices": _listed("devices"),
    "device_cgroup_rules": _listed("device_cgroup_rules"),
    "device_requests": _listed("device_requests"),
    "groups": _groups,
    "mount_propagation": rules_mounts.mount_propagation,
    "env_secrets": env_secrets,
    "publish_all_ports": _published_by_chance,
    "port_address": _port_address,
    "privileged_port": _privileged_port,
    "healthcheck": lambda state: None if state["healthcheck"] else "neither healthcheck nor the image has a check",
}

_CONTEXT_RULES: dict[str, t.Callable[[State, Context], Evidence]] = {
    "image_tag": _image_tag,
    "image_digest": _image_digest,
    "docker_socket": lambda state, context: rules_mounts.docker_socket(state, context.real_paths, context.volumes),
    "host_paths": lambda state, context: rules_mounts.host_paths(
        state, context.real_paths, context.volumes, context.name, context.data_root
    ),
    "one_application": _one_application,
    "drift": _drift,
    "image_registry": _image_registry,
    "image_size": _image_size,
}
