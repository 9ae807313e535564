# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reaches the engine another way: over TCP as if it were another host's, or through a socket that anybody may use."""

from __future__ import annotations

import contextlib
import socket
import threading
import typing as t
from pathlib import Path


@contextlib.contextmanager
def relay(docker_host: str, at: Path | None = None) -> t.Iterator[str]:
    """The address of a relay to the engine's socket: a socket at the path, or else a port of this machine."""
    listener = socket.socket(socket.AF_UNIX if at else socket.AF_INET)
    listener.bind(str(at) if at else ("127.0.0.1", 0))
    if at:
        at.chmod(0o666)
    listener.listen(16)
    target = docker_host.partition("unix://")[2]
    threading.Thread(target=_accept, args=(listener, target), daemon=True).start()
    try:
        yield f"unix://{at}" if at else f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        if at:
            at.unlink()


def _accept(listener: socket.socket, target: str) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _address = listener.accept()
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(target)
            for source, sink in ((client, engine), (engine, client)):
                threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            data = source.recv(65536)
            if not data:
                break
            sink.sendall(data)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
