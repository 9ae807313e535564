# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a wave of a rollout may begin, and which hosts are left."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.filter.hosts_left import hosts_left
from ansible_collections.caisson.hardening.plugins.filter.survey_faults import survey_faults
from ansible_collections.caisson.hardening.plugins.filter.survey_value import survey_value
from ansible_collections.caisson.hardening.plugins.plugin_utils import run_identity, survey, window
from ansible_collections.caisson.hardening.plugins.plugin_utils.rollout import wave_faults, waves
from hypothesis import given
from hypothesis import strategies as st

HOSTS = [f"host{number}" for number in range(10)]
NOON = datetime.datetime(2030, 1, 1, 12, tzinfo=datetime.timezone.utc)


def recorded(**outcomes: str) -> dict[str, dict[str, str]]:
    return {host: {"outcome": outcome} for host, outcome in outcomes.items()}


def faults(
    wave: list[str],
    records: dict[str, t.Any],
    most: int = 0,
    opened: str = "",
    sizes: t.Sequence[str] = ("1", "2", "2", "5"),
) -> list[str]:
    return wave_faults(HOSTS, wave, sizes, records, most, opened, NOON)


def test_first_wave_begins_and_so_does_one_after_hosts_that_are_done() -> None:
    assert faults(HOSTS[:1], {}) == []
    assert faults(HOSTS[1:3], recorded(host0="changed")) == []


def test_host_that_failed_or_was_not_reached_holds_the_next_wave_back() -> None:
    assert "1 of 1 hosts before this wave" in faults(HOSTS[1:3], recorded(host0="failed"))[0]
    assert "2 of 3" in faults(HOSTS[3:4], recorded(host0="unchanged"))[0]
    assert "(host1)" in faults(HOSTS[3:5], recorded(host0="unchanged", host2="changed"))[0]


def test_host_of_the_same_wave_that_is_not_there_does_not_hold_it_back() -> None:
    assert faults(HOSTS[1:], {}, sizes=["100%"]) == []
    assert faults(HOSTS[2:3], recorded(host0="changed")) == []


@given(st.lists(st.integers(1, 12).map(str) | st.integers(1, 100).map("{}%".format), min_size=1), st.integers(1, 10))
def test_each_host_is_in_one_wave_and_the_first_is_as_large_as_it_is_elsewhere(sizes: list[str], count: int) -> None:
    divided = waves(HOSTS[:count], sizes)
    assert [host for wave in divided for host in wave] == HOSTS[:count]
    assert divided[0] == survey.first_wave(sizes, HOSTS[:count])


@pytest.mark.parametrize(("most", "held"), [(0, True), (19, True), (20, False), (100, False)])
def test_share_of_failures_that_is_allowed(most: int, held: bool) -> None:
    records = recorded(host0="changed", host1="failed", host2="changed", host3="changed", host4="unchanged")
    assert bool(faults(HOSTS[5:], records, most)) is held


def test_hosts_left_are_the_failed_and_those_to_come() -> None:
    variables = {host: {} for host in HOSTS[:4]}
    variables.update(
        {"host0": {"__run_record": {"outcome": "changed"}}, "host1": {"__run_record": {"outcome": "failed"}}}
    )
    assert hosts_left(HOSTS[:4], variables) == ["host1", "host2", "host3"]


@pytest.mark.parametrize(
    ("opened", "inside"),
    [
        ("", True),
        ("11:00-13:00 UTC", True),
        ("12:00-13:00 UTC", True),
        ("11:00-12:00 UTC", False),
        ("22:00-05:00 UTC", False),
        ("22:00-12:01 UTC", True),
        ("12:30-14:00 Europe/Berlin", True),
        ("12:30-13:00 Europe/Berlin", False),
    ],
)
def test_window_in_its_zone_and_over_midnight(opened: str, inside: bool) -> None:
    said = faults(HOSTS[:1], {}, opened=opened)
    assert (said == []) is inside
    if not inside:
        assert f"outside the window {opened}" in said[0] and "empty harden_window" in said[0]


@given(st.times(), st.times(), st.times())
def test_a_window_and_its_complement_share_no_minute(
    begin: datetime.time, end: datetime.time, at: datetime.time
) -> None:
    given_window, rest = f"{begin:%H:%M}-{end:%H:%M} UTC", f"{end:%H:%M}-{begin:%H:%M} UTC"
    if window.fault(given_window):
        assert f"{begin:%H:%M}" == f"{end:%H:%M}"
        return
    now = datetime.datetime.combine(NOON.date(), at, datetime.timezone.utc)
    assert bool(window.closed(given_window, now)) is not bool(window.closed(rest, now))


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("harden_window", "night", "is no window: write two times"),
        ("harden_window", "22:00-25:00", "is no window: write two times"),
        ("harden_window", "22:00-22:00", "begins when it ends"),
        ("harden_window", "22:00-05:00 Mars/Base", "names 'Mars/Base', a time zone that this machine does not know"),
        ("harden_pause", "1m", "is no number of seconds: write a whole number from 0 to 86400"),
        ("harden_pause", "-1", "is no number of seconds"),
        ("harden_max_fail_percentage", "101", "is no percentage: write a whole number from 0 to 100"),
        ("harden_max_fail_percentage", "few", "is no percentage"),
        ("harden_on_failure", "undo", "is unknown: write leave or restore"),
        ("harden_verify_ports", "80,http", "has 'http', which is no port: write commas between them, as in 80,443"),
        ("harden_verify_ports", "0", "has '0', which is no port"),
        ("harden_lock_hours", "soon", "is no whole number above 0"),
    ],
)
def test_answers_about_the_rollout_that_are_refused(name: str, answer: str, said: str) -> None:
    found = survey_faults({name: answer}, "harden", {"harden_hosts": ["a"], "harden_limit": ["a"]})
    assert len(found) == 1 and found[0].startswith(f"{name}: {answer!r} {said}")


@pytest.mark.parametrize(
    ("name", "answer", "meant"),
    [
        ("harden_max_fail_percentage", "", 0),
        ("harden_max_fail_percentage", "25%", 25),
        ("harden_pause", None, 0),
        ("harden_pause", 90, 90),
        ("harden_verify_ports", "80, 443", [80, 443]),
        ("harden_verify_ports", "", []),
    ],
)
def test_answers_about_the_rollout_are_read(name: str, answer: t.Any, meant: t.Any) -> None:
    assert survey_value(answer, name) == meant
    assert survey_faults({name: answer}, "harden", {"harden_hosts": ["a"], "harden_limit": ["a"]}) == []


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"restore_to": "2030-01-01T22:00:00Z"}, ""),
        ({"restore_to": "before 2030-01-01 22:00+01:00", "restore_containers": "no"}, ""),
        ({"restore_to": "", "restore_containers": "yes"}, ""),
        (
            {"restore_to": "monday"},
            "restore_to: 'monday' is no moment: write one with its zone, as in 2030-01-01T22:00:00Z",
        ),
        (
            {"restore_to": "2030-01-01T22:00:00Z", "restore_containers": "yes"},
            "restore_containers: 'yes' removes containers",
        ),
    ],
)
def test_a_restore_leads_to_a_moment_and_leaves_containers_then(answers: dict[str, str], said: str) -> None:
    found = survey_faults(answers, "restore", {"harden_hosts": ["a"], "harden_limit": ["a"]})
    assert len(found) == bool(said) and all(each.startswith(said) for each in found)


def test_a_run_knows_that_it_lives_and_that_one_with_another_beginning_does_not() -> None:
    ours = run_identity.identity()
    assert not run_identity.has_died(ours)
    assert run_identity.has_died(f"{ours}0")


@pytest.mark.parametrize("run", ["", "unknown", "elsewhere/1/2", "a/b c/1/2", "///"])
def test_nothing_is_said_of_a_run_of_another_control_node(run: str) -> None:
    assert not run_identity.has_died(run)
