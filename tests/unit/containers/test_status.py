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
