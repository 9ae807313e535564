# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules: what in the canonical state of a container, or beside it, breaks each control. Pure."""

from __future__ import annotations

import posixpath
import typing as t
from dataclasses import dataclass

from ..controls.container import DANGEROUS_CAPABILITIES
from .secrets import TARGET, is_generation
from .state import ANY, State
from .units import format_size

_SOCKETS = ("docker.sock", "containerd.sock", "podman.sock", "crio.sock", "dockershim.sock")
# Not to be handed in at all, or not to be written to; with everything below them.
_SECRET_PATHS = ("/boot", "/dev", "/proc", "/root", "/run", "/sys", "/var/lib/docker", "/var/run", "/etc/ssh")
_SECRET_FILES = (
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ssl/private",
    "/etc/docker",
    "/var/lib/caisson",
)
_SYSTEM_PATHS = ("/bin", "/etc", "/lib", "/lib64", "/sbin", "/usr", "/var/lib", "/var/spool/cron")

Evidence = t.Optional[str]  # what breaks the control, or None where it holds


@dataclass(frozen=True)
class Context:
    """What is judged beside the state.

    image: the reference by which the image was named. name: the container's, where it is known.
    """

    image: str
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
    return name in ("", "root") or (name.isdigit() and int(name) == 0)


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


def _under(path: str, roots: t.Iterable[str]) -> bool:
    return any(path == root or path.startswith(f"{root}/") for root in roots)


def _binds(state: State) -> list[tuple[str, str, bool]]:
    """Source, target and whether it is read-only, of each path of the host that is mounted."""
    return [
        (source, target, read_only)
        for target, kind, source, read_only, _way in state["mounts"].values()
        if kind == "bind"
    ]


def _docker_socket(state: State) -> Evidence:
    for source, _target, _read_only in _binds(state):
        if posixpath.basename(source) in _SOCKETS or source in ("/run", "/var/run", "/"):
            return f"mounts has {source}"
    return None


def _host_paths(state: State, context: Context) -> Evidence:
    for source, target, read_only in sorted(_binds(state)):
        if read_only and target == TARGET and is_generation(source, context.name):
            continue  # its own secrets
        above = any(_under(path, [source]) for path in (*_SECRET_PATHS, *_SECRET_FILES))
        whole = source == "/" or source in _SYSTEM_PATHS or above
        if whole or _under(source, _SECRET_PATHS + _SECRET_FILES) or (_under(source, _SYSTEM_PATHS) and not read_only):
            return f"mounts has {source} on {target}{'' if not read_only else ' (read-only)'}"
    return None


def _mount_propagation(state: State) -> Evidence:
    for target, _kind, source, _read_only, propagation in state["mounts"].values():
        if propagation in ("shared", "rshared"):
            return f"mounts has {source} on {target} with the propagation {propagation}"
    return None


def _port_address(state: State) -> Evidence:
    wild = sorted(
        {f"{host or '*'}:{outer}" for _inner, host, outer in state["published_ports"] if host in ("", "0.0.0.0", "::")}
    )
    if state["publish_all_ports"]:
        wild.append("every exposed port")
    return f"published_ports has {', '.join(wild)}, on every interface" if wild else None


def _privileged_port(state: State) -> Evidence:
    low = sorted({int(outer) for _inner, _host, outer in state["published_ports"] if outer and int(outer) < 1024})
    return f"published_ports has the host's {', '.join(map(str, low))}" if low else None


def _image_tag(_state: State, context: Context) -> Evidence:
    image = context.image
    if "@sha256:" in image or image.startswith("sha256:"):
        return None
    tag = image.rpartition("/")[2].partition(":")[2]
    if tag in ("", "latest"):
        return f"image is {image}" if tag else f"image is {image}, without tag or digest"
    return None


_RULES: dict[str, t.Callable[[State], Evidence]] = {
    "read_only": _is("read_only", True),
    "tmpfs_options": _tmpfs_options,
    "tmpfs_size": _tmpfs_size,
    "cap_drop": _cap_drop,
    "no_new_privileges": _security_opt("no-new-privileges", "false", needed="true"),
    "seccomp": _security_opt("seccomp", "unconfined"),
    "apparmor": _security_opt("apparmor", "unconfined"),
    "selinux": _security_opt("label", "disable"),
    "privileged": _is("privileged", False),
    "system_paths": _is("system_paths", "masked"),
    "memory": _limit("memory"),
    "memory_swap": _memory_swap,
    "oom_kill": _is("oom_kill_disable", False),
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
    "uts_mode": _is("uts_mode", ""),
    "userns_mode": _is("userns_mode", ""),
    "cgroupns_mode": _is("cgroupns_mode", "private"),
    "cgroup_parent": _is("cgroup_parent", ""),
    "devices": _is("devices", ()),
    "docker_socket": _docker_socket,
    "mount_propagation": _mount_propagation,
    "port_address": _port_address,
    "privileged_port": _privileged_port,
    "healthcheck": lambda state: None if state["healthcheck"] else "neither healthcheck nor the image has a check",
}

_CONTEXT_RULES: dict[str, t.Callable[[State, Context], Evidence]] = {"image_tag": _image_tag, "host_paths": _host_paths}
