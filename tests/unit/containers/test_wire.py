# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTTP over a unix socket: connections used again, errors with the engine's own sentence, answers that break off."""

from __future__ import annotations

import json
import socketserver
import threading
import typing as t
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers.client import Client
from ansible_collections.caisson.hardening.plugins.module_utils.containers.wire import Missing, Refused, Wire, path_of


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    connections = 0
    asked: t.ClassVar[list[tuple[str, str, bytes]]] = []

    def get_request(self) -> t.Any:
        self.connections += 1
        return super().get_request()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_words: t.Any) -> None:
        """Say nothing."""

    def answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, content))
        if self.path == "/broken":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
            self.close_connection = True
            return
        status, body = {
            "/missing": (404, b'{"message": "no such container: web"}'),
            "/refused": (409, b"plainly no\n"),
            "/last": (200, b"{}"),
            "/_ping": (200, b"OK"),
            "/v1.44/containers/web/start": (204, b""),
        }.get(self.path, (200, b'{"fine": true}'))
        self.send_response(status)
        if self.path == "/_ping":
            self.send_header("Api-Version", "1.44")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.path == "/last"  # without saying so, as an engine that is stopped

    do_GET = do_POST = do_DELETE = answer  # noqa: N815  the names that http.server looks for


@pytest.fixture
def server(tmp_path: Path) -> t.Iterator[Server]:
    made = Server(str(tmp_path / "s"), Handler)
    made.asked.clear()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def wire(server: Server) -> t.Iterator[Wire]:
    made = Wire(f"unix://{server.server_address}", 5)
    yield made
    made.close()


def test_one_connection_serves_call_after_call(wire: Wire, server: Server) -> None:
    for _turn in range(5):
        assert wire.request("GET", "/any").body == b'{"fine": true}'
    assert server.connections == 1


def test_a_connection_that_the_engine_has_closed_is_not_used_again(wire: Wire, server: Server) -> None:
    for _turn in range(3):
        wire.request("GET", "/last")
        # What was closed shows at once or a moment later.
        threading.Event().wait(0.1)
    assert server.connections == 3


def test_an_error_carries_the_engines_sentence_and_leaves_the_connection_usable(wire: Wire, server: Server) -> None:
    with pytest.raises(Missing) as missing:
        wire.request("GET", "/missing")
    assert (missing.value.status, missing.value.explanation) == (404, "no such container: web")
    with pytest.raises(Refused) as refused:
        wire.request("POST", "/refused", {"a": 1})
    assert not isinstance(refused.value, Missing)
    assert refused.value.explanation == "plainly no"
    assert server.asked[-1] == ("POST", "/refused", b'{"a": 1}')
    assert server.connections == 1


def test_an_answer_that_breaks_off_is_a_broken_connection(wire: Wire) -> None:
    with pytest.raises(ConnectionError, match="broke off"):
        wire.request("GET", "/broken")
    assert wire.request("GET", "/any").ok


def test_without_a_socket_the_operating_systems_error_comes_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Wire(f"unix://{tmp_path}/none", 5).request("GET", "/_ping")


def test_names_are_quoted_and_the_slashes_of_images_kept() -> None:
    assert path_of("images", "a/b:1", "json") == "/images/a/b:1/json"
    assert path_of("containers", "we b?", "stop", t=3) == "/containers/we%20b%3F/stop?t=3"


def test_the_client_asks_for_the_version_once_and_loads_the_sdk_only_for_the_rest(server: Server) -> None:
    loaded: list[str] = []

    class Sdk:
        def close(self) -> None:
            """Nothing is open."""

        def logs(self, container: str) -> bytes:
            return container.encode()

    def load(version: str) -> Sdk:
        loaded.append(version)
        return Sdk()

    client = Client(f"unix://{server.server_address}", 5, load)
    assert client.info() == {"fine": True}
    assert client.start("web") is None
    client.create_network("inner", driver="bridge", check_duplicate=True, labels={"a": "b"}, options=None)
    assert loaded == []
    assert [client.logs("web"), client.logs("db")] == [b"web", b"db"]
    assert loaded == ["1.44"]
    client.close()
    assert [path for _method, path, _body in server.asked] == [
        "/_ping",
        "/v1.44/info",
        "/v1.44/containers/web/start",
        "/v1.44/networks/create",
    ]
    assert json.loads(server.asked[-1][2]) == {
        "Name": "inner",
        "Driver": "bridge",
        "CheckDuplicate": True,
        "Labels": {"a": "b"},
    }
