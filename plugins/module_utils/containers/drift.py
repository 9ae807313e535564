# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Drift of the writable layer: which of the engine's changes nobody declared. Pure.

The engine tells each path of a container's file system that is not as in its image. What is left out here: what the
engine put there itself, mount points with the directories above them, what was declared, and directories that are
changed only because of something below them.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import typing as t
from dataclasses import dataclass

from ..errors import printable
from . import globs
from .state import path
from .steps import Inspect
from .units import Wrong

_KINDS = {0: "changed", 1: "added", 2: "deleted"}
# What an engine mounts or makes in every container; nothing of the layer can be seen below the first three.
_ENGINE = frozenset(
    ("/dev", "/proc", "/sys", "/.dockerenv", "/run/.containerenv", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf")
)
_INIT = "/sbin/docker-init"  # the mount point of the engine's init


@dataclass(frozen=True)
class Drift:
    """The paths that differ from the image and that nobody declared, and how many were declared."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    ignored: int = 0

    @property
    def count(self) -> int:
        return len(self.added) + len(self.changed) + len(self.deleted)

    def as_dict(self) -> dict[str, list[str]]:
        return {kind: list(getattr(self, kind)) for kind in _KINDS.values()}

    def lines(self) -> list[str]:
        """Each path with what became of it, in the paths' order."""
        found = [(name, kind) for kind in _KINDS.values() for name in getattr(self, kind)]
        return [f"{kind} {name}" for name, kind in sorted(found)]

    def evidence(self, most: int = 10) -> str | None:
        """The first of the paths in one line, or None where there is none."""
        lines = self.lines()
        rest = f" and {len(lines) - most} more" if len(lines) > most else ""
        return (", ".join(map(printable, lines[:most])) + rest) or None

    @property
    def digest(self) -> str:
        """The same for the same paths changed in the same way."""
        return hashlib.sha256("\0".join(self.lines()).encode(errors="surrogatepass")).hexdigest()[:16]


def drift(changes: t.Iterable[Inspect], ignored: t.Sequence[str], inspect: Inspect) -> Drift:
    """What of the engine's *changes* is drift. ignored: patterns in their canonical form."""
    own = _engine_paths(inspect)
    above = {name for point in own for name in _above(point)}  # directories that may be there for what is below them
    left: list[tuple[str, str]] = []
    declared = 0
    for change in changes:
        name = str(change["Path"])
        if name in own or any(parent in own for parent in _above(name)):
            continue
        if any(globs.covers(one, name) for one in ignored):
            declared += 1
            above.update(_above(name))
        else:
            left.append((_KINDS[change["Kind"]], name))
    holding = {parent for _kind, name in left for parent in _above(name)}
    found: dict[str, list[str]] = {kind: [] for kind in _KINDS.values()}
    for kind, name in left:
        if (kind != "deleted" and name in above) or (kind == "changed" and name in holding):
            continue
        found[kind].append(name)
    return Drift(**{kind: tuple(sorted(names)) for kind, names in found.items()}, ignored=declared)


def _above(name: str) -> t.Iterator[str]:
    """Every directory above the path but the root."""
    while posixpath.dirname(name) not in ("/", ""):
        name = posixpath.dirname(name)
        yield name


def _engine_paths(inspect: Inspect) -> set[str]:
    """Where the engine mounts something, or puts something itself."""
    host: Inspect = inspect.get("HostConfig") or {}
    found = set(_ENGINE)
    found |= {path(mount["Destination"]) for mount in inspect.get("Mounts") or ()}
    found |= {path(mount["Target"]) for mount in host.get("Mounts") or ()}
    found |= {path(target) for target in host.get("Tmpfs") or ()}
    found |= {path(device["PathInContainer"]) for device in host.get("Devices") or () if device.get("PathInContainer")}
    if host.get("Init"):
        found.add(_INIT)
    return found - {"/"}


def declared(label: str | None) -> tuple[str, ...]:
    """The patterns that a container's label declares; Wrong where it is none of ours."""
    if not label:
        return ()
    try:
        return globs.patterns(json.loads(label))
    except ValueError as error:
        raise Wrong(f"is {label[:80]!r}", f"deploy the container again ({error})") from error
