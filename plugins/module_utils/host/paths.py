# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: what a path of this host really is, behind symbolic links and other names of an engine's socket."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

_SCHEME = "unix://"
DOCKER_SOCKET = "/run/docker.sock"
_SOCKETS = (DOCKER_SOCKET, "/run/containerd/containerd.sock", "/run/podman/podman.sock", "/run/crio/crio.sock")


def real_paths(paths: t.Iterable[str], engine: str) -> dict[str, str]:
    """What each path really is, where that is another one; any name of an engine's socket stands for its usual one.

    engine: the engine's address; only of one behind a socket of this host are the paths here.
    """
    if not engine.startswith(_SCHEME):
        return {}
    sockets = {engine[len(_SCHEME) :]: DOCKER_SOCKET, **{path: path for path in _SOCKETS}}
    found = {path: _real(path, sockets) for path in paths}
    return {path: real for path, real in found.items() if real != path}


def _real(path: str, sockets: t.Mapping[str, str]) -> str:
    real = path
    try:
        real = os.path.realpath(path)
        if Path(real).is_socket():
            # A bind mount or a hard link gives a socket another name.
            return next((usual for known, usual in sockets.items() if _same(Path(known), Path(real))), real)
    except (OSError, ValueError):  # it may not be looked at
        return real
    return real


def _same(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)
