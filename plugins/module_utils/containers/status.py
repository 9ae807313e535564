# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How an engine's containers fare, and which of them fare worse than before. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

SERVING = ("none", "healthy", "starting")
_LOOPBACK = re.compile(r"127\.|::1$")


@dataclass(frozen=True)
class Fare:
    """A container: its state as the engine names it, and its health, ``none`` without a healthcheck.

    ports: the TCP ports of the host by which others reach it, so not those of loopback addresses.
    """

    name: str
    state: str
    health: str
    ports: tuple[int, ...] = ()

    @property
    def serves(self) -> bool:
        return self.state == "running" and self.health in SERVING


def read(listing: t.Iterable[t.Mapping[str, t.Any]]) -> list[Fare]:
    """The containers of the engine's short list, by name."""
    found = []
    for entry in listing:
        name = str((entry.get("Names") or ["/" + str(entry.get("Id", ""))[:12]])[0]).lstrip("/")
        health = _health(str(entry.get("Status", "")))
        found.append(Fare(name, str(entry.get("State", "")).lower(), health, _ports(entry.get("Ports") or ())))
    return sorted(found, key=lambda fare: fare.name)


def given(entries: t.Iterable[t.Mapping[str, t.Any]]) -> list[Fare]:
    """The containers of an earlier result of the module."""
    said = ([str(entry.get(key, "")) for key in ("name", "state", "health")] for entry in entries)
    return [Fare(name, state, health) for name, state, health in said]


def worse(before: t.Iterable[Fare], now: t.Iterable[Fare], ignore: t.Container[str] = ()) -> list[str]:
    """A sentence for each container that served before and does not now, or that begins to fail."""
    former = {fare.name: fare for fare in before}
    present = {fare.name: fare for fare in now}
    said = [f"{name} is gone" for name, fare in former.items() if fare.serves and name not in present]
    for name, fare in present.items():
        bad = fare.health == "unhealthy" or fare.state in ("restarting", "dead")
        served = name in former and former[name].serves
        if not fare.serves and (served or (bad and name not in former)):
            said.append(f"{name} is {fare.health if fare.state == 'running' else fare.state}")
    return sorted(each for each in said if each.partition(" ")[0] not in ignore)


def waiting(now: t.Iterable[Fare], before: t.Iterable[Fare], ignore: t.Container[str] = ()) -> list[str]:
    """The containers that were healthy before and whose health is not known yet."""
    healthy = {fare.name for fare in before if fare.health == "healthy"}
    return [fare.name for fare in now if fare.health == "starting" and fare.name in healthy and fare.name not in ignore]


def _ports(listed: t.Iterable[t.Mapping[str, t.Any]]) -> tuple[int, ...]:
    published = {
        int(port["PublicPort"])
        for port in listed
        if port.get("PublicPort") and port.get("Type") == "tcp" and not _LOOPBACK.match(str(port.get("IP", "")))
    }
    return tuple(sorted(published))


def _health(status: str) -> str:
    if "(health: starting)" in status:
        return "starting"
    if "(unhealthy)" in status:
        return "unhealthy"
    return "healthy" if "(healthy)" in status else "none"
