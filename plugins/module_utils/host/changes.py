# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes to files, owners, modes and live kernel values, as a value that check mode prints and a transaction carries
out. Pure.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

# The first lines of a file that is ours.
HEADER = """\
# Managed by caisson.hardening; changes made here are lost at the next run.
# To undo, run the same module or role with state absent: it brings back file and live values.
"""


@dataclass(frozen=True)
class FileText:
    """A configuration file: its text (bytes that are no UTF-8 as surrogates), mode and owners."""

    text: str
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class FileChange:
    """One file from one state to another; None is its absence."""

    path: str
    before: FileText | None
    after: FileText | None

    @property
    def sentence(self) -> str:
        if self.after is None:
            return f"remove {self.path}"
        if self.before is None:
            return f"write {self.path}"
        same = self.before.text == self.after.text
        return f"correct owner and mode of {self.path}" if same else f"change {self.path}"


@dataclass(frozen=True)
class ValueChange:
    """One live kernel value from one state to another."""

    key: str
    before: str
    after: str

    @property
    def sentence(self) -> str:
        return f"set {self.key} from {self.before!r} to {self.after!r}"


@dataclass(frozen=True)
class Access:
    """Who owns a file, directory or socket, and its permission bits."""

    uid: int
    gid: int
    mode: int

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid} {self.mode:04o}"


@dataclass(frozen=True)
class AccessChange:
    """The owner and mode of one path from one state to another."""

    path: str
    before: Access
    after: Access

    @property
    def sentence(self) -> str:
        return f"change {self.path} from {self.before} to {self.after}"


@dataclass(frozen=True)
class ChangeSet:
    """All that one run changes, in order: first the files, then owners and modes, then the live values.

    originals: what undo returns each file to (None: absent).
    remember: what undo returns each managed key to; recorded once, also where the live value is right already.
    inherited: the same for values that are not ours, but may come to follow one that is.
    remember_access: the same for paths whose owner or mode is ours.
    forget_values, forget_access, forget_files: no longer ours; forgotten once the changes stand.
    reload: what makes the host heed the files, as a sentence; empty where nothing needs to.
    clear: afterwards nothing is ours, so the undo record goes too.
    """

    files: tuple[FileChange, ...] = ()
    accesses: tuple[AccessChange, ...] = ()
    values: tuple[ValueChange, ...] = ()
    originals: t.Mapping[str, FileText | None] = field(default_factory=dict)
    remember: t.Mapping[str, str] = field(default_factory=dict)
    inherited: t.Mapping[str, str] = field(default_factory=dict)
    remember_access: t.Mapping[str, Access] = field(default_factory=dict)
    forget_values: tuple[str, ...] = ()
    forget_access: tuple[str, ...] = ()
    forget_files: tuple[str, ...] = ()
    reload: str = ""
    clear: bool = False

    def __bool__(self) -> bool:
        forgets = self.forget_values or self.forget_access or self.forget_files
        return bool(self.files or self.accesses or self.values or forgets or self.reload or self.clear)

    def actions(self, skipped: t.Container[str] = ()) -> list[str]:
        """One sentence for each change, without the *skipped* keys."""
        sentences = [change.sentence for change in self.files]
        sentences += [change.sentence for change in self.accesses]
        sentences += [change.sentence for change in self.values if change.key not in skipped]
        sentences += [self.reload] if self.reload else []
        return sentences + (["forget the undo record"] if self.clear else [])

    def diff(self, skipped: t.Container[str] = ()) -> dict[str, str]:
        """Live values, owners and modes, and files before and after, as text."""
        values = [change for change in self.values if change.key not in skipped]
        before = "".join(f"{change.key} = {change.before} (live)\n" for change in values)
        after = "".join(f"{change.key} = {change.after} (live)\n" for change in values)
        before += "".join(f"{change.path} {change.before}\n" for change in self.accesses)
        after += "".join(f"{change.path} {change.after}\n" for change in self.accesses)
        return {
            "before": before + "".join(_section(change.path, change.before) for change in self.files),
            "after": after + "".join(_section(change.path, change.after) for change in self.files),
        }


def file_change(path: str, now: FileText | None, then: FileText | None) -> tuple[FileChange, ...]:
    """The change from *now* to *then*, or none where they are equal."""
    return () if now == then else (FileChange(path, now, then),)


def _section(path: str, file: FileText | None) -> str:
    if file is None:
        return ""
    text = file.text.encode("utf-8", "replace").decode("utf-8")
    return f"# {path} (mode {file.mode:04o}, owner {file.uid}:{file.gid})\n{text}"
