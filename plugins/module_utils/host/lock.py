# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: one run at a time changes a subject of a host."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import tempfile
import time
import typing as t
from pathlib import Path

from ..errors import CaissonError


@contextlib.contextmanager
def host_lock(name: str, timeout: float = 60.0, waits: t.Callable[[], None] = lambda: None) -> t.Iterator[None]:
    """Hold the lock *name* of this host; wait up to *timeout* seconds for another run to let it go, and call *waits*
    now and again meanwhile.

    The kernel drops the lock with its process, so a killed run never leaves a stale one.
    """
    directory = Path("/run/lock")
    path = (directory if directory.is_dir() else Path(tempfile.gettempdir())) / f"caisson-{name}.lock"
    try:
        descriptor = _open(path)
    except OSError as error:
        raise CaissonError(
            f"Failed to open the lock {path}: {error.strerror}; run as the user of the earlier runs"
        ) from error
    try:
        _acquire(descriptor, path, time.monotonic() + timeout, waits)
        with contextlib.suppress(OSError):
            # Who holds it is told for convenience; a full disk must not stop a run that may be there to help.
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        # fs.protected_regular refuses O_CREAT, even to root, on another user's file in a sticky directory.
        return os.open(path, flags)
    except FileNotFoundError:
        return os.open(path, flags | os.O_CREAT, 0o600)


def _acquire(descriptor: int, path: Path, deadline: float, waits: t.Callable[[], None]) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise CaissonError(f"Failed to lock {path}: {error.strerror}") from error
        if time.monotonic() >= deadline:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise CaissonError(f"Another run (process {holder}) holds {path}; wait for it to end, then run again")
        waits()
        time.sleep(0.2)
