# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every state that a killed run can leave is told from the engine alone, and is put in order."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import (
    deploy,
    engine_errors,
    fresh,
    plan,
    recovery,
    spec,
    state,
    steps,
)

Json = t.Dict[str, t.Any]


def container(second: int, *, running: bool = True, status: str = "") -> Json:
    return {
        "Created": f"2030-01-01T00:00:{second:02}.5Z",
        "State": {"Running": running, "Status": status or ("running" if running else "exited")},
    }


OLD, NEW = container(1), container(2)
OLD_STOPPED, NEW_STOPPED = container(1, running=False), container(2, running=False)
NEW_MADE = container(2, running=False, status="created")
NAMES = {"current": "web", "successor": f"web{steps.NEXT}", "previous": f"web{steps.PREVIOUS}"}


def ends(existing: steps.Existing, **how: bool) -> tuple[dict[str, Json | None], list[str]]:
    """What stands under each name once the actions are carried out on the names alone, and their kinds."""
    named: dict[str, Json | None] = {NAMES[role]: getattr(existing, role) for role in NAMES}
    actions, settled = recovery.recover("web", existing, **how)
    for action in actions:
        found = named[action.target]
        assert found is not None, "no action on a name that nothing has"
        named[action.target] = None
        target = {"restore_name": "web", "keep_leftover": NAMES["previous"]}.get(action.kind, "")
        if target:
            assert named[target] is None, "no name is given to two"
            named[target] = found
    assert {role: named[name] for role, name in NAMES.items()} == {role: getattr(settled, role) for role in NAMES}
    return named, [action.kind for action in actions]


@pytest.mark.parametrize("how", [{}, {"keep": True}, {"going_back": True}, {"keep": True, "going_back": True}])
def test_whatever_is_found_ends_in_a_state_without_leftovers(how: dict[str, bool]) -> None:
    choices = [None, OLD, NEW, OLD_STOPPED, NEW_STOPPED, NEW_MADE]
    for current, successor, previous in itertools.product(choices, repeat=3):
        named, _kinds = ends(steps.Existing(current, successor, previous), **how)
        assert named[NAMES["successor"]] is None
        if current is not None or previous is not None:
            assert named["web"] is not None, "something has the name as long as anything had served under it"
        if not how:
            assert named[NAMES["previous"]] is None


# A replacement and a way back, each killed between two steps: what is there, and who has to have the name then.
@pytest.mark.parametrize(
    ("existing", "how", "serves", "stays"),
    [
        (steps.Existing(OLD, NEW_MADE), {}, OLD, None),
        (steps.Existing(OLD_STOPPED, NEW), {}, OLD_STOPPED, None),
        (steps.Existing(None, NEW, OLD_STOPPED), {}, NEW, None),
        (steps.Existing(None, NEW, OLD), {}, NEW, None),
        (steps.Existing(None, NEW, OLD), {"keep": True}, NEW, OLD),
        (steps.Existing(NEW, None, OLD), {}, NEW, None),
        (steps.Existing(NEW, None, OLD), {"keep": True}, NEW, OLD),
        (steps.Existing(None, NEW_STOPPED, OLD), {"going_back": True}, OLD, NEW_STOPPED),
        (steps.Existing(None, NEW, OLD), {"going_back": True}, NEW, OLD),
        (steps.Existing(OLD, NEW_STOPPED), {"going_back": True}, OLD, NEW_STOPPED),
        (steps.Existing(OLD, NEW), {"going_back": True}, OLD, NEW),
        (steps.Existing(OLD, NEW_MADE), {"going_back": True}, OLD, None),
        (steps.Existing(None, NEW_STOPPED, OLD), {}, OLD, None),
    ],
)
def test_the_one_that_was_brought_up_has_the_name(
    existing: steps.Existing, how: dict[str, bool], serves: Json, stays: Json | None
) -> None:
    named, _kinds = ends(existing, **how)
    assert named["web"] == serves
    assert named[NAMES["previous"]] == stays


def planned(existing: steps.Existing) -> list[str]:
    one = spec.parse_specs([{"name": "web", "state": "rolled_back"}])[0]
    return [each.kind for each in plan.plan(one, existing, None, None).actions]


@pytest.mark.parametrize(
    ("existing", "kinds"),
    [
        (steps.Existing(NEW, None, OLD_STOPPED), ["roll_back"]),
        (steps.Existing(OLD, None, NEW_STOPPED), []),
        (steps.Existing(OLD_STOPPED, None, NEW_STOPPED), ["start"]),
        (steps.Existing(OLD, None, NEW), ["stop_leftover"]),
        (steps.Existing(None, NEW_STOPPED, OLD), ["restore_name", "keep_leftover"]),
        (steps.Existing(None, NEW, OLD), ["restore_name", "roll_back"]),
    ],
)
def test_the_way_back_is_taken_once(existing: steps.Existing, kinds: list[str]) -> None:
    assert planned(existing) == kinds


def test_there_is_a_way_back_where_a_former_generation_is() -> None:
    one = spec.parse_specs([{"name": "web", "state": "rolled_back"}])[0]
    assert plan.has_way_back(one, steps.Existing(NEW, None, OLD_STOPPED))
    assert plan.has_way_back(one, steps.Existing(None, None, OLD_STOPPED))
    assert not plan.has_way_back(one, steps.Existing(NEW))
    assert not plan.has_way_back(one, steps.Existing())


def test_times_are_told_apart_below_the_second() -> None:
    earlier, later = "2030-01-01T00:00:00.000000001Z", "2030-01-01T00:00:00.5Z"
    assert steps.instant(earlier) < steps.instant(later)
    assert steps.instant("nonsense") == steps.instant(None) < steps.instant(earlier)


SHOP: Json = {"Labels": {state.PROJECT_LABEL: "shop"}}


@pytest.mark.parametrize(
    ("status", "config", "expected"),
    [
        ("created", SHOP, True),
        ("running", SHOP, False),
        ("exited", SHOP, False),
        ("created", {"Labels": {state.PROJECT_LABEL: "bakery"}}, False),
        ("created", {"Labels": None}, False),
    ],
)
def test_what_a_killed_run_asked_for_is_told_from_what_others_made(status: str, config: Json, expected: bool) -> None:
    assert recovery.outlived({"Config": config, "State": {"Status": status}}, SHOP) is expected


class Making(fresh.FreshEngine):
    """An engine that has given a name away, to a container which cannot be seen the first time that it is asked."""

    def __init__(self, status: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        self._status = status

    def create(self, name: str, body: Json) -> str:
        self.asked.append("create")
        if "remove" not in self.asked:
            raise engine_errors.NameTaken("taken")
        return "new"

    def inspect(self, container: str) -> Json | None:
        self.asked.append("inspect")
        return (
            {"Id": "1", "Config": SHOP, "State": {"Status": self._status}} if self.asked.count("inspect") > 1 else None
        )

    def remove(self, container: str) -> None:
        self.asked.append("remove")


def making(engine: Making) -> str:
    one = spec.parse_specs([{"name": "web", "image": "web:1"}])[0]
    deployment = deploy.Deployment(engine, one, steps.Plan("web"), None, steps.Existing())
    return deployment._create_as("web", SHOP)


def test_a_container_that_is_still_being_made_is_waited_for() -> None:
    engine = Making("created")
    assert making(engine) == "new"
    assert engine.asked == ["create", "inspect", "create", "inspect", "remove", "create"]


def test_one_that_serves_is_not_removed() -> None:
    engine = Making("running")
    with pytest.raises(engine_errors.NameTaken):
        making(engine)
    assert "remove" not in engine.asked
