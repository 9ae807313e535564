# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the live kernel values under /proc/sys."""

from __future__ import annotations

import errno
import os
import typing as t
from pathlib import Path

from ..errors import CaissonError
from .sysctl_names import canonical_value, key_path, path_key

READ_ONLY = "/proc/sys is mounted read-only, as in a container"

_REASONS = {
    errno.EROFS: READ_ONLY,
    errno.EACCES: "this kernel lets nobody write it here",
    errno.EPERM: "the kernel does not permit it: a capability is missing, or the value is locked until the next boot",
    errno.EINVAL: "the kernel does not take this value",
    errno.ERANGE: "the value is out of the kernel's range",
}
# A key that cannot be written here, in contrast to a value that no kernel takes.
_UNWRITABLE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


class WriteRefusedError(CaissonError):
    """The kernel refused a value; ``unwritable`` tells whether any value would have been."""

    def __init__(self, reason: str, unwritable: bool) -> None:
        super().__init__(reason)
        self.unwritable = unwritable


class ProcSys:
    """The kernel's settings."""

    def __init__(self, root: str = "/proc/sys") -> None:
        self._root = Path(root)

    def read(self, keys: t.Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
        """The live values of those of the keys that exist, and the reasons for those that cannot be read."""
        values: dict[str, str] = {}
        unreadable: dict[str, str] = {}
        for key in keys:
            value, reason = self._read(key)
            if value is not None:
                values[key] = value
            elif reason:
                unreadable[key] = reason
        return values, unreadable

    def _read(self, key: str) -> tuple[str | None, str]:
        try:
            content = (self._root / key_path(key)).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None, ""
        except OSError as error:
            return None, os.strerror(error.errno or 0)
        return canonical_value(content.decode("utf-8", "replace")), ""

    def write(self, key: str, value: str) -> None:
        """Set the live value; WriteRefusedError with the kernel's reason."""
        try:
            descriptor = os.open(self._root / key_path(key), os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(descriptor, f"{value}\n".encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            number = error.errno or 0
            reason = f"{_REASONS.get(number, os.strerror(number))} ({errno.errorcode.get(number, number)})"
            raise WriteRefusedError(reason, number in _UNWRITABLE) from error

    def unwritable(self, keys: t.Iterable[str]) -> dict[str, str]:
        """Why those of the keys that can be seen to be unwritable are so; nothing is tried."""
        found: dict[str, str] = {}
        for key in keys:
            path = self._root / key_path(key)
            if path.exists() and not os.access(path, os.W_OK):
                read_only = os.statvfs(path).f_flag & os.ST_RDONLY
                found[key] = READ_ONLY if read_only else _REASONS[errno.EACCES]
        return found

    def names(self) -> frozenset[str]:
        """Every key of this kernel."""
        return frozenset(
            path_key(os.path.relpath(str(Path(directory) / name), self._root))
            for directory, _directories, files in os.walk(self._root)
            for name in files
        )


def require_root(module: str, what: str = "the kernel's settings") -> None:
    """CaissonError where the run has not the rights that every step of the module, which changes that, needs."""
    if os.geteuid() != 0:
        raise CaissonError(f"{module} needs root to see and to change {what}; add 'become: true'")
