# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: carry a change set out as one transaction, recorded before it begins and taken back where it fails."""

from __future__ import annotations

import contextlib
import functools
import typing as t
from pathlib import Path

from ..errors import CaissonError
from .changes import HEADER, Access, AccessChange, ChangeSet, FileChange, FileText
from .files import (
    FileState,
    make_directories,
    missing_directories,
    read_access,
    read_file,
    remove_empty_directories,
    remove_file,
    set_access,
    write_file,
)
from .procsys import WriteRefusedError
from .undo import UndoStore

Settle = t.Callable[[], None]


class LiveValues(t.Protocol):
    """What holds live values: the kernel's settings (`ProcSys`), or what has the same shape."""

    def read(self, keys: t.Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
        """The values of those of the keys that exist, and the reasons for those that cannot be read."""

    def write(self, key: str, value: str) -> None:
        """Set the value; WriteRefusedError with the reason."""


def to_text(state: FileState | None) -> FileText | None:
    """A file's state for the pure layers; bytes that are no UTF-8 come back the same."""
    if state is None:
        return None
    return FileText(state.content.decode("utf-8", "surrogateescape"), state.mode, state.uid, state.gid)


def to_state(file: FileText | None) -> FileState | None:
    if file is None:
        return None
    return FileState(file.text.encode("utf-8", "surrogateescape"), file.mode, file.uid, file.gid)


class Transaction:
    """Carries out one change set, or nothing of it.

    settle: what makes the host heed changed files (a reload); it raises CaissonError where they have no effect.
    verify: the values that the live keys must show at the end.
    tolerant: keys that cannot be written are reported and not failed on.
    """

    def __init__(
        self, store: UndoStore, proc: LiveValues, settle: Settle | None = None, tolerant: bool = False
    ) -> None:
        self._store = store
        self._proc = proc
        self._settle = settle
        self._tolerant = tolerant
        self._written: list[FileChange] = []
        self._accessed: list[AccessChange] = []
        self._set: list[tuple[str, str]] = []
        self._made: list[str] = []

    def run(self, changes: ChangeSet) -> dict[str, str]:
        """Carry the changes out; the keys that could not be written, with the reasons, where that is tolerated."""
        record = read_file(self._store.path)
        try:
            self._remember(changes)
            self._change_files(changes)
            self._change_accesses(changes)
            refused = self._change_values(changes)
            if self._settle and changes.reload:
                self._settle()
            self._forget(changes)
        except CaissonError as error:
            problems = self._take_back(record, bool(changes.reload))
            raise CaissonError(f"{error}{_outcome(problems)}") from error
        return refused

    def _remember(self, changes: ChangeSet) -> None:
        for path, original in changes.originals.items():
            self._store.record_file(path, to_state(original))
        for key, original_value in changes.remember.items():
            self._store.record_value(key, original_value)
        for key, value in changes.inherited.items():
            self._store.record_inherited(key, value)
        for path, access in changes.remember_access.items():
            self._store.record_access(path, access)
        for change in changes.files:
            after = to_state(change.after)
            if after is not None:
                self._store.record_directories(missing_directories(Path(change.path).parent))
                if after.text.startswith(HEADER):
                    self._store.record_written(change.path, after.content)
        self._store.commit()

    def _change_files(self, changes: ChangeSet) -> None:
        for change in changes.files:
            self._written.append(change)
            if change.after is not None:
                self._made += missing_directories(Path(change.path).parent)
                make_directories(Path(change.path).parent)
            _put(change.path, change.after)

    def _change_accesses(self, changes: ChangeSet) -> None:
        for change in changes.accesses:
            self._accessed.append(change)
            set_access(change.path, change.after)

    def _change_values(self, changes: ChangeSet) -> dict[str, str]:
        failed: dict[str, str] = {}
        refused: dict[str, str] = {}
        for change in changes.values:
            self._set.append((change.key, change.before))
            try:
                self._proc.write(change.key, change.after)
            except WriteRefusedError as error:
                tolerated = self._tolerant and error.unwritable
                (refused if tolerated else failed)[change.key] = f"{change.after!r} was refused: {error}"
        live, _unreadable = self._proc.read(change.key for change in changes.values)
        for change in changes.values:
            shown = live.get(change.key)
            if change.key not in failed and change.key not in refused and shown != change.after:
                failed[change.key] = (
                    f"the kernel shows {shown!r} after {change.after!r} was written; ask for a value that it keeps"
                )
        if failed:
            reasons = "; ".join(f"{key}: {reason}" for key, reason in failed.items())
            raise CaissonError(f"Failed to set {reasons}")
        return refused

    def _forget(self, changes: ChangeSet) -> None:
        for key in changes.forget_values:
            self._store.forget_value(key)
        for path in changes.forget_access:
            self._store.forget_access(path)
        for path in changes.forget_files:
            self._store.forget_file(path)
        if changes.clear:
            remove_empty_directories(self._store.directories())
            self._store.clear()
        else:
            self._store.commit()

    def _take_back(self, record: FileState | None, reload: bool) -> list[str]:
        """Undo in reverse what was done so far; what could not be undone."""
        problems: list[str] = []
        for key, value in reversed(self._set):
            live, _unreadable = self._proc.read([key])
            if live.get(key) != value:
                _try(problems, functools.partial(self._proc.write, key, value))
        for access in reversed(self._accessed):
            _try(problems, functools.partial(_put_access, access.path, access.before))
        for change in reversed(self._written):
            _try(problems, functools.partial(_put, change.path, change.before))
        remove_empty_directories(self._made)
        if self._settle and self._written and reload:
            # The cause is told already; a reload that fails again adds nothing to it.
            with contextlib.suppress(CaissonError):
                self._settle()
        if record is None:
            _try(problems, self._store.clear)
        elif read_file(self._store.path) != record:
            _try(problems, functools.partial(write_file, self._store.path, record))
        return problems


def _put(path: str, file: FileText | None) -> None:
    state = to_state(file)
    if read_file(path) == state:
        return
    if state is None:
        remove_file(path)
    else:
        write_file(path, state)


def _put_access(path: str, access: Access) -> None:
    now = read_access(path)
    if now and now[0] != access:
        set_access(path, access)


def _try(problems: list[str], step: Settle) -> None:
    try:
        step()
    except CaissonError as error:
        problems.append(str(error))


def _outcome(problems: list[str]) -> str:
    if not problems:
        return ". Nothing was changed: values and files are as they were before this run"
    return f". Beyond that, the way back failed: {'; '.join(problems)}"
