# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every wrong value of every option is refused by the pure layer, in words that are safe to print."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import options, spec
from ansible_collections.caisson.hardening.plugins.module_utils.errors import HIDDEN, Fault, InputError, shown
from ansible_collections.caisson.hardening.tests.support.wrong_specs import SECRET, rows

ROWS = rows()
RIGHT: dict[t.Any, t.Any] = {"name": "web", "image": "shop/web:1"}
LONGEST = 900  # characters of the message of one fault


def refused(*given: dict[t.Any, t.Any]) -> InputError:
    with pytest.raises(InputError) as caught:
        spec.parse_specs([{**RIGHT, **each} for each in given])
    return caught.value


def assert_printable(message: str) -> None:
    """Nothing of it moves a cursor, changes a colour or the direction, or is no character at all."""
    odd = {char for char in message if not char.isprintable()}
    assert odd <= {"\n"}, odd


def assert_says_all(fault: Fault, option: str, given: dict[t.Any, t.Any]) -> None:
    message = str(fault)
    assert_printable(message)
    assert "\n" not in message
    assert len(message) <= LONGEST
    assert fault.where.startswith("container ")
    assert fault.problem
    assert fault.remedy
    assert message.startswith(f"{fault.where}: {fault.option}: ")
    if option in spec.READERS and option not in ("name", "mounts", "volumes"):
        value = HIDDEN if option in spec.SECRET_OPTIONS else given[option]
        assert shown(value) in message or fault.value != given[option]
    assert SECRET not in message


@pytest.mark.parametrize(("option", "given"), ROWS, ids=[f"{number}-{row[0]}" for number, row in enumerate(ROWS)])
def test_a_wrong_spec_is_refused_in_words_that_are_safe_to_print(option: str, given: dict[t.Any, t.Any]) -> None:
    error = refused(given)
    named = {fault.option for fault in error.faults}
    expected = {option} if option != "volumes" else {"volumes", "mounts"}
    assert not option or named & expected, named
    for fault in error.faults:
        assert_says_all(fault, option, given)


def test_the_table_holds_every_option_many_times() -> None:
    assert len(ROWS) >= 300
    times = {option: sum(row[0] == option for row in ROWS) for option in options.container_options()}
    assert {option: count for option, count in times.items() if count < 5} == {}


def test_all_of_them_at_once_are_told_at_once_and_in_order() -> None:
    given = [row for row in ROWS if row[0] != "name"]
    entries = [{**row[1], "name": f"c{number:04}"} for number, row in enumerate(given)]
    error = refused(*entries)
    said = list(dict.fromkeys(fault.where for fault in error.faults))
    assert said == [f"container 'c{number:04}'" for number in range(len(given))]
    assert str(error).startswith(f"{len(error.faults)} faults, refused before anything was changed:\n")
    assert_printable(str(error))


def test_two_faults_of_one_container_do_not_hide_each_other() -> None:
    for first, second in zip(ROWS, ROWS[37:]):
        if not set(first[1]) & set(second[1]):
            alone = {(fault.option, fault.problem) for row in (first, second) for fault in refused(row[1]).faults}
            told = {(fault.option, fault.problem) for fault in refused({**first[1], **second[1]}).faults}
            assert alone <= told
