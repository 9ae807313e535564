# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: HTTP over the engine's unix socket, with connections that are used again.

The SDK's way there (requests, urllib3) costs a tenth of a second to import and a millisecond a call; a run over many
containers makes hundreds of calls, and most runs need no more than this.
"""

from __future__ import annotations

import http.client
import json
import select
import socket
import typing as t
import urllib.parse

from .engine_errors import message

SCHEME = "unix://"
FIRST_ERROR = 400


class Refused(Exception):
    """The engine answered with an error; *explanation* is its own sentence."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        said = message(body.decode(errors="replace"))
        self.explanation = said or http.client.responses.get(status, f"status {status}")
        super().__init__(self.explanation)


class Missing(Refused):
    """There is no such object."""


class Answer(t.NamedTuple):
    """An answer that is no error."""

    headers: dict[str, str]  # their names in small letters
    body: bytes
    ok: bool = True

    @property
    def content(self) -> bytes:
        """The body, by the name that it has in `requests`."""
        return self.body


class Wire:
    """The engine behind one unix socket. May be used by several threads; each call has a connection to itself."""

    def __init__(self, url: str, timeout: float) -> None:
        """url: begins with unix://"""
        self._path = "/" + url[len(SCHEME) :].lstrip("/")
        self._timeout = timeout
        self._idle: list[_Connection] = []  # append and pop of a list are atomic

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def request(self, method: str, path: str, body: t.Any = None, longer: float = 0) -> Answer:
        """Send the body as JSON and read the answer whole. longer: seconds that the engine may take beside the timeout.

        Refused where the engine says no, OSError where the connection breaks.
        """
        connection = self._connection()
        headers = {"Host": "docker"}
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        elif method == "POST":
            headers["Content-Length"] = "0"
        try:
            connection.limit(self._timeout + longer)
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            answer = Answer({name.lower(): value for name, value in response.headers.items()}, response.read())
        except http.client.HTTPException as error:
            connection.close()
            raise ConnectionError(f"the engine's answer broke off ({type(error).__name__})") from error
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._idle.append(connection)
        if response.status >= FIRST_ERROR:
            raise (Missing if response.status == http.client.NOT_FOUND else Refused)(response.status, answer.body)
        return answer

    def _connection(self) -> _Connection:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was quicker
                break
            if connection.usable():
                return connection
            connection.close()
        return _Connection(self._path, self._timeout)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)

    def limit(self, seconds: float) -> None:
        self.timeout = seconds
        if self.sock is not None:
            self.sock.settimeout(seconds)

    def usable(self) -> bool:
        """Whether the engine has kept the connection open; one that can be read from between calls was closed."""
        if self.sock is None:
            return False
        waiting = select.poll()
        waiting.register(self.sock, select.POLLIN)
        return not waiting.poll(0)


def path_of(*parts: str, **query: t.Any) -> str:
    """The path of a call: the parts, quoted but for the slashes and colons of an image's name, and the query."""
    path = "/" + "/".join(urllib.parse.quote(part, safe="/:") for part in parts)
    return f"{path}?{urllib.parse.urlencode(query)}" if query else path
