# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: what a host was like before its first change, kept under /var/lib/caisson for root only.

One JSON document for each subject, written before the change it describes. An original is recorded once and never
overwritten by a later run, so undo returns to the state before the *first* hardening.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import typing as t
from pathlib import Path

from ..errors import CaissonError
from .changes import Access
from .files import (
    FileState,
    make_directories,
    read_file,
    remove_empty_directories,
    remove_file,
    write_file,
)

ROOT = "/var/lib/caisson"
UNDO_FILE = "undo.json"
KEPT_BACKUPS = 5


class UndoStore:
    """The undo record of one subject (``kernel``, ``daemon``, ...): files, values, owners and modes, made directories.

    Nothing is written until :meth:`commit`; call it before the change that it makes reversible.
    """

    def __init__(self, subject: str, root: str = ROOT) -> None:
        self.directory = Path(root) / subject
        self.path = self.directory / UNDO_FILE
        self._record = self._load()
        self._dirty = False

    def record_file(self, path: str, state: FileState | None) -> None:
        """Keep the file's state (None: it was absent), unless an earlier run already did."""
        self._once("files", path, encode(state))

    def record_value(self, name: str, value: t.Any) -> None:
        """Keep a named JSON value, unless an earlier run already did."""
        self._once("values", name, value)

    def record_inherited(self, name: str, value: str) -> None:
        """Keep a value that is not ours, but may come to follow one that is; unless an earlier run already did."""
        self._once("inherited", name, value)

    def record_access(self, path: str, access: Access) -> None:
        """Keep a path's owner and mode, unless an earlier run already did."""
        self._once("accesses", path, [access.uid, access.gid, access.mode])

    def record_directories(self, paths: t.Iterable[str]) -> None:
        """Keep which directories were made by us; undo removes those that are empty then."""
        for path in paths:
            self._once("directories", path, True)

    def files(self) -> dict[str, FileState | None]:
        """Each recorded file with the state to bring back."""
        return {path: decode(saved) for path, saved in self._record["files"].items()}

    def values(self) -> dict[str, t.Any]:
        return dict(self._record["values"])

    def inherited(self) -> dict[str, str]:
        return dict(self._record["inherited"])

    def accesses(self) -> dict[str, Access]:
        """Each recorded path with the owner and mode to bring back."""
        return {path: Access(*saved) for path, saved in self._record["accesses"].items()}

    def directories(self) -> list[str]:
        return list(self._record["directories"])

    def record_written(self, path: str, content: bytes) -> None:
        """Keep what a file that is wholly ours is given, so that undo can tell it from what somebody else made of it.

        The content before it counts as well, for a run may be killed before it writes the new one.
        """
        kept = self._record["written"].get(path, [])
        digest = digest_of(content)
        if digest not in kept[-1:]:
            self._record["written"][path] = [*kept[-1:], digest]
            self._dirty = True

    def written(self) -> dict[str, list[str]]:
        """The digests that each file of ours may have."""
        return dict(self._record["written"])

    def forget_value(self, name: str) -> None:
        for kind in ("values", "inherited"):
            if self._record[kind].pop(name, None) is not None:
                self._dirty = True

    def forget_access(self, path: str) -> None:
        if self._record["accesses"].pop(path, None) is not None:
            self._dirty = True

    def forget_file(self, path: str) -> None:
        if self._record["files"].pop(path, self) is not self:
            self._dirty = True
        if self._record["written"].pop(path, None):
            self._dirty = True

    def commit(self) -> None:
        """Write the record, if it changed since it was read."""
        if not self._dirty:
            return
        make_directories(self.directory, mode=0o700)
        content = json.dumps({"version": 1, **self._record}, indent=1, sort_keys=True) + "\n"
        write_file(self.path, FileState(content.encode(), mode=0o600))
        self._dirty = False

    def backup(self, path: str, state: FileState, keep: int = KEPT_BACKUPS) -> Path:
        """Put a dated copy of the file beside the record; all but the *keep* newest of that file are removed."""
        directory = self.directory / "backups"
        make_directories(directory, mode=0o700)
        stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
        copy = directory / f"{Path(path).name}.{stamp}"
        write_file(copy, FileState(state.content, mode=0o600))
        for old in sorted(directory.glob(f"{Path(path).name}.*"))[:-keep]:
            remove_file(old)
        return copy

    def clear(self) -> None:
        """Forget everything of this subject, its backups too, and leave no empty directory behind."""
        for old in sorted((self.directory / "backups").glob("*")):
            remove_file(old)
        if self.path.exists():
            remove_file(self.path)
        remove_empty_directories([str(self.directory / "backups"), str(self.directory), str(self.directory.parent)])
        self._record = _empty()
        self._dirty = False

    def _once(self, kind: str, name: str, value: t.Any) -> None:
        if name not in self._record[kind]:
            self._record[kind][name] = value
            self._dirty = True

    def _load(self) -> dict[str, dict[str, t.Any]]:
        state = read_file(self.path)
        if state is None:
            return _empty()
        try:
            found = json.loads(state.content)
            return {kind: dict(found.get(kind, {})) for kind in _empty()}
        except (ValueError, AttributeError, TypeError) as error:
            raise CaissonError(
                f"Failed to read the undo record {self.path}: {error}; move it away to go on without undo data"
            ) from error


def subjects(root: str = ROOT, kept: str = UNDO_FILE) -> list[str]:
    """The names of the subjects of which the host has such a file, sorted."""
    return sorted(path.parent.name for path in Path(root).glob(f"*/{kept}"))


def _empty() -> dict[str, dict[str, t.Any]]:
    return {kind: {} for kind in ("files", "values", "inherited", "accesses", "directories", "written")}


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def encode(state: FileState | None) -> dict[str, t.Any] | None:
    if state is None:
        return None
    content = base64.b64encode(state.content).decode()
    return {"content": content, "mode": state.mode, "uid": state.uid, "gid": state.gid}


def decode(saved: dict[str, t.Any] | None) -> FileState | None:
    if saved is None:
        return None
    return FileState(base64.b64decode(saved["content"]), saved["mode"], saved["uid"], saved["gid"])
