# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the files of secrets on this host, in directories that only root can reach.

``<root>/<engine>/<container>/<generation>/<file>``. All but the generation is closed to others than root. The
generation is open to whom it is bound for, and each of its files has the owner and the mode that were asked for.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import typing as t
from pathlib import Path

from ..containers.secrets import MOST_BYTES, ROOT, SecretFile
from ..errors import CaissonError
from .files import make_directories, remove_empty_directories, sync_directory

CLOSED = 0o700
# Whoever sees the bound directory may list it: some programs read all that is there.
BOUND = 0o755
STAGING = "in-place"  # files on their way into a generation; it stays until the change is complete


class SecretStore:
    """The secrets of one engine's containers. Everything raises CaissonError that says what to do."""

    def __init__(self, engine: str, root: str = ROOT) -> None:
        self._root = Path(root)
        self._engine = engine

    def entries(self, container: str) -> list[str]:
        """The names of what lies below the container's directory, without a change under way."""
        return [name for name in self._list(container) if name != STAGING]

    def unfinished(self, container: str) -> bool:
        """Whether a change in place was begun and not settled."""
        return STAGING in self._list(container)

    def loose(self, container: str, generation: str = "") -> bool:
        """Whether a directory is not root's alone, or the generation not as it was made."""
        wanted = [(path, CLOSED) for path in self._parents(container)]
        if generation:
            wanted.append((self._path(container) / generation, BOUND))
        found = [(path.lstat(), mode) for path, mode in wanted if os.path.lexists(path)]
        return any((status.st_mode, status.st_uid) != (stat.S_IFDIR | mode, 0) for status, mode in found)

    def tighten(self, container: str, generation: str) -> None:
        """Give the directories back to root."""
        with self._saying(container, "close"):
            for path in self._parents(container):
                _own(path, CLOSED)
            _own(self._path(container) / generation, BOUND)

    def read(self, container: str, generation: str) -> dict[str, SecretFile] | None:
        """The files of a generation; None where it is not there."""
        try:
            directory = os.open(self._path(container) / generation, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise CaissonError(f"Failed to read the secrets of {container!r}: {error.strerror}") from error
        try:
            with self._saying(container, "read"):
                return {name: _read(directory, name) for name in sorted(each.name for each in os.scandir(directory))}
        finally:
            os.close(directory)

    def write(self, container: str, generation: str, files: t.Mapping[str, SecretFile]) -> None:
        """Make a generation. Where that fails, nothing of it is left."""
        path = self._path(container) / generation
        with self._saying(container, "write"):
            self._make_parents(container)
            try:
                path.mkdir(mode=CLOSED)
                for name, file in files.items():
                    _write(path / name, file)
                path.chmod(BOUND)
                for directory in (path, path.parent, path.parent.parent):
                    sync_directory(directory)
            except OSError:
                shutil.rmtree(path, ignore_errors=True)
                raise

    def replace(self, container: str, generation: str, files: t.Mapping[str, SecretFile]) -> None:
        """Give an existing generation these files and no others, each in one step.

        All are written before the first is moved in, so that a full disk changes nothing. Call :meth:`settle` after.
        """
        path, staging = self._path(container) / generation, self._path(container) / STAGING
        with self._saying(container, "write"):
            found = self.read(container, generation) or {}
            changed = [name for name, file in files.items() if found.get(name) != file]
            _remove(staging)
            staging.mkdir(mode=CLOSED)
            try:
                for name in changed:
                    _write(staging / name, files[name])
                sync_directory(staging)
            except OSError:
                shutil.rmtree(staging, ignore_errors=True)
                raise
            for name in changed:
                if found.get(name, files[name]).content is None:
                    _remove(path / name)
                (staging / name).replace(path / name)
            for name in set(found) - set(files):
                _remove(path / name)
            sync_directory(path)

    def settle(self, container: str) -> None:
        """Nothing of a change in place is left to be done."""
        with self._saying(container, "tidy up"):
            _remove(self._path(container) / STAGING)

    def remove(self, container: str, entries: t.Iterable[str]) -> None:
        """Remove these entries, what a change in place left, and every directory that is empty then."""
        with self._saying(container, "remove"):
            for name in (*entries, STAGING):
                _remove(self._path(container) / name)
            remove_empty_directories(map(str, (self._root.parent, *self._parents(container))))

    def _path(self, container: str) -> Path:
        return self._root / self._engine / container

    def _parents(self, container: str) -> tuple[Path, Path, Path]:
        return self._root, self._root / self._engine, self._path(container)

    def _make_parents(self, container: str) -> None:
        # Another engine's run may remove what is empty just then.
        for attempt in range(3):
            try:
                make_directories(self._path(container), mode=CLOSED)
                for path in self._parents(container):
                    _own(path, CLOSED)
                return
            except FileNotFoundError:
                if attempt == 2:
                    raise

    def _list(self, container: str) -> list[str]:
        try:
            return sorted(each.name for each in self._path(container).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise CaissonError(f"Failed to list {self._path(container)}: {error.strerror}") from error

    @contextlib.contextmanager
    def _saying(self, container: str, verb: str) -> t.Iterator[None]:
        try:
            yield
        except OSError as error:
            remedy = f"make room or set right {self._path(container)}, then run again"
            raise CaissonError(f"Failed to {verb} the secrets of {container!r}: {error.strerror}; {remedy}") from error


def _own(path: Path, mode: int) -> None:
    """Make the directory root's with this mode; a link is refused, it may lead anywhere."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchown(descriptor, 0, 0)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def _read(directory: int, name: str) -> SecretFile:
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    content = None
    if stat.S_ISREG(status.st_mode):
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        with os.fdopen(descriptor, "rb") as handle:
            content = handle.read(MOST_BYTES + 1)
    return SecretFile(content, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)


def _write(path: Path, file: SecretFile) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(file.content or b"")
        os.fchown(handle.fileno(), file.uid, file.gid)
        os.fchmod(handle.fileno(), file.mode)
        handle.flush()
        os.fsync(handle.fileno())


def _remove(path: Path) -> None:
    """Remove whatever is there, without following a link."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(path.lstat().st_mode):
            shutil.rmtree(path)
        else:
            path.unlink()
