# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""/etc/fstab as text: one line found, its options replaced, a line of ours added or removed; all else stays. Pure.

A line of ours stands below a comment that names its mount point. The user's own lines keep their spacing, and only
their options change.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .options import Options, join, split

PATH = "/etc/fstab"
# fs_spec, fs_file, fs_vfstype, fs_mntops, and the rest with the blanks before it; see fstab(5).
_LINE = re.compile(r"^(\s*[^\s#]\S*\s+)(\S+)(\s+\S+)(?:(\s+)(\S+))?(.*)$")
_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Entry:
    """The line of a mount point: where it is, its options, whether it is ours."""

    number: int
    field: str
    ours: bool

    @property
    def options(self) -> Options:
        return split(self.field)


def find(text: str, path: str) -> Entry | None:
    """The first entry for the mount point, or None."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        found = _LINE.match(line)
        if found and _same(found[2], path):
            return Entry(number, found[5] or "", number > 0 and lines[number - 1] == mark(path))
    return None


def mark(path: str) -> str:
    """The comment above a line of ours."""
    return f"# caisson.hardening: 'state: absent' of mount_options removes this line and the next one, for {path}."


def tidy(text: str, path: str) -> str:
    """The text without such a comment whose line somebody took away."""
    lines = text.splitlines(keepends=True)
    entry = find(text, path)
    kept = entry.number - 1 if entry and entry.ours else None
    return "".join(line for number, line in enumerate(lines) if line.rstrip("\n") != mark(path) or number == kept)


def add(text: str, path: str, source: str, kind: str, options: t.Iterable[str]) -> str:
    """The text with a line of ours at its end."""
    gap = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{gap}{mark(path)}\n{source} {path} {kind} {join(options)} 0 0\n"


def change(text: str, entry: Entry, field: str) -> str:
    """The text with another field of options in the entry's line."""
    lines = text.splitlines(keepends=True)
    body = lines[entry.number].rstrip("\r\n")
    ending = lines[entry.number][len(body) :]
    found = _LINE.match(body)
    if found:
        changed = f"{found[1]}{found[2]}{found[3]}{found[4] or ' '}{field}{found[6]}"
        lines[entry.number] = changed + ending
    return "".join(lines)


def remove(text: str, entry: Entry) -> str:
    """The text without the entry of ours and its comment."""
    lines = text.splitlines(keepends=True)
    return "".join(lines[: entry.number - 1] + lines[entry.number + 1 :])


def _same(field: str, path: str) -> bool:
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 8)), field)
    return (plain.rstrip("/") or "/") == path
