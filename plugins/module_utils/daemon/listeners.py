# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the daemon listens by its file, and whether that is where it is asked for. Pure."""

from __future__ import annotations

import typing as t

from ..errors import Fault
from .merge import Config

ACTIVATED = "fd://"
_UNIX = "unix://"


def fault(after: Config, before: Config, docker_host: str) -> list[Fault]:
    """What is wrong with a new list of sockets: nobody would reach the daemon where it is asked for."""
    hosts = after.get("hosts")
    if not isinstance(hosts, list) or hosts == before.get("hosts") or not docker_host.startswith(_UNIX):
        return []
    if any(host.startswith(ACTIVATED) or _same(host, docker_host) for host in hosts if isinstance(host, str)):
        return []
    problem = f"leaves out {docker_host}, where the daemon is asked"
    remedy = (
        f"add {docker_host}, or {ACTIVATED} where systemd holds that socket, or set docker_host to another one of them"
    )
    return [Fault("daemon.json", "hosts", hosts, problem, remedy)]


def ends_activation(taken: t.Container[str], given: Config, after: Config) -> bool:
    """Whether the socket that systemd holds is no longer the daemon's."""
    return (
        "hosts" in taken
        and any(host.startswith(ACTIVATED) for host in given.get("hosts", ()))
        and not any(host.startswith(ACTIVATED) for host in after.get("hosts", ()))
    )


def _same(one: str, other: str) -> bool:
    return _path(one) == _path(other)


def _path(address: str) -> str:
    path = address[len(_UNIX) :] if address.startswith(_UNIX) else address
    return path.replace("/var/run/", "/run/", 1) if path.startswith("/var/run/") else path
