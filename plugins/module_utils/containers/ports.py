# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Readers of addresses and published ports. Pure."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ..errors import shown
from . import values
from .units import Wrong

Port = t.Tuple[str, str, str]  # container port with protocol, host address, host port ('' = chosen by the engine)
MOST_PORTS = 1000  # each one costs the engine a packet filter rule, or even a process
_RANGE = re.compile(r"\A([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(tcp|udp|sctp))?\Z")


def address(value: str) -> str:
    """An IP address in its shortest form, the IPv6 brackets taken off."""
    try:
        bare = value[1:-1] if value[:1] == "[" and value[-1:] == "]" else value
        if "%" in bare:
            raise ValueError("the engine takes no zone")
        return str(ipaddress.ip_address(bare))
    except ValueError:
        raise Wrong(f"has {shown(value)}, which is not an IP address", "write an address such as 127.0.0.1") from None


def bound(value: str) -> str:
    """The address that a port is bound to: the engine takes an IPv4 address in IPv6's clothes for what it is."""
    found = ipaddress.ip_address(address(value))
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def published_ports(value: t.Any) -> frozenset[Port]:
    """``[address:][host_port:]container_port[/protocol]`` each; ranges of the same length are paired."""
    found: set[Port] = set()
    taken: set[tuple[str, str, str]] = set()
    for item in [value] if isinstance(value, int) and not isinstance(value, bool) else values.words(value):
        for port in _published(values.text(item)):
            outer = (port[0].partition("/")[2], *port[1:])
            if port[2] and outer in taken:
                raise Wrong(f"has the host port {port[2]} twice", "publish each host port once")
            taken.add(outer)
            found.add(port)
    if len(found) > MOST_PORTS:
        raise Wrong("publishes more ports than an engine bears", f"publish at most {MOST_PORTS}")
    return frozenset(found)


def overlap(one: Port, other: Port) -> bool:
    """Whether two published ports cannot be bound at once.

    Without an address the engine binds both families; on `::` it binds IPv6 alone.
    """
    if not one[2] or one[2] != other[2] or one[0].partition("/")[2] != other[0].partition("/")[2]:
        return False
    first, second = one[1], other[1]
    if first == second or "" in (first, second):
        return True
    return (":" in first) == (":" in second) and not {first, second}.isdisjoint(("0.0.0.0", "::"))


def exposed_ports(value: t.Any) -> frozenset[str]:
    """``port[/protocol]`` or ``first-last[/protocol]`` each, as ``port/protocol``."""
    found: set[str] = set()
    for item in values.words([value] if isinstance(value, int) else value):
        numbers, protocol = _port_range(item, item, "write PORT or PORT/PROTOCOL, such as 8080/tcp")
        found.update(f"{number}/{protocol}" for number in numbers)
    if len(found) > MOST_PORTS:
        raise Wrong("exposes more ports than an engine bears", f"expose at most {MOST_PORTS}")
    return frozenset(found)


def _published(item: str) -> list[Port]:
    remedy = "write ADDRESS:HOST_PORT:CONTAINER_PORT, such as 127.0.0.1:8080:80"
    match = re.match(r"\A(?:(\[[^\]]+\]|[^:\[\]]*):)?(?:([0-9-]*):)?([^:]+)\Z", item)
    host, outer, inner = match.groups() if match else ("", "", "")
    if host and outer is None and not (host.startswith("[") or "." in host):
        host, outer = "", host  # HOST_PORT:CONTAINER_PORT
    inside = _port_range(inner or "", item, remedy)
    outside = _port_range(outer, item, remedy) if outer else None
    if match is None or (outside and len(outside[0]) != len(inside[0])):
        raise Wrong(f"has {shown(item)}, which is not a port mapping", remedy)
    numbers = [str(number) for number in outside[0]] if outside else [""] * len(inside[0])
    at = bound(host) if host else ""
    return [(f"{port}/{inside[1]}", at, number) for port, number in zip(inside[0], numbers)]


def _port_range(given: str, item: str, remedy: str) -> tuple[range, str]:
    match = _RANGE.match(given)
    if not match:
        raise Wrong(f"has {shown(item)}, where {shown(given)} is not a port", remedy)
    first, last = int(match[1]), int(match[2] or match[1])
    if not (0 < first <= last <= 65535):
        raise Wrong(f"has {shown(item)}, where {shown(given)} is not a port from 1 to 65535", remedy)
    return range(first, last + 1), match[3] or "tcp"
