# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The certificates of a daemon that listens on TCP: which there are to be, and which are to be made anew. Pure."""

from __future__ import annotations

import datetime
import ipaddress
import typing as t
from dataclasses import dataclass

from ..errors import Fault
from . import addresses
from .merge import Config

AUTHORITY, SERVER, CLIENT = "authority", "server", "client"
KINDS = (AUTHORITY, SERVER, CLIENT)
DAY = 86400
AUTHORITY_DAYS = 3650
CERTIFICATE_MODE, KEY_MODE, DIRECTORY_MODE = 0o444, 0o400, 0o700
# The keys of daemon.json that name a file, and all that are about TLS.
FILES = frozenset({"tlscacert", "tlscert", "tlskey"})
SETTINGS = FILES | {"tls", "tlsverify"}
_TITLES = {AUTHORITY: "certificate authority", SERVER: "server certificate", CLIENT: "client certificate"}


@dataclass(frozen=True)
class Request:
    """names: what clients may call the server, beside its own name and its addresses. days: how long one lasts.

    renew_before: the days before its end on which it is made anew.
    """

    directory: str
    names: tuple[str, ...] = ()
    days: int = 365
    renew_before: int = 30


@dataclass(frozen=True)
class Certificate:
    """A certificate as found. names: whom it is for. trusted: by the authority beside it. paired: with its key."""

    not_after: float
    names: frozenset[str] = frozenset()
    trusted: bool = True
    paired: bool = True


@dataclass(frozen=True)
class Issue:
    """A certificate that is to be made, and why."""

    kind: str
    reason: str
    names: tuple[str, ...] = ()

    def sentence(self, request: Request) -> str:
        of = f" for {', '.join(self.names)}" if self.names else ""
        return f"make the {_TITLES[self.kind]} in {request.directory}{of}: {self.reason}"


Found = t.Mapping[str, t.Optional[Certificate]]


def paths(directory: str) -> dict[str, tuple[str, str]]:
    """The certificate and the key of each kind. The client's directory is one for DOCKER_CERT_PATH."""
    return {
        AUTHORITY: (f"{directory}/ca.pem", f"{directory}/ca-key.pem"),
        SERVER: (f"{directory}/server.pem", f"{directory}/server-key.pem"),
        CLIENT: (f"{directory}/client/cert.pem", f"{directory}/client/key.pem"),
    }


def clients_authority(directory: str) -> str:
    return f"{directory}/client/ca.pem"


def settings(directory: str) -> Config:
    """The daemon.json keys by which the daemon uses them."""
    found = paths(directory)
    return {
        "tlsverify": True,
        "tlscacert": found[AUTHORITY][0],
        "tlscert": found[SERVER][0],
        "tlskey": found[SERVER][1],
    }


def faults(request: Request, config: Config) -> list[Fault]:
    """What is wrong with the request, alone and beside the settings that the user gave."""
    where = "docker_daemon_config"
    found = [
        Fault(where, f"tls_names[{index}]", name, "is no host name or address", "write one, without port or scheme")
        for index, name in enumerate(request.names)
        if not _is_name(name)
    ]
    if not request.directory.startswith("/"):
        found.append(Fault(where, "tls_directory", request.directory, "is not absolute", "begin it with a slash"))
    if request.days < 1 or request.days > AUTHORITY_DAYS:
        remedy = f"write a number from 1 to {AUTHORITY_DAYS}"
        found.append(Fault(where, "tls_days", request.days, "is no sensible time", remedy))
    elif not 0 <= request.renew_before < request.days:
        remedy = f"write less than tls_days, which is {request.days}"
        found.append(Fault(where, "tls_renew_before", request.renew_before, "leaves no time between renewals", remedy))
    for key, value in settings(request.directory).items():
        if key in config and config[key] != value:
            problem, remedy = "is also made by tls: true", "leave it out of config, or set tls to false"
            found.append(Fault(where, f"config.{key}", config[key], problem, remedy))
    return found


def _is_name(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        labels = name.split(".")
        return len(name) <= 253 and all(
            label and len(label) <= 63 and label.replace("-", "").isalnum() and label.isascii() for label in labels
        )
    return True


def server_names(request: Request, configured: Config, own: str) -> tuple[str, ...]:
    """Whom the server's certificate is for: what was asked for, the addresses it listens at, and this host."""
    listened = [
        addresses.split(address)[0] for address in addresses.exposed(configured) if not addresses.wildcard(address)
    ]
    names = [*request.names, *listened, own, "localhost", "127.0.0.1"]
    return tuple(sorted({name for name in names if name and _is_name(name)}))


def issues(request: Request, found: Found, names: tuple[str, ...], now: float) -> list[Issue]:
    """What is to be made, the authority first."""
    made: list[Issue] = []
    for kind in KINDS:
        wanted = names if kind == SERVER else ()
        reason = _why(kind, found.get(kind), wanted, request, now)
        if not reason and made and made[0].kind == AUTHORITY:
            reason = "its authority is new"
        if reason:
            made.append(Issue(kind, reason, wanted))
    return made


def _why(kind: str, found: Certificate | None, names: tuple[str, ...], request: Request, now: float) -> str:
    """Why a certificate is to be made, or the empty string."""
    if found is None:
        return "there is none"
    # What the authority signs has to end before it does.
    least = request.days * DAY if kind == AUTHORITY else request.renew_before * DAY
    if found.not_after - now < least:
        day = datetime.datetime.fromtimestamp(found.not_after, datetime.timezone.utc).date()
        return f"the present one ends on {day}"
    if not found.paired:
        return "the present one does not belong to its key"
    if not found.trusted:
        return "the present one is not of this authority"
    missing = sorted(set(names) - found.names)
    return f"the present one is not for {', '.join(missing)}" if missing else ""
