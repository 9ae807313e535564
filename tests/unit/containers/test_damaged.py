# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an engine answers may lack anything and hold anything: the answer is a state, or one sentence."""

from __future__ import annotations

import copy
import json
import random
import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import engine, observe, units, values
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError, shown
from hypothesis import given
from hypothesis import strategies as st

Place = t.Tuple[t.Any, ...]
INSPECTS = [
    json.loads(path.read_text(encoding="utf-8"))["inspect"] for path in sorted(Path(__file__).parent.glob("fixtures/*"))
]
ABSENT = object()
NOTHING = (ABSENT, None, "", 0, [], {})
JUNK = ("x", True, -1, ["x"], {"a": "b"}, 1.5, [None], [[]], {"": None}, "\x1b[31m", "\ud800", 10**40)


def places(value: t.Any, above: Place = ()) -> t.Iterator[Place]:
    """The way to everything in it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*above, key)
        yield from places(item, (*above, key))


def damaged(inspect: t.Any, place: Place, value: t.Any) -> t.Any:
    found = copy.deepcopy(inspect)
    holder = found
    for key in place[:-1]:
        holder = holder[key]
    if value is ABSENT:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return found


@pytest.mark.parametrize("value", [*NOTHING, *JUNK], ids=lambda value: "absent" if value is ABSENT else ascii(value))
def test_a_damaged_inspect_gives_a_state_or_one_sentence(value: t.Any) -> None:
    read = 0
    for inspect in INSPECTS:
        whole = observe.observe(inspect)
        for place in places(inspect):
            try:
                found = observe.observe(damaged(inspect, place, value))
            except CaissonError as error:
                assert re.match("container ['\"]", str(error))
                assert "\n" not in str(error)
            else:
                read += 1
                assert set(found) >= set(whole)
    assert read > 300


def test_several_damages_at_once_are_borne_too() -> None:
    dice = random.Random(7)
    for _attempt in range(300):
        inspect = dice.choice(INSPECTS)
        for _damage in range(dice.randint(2, 6)):
            place = dice.choice(list(places(inspect)))
            inspect = damaged(inspect, place, dice.choice((*NOTHING, *JUNK)))
        try:
            observe.observe(inspect)
        except CaissonError as error:
            assert re.match("container ['\"]", str(error))


@pytest.mark.parametrize("key", ["IPAMConfig", "Aliases"])
def test_a_network_without_an_endpoint_yet_is_a_network(key: str) -> None:
    inspect = copy.deepcopy(next(each for each in INSPECTS if each["NetworkSettings"]["Networks"].get("cf-fix")))
    whole = observe.observe(inspect)["networks"]["cf-fix"]
    inspect["NetworkSettings"]["Networks"]["cf-fix"][key] = None
    assert observe.observe(inspect)["networks"]["cf-fix"].name == whole.name
    inspect["NetworkSettings"]["Networks"]["cf-fix"] = None
    assert observe.observe(inspect)["networks"]["cf-fix"].name == whole.name


@given(st.from_regex(values.IMAGE, fullmatch=True))
def test_a_reference_is_split_so_that_nothing_of_it_is_lost(reference: str) -> None:
    repository, tag = engine._split_reference(reference)
    assert repository
    assert tag
    joined = f"{repository}@{tag}" if "@" in reference else f"{repository}:{tag}"
    assert joined in (reference, f"{reference}:latest")
    if "@" not in reference:
        assert ":" not in repository.rpartition("/")[2]


@given(st.one_of(st.text(max_size=40), st.text("0123456789.eE+-_kmgtpKMGTPibBnusµh ", max_size=20), st.floats()))
def test_a_quantity_is_a_number_or_wrong_and_never_below_zero(written: t.Any) -> None:
    for parse in (units.parse_size, units.parse_cpus, units.parse_duration):
        try:
            assert 0 <= parse(written) < 2**63
        except units.Wrong as wrong:
            assert wrong.remedy


@given(st.one_of(st.text(), st.lists(st.text()), st.dictionaries(st.text(), st.text()), st.integers(), st.binary()))
def test_what_is_shown_is_short_and_printable(value: t.Any) -> None:
    text = shown(value)
    assert len(text) <= 80
    assert text.isprintable()
