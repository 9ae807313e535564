# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: which containers and engines run programs from below a path that is to become noexec."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t
from pathlib import Path

from ..host.changes import ValueChange
from .options import split

_ENGINE = "dockerd"
_DATA_ROOT = "/var/lib/docker"


def warnings_of_use(changes: t.Iterable[ValueChange]) -> list[str]:
    """A warning for each path that a change makes noexec and that Docker uses."""
    paths = [change.key for change in changes if _new_noexec(change)]
    if not paths:
        return []
    used = [(path, use, where) for use, where in _uses() for path in paths if where == path or _below(where, path)]
    return [
        f"{use} is {where}; with {path} mounted noexec no program runs from there, as soon as it is mounted anew"
        for path, use, where in used
    ]


def _new_noexec(change: ValueChange) -> bool:
    return "noexec" in split(change.after) and "noexec" not in split(change.before)


def _below(where: str, path: str) -> bool:
    return where.startswith(f"{path}/")


def _uses() -> t.Iterator[tuple[str, str]]:
    """What Docker has where: the engine's directory for temporary files, and what containers bind."""
    roots = {_DATA_ROOT}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "comm").read_text(encoding="utf-8", errors="replace").strip() != _ENGINE:
                continue
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            roots |= {_value(words, index) for index, word in enumerate(words) if word.startswith("--data-root")}
            for variable in (process / "environ").read_bytes().decode(errors="replace").split("\0"):
                name, _equals, value = variable.partition("=")
                if name == "DOCKER_TMPDIR" and value:
                    yield "the engine's directory for temporary files", os.path.realpath(value)
    for root in sorted(filter(None, roots)):
        for path in sorted(Path(root, "containers").glob("*/config.v2.json")):
            yield from _binds(path)


def _value(words: t.Sequence[str], index: int) -> str:
    _name, equals, value = words[index].partition("=")
    return value if equals else next(iter(words[index + 1 : index + 2]), "")


def _binds(path: Path) -> t.Iterator[tuple[str, str]]:
    try:
        found = json.loads(path.read_bytes())
        name = str(found.get("Name", "")).lstrip("/")
        mounts = list((found.get("MountPoints") or {}).values())
    except (OSError, ValueError, AttributeError):  # it is being written or removed, or is of another version
        return
    for mount in mounts:
        if mount.get("Type") == "bind" and mount.get("Source"):
            yield f"what container {name} binds on {mount.get('Destination')}", str(mount["Source"])
