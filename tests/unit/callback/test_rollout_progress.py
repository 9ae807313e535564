# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said of a rollout: the waves, the counts of hosts, and the time that is left."""

from __future__ import annotations

import typing as t

import pytest
from ansible.utils.helpers import pct_to_int
from ansible_collections.caisson.hardening.plugins.plugin_utils.rollout_progress import (
    Rollout,
    expected_seconds,
    names,
    span,
    wave_sizes,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("hosts", "serial", "expected"),
    [
        (50, ["1", "10%", "30%", "100%"], [1, 5, 15, 29]),
        (5, ["1", "10%", "100%"], [1, 1, 3]),
        (7, [3], [3, 3, 1]),
        (7, [], [7]),
        (3, [0], [3]),
        (0, ["1"], []),
    ],
)
def test_waves_are_as_ansible_makes_its_batches(hosts: int, serial: list[t.Any], expected: list[int]) -> None:
    assert wave_sizes(hosts, serial, pct_to_int) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-3, "0 s"), (0.4, "0 s"), (119.4, "119 s"), (120, "2 min"), (3600, "60 min"), (7260, "2 h 1 min")],
)
def test_a_time_is_said_in_round_words(seconds: float, expected: str) -> None:
    assert span(seconds) == expected


def test_many_names_are_cut() -> None:
    assert names(["a", "b"]) == "a, b"
    assert names([f"h{number}" for number in range(20)]) == "h0, h1, h2, h3, h4, h5, h6, h7 and 12 more"


def test_one_wave_tells_what_a_round_takes_and_two_what_each_host_adds() -> None:
    assert expected_seconds([], 10, 5) is None
    assert expected_seconds([(1, 20)], 5, 5) == 20
    assert expected_seconds([(1, 20)], 15, 5) == 60
    assert expected_seconds([(1, 20), (5, 40)], 25, 5) == 140
    assert expected_seconds([(1, 20), (5, 40)], 3, 5) == 30
    assert expected_seconds([(1, 20), (1, 30)], 1, 5) == 30  # the latest
    assert expected_seconds([(1, 20), (5, 10)], 25, 5) == 10  # more hosts never take less than the wave before


@given(
    st.lists(st.tuples(st.integers(1, 500), st.floats(0.1, 5000)), max_size=4),
    st.integers(0, 5000),
    st.integers(1, 100),
)
def test_an_estimate_is_never_negative(waves: list[tuple[int, float]], hosts: int, forks: int) -> None:
    seconds = expected_seconds(waves, hosts, forks)
    assert seconds is None or seconds >= 0


def wave(rollout: Rollout, hosts: list[str], began: float, *steps: float) -> t.Iterator[str | None]:
    """What is said at the beginning of a wave, and in each of its steps, which begin at these seconds."""
    yield rollout.wave_begins(hosts, began)
    for number, moment in enumerate(steps):
        rollout.step_begins(f"task{number}", f"Step {number}", moment)
        for host in hosts[: len(hosts) // 2]:
            rollout.host_through(host, f"task{number}")
        yield rollout.status(moment + 1)


def test_a_rollout_from_the_canary_to_the_end() -> None:
    rollout = Rollout([1, 4, 5], forks=5, planned=["task0", "task1"])
    assert list(wave(rollout, ["a"], 100, 100, 110)) == [
        "wave 1 of 3 begins with 1 host (a), 9 wait",
        "wave 1 of 3, step 1 of about 2 (Step 0); 0 of 10 hosts done, 0 failed, 10 left; 1 s so far",
        "wave 1 of 3, step 2 of about 2 (Step 1); 0 of 10 hosts done, 0 failed, 10 left; 11 s so far, about 55 s left",
    ]
    assert rollout.wave_ends(120) == (
        "wave 1 of 3 ended after 20 s: 1 of 1 host done; in all 1 of 10 hosts done, 0 failed, 9 left, about 40 s left"
    )
    assert list(wave(rollout, ["b", "c", "d", "e"], 120, 120, 135)) == [
        "wave 2 of 3 begins with 4 hosts (b, c, d, e), 5 wait, about 40 s left",
        "wave 2 of 3, step 1 of 2 (Step 0), over on 2 of 4 hosts; 1 of 10 hosts done, 0 failed, 9 left; 21 s so far,"
        " about 7 s left",
        "wave 2 of 3, step 2 of 2 (Step 1), over on 2 of 4 hosts; 1 of 10 hosts done, 0 failed, 9 left; 36 s so far,"
        " about 27 s left",
    ]
    assert rollout.wave_ends(144) is not None
    assert rollout.wave_begins(list("fghij"), 144) == (
        "wave 3 of 3 begins with 5 hosts (f, g, h, i, j), about 25 s left"
    )
    assert rollout.wave_ends(170) == "wave 3 of 3 ended after 26 s: 5 of 5 hosts done"
    assert rollout.ends(170) == "ended after 70 s: 10 of 10 hosts done, 0 failed"


def test_a_failure_that_stops_a_wave_names_who_failed_who_is_half_done_and_how_many_were_not_reached() -> None:
    rollout = Rollout([1, 3, 6], forks=5)
    list(wave(rollout, ["a"], 0, 0))
    rollout.wave_ends(10)
    list(wave(rollout, ["b", "c", "d"], 10, 10))
    rollout.host_failed("c")
    rollout.wave_stopped()
    rollout.wave_stopped()  # Ansible says so twice
    assert rollout.wave_ends(15) == "wave 2 of 3 stopped after 5 s: 0 of 3 hosts done, 1 failed (c)"
    assert rollout.ends(15) == (
        "stopped in wave 2 of 3 after 15 s: 1 of 10 hosts done, 1 failed (c), 2 not finished (b, d), 6 not reached"
    )


def test_hosts_that_had_the_last_step_behind_them_when_another_failed_are_done() -> None:
    rollout = Rollout([4], forks=5, planned=["first", "last"])
    rollout.wave_begins(list("abcd"), 0)
    for number, key in enumerate(("first", "last", "rescue")):
        rollout.step_begins(key, key, number)
    rollout.host_through("a", "last")
    rollout.host_through("b", "last")
    rollout.host_through("c", "first")
    rollout.host_failed("d")
    rollout.wave_stopped()
    rollout.wave_ends(5)
    assert rollout.ends(5) == "stopped after 5 s: 2 of 4 hosts done, 1 failed (d), 1 not finished (c)"


def test_a_last_step_on_one_host_for_all_is_behind_all() -> None:
    rollout = Rollout([3], forks=5, planned=["last"])
    rollout.wave_begins(list("abc"), 0)
    rollout.step_begins("last", "Last", 0, alone=True)
    rollout.host_through("a", "last")
    rollout.host_failed("c")
    rollout.wave_stopped()
    rollout.wave_ends(5)
    assert rollout.ends(5) == "ended after 5 s: 2 of 3 hosts done, 1 failed (c)"


def test_a_failure_that_is_allowed_leaves_the_others_going_on() -> None:
    rollout = Rollout([2, 2], forks=5)
    list(wave(rollout, ["a", "b"], 0, 0))
    rollout.host_failed("b")
    rollout.host_failed("b")  # once more in another task
    assert rollout.wave_ends(10) == (
        "wave 1 of 2 ended after 10 s: 1 of 2 hosts done, 1 failed (b);"
        " in all 1 of 4 hosts done, 1 failed (b), 2 left, about 10 s left"
    )
    list(wave(rollout, ["c", "d"], 10, 10))
    rollout.wave_ends(20)
    assert rollout.ends(20) == "ended after 20 s: 3 of 4 hosts done, 1 failed (b)"


def test_a_failure_on_one_host_for_all_stops_the_wave() -> None:
    rollout = Rollout([2], forks=5)
    list(wave(rollout, ["a", "b"], 0, 0))
    rollout.host_failed("a", stops_all=True)
    assert rollout.wave_ends(5) is None
    assert rollout.ends(5) == "stopped after 5 s: 0 of 2 hosts done, 1 failed (a), 1 not finished (b)"


def test_a_single_wave_is_told_of_only_if_it_lasts() -> None:
    for lasts in (False, True):
        rollout = Rollout([2], forks=5)
        assert rollout.wave_begins(["a", "b"], 0) is None
        rollout.step_begins("task", "Task", 0)
        assert not lasts or rollout.status(30)
        assert rollout.wave_ends(60) is None
        assert rollout.ends(60) == ("ended after 60 s: 2 of 2 hosts done, 0 failed" if lasts else None)


def test_a_single_host_has_only_its_steps() -> None:
    rollout = Rollout([1], forks=5)
    assert list(wave(rollout, ["a"], 0, 0)) == [None, "step 1 (Step 0); 1 s so far"]
    assert (rollout.wave_ends(10), rollout.ends(10)) == (None, None)


def test_a_task_that_comes_again_is_another_step() -> None:
    rollout = Rollout([1, 1], forks=5)
    rollout.wave_begins(["a"], 0)
    for moment in (0, 10, 20):
        rollout.step_begins("same", "Same", moment)
    rollout.wave_ends(40)
    rollout.wave_begins(["b"], 40)
    rollout.step_begins("same", "Same", 40)
    rollout.step_begins("same", "Same", 50)
    assert (rollout.status(52) or "").startswith("wave 2 of 2, step 2 of 3 (Same);")
    assert rollout.seconds_left(52) == pytest.approx(28)  # by the pace of the first step, a quarter of a wave


def test_nothing_is_said_before_the_first_step() -> None:
    rollout = Rollout([2], forks=5)
    assert rollout.status(0) is None
    rollout.wave_begins(["a", "b"], 0)
    assert rollout.status(1) is None
