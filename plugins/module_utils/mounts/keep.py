# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What carries the options through a reboot, as text: a line of /etc/fstab, or a drop-in for systemd's unit. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..host.changes import FileText
from . import fstab
from .catalogue import MOUNTS
from .options import Options, join, managed, merge, rebase, split
from .view import PLAIN

DROPIN = "60-caisson-hardening.conf"
LOGIND_UNIT = "systemd-logind.service"
LOGIND_FILE = f"/etc/systemd/system/{LOGIND_UNIT}.d/{DROPIN}"
HEADER = "# Managed by caisson.hardening; 'state: absent' of its mount_options module removes this file.\n"


@dataclass(frozen=True)
class Records:
    """What the host was like before its first change: live values and lines by name, files by path."""

    values: t.Mapping[str, str] = field(default_factory=dict)
    files: t.Mapping[str, FileText | None] = field(default_factory=dict)

    def has(self, path: str) -> bool:
        return path in self.values

    def __bool__(self) -> bool:
        return bool(self.values or self.files)


def unit_file(path: str) -> str:
    """Our drop-in for the path's mount unit."""
    return f"/etc/systemd/system/{MOUNTS[path].unit}.d/{DROPIN}"


def dropin_text(values: Options, section: str = "Mount", name: str = "Options") -> str:
    return f"{HEADER}[{section}]\n{name}={join(values)}\n"


def fstab_text(text: str, path: str, wanted: Options, recorded: str | None, live: str) -> str:
    """/etc/fstab with the path's wanted options, or as it was before us where there are none.

    recorded: the options of the user's line at first, empty where there was no line, None before the first change.
    live: the path's live value at first; a line of ours keeps its flags.
    """
    text = fstab.tidy(text, path)
    entry = fstab.find(text, path)
    if not wanted:
        if entry is None:
            return text
        if entry.ours:
            return fstab.remove(text, entry)
        return fstab.change(text, entry, _field(entry, recorded, (), path)) if recorded else text
    if entry is None:
        kind = MOUNTS[path].api
        first = ("defaults",) if kind else ("bind",)
        return fstab.add(text, path, kind or path, kind or "none", _ours(first, path, wanted, live))
    if entry.ours:
        others = tuple(option for option in entry.options if not managed(option, path))
        return fstab.change(text, entry, join(_ours(others, path, wanted, live)))
    return fstab.change(text, entry, _field(entry, recorded, wanted, path))


def original_fstab(text: str, now: FileText | None, records: Records) -> FileText | None:
    """The file with that text; the original to the byte, or no file at all, where only we had changed it."""
    if fstab.PATH in records.files:
        original = records.files[fstab.PATH]
        if text.rstrip("\n") == (original.text if original else "").rstrip("\n"):
            return FileText(original.text, now.mode, now.uid, now.gid) if original and now else original
    return FileText(text, now.mode, now.uid, now.gid) if now else FileText(text)


def _ours(others: Options, path: str, wanted: Options, live: str) -> Options:
    flags = () if live == PLAIN else tuple(option for option in split(live) if managed(option, path))
    return merge(others + flags, wanted)


def _field(entry: fstab.Entry, recorded: str | None, wanted: Options, path: str) -> str:
    """The options of the user's line: what it had and has besides ours, and the wanted ones."""
    original = split(recorded) if recorded else entry.options
    base = rebase(entry.options, original, path)
    result = merge(base, wanted)
    for known in (entry.field, recorded or ""):
        if known and split(known) == result:
            return known
    return join(result)
