# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: small configuration files, read whole and replaced atomically."""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ..errors import CaissonError
from .changes import Access

TEMPORARY_SUFFIX = ".caisson-new"
MAKE_ATTEMPTS = 100


@dataclass(frozen=True)
class FileState:
    """A regular file as it stands: its bytes, permission bits and owners (numeric)."""

    content: bytes
    mode: int = 0o644
    uid: int = 0
    gid: int = 0

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", errors="replace")


def read_file(path: str | Path) -> FileState | None:
    """The file's state, or None where there is none. A link is followed. CaissonError where it cannot be read."""
    try:
        with Path(path).open("rb") as handle:
            status = os.fstat(handle.fileno())
            return FileState(handle.read(), stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CaissonError(f"Failed to read {path}: {error.strerror}") from error


def conf_files(directories: t.Iterable[str]) -> list[Path]:
    """The ``*.conf`` of the directories by their names; one hides those of the same name in later directories."""
    found: dict[str, Path] = {}
    for directory in directories:
        for path in Path(directory).glob("*.conf"):
            found.setdefault(path.name, path)
    return [found[name] for name in sorted(found)]


def write_file(path: str | Path, state: FileState) -> None:
    """Replace the file in one step: a reader sees the former bytes or the new ones, also after a crash.

    The temporary file lies beside the target under a fixed name, so one that a killed run left is reused,
    never collected. A link is followed, so that ``/etc/docker/daemon.json -> /srv/...`` stays a link.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        # Above all a link to /dev/null: replacing its target would take the device away from the whole host.
        raise CaissonError(f"Failed to write {path}: {target} is not a regular file; choose another path")
    temporary = target.with_name(f".{target.name}{TEMPORARY_SUFFIX}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(state.content)
            os.fchown(handle.fileno(), state.uid, state.gid)
            os.fchmod(handle.fileno(), state.mode)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(target)
        sync_directory(target.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise CaissonError(f"Failed to write {path}: {error.strerror}; the former file is unchanged") from error


def file_times(path: str | Path) -> tuple[int, int]:
    """When the file was read and written last, in nanoseconds."""
    status = Path(path).stat()
    return status.st_atime_ns, status.st_mtime_ns


def set_file_times(path: str | Path, times: tuple[int, int]) -> None:
    """Give a file that was put back the times that it had; whoever compares them sees no change."""
    with contextlib.suppress(OSError):
        os.utime(path, ns=times)


def read_access(path: str | Path) -> tuple[Access, int] | None:
    """Owner and mode of what the path names, links followed, and the bits that tell its kind; None where it is not."""
    try:
        status = Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CaissonError(f"Failed to look at {path}: {error.strerror}") from error
    return Access(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)), stat.S_IFMT(status.st_mode)


def set_access(path: str | Path, access: Access) -> None:
    """Give the path its owner and mode, and look that it has them. It is named once, so nobody can swap it between."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            # What is opened so takes no fchmod; its name among the descriptors does.
            same = f"/proc/self/fd/{descriptor}"
            os.chown(same, access.uid, access.gid)
            os.chmod(same, access.mode)  # noqa: PTH101  after the owner: a change of that takes set-user-ID bits away
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CaissonError(f"Failed to change owner and mode of {path} to {access}: {error.strerror}") from error
    shown = Access(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
    if shown != access:
        raise CaissonError(f"Failed to change owner and mode of {path}: it shows {shown} after {access} was set")


def remove_file(path: str | Path) -> bool:
    """Remove the file; whether there was one."""
    try:
        Path(path).unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise CaissonError(f"Failed to remove {path}: {error.strerror}") from error
    sync_directory(Path(path).parent)
    return True


def make_directories(path: str | Path, mode: int = 0o755) -> list[str]:
    """Make the directory and its parents; the ones that were missing, outermost first, so that undo can remove them.

    Other runs and threads may do the same at the same time, or remove what is empty. A directory that another one made
    is not among those returned; one that was taken away again is made anew.
    """
    made: dict[str, None] = {}
    attempts = MAKE_ATTEMPTS
    while True:
        for directory in map(Path, missing_directories(Path(path))):
            try:
                directory.mkdir(mode=mode)
                made[str(directory)] = None
                directory.chmod(mode)
            except OSError as error:
                if isinstance(error, FileExistsError) and directory.is_dir():
                    continue
                attempts -= 1
                if attempts and isinstance(error, (FileExistsError, FileNotFoundError)):
                    break
                raise CaissonError(f"Failed to make the directory {directory}: {error.strerror}") from error
        else:
            return list(made)


def missing_directories(path: Path) -> list[str]:
    """The directory and its parents as far as they are not there, outermost first: what making it will make.

    They belong into a record before they are made, or a run that is killed in between leaves them for good.
    """
    return [str(each) for each in reversed([path, *path.parents]) if not each.exists()]


def remove_empty_directories(paths: t.Iterable[str]) -> None:
    """Remove those of the directories that are empty, innermost first; leave the others."""
    for path in sorted(paths, key=len, reverse=True):
        with contextlib.suppress(OSError):
            Path(path).rmdir()


def sync_directory(path: Path) -> None:
    """Make what was renamed or made in the directory last through a crash."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
