# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The addresses at which a daemon is to listen, as its options name them. Pure."""

from __future__ import annotations

import contextlib
import ipaddress
import typing as t

# What a client without a certificate gets at an address.
VERIFIED, TLS_ONLY, PLAIN, SILENT = "verified", "tls", "plain", "silent"
SAID = {
    VERIFIED: "answers only a client with a certificate",
    TLS_ONLY: "answers over TLS without a client's certificate",
    PLAIN: "answers anybody, without TLS",
    SILENT: "does not answer",
}
_NO_TCP = ("unix:", "fd:", "npipe:")

Answers = t.Tuple[t.Tuple[str, str], ...]


def exposed(config: t.Mapping[str, t.Any]) -> list[str]:
    """The TCP addresses among `hosts`, as ``tcp://host:port``; the scheme may be left out there."""
    found = []
    for host in config.get("hosts") or ():
        text = str(host).strip()
        if text and not text.startswith(_NO_TCP):
            found.append(text if "://" in text else f"tcp://{text}")
    return found


def predicted(config: t.Mapping[str, t.Any], former: Answers = ()) -> Answers:
    """What each TCP address will answer to a client without a certificate.

    former: what they answer now; of these, the sockets that systemd opens stay.
    """
    unverified = TLS_ONLY if config.get("tls") is True else PLAIN
    answer = VERIFIED if config.get("tlsverify") is True else unverified
    named = exposed(config)
    if any(str(host).startswith("fd:") for host in config.get("hosts") or ()):
        named += [address for address, _answer in former if address not in named]
    return tuple((address, answer) for address in named)


def split(address: str) -> tuple[str, int]:
    """``tcp://[::1]:2376`` → ("::1", 2376); the port is 0 where there is none."""
    text = address.partition("://")[2] if "://" in address else address
    text = text.partition("/")[0]
    if text.startswith("["):
        host, _bracket, rest = text[1:].partition("]")
        port = rest.lstrip(":")
    elif text.count(":") > 1:
        host, port = text, ""
    else:
        host, _colon, port = text.partition(":")
    return host, int(port) if port.isdigit() else 0


def wildcard(address: str) -> bool:
    """Whether the address is every one of the host: none, 0.0.0.0, :: in any spelling."""
    host, _port = split(address)
    try:
        return host == "" or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return host == "*"


def loopback(address: str) -> bool:
    host, _port = split(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def loopback_network(text: str) -> bool:
    """Whether it is the network 127.0.0.0/8 or ::1, which the engine itself counts among the insecure registries."""
    try:
        return ipaddress.ip_network(text).is_loopback
    except ValueError:
        return False


def insecure_registries(shown: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    """The registries of an engine's info that it trusts without TLS: those with a name, and networks."""
    named = shown.get("IndexConfigs") or {}
    hosts = {name for name, index in named.items() if not index.get("Secure", True)}
    return tuple(sorted({*hosts, *(shown.get("InsecureRegistryCIDRs") or ())}))


def insecure_registry(text: str) -> str:
    """A registry of the file as the engine's info shows it: of a network the bits of hosts are cleared."""
    if text.rpartition("/")[2].isdigit():
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_network(text, strict=False))
    return text
