# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lookup of the ports that answer, against sockets of this process."""

from __future__ import annotations

import socket
import threading
import time

from ansible_collections.caisson.hardening.plugins.lookup.answering_ports import answering


def unused() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_the_ports_that_take_a_connection_are_named_in_their_order() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [other.getsockname()[1], unused(), one.getsockname()[1]]
        assert answering("127.0.0.1", ports, timeout=1) == [ports[0], ports[2]]
    assert answering("127.0.0.1", ports, timeout=1) == []
    assert answering("no.such.host.invalid", [], timeout=1) == []
    assert answering("no.such.host.invalid", [22], timeout=1, wait=0.1) == []


def test_it_waits_for_a_port_that_comes() -> None:
    port = unused()
    come = threading.Event()

    def serve() -> None:
        time.sleep(0.3)
        with socket.create_server(("127.0.0.1", port)):
            come.wait(30)

    server = threading.Thread(target=serve)
    server.start()
    try:
        assert answering("127.0.0.1", [port], timeout=1, wait=20) == [port]
    finally:
        come.set()
        server.join()
