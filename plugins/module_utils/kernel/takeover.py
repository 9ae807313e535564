# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines of other files taken out of force, so that ours win, and put back byte for byte. Pure.

A line of a file under /etc becomes a comment that holds it unchanged. A file elsewhere belongs to a package or to what
made it at boot, so a copy of the same name in /etc/sysctl.d, with the line as a comment, hides it. Each mark names the
file for which it was made, so that several of ours are undone each for itself.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace
from pathlib import PurePath

from ..host.changes import FileChange, FileText, file_change
from .conf import Line, lines
from .precedence import DIRECTORIES, SYSTEMD, UFW, BootFiles, Winner, contradicts, interface_default, matches

_MARK = "# Taken out by caisson.hardening for "
_MARKED = re.compile(rf"(?m)^({_MARK}.*?\.conf: (.*))$")


def released(files: BootFiles, ours: str) -> BootFiles:
    """The files as they were without *ours*: its marks are off their lines and its copies gone."""
    copies = {path for path in files.targets if files.text(path).startswith(_copied(ours))}
    contents = {
        target: replace(file, text=file.text.replace(_mark(ours), ""))
        for target, file in files.contents.items()
        if target not in copies
    }
    targets = {path: target for path, target in files.targets.items() if path not in copies}
    return replace(files, targets=targets, contents=contents)


def take(
    files: BootFiles, ours: str, wanted: t.Mapping[str, str], now: BootFiles
) -> tuple[BootFiles, tuple[Winner, ...]]:
    """The files with all taken out of force that goes against *wanted*, and those lines; they hold ours under *ours*.

    A line that cannot be taken out without harm to other keys or outside /etc is left.
    now: the files as they stand, whose copies keep the marks that others of our files have put there.
    """
    found: dict[tuple[str, int], Winner] = {}
    own = files.targets[ours]
    for reader in files.readers:
        paths = files.read_by(reader)
        places = [-1] if reader == UFW else [n for n, path in enumerate(paths) if files.targets[path] == own]
        for index, path in enumerate(paths) if places else ():
            target = files.targets[path]
            if target != own and _place_of(path, target):
                for line in lines(files.text(path), reader != SYSTEMD):
                    if _against(line, wanted, after=index > places[-1]):
                        found.setdefault((target, line.start), Winner(path, line, target))
    taken = files
    for path, target in sorted({(winner.path, winner.target) for winner in found.values()}):
        starts = [winner.line.start for winner in found.values() if (winner.path, winner.target) == (path, target)]
        taken = _without(taken, path, starts, ours, now)
    return taken, tuple(found.values())


def file_changes(now: BootFiles, then: BootFiles, ours: str) -> tuple[FileChange, ...]:
    """What makes the files of *now* those of *then*; ours is somebody else's matter."""
    own = {ours, now.targets.get(ours, ours)}
    targets = sorted({*now.contents, *then.contents} - own)
    return tuple(
        change
        for target in targets
        for change in file_change(target, now.contents.get(target), then.contents.get(target))
    )


def _against(line: Line, wanted: t.Mapping[str, str], after: bool) -> bool:
    if not line.pattern:
        return after and line.key in wanted and contradicts(line, wanted[line.key])
    # Full names win over patterns wherever they stand; only interfaces that nobody names are left to a pattern.
    # One that sets other keys too stays for their sake.
    key = interface_default(line.key)
    common = key.replace(".default.", ".all.")
    partly = matches(line.key, common) and common not in wanted
    return line.value is not None and key in wanted and contradicts(line, wanted[key]) and not partly


def _place_of(path: str, target: str) -> str:
    """The file to write for a line of *path*; empty where a link leads to what is not ours to change."""
    if target.startswith("/etc/"):
        return target
    pure = PurePath(path)
    return f"{DIRECTORIES[0]}/{pure.name}" if str(pure.parent) in DIRECTORIES[1:] else ""


def _without(files: BootFiles, path: str, starts: t.Sequence[int], ours: str, now: BootFiles) -> BootFiles:
    target = files.targets[path]
    file = files.contents[target]
    text = file.text
    for start in sorted(starts, reverse=True):
        text = text[:start] + _mark(ours) + text[start:]
    place = _place_of(path, target)
    if place == target:
        return replace(files, contents={**files.contents, target: replace(file, text=text)})
    copy = f"{_copied(ours)}{path}, without what goes against that file.\n{text}".split("\n")
    for marked, line in _MARKED.findall(now.text(place)) if place in now.targets else ():
        if not marked.startswith(_mark(ours)) and line in copy:
            copy[copy.index(line)] = marked
    return files.having(place, FileText("\n".join(copy)))


def _mark(ours: str) -> str:
    return f"{_MARK}{ours}: "


def _copied(ours: str) -> str:
    return f"# Managed by caisson.hardening for {ours}: a copy of "
