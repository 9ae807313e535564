# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: what the daemon's TCP sockets answer to a client that has no certificate."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import typing as t
from pathlib import Path

from . import addresses

SECONDS = 3.0
_REQUEST = b"GET /_ping HTTP/1.0\r\n\r\n"
_LISTENING = "0A"


def answers(config: t.Mapping[str, t.Any], pid: int) -> addresses.Answers:
    """Each TCP address with its answer: those that the options name, and those that systemd opened for the daemon."""
    named = addresses.exposed(config)
    if any(str(host).startswith("fd:") for host in config.get("hosts") or ()):
        named += handed_over(pid)
    return tuple((address, probe(address)) for address in named)


def probe(address: str) -> str:
    """What the API at the address says to a client without a certificate."""
    host, port = addresses.split(address)
    if addresses.wildcard(address):
        host = "::1" if ":" in host else "127.0.0.1"
    plain = _ask(host, port or 2375, None)
    if plain is None:
        return addresses.SILENT
    if plain:
        return addresses.PLAIN
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return addresses.TLS_ONLY if _ask(host, port or 2375, context) else addresses.VERIFIED


def _ask(host: str, port: int, context: ssl.SSLContext | None) -> bool | None:
    """Whether the API answers the request; None where nobody listens."""
    try:
        connection = socket.create_connection((host, port), timeout=SECONDS)
    except OSError:
        return None
    with connection:
        # A refusal comes as an alert of TLS, at the handshake or at the first bytes, or as a closed connection.
        with contextlib.suppress(OSError):
            speaking = context.wrap_socket(connection, server_hostname=None) if context else connection
            speaking.sendall(_REQUEST)
            return b" 200 " in speaking.recv(256).split(b"\r\n")[0]
        return False


def handed_over(pid: int) -> list[str]:
    """The TCP addresses at which the process listens with a socket that systemd opened, and so holds as well.

    The others that it listens at are not the API: the metrics, a swarm's, and each port that a container publishes
    where no proxy holds it.
    """
    inodes = _open(pid) & _open(1)
    found = []
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and f"socket:[{fields[9]}]" in inodes:
                    found.append(_address(fields[1], family))
    return sorted(found)


def _open(pid: int) -> set[str]:
    """What the process has open, as the kernel names it."""
    found = set()
    with contextlib.suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                found.add(os.readlink(entry.path))
    return found


def _address(text: str, family: socket.AddressFamily) -> str:
    """``0100007F:0947`` → ``tcp://127.0.0.1:2375``; the kernel writes each four bytes in the processor's order."""
    host, _colon, port = text.partition(":")
    packed = b"".join(struct.pack("=I", int(host[at : at + 8], 16)) for at in range(0, len(host), 8))
    shown = socket.inet_ntop(family, packed)
    return f"tcp://[{shown}]:{int(port, 16)}" if ":" in shown else f"tcp://{shown}:{int(port, 16)}"
