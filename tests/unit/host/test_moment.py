# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Moments as users write them."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.host.moment import FORM, Moment, now, read
from hypothesis import given
from hypothesis import strategies as st

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes)))


@given(st.datetimes(datetime.datetime(1971, 1, 1), datetime.datetime(2200, 1, 1), timezones=ZONES), st.booleans())
def test_a_moment_in_any_zone_is_the_same_moment_in_utc(moment: datetime.datetime, before: bool) -> None:
    expected = moment.astimezone(datetime.timezone.utc).strftime(FORM)
    for written in (moment.isoformat(), str(moment), f"  {moment.isoformat(timespec='milliseconds')} ", expected):
        assert read(f"before {written}" if before else written) == Moment(expected, before)


@given(st.text(max_size=40))
def test_what_is_no_moment_is_told_and_raises_nothing(text: str) -> None:
    found = read(text)
    assert found is None or read(found.time) == Moment(found.time)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2030-01-01", "2030-01-01T22:00:00", "2030-02-30T22:00:00Z", "2030-01-01T24:00:00Z", "before",
     "9999-12-31T23:59:59-14:00", "2030-01-01T22:00Z after"],
)  # fmt: skip
def test_a_moment_has_a_day_that_exists_and_a_zone(text: str) -> None:
    assert read(text) is None


def test_seconds_may_be_left_out() -> None:
    assert read("2030-01-01 22:00+01:00") == Moment("2030-01-01T21:00:00Z")


def test_before_leaves_that_very_moment_out() -> None:
    early, late = "2030-01-01T22:00:00Z", "2030-01-01T22:00:01Z"
    assert [Moment(late).reaches(time) for time in (early, late)] == [True, True]
    assert [Moment(late, before=True).reaches(time) for time in (early, late)] == [True, False]
    assert not Moment(early).reaches(late)


def test_now_is_a_moment() -> None:
    assert read(now()) == Moment(now())
