# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sizes, CPU counts and durations: nothing but a value or Wrong, and what is written reads back the same."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import units
from hypothesis import given
from hypothesis import strategies as st

anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.text(), max_size=2),
    st.from_regex(r"[0-9.eE+_x-]{1,40} ?[kmgtpiBbsµhn]{0,3}", fullmatch=True), st.just("9" * 500), st.just(10**40),
)  # fmt: skip


@pytest.mark.parametrize(
    ("given_", "size"),
    [
        ("512m", 512 * units.MIB), ("512M", 512 * units.MIB), ("512MiB", 512 * units.MIB), ("512 mb", 512 * units.MIB),
        ("1.5g", 1536 * units.MIB), ("0", 0), (0, 0), ("7", 7), ("7b", 7), (6291456, 6 * units.MIB), (" 1k ", 1024),
        ("9007199254740993", 9007199254740993), ("0.5k", 512),
    ],
)  # fmt: skip
def test_a_size_is_read_in_powers_of_1024(given_: t.Any, size: int) -> None:
    assert units.parse_size(given_) == size


@pytest.mark.parametrize(
    ("given_", "nano"), [("0.5", 5 * 10**8), (1, 10**9), (1.5, 15 * 10**8), (0.1, 10**8), ("0", 0), ("2", 2 * 10**9)]
)
def test_cpus_are_counted_in_billionths(given_: t.Any, nano: int) -> None:
    assert units.parse_cpus(given_) == nano


@pytest.mark.parametrize(
    ("given_", "nano"),
    [
        ("30s", 30 * 10**9),
        ("1m30s", 90 * 10**9),
        ("500ms", 5 * 10**8),
        (3, 3 * 10**9),
        ("2", 2 * 10**9),
        ("1.5h", 5400 * 10**9),
    ],
)
def test_a_duration_is_read_in_nanoseconds(given_: t.Any, nano: int) -> None:
    assert units.parse_duration(given_) == nano


@pytest.mark.parametrize("parse", [units.parse_size, units.parse_cpus, units.parse_duration])
@given(value=anything)
def test_a_parser_gives_a_number_the_engine_can_hold_or_wrong(parse: t.Callable[[t.Any], int], value: t.Any) -> None:
    try:
        found = parse(value)
    except units.Wrong as wrong:
        assert wrong.problem
        assert wrong.remedy
    else:
        assert isinstance(found, int)
        assert 0 <= found < 2**63


@given(st.integers(1, 2**62))
def test_a_size_reads_back_as_it_is_written(size: int) -> None:
    assert units.parse_size(units.format_size(size)) == size


@given(st.integers(10**7, 2**20 * 10**9))
def test_cpus_read_back_as_they_are_written(nano: int) -> None:
    assert units.parse_cpus(units.format_cpus(nano)) == nano


@given(st.one_of(st.just(0), st.integers(10**6, 2**62)))
def test_a_duration_reads_back_as_it_is_written(nano: int) -> None:
    assert units.parse_duration(units.format_duration(nano)) == nano


@pytest.mark.parametrize("number", ["١٢", "1_000", "0x10", "1e3", "inf", "nan", "-1", "+1", ""])
def test_numbers_in_other_spellings_are_not_guessed_at(number: str) -> None:
    for parse in (units.parse_size, units.parse_cpus, units.parse_duration):
        with pytest.raises(units.Wrong):
            parse(number)
