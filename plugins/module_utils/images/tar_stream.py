# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A tar archive that comes in pieces, read once from its beginning to its end in little memory. Pure."""

from __future__ import annotations

import tarfile
import typing as t

from ..errors import CaissonError

END = bytes(2 * tarfile.BLOCKSIZE)  # what a whole archive ends with

Entry = t.Tuple[tarfile.TarInfo, t.Callable[[int], t.Optional[bytes]]]


class BrokenArchive(CaissonError):
    """The archive ends before its end, or is none."""


def entries(chunks: t.Iterable[bytes]) -> t.Iterator[Entry]:
    """Each entry with a function that reads its content: all of it, or None where it is longer than the limit given.

    The content can only be read before the next entry is asked for. BrokenArchive where the archive is not whole;
    what came before is then not to be relied on.
    """
    stream = _Forward(chunks)
    try:
        with tarfile.TarFile(fileobj=t.cast(t.Any, stream)) as opened:
            archive: t.Any = opened
            while True:
                entry = archive.next()
                if entry is None:
                    break
                archive.members = []  # it would keep every entry, for looking them up
                yield entry, lambda most, entry=entry: _content(stream, entry, most)  # type: ignore[misc]
    except tarfile.TarError as error:
        raise BrokenArchive(f"Failed to read the archive: {error}") from error
    # Where a file ends with zeros, these alone could be taken for the end.
    if stream.last(len(END)) != END or stream.tell() < archive.offset + len(END):
        raise BrokenArchive("Failed to read the archive: it broke off before its end")


def _content(stream: _Forward, entry: tarfile.TarInfo, most: int) -> bytes | None:
    if not entry.isreg() or entry.issparse() or entry.size > most:
        return None
    stream.seek(entry.offset_data)
    return stream.read(entry.size)


class _Forward:
    """The file that tarfile asks for. It goes forward only; what is passed over is dropped a piece at a time."""

    def __init__(self, chunks: t.Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._chunk = b""
        self._at = 0  # in the chunk
        self._before = 0  # the length of all chunks before it
        self._tail = b""  # the end of the chunks before it

    def tell(self) -> int:
        return self._before + self._at

    def seek(self, position: int) -> int:
        if position < self.tell():
            raise tarfile.StreamError("going back is not possible")
        while position > self._before + len(self._chunk) and self._next():
            pass
        self._at = min(position - self._before, len(self._chunk))
        return self.tell()

    def read(self, size: int = -1) -> bytes:
        found = self._chunk[self._at :] if size < 0 else self._chunk[self._at : self._at + size]
        self._at += len(found)
        if len(found) == size:
            return found
        parts = [found]
        wanted = size - len(found)
        while (size < 0 or wanted > 0) and self._next():
            part = self._chunk if size < 0 else self._chunk[:wanted]
            self._at = len(part)
            wanted -= len(part)
            parts.append(part)
        return b"".join(parts)

    def last(self, size: int) -> bytes:
        """The end of the stream, all of which is gone through."""
        while self._next():
            pass
        self._at = len(self._chunk)
        return (self._tail + self._chunk[-size:])[-size:]

    def _next(self) -> bool:
        for chunk in self._chunks:
            if chunk:
                self._tail = (self._tail + self._chunk[-len(END) :])[-len(END) :]
                self._before += len(self._chunk)
                self._chunk, self._at = chunk, 0
                return True
        self._at = len(self._chunk)
        return False
