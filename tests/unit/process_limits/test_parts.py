# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run for the limits or for the core dumps alone."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.parts import joined
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.spec import (
    ARGUMENTS,
    CORE_DUMPS,
    LIMITS,
    SIZES,
)


def asked(*parts: str, **given: t.Any) -> dict[str, t.Any]:
    defaults = {name: argument.get("default") for name, argument in ARGUMENTS.items() if name != "as_of"}
    return {**defaults, "parts": list(parts), **given}


SEEN = asked(threads_max="5000", exempt=["builder"], core_dumps=False)


@pytest.mark.parametrize("last", [None, SEEN])
@pytest.mark.parametrize("parts", [(), (LIMITS, CORE_DUMPS)])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_run_for_both_does_what_it_is_asked(last: t.Any, parts: tuple[str, ...], state: str) -> None:
    assert joined(asked(*parts, state=state), last) == asked(state=state)


def test_core_dumps_alone_leave_the_limits_as_they_were_asked_for() -> None:
    first = joined(asked(CORE_DUMPS), None)
    assert {first[name] for name in SIZES if name != "container_pids"} == {"keep"}
    assert (first["core_dumps"], first["parts"], first["state"]) == (False, [], "present")
    later = joined(asked(CORE_DUMPS, core_dumps=True, threads_max="9000", exempt=["other"]), SEEN)
    assert later == {**SEEN, "core_dumps": True}
    assert joined(asked(CORE_DUMPS, state="absent"), SEEN) == {**SEEN, "core_dumps": True}


def test_the_limits_alone_leave_core_dumps() -> None:
    assert joined(asked(LIMITS), None) == asked(core_dumps=True)
    assert joined(asked(LIMITS, core_dumps=True), SEEN) == asked(core_dumps=False)
    gone = joined(asked(LIMITS, state="absent"), SEEN)
    assert (gone["threads_max"], gone["exempt"], gone["core_dumps"], gone["state"]) == ("keep", [], False, "present")


def test_the_last_part_that_goes_takes_all_with_it() -> None:
    only = joined(asked(CORE_DUMPS), None)
    assert joined(asked(CORE_DUMPS, state="absent"), only)["state"] == "absent"
    assert joined(asked(CORE_DUMPS, state="absent"), None)["state"] == "absent"
