# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the file in which a run says how far it is, for the action plugin that waits for it.

It lies where nobody else can put a file: in /run for root, in ~/.ansible/tmp for others. It is made with the first line
and removed at the end of the run.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
import typing as t
from pathlib import Path

from .progress import FILE_PREFIX, VARIABLE, Progress, record

MOST_LINES = 5000
STALE = 86400.0  # seconds after which a file is that of a killed run


def listener() -> Progress:
    """What the environment asks for: a file with the token's name, or nothing."""
    token = os.environ.get(VARIABLE, "")
    return ProgressFile(token) if re.fullmatch(r"[0-9a-f]{16,64}", token) else Progress()


def directory() -> Path:
    """The private place; the action plugin looks there by the same rule."""
    run = Path("/run")
    return run if os.geteuid() == 0 and run.is_dir() else Path("~/.ansible/tmp").expanduser()


class ProgressFile(Progress):
    """Writes each line to the file. Where that is not possible, nothing is said; the work goes on."""

    def __init__(self, token: str, place: Path | None = None) -> None:
        super().__init__()
        self._path = (place or directory()) / f"{FILE_PREFIX}{token}"
        self._file: t.BinaryIO | None = None
        self._count = 0
        self._broken = False

    def write(self, line: str) -> None:
        with self._lock:
            if self._broken or self._count >= MOST_LINES:
                return
            try:
                self._file = self._file or self._open()
                self._count += 1
                self._file.write(record(self._count, line))
            except (OSError, RuntimeError):
                self._broken = True

    def close(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            self._broken = True
            if self._file is not None:
                self._file.close()
                self._path.unlink()

    def _open(self) -> t.BinaryIO:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for other in self._path.parent.glob(f"{FILE_PREFIX}*"):
            with contextlib.suppress(OSError):
                if time.time() - other.lstat().st_mtime > STALE:
                    other.unlink()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.fdopen(os.open(self._path, flags, 0o600), "ab", buffering=0)
