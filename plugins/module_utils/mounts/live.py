# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the mounts of this host as the kernel shows them, and their options changed by mount(2).

The system call and not mount(8): that one merges what stands in /etc/fstab into a remount, and differs by version.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import typing as t
from pathlib import Path

from ..errors import CaissonError
from ..host.procsys import WriteRefusedError
from .options import PROC, as_shown, join, split
from .view import DIRECTORY, LINK, MISSING, MOUNT, PLAIN, SELF, MountView

_REMOUNT, _BIND, _STRICTATIME, _DETACH = 0x20, 0x1000, 0x1000000, 2
# linux/mount.h, by the names under which /proc/self/mountinfo shows them.
_BITS = {
    "ro": 0x1,
    "nosuid": 0x2,
    "nodev": 0x4,
    "noexec": 0x8,
    "noatime": 0x400,
    "nodiratime": 0x800,
    "relatime": 0x200000,
    "nosymfollow": 0x100,
}
_ATIME = frozenset({"noatime", "relatime"})
_ESCAPE = re.compile(r"\\([0-7]{3})")
_CAP_SYS_ADMIN = 21
UNPERMITTED = "this process may not change mounts: the capability SYS_ADMIN is missing, as in a container"
_UNWRITABLE = frozenset({errno.EPERM, errno.EACCES})


class _Line(t.NamedTuple):
    """A line of mountinfo; see proc(5)."""

    number: str
    parent: str
    device: str
    root: str
    point: str
    options: str
    kind: str
    more: str


class Mounts:
    """The live mounts, with the reading and writing that a transaction asks of live values."""

    def view(self, path: str) -> MountView:
        """What is at the path."""
        if Path(path).is_symlink():
            return MountView(path, LINK, source=os.path.realpath(path))
        if not Path(path).is_dir():
            return MountView(path, MISSING)
        lines = _lines()
        around = _around(lines, path)
        top = _top(lines, path)
        below = tuple(sorted({line.point for line in lines if line.point.startswith(f"{path}/")}))
        if top is None:
            return MountView(path, DIRECTORY, inherited=_flags(around), below=below)
        itself = top.device == around.device and top.root == _inside(around, path)
        below = tuple(sorted({line.point for line in lines if line.parent == top.number and line.point != path}))
        return MountView(path, SELF if itself else MOUNT, _options(top), _flags(around), below)

    def read(self, keys: t.Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
        """The live value of each path, as `MountView.value` writes it."""
        return {path: self.view(path).value for path in keys}, {}

    def write(self, key: str, value: str) -> None:
        """Give the path that value; WriteRefusedError with the kernel's reason."""
        kind = self.view(key).kind
        if value == PLAIN:
            if kind == SELF:
                # What still has a file open there keeps it: both views show the same files.
                _call("umount2", os.fsencode(key), _DETACH)
            return
        options = split(value)
        if kind != DIRECTORY:
            _remount(key, options)
            return
        _call("mount", os.fsencode(key), os.fsencode(key), None, ctypes.c_ulong(_BIND), None)
        try:
            _remount(key, options)
        except WriteRefusedError:
            _call("umount2", os.fsencode(key), _DETACH)
            raise


def permitted() -> bool:
    """Whether this process may change mounts at all."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    bits = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff")), "0")
    return bool(int(bits, 16) >> _CAP_SYS_ADMIN & 1)


def require_host_mounts() -> None:
    """CaissonError where the run sees other mounts than the host does."""
    try:
        apart = Path("/proc/self/ns/mnt").readlink() != Path("/proc/1/ns/mnt").readlink()
    except OSError:
        return
    if apart:
        raise CaissonError(
            "mount_options runs in a mount namespace of its own, as under a service with PrivateTmp, and would "
            "change the mounts of nobody else; run it from a login session, or by 'nsenter --target 1 --mount'"
        )


def _remount(path: str, options: t.Sequence[str]) -> None:
    flags = sum(_BITS.get(option, 0) for option in options)
    if not _ATIME & set(options):
        flags |= _STRICTATIME
    target = os.fsencode(path)
    if path == PROC:
        # hidepid is the file system's; where it is left out, the kernel keeps the former one.
        data = {"hidepid": "0", "gid": "0", **dict(option.split("=", 1) for option in options if "=" in option)}
        text = join(f"{name}={data[name]}" for name in ("hidepid", "gid"))
        _call("mount", b"proc", target, b"proc", ctypes.c_ulong(_REMOUNT | flags), text.encode())
    else:
        # With MS_BIND only the flags of this mount change, and nothing of the file system.
        _call("mount", None, target, None, ctypes.c_ulong(_REMOUNT | _BIND | flags), None)


def _call(name: str, *arguments: t.Any) -> None:
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        reason = UNPERMITTED if number == errno.EPERM else os.strerror(number)
        raise WriteRefusedError(reason, number in _UNWRITABLE)


def _lines() -> list[_Line]:
    try:
        text = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise CaissonError(f"Failed to read /proc/self/mountinfo: {error.strerror}") from error
    return [_line(line) for line in text.split("\n") if line]


def _line(text: str) -> _Line:
    first, _dash, second = text.partition(" - ")
    words, rest = first.split(" "), second.split(" ")
    root, point = (_ESCAPE.sub(lambda found: chr(int(found[1], 8)), word) for word in words[3:5])
    return _Line(words[0], words[1], words[2], root, point, words[5], rest[0], rest[2] if len(rest) > 2 else "")


def _top(lines: t.Sequence[_Line], path: str) -> _Line | None:
    """The mount at the path that hides the others there."""
    here = [line for line in lines if line.point == path]
    parents = {line.parent for line in here}
    return next((line for line in reversed(here) if line.number not in parents), None)


def _around(lines: t.Sequence[_Line], path: str) -> _Line:
    """The mount in which the path's directory lies."""
    for parent in Path(path).parents:
        found = _top(lines, str(parent))
        if found:
            return found
    raise CaissonError("Failed to find the root mount in /proc/self/mountinfo")


def _inside(around: _Line, path: str) -> str:
    """The path as a root within the file system of the mount around it."""
    return f"{around.root.rstrip('/')}/{os.path.relpath(path, around.point)}"


def _options(line: _Line) -> tuple[str, ...]:
    data = line.more if line.kind == "proc" else ""
    shown = [option for option in split(data) if option.startswith(("hidepid=", "gid="))]
    return as_shown([*split(line.options), *shown])


def _flags(line: _Line) -> tuple[str, ...]:
    return as_shown(split(line.options))
