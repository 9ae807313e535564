# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules on what of the host is mounted into a container. Pure."""

from __future__ import annotations

import posixpath
import typing as t

from .host_volumes import HostVolume
from .secrets import TARGET, is_generation
from .state import State

_SOCKETS = ("docker.sock", "containerd.sock", "podman.sock", "crio.sock", "dockershim.sock", "buildkitd.sock")
# Not to be handed in at all, with everything below them.
_SECRET_PATHS = (
    *("/boot", "/dev", "/proc", "/root", "/run", "/sys", "/var/run", "/etc/ssh"),
    *("/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/gshadow-", "/etc/sudoers", "/etc/sudoers.d"),
    *(
        "/etc/ssl/private",
        "/etc/docker",
        "/etc/kubernetes",
        "/var/lib/docker",
        "/var/lib/containerd",
        "/var/lib/containers",
        "/var/lib/kubelet",
    ),
    *("/var/lib/dpkg", "/var/lib/rpm", "/var/lib/systemd", "/var/lib/caisson"),
)
_SECRET_NAMES = frozenset((".aws", ".docker", ".gnupg", ".kube", ".ssh"))  # directories of users' keys, anywhere
# Not to be handed in whole; with everything below them not to be written to.
_SYSTEM_PATHS = ("/bin", "/etc", "/lib", "/lib64", "/sbin", "/usr", "/var/spool/cron")
_WHOLE_PATHS = ("/home", "/var/lib", "/var/log")  # only not to be handed in whole
# Where /etc/resolv.conf of many hosts points to.
_HARMLESS = ("/run/systemd/resolve",)

Evidence = t.Optional[str]
Volumes = t.Mapping[str, HostVolume]  # by name, those that hand in something of the host
_Bind = t.Tuple[str, str, bool, str]  # source, target, read-only, how it is named in the evidence


def bind_sources(state: State, volumes: Volumes) -> list[str]:
    """The paths of the host that are mounted, by a volume too."""
    return [path for path, *_rest in _written(state, volumes) if path]


def volume_names(state: State) -> list[str]:
    """The volumes that are mounted and have a name."""
    return [source for _target, kind, source, *_rest in state["mounts"].values() if kind == "volume" and source]


def _written(state: State, volumes: Volumes) -> t.Iterator[tuple[str, str, bool, str, str]]:
    """Each thing of the host that is mounted: its path, the target, whether read-only, the volume, what it is."""
    for target, kind, source, read_only, _way in state["mounts"].values():
        if kind == "bind":
            yield source, target, read_only, "", ""
        elif kind == "volume" and source in volumes:
            volume = volumes[source]
            yield volume.path, target, read_only or volume.read_only, source, volume.what


def _binds(state: State, real: t.Mapping[str, str], volumes: Volumes) -> list[_Bind]:
    """Each path of the host that is mounted, under the name that was written and under what it really is."""
    found = []
    for written, target, read_only, volume, what in _written(state, volumes):
        if what:
            continue
        source = posixpath.normpath(written)
        found.append((source, target, read_only, f"the volume {volume}, which is {source}," if volume else source))
        if written in real:
            named = f"the volume {volume}" if volume else source
            found.append((real[written], target, read_only, f"{named}, which is {real[written]},"))
    return sorted(found)


def _under(path: str, roots: t.Iterable[str]) -> bool:
    return any(path == root or path.startswith(f"{root}/") for root in roots)


def docker_socket(state: State, real: t.Mapping[str, str], volumes: Volumes) -> Evidence:
    for source, target, _read_only, named in _binds(state, real, volumes):
        if posixpath.basename(source) in _SOCKETS or source in ("/run", "/var/run", "/"):
            return f"mounts has {named} on {target}"
    return None


def host_paths(
    state: State, real: t.Mapping[str, str], volumes: Volumes, container: str, data_root: str = ""
) -> Evidence:
    """data_root: where the engine's data lie; by default among the secret paths."""
    roots = {path for path in (data_root, real.get(data_root, "")) if path.strip("/")}
    secret = (*_SECRET_PATHS, *sorted(roots))
    for source, target, read_only, named in _binds(state, real, volumes):
        if read_only and (_under(source, _HARMLESS) or (target == TARGET and is_generation(source, container))):
            continue  # its own secrets among them
        above = source == "/" or any(_under(path, [source]) for path in secret)
        system = source in _SYSTEM_PATHS + _WHOLE_PATHS or (_under(source, _SYSTEM_PATHS) and not read_only)
        keys = not _SECRET_NAMES.isdisjoint(source.split("/"))
        if above or system or keys or _under(source, secret):
            return f"mounts has {named} on {target}{' (read-only)' if read_only else ''}"
    for _path, target, _read_only, volume, what in _written(state, volumes):
        if what:
            return f"mounts has the volume {volume}, which is {what}, on {target}"
    return None


def host_path(source: str, read_only: bool) -> Evidence:
    """What is against handing in a path of the host by another way than a container's mounts."""
    state = {"mounts": {"": ("volume", "bind", source, read_only, "rprivate")}}
    return docker_socket(state, {}, {}) or host_paths(state, {}, {}, "")


def mount_propagation(state: State) -> Evidence:
    for target, _kind, source, _read_only, propagation in state["mounts"].values():
        if propagation in ("shared", "rshared"):
            return f"mounts has {source} on {target} with the propagation {propagation}"
    return None
