# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stands between a module and the engine, so that a test can act between two calls that change something."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import re
import socket
import socketserver
import threading
import typing as t
from pathlib import Path

Change = t.Tuple[str, str]  # method and path, the path without the API's version


class _Upstream(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=120)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: EngineProxy

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.command != "GET":
            self.server.changing((self.command, re.sub(r"\A/v[0-9.]+|\?.*", "", self.path)))
        upstream = _Upstream(self.server.upstream)
        try:
            upstream.request(self.command, self.path, body, dict(self.headers))
            answer = upstream.getresponse()
            content = answer.read()
        except OSError:
            self.close_connection = True  # the engine is gone, and so are we for the client
            return
        finally:
            upstream.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection", "server", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _pass_on  # noqa: N815  the names that http.server calls

    def handle_one_request(self) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the module was killed
            super().handle_one_request()
            return
        self.close_connection = True

    def address_string(self) -> str:
        return "module"

    def log_message(self, format: str, *args: t.Any) -> None:
        """The tests say what went wrong."""


class EngineProxy(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """An engine's socket at *path*. Before the call number *stop_at* that changes something, *act* runs, once."""

    daemon_threads = True

    def __init__(self, path: Path, upstream: str) -> None:
        super().__init__(str(path), _Handler)
        self.upstream = upstream.partition("unix://")[2]
        self.address = f"unix://{path}"
        self.seen: list[Change] = []
        self.reached = threading.Event()
        self._stop_at = 0
        self._act: t.Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def arm(self, stop_at: int, act: t.Callable[[], None]) -> None:
        """Forget what was seen; run *act* before the next call number *stop_at*, counted from 1."""
        self.seen, self._stop_at, self._act = [], stop_at, act
        self.reached.clear()

    def changing(self, change: Change) -> None:
        with self._lock:
            self.seen.append(change)
            if len(self.seen) == self._stop_at:
                self._act()
                self.reached.set()

    def get_request(self) -> tuple[socket.socket, t.Any]:
        request, _address = super().get_request()
        return request, ("module", 0)
