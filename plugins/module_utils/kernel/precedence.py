# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which line of which file settles a key, at boot and when an administrator runs ``sysctl --system``. Pure.

The rules are those of sysctl.d(5) and sysctl(8), held against what both tools do. They agree that a file hides those
of the same name in later directories, that names sort as bytes, and that a key named in full is never touched by a
pattern. They differ in two things: systemd-sysctl reads /etc/sysctl.conf only where a link in a directory leads there,
sysctl reads it last of all; and to systemd-sysctl an exclusion ends an earlier assignment, which sysctl carries out.
"""

from __future__ import annotations

import fnmatch
import re
import typing as t
from dataclasses import dataclass, field, replace

from ..host.changes import FileText
from ..host.sysctl_names import canonical_value
from .conf import Line, lines
from .model import plain_integers

# Where a file of the same name stands in several directories, the first one counts.
DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")
LAST = "/etc/sysctl.conf"

SYSTEMD = "systemd-sysctl"
PROCPS = "sysctl --system"
# The firewall ufw hands a file of its own to sysctl whenever it starts, after systemd-sysctl.
UFW = "ufw"

# An interface's own key; the same one of "default" stands for all that appear later.
_INTERFACE = re.compile(r"(net\.ipv[46]\.(?:conf|neigh))\.([^.]+)\.([^.]+)")
_WILD = re.compile(r"\[.[^\]]*\]|[*?]")


@dataclass(frozen=True)
class BootFiles:
    """The files that set values at boot.

    targets: the path of each, hidden ones too, with the real file that it leads to.
    contents: the real files; a path that leads to none of them masks its name.
    readers: the tools of this host, the one that the boot runs first.
    firewall: the file that ufw applies, where ufw is among the readers.
    """

    targets: t.Mapping[str, str] = field(default_factory=dict)
    contents: t.Mapping[str, FileText] = field(default_factory=dict)
    readers: tuple[str, ...] = (SYSTEMD, PROCPS)
    firewall: str = ""

    def text(self, path: str) -> str:
        file = self.contents.get(self.targets[path])
        return file.text if file else ""

    def having(self, path: str, file: FileText) -> BootFiles:
        """The same with one file written."""
        target = self.targets.get(path, path)
        return replace(self, targets={**self.targets, path: target}, contents={**self.contents, target: file})

    def read_by(self, reader: str) -> list[str]:
        """The paths that the tool reads, in its order."""
        if reader == UFW:
            return [self.firewall]
        seen: dict[str, str] = {}
        for directory in DIRECTORIES:
            for path in self.targets:
                parent, _slash, name = path.rpartition("/")
                hidden = name.startswith(".") and reader == SYSTEMD
                if parent == directory and name.endswith(".conf") and not hidden:
                    seen.setdefault(name, path)
        paths = [seen[name] for name in sorted(seen, key=_bytes)]
        return [*paths, LAST] if reader == PROCPS and LAST in self.targets else paths


@dataclass(frozen=True)
class Winner:
    """The line that settles a key for one tool; its value is None where it keeps the key from being set."""

    path: str
    line: Line
    target: str = ""

    @property
    def value(self) -> str:
        return canonical_value(self.line.value or "")

    @property
    def file(self) -> str:
        return self.path if self.target in ("", self.path) else f"{self.path} (a link to {self.target})"

    def as_dict(self) -> dict[str, t.Any]:
        found: dict[str, t.Any] = {"file": self.path, "line": self.line.number, "value": self.value}
        return {**found, "pattern": self.line.key} if self.line.pattern else found


@dataclass(frozen=True)
class Override:
    """What comes of a key at boot against our wish, and what of it when the other tool runs, by tool."""

    by: t.Mapping[str, Winner]
    boot: Winner | None = None

    @property
    def first(self) -> Winner:
        return self.boot or next(iter(self.by.values()))

    def as_dict(self) -> dict[str, t.Any]:
        return {**self.first.as_dict(), "readers": {reader: winner.as_dict() for reader, winner in self.by.items()}}


def as_dicts(overridden: t.Mapping[str, Override]) -> dict[str, dict[str, t.Any]]:
    """The overridden keys for a result."""
    return {key: override.as_dict() for key, override in overridden.items()}


class Settled:
    """All that one tool makes of the files."""

    def __init__(self, files: BootFiles, reader: str) -> None:
        self._braces = reader == SYSTEMD
        self._named: dict[str, Winner] = {}
        self.patterns: list[Winner] = []
        for path in files.read_by(reader):
            for line in lines(files.text(path), reader != SYSTEMD):
                self._take(Winner(path, line, files.targets[path]), reader)

    def _take(self, new: Winner, reader: str) -> None:
        if reader != SYSTEMD:
            former = self._named.get(new.line.key)
            if new.line.pattern:
                self.patterns.append(new)
            elif new.line.value is not None or former is None:
                self._named[new.line.key] = new
            return
        # systemd-sysctl keeps one entry for each key and pattern; the same value again leaves it in its place.
        if not new.line.pattern:
            self._named[new.line.key] = new
            return
        same = [each for each in self.patterns if each.line.key == new.line.key]
        if not same or same[0].line.value != new.line.value:
            self.patterns = [each for each in self.patterns if each not in same] + [new]

    def winner(self, key: str) -> Winner | None:
        """The line that settles the key, or None where no line speaks of it."""
        if key in self._named:
            return self._named[key]
        matching = [
            each for each in self.patterns if each.line.value is not None and matches(each.line.key, key, self._braces)
        ]
        return matching[-1] if matching else None


def matches(pattern: str, key: str, braces: bool = True) -> bool:
    """Whether glob(7) finds the key by the pattern: part by part; *braces* are of meaning to systemd-sysctl alone."""
    names = key.split(".")
    for each in _braces(pattern) if braces else [pattern]:
        parts = each.split(".")
        if len(parts) == len(names) and all(map(_part_matches, parts, names)):
            return True
    return False


def overrides(files: BootFiles, path: str, wanted: t.Mapping[str, str]) -> dict[str, Override]:
    """The wanted keys that end in another value, where *files* hold ours under *path*."""
    found: dict[str, dict[str, Winner]] = {}
    own = files.targets[path]
    for reader in files.readers:
        settled = Settled(files, reader)
        for key, value in wanted.items():
            winner = settled.winner(key)
            if winner is None or winner.target == own or not contradicts(winner.line, value):
                winner = _for_interfaces(settled, key, value)
            if winner and winner.target != own:
                found.setdefault(key, {})[reader] = winner
    boot = files.readers[0]
    return {key: Override(by, by.get(UFW) or by.get(boot)) for key, by in sorted(found.items())}


def unread(files: BootFiles, path: str) -> list[str]:
    """The tools that do not read *path*: it lies elsewhere, or an earlier directory has a file of its name."""
    own = files.targets[path]
    readers = [reader for reader in files.readers if reader != UFW]
    return [reader for reader in readers if own not in {files.targets[each] for each in files.read_by(reader)}]


def contradicts(line: Line, value: str) -> bool:
    """Whether the line means another value than that."""
    return line.value is None or plain_integers(canonical_value(line.value)) != value


def interface_default(key: str) -> str:
    """The key of ``default`` that stands for an interface's key or pattern; empty where there is none."""
    found = _INTERFACE.fullmatch(key)
    return f"{found.group(1)}.default.{found.group(3)}" if found and not _WILD.search(found.group(3)) else ""


def _for_interfaces(settled: Settled, key: str, value: str) -> Winner | None:
    """The pattern that gives interfaces another value than the one that ``default`` is to give them."""
    own = _INTERFACE.fullmatch(key)
    if not own or own.group(2) != "default":
        return None
    for pattern in (each for found in settled.patterns for each in _braces(found.line.key)):
        parts = pattern.split(".")
        name = _WILD.sub(lambda wild: wild.group()[1:2] or "0", parts[3]) if len(parts) == 5 else ""
        winner = settled.winner(f"{own.group(1)}.{name}.{own.group(3)}")
        if winner and winner.line.pattern and contradicts(winner.line, value):
            return winner
    return None


def _part_matches(pattern: str, name: str) -> bool:
    dot = name.startswith(("/", "."))
    return (not dot or pattern[:1] == name[:1]) and fnmatch.fnmatchcase(name, pattern.replace("[^", "[!"))


def _braces(pattern: str) -> list[str]:
    found = re.search(r"\{([^{}]*)\}", pattern)
    if not found:
        return [pattern]
    head, tail = pattern[: found.start()], pattern[found.end() :]
    return [each for word in found.group(1).split(",") for each in _braces(head + word + tail)]


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
