# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what is there to what is done: leftovers, states, and the least action."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import plan, spec, state

RUNNING = {"State": {"Running": True, "Status": "running"}}
STOPPED = {"State": {"Running": False, "Status": "exited", "FinishedAt": "2030-01-01T00:00:05.1Z"}}
LATER, EARLIER = {**RUNNING, "Created": "2030-01-01T00:00:04.9Z"}, {**RUNNING, "Created": "2030-01-01T00:00:09Z"}
IMAGE = state.Image("sha256:1", {"User": "10001"})


def planned(existing: plan.Existing, change: dict[str, t.Any] | None = None, **options: t.Any) -> list[str]:
    """The kinds of the actions; *change* is what the running container differs in."""
    one = spec.parse_specs([{"name": "web", "image": "web:1", **options}])[0]
    wanted = state.resolve(one, IMAGE, state.Daemon(), "shop")
    return [each.kind for each in plan.plan(one, existing, wanted, {**wanted, **(change or {})}).actions]


@pytest.mark.parametrize(
    ("existing", "kinds", "stands"),
    [
        (plan.Existing(), [], False),
        (plan.Existing(RUNNING), [], True),
        (plan.Existing(RUNNING, RUNNING), ["remove_leftover"], True),
        (plan.Existing(RUNNING, None, STOPPED), ["remove_leftover"], True),
        (plan.Existing(RUNNING, RUNNING, STOPPED), ["remove_leftover", "remove_leftover"], True),
        (plan.Existing(None, RUNNING), ["remove_leftover"], False),
        (plan.Existing(None, None, STOPPED), ["restore_name"], True),
        (plan.Existing(None, RUNNING, STOPPED), ["restore_name", "remove_leftover"], True),
    ],
)
def test_leftovers_are_put_in_order(existing: plan.Existing, kinds: list[str], stands: bool) -> None:
    actions, settled = plan.recover("web", existing)
    assert [action.kind for action in actions] == kinds
    assert (settled.current is not None) is stands


@pytest.mark.parametrize(
    ("existing", "options", "change", "kinds"),
    [
        (plan.Existing(RUNNING), {}, {}, []),
        (plan.Existing(STOPPED), {}, {}, ["start"]),
        (plan.Existing(STOPPED), {"state": "present"}, {}, []),
        (plan.Existing(STOPPED, LATER), {"state": "present"}, {}, ["remove_leftover", "start"]),
        (plan.Existing(STOPPED, EARLIER), {"state": "present"}, {}, ["remove_leftover"]),
        (plan.Existing(RUNNING), {"state": "stopped"}, {}, ["stop"]),
        (plan.Existing(RUNNING), {"state": "absent"}, {}, ["remove"]),
        (plan.Existing(RUNNING), {}, {"memory": 1}, ["update"]),
        (plan.Existing(RUNNING), {"memory": 0}, {"memory": 1}, ["recreate"]),
        (plan.Existing(RUNNING), {}, {"memory": 1, "user": "2"}, ["recreate"]),
        (plan.Existing(RUNNING), {}, {"networks": {}}, ["connect"]),
        (plan.Existing(RUNNING), {}, {"networks": {}, "network_mode": "host"}, ["recreate"]),
        (plan.Existing({"State": {"Running": True, "Paused": True}}), {}, {}, ["unpause"]),
        (plan.Existing({"State": {"Dead": True}}), {}, {}, ["recreate", "start"]),
    ],
)
def test_the_least_action_that_leads_there(
    existing: plan.Existing, options: dict[str, t.Any], change: dict[str, t.Any], kinds: list[str]
) -> None:
    assert planned(existing, change, **options) == kinds


def test_what_is_not_there_is_created_and_a_newer_image_recreates() -> None:
    one = spec.parse_specs([{"name": "web", "image": "web:1"}])[0]
    wanted = state.resolve(one, IMAGE, state.Daemon(), "shop")
    made = plan.plan(one, plan.Existing(), wanted, None)
    assert [each.kind for each in made.actions] == ["create", "start"]
    newer = plan.plan(one, plan.Existing(RUNNING), wanted, wanted, pull_reason="the registry has another one")
    assert [each.kind for each in newer.actions] == ["pull", "recreate"]
    assert newer.differences[0].field == "image"
