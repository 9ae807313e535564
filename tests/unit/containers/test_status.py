# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which containers fare worse than before."""

from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers.status import (
    Fare,
    given,
    read,
    waiting,
    worse,
)

GOOD = Fare("web", "running", "healthy")


def test_the_engines_list_is_read() -> None:
    listing = [
        {"Id": "a", "Names": ["/web"], "State": "running", "Status": "Up 2 minutes (healthy)"},
        {"Id": "b", "Names": ["/db"], "State": "running", "Status": "Up 1 second (health: starting)"},
        {"Id": "c", "Names": ["/old"], "State": "exited", "Status": "Exited (0) 2 days ago"},
    ]
    found = read(listing)
    assert found == [Fare("db", "running", "starting"), Fare("old", "exited", "none"), GOOD]
    assert given([vars(fare) for fare in found]) == found


def test_ports_are_those_by_which_others_come_in() -> None:
    ports = [
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "10.0.0.1", "PrivatePort": 443, "PublicPort": 443, "Type": "tcp"},
        {"IP": "127.0.0.1", "PrivatePort": 81, "PublicPort": 8081, "Type": "tcp"},
        {"IP": "::1", "PrivatePort": 81, "PublicPort": 8082, "Type": "tcp"},
        {"IP": "0.0.0.0", "PrivatePort": 53, "PublicPort": 53, "Type": "udp"},
        {"PrivatePort": 9000, "Type": "tcp"},
    ]
    [found] = read([{"Id": "a", "Names": ["/web"], "State": "running", "Status": "Up", "Ports": ports}])
    assert found.ports == (443, 8080)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ([GOOD], []),
        ([], ["web is gone"]),
        ([Fare("web", "exited", "none")], ["web is exited"]),
        ([Fare("web", "running", "unhealthy")], ["web is unhealthy"]),
        ([GOOD, Fare("new", "restarting", "none")], ["new is restarting"]),
        ([GOOD, Fare("new", "exited", "none")], []),
    ],
)
def test_what_served_and_does_not_is_told(now: list[Fare], said: list[str]) -> None:
    assert worse([GOOD], now) == said
    assert worse([GOOD], now, ignore=["web", "new"]) == []


def test_what_was_broken_before_is_no_fault_of_the_run() -> None:
    broken = [Fare("a", "restarting", "none"), Fare("b", "running", "unhealthy"), Fare("c", "exited", "none")]
    assert worse(broken, broken) == []
    assert worse(broken, []) == []


def test_health_that_was_there_is_waited_for() -> None:
    starting = Fare("web", "running", "starting")
    assert waiting([starting], [GOOD]) == ["web"] and worse([GOOD], [starting]) == []
    assert waiting([starting], [starting]) == []
