# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what is there to what is done: leftovers, states, and the least action."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import plan, recovery, spec, state, steps

RUNNING = {"State": {"Running": True, "Status": "running"}}
STOPPED = {"State": {"Running": False, "Status": "exited", "FinishedAt": "2030-01-01T00:00:05.1Z"}}
LATER, EARLIER = {**RUNNING, "Created": "2030-01-01T00:00:04.9Z"}, {**RUNNING, "Created": "2030-01-01T00:00:09Z"}
KEPT = {**STOPPED, "HostConfig": {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 5}}}
KEPT_RUNNING = {**KEPT, **RUNNING}
HELD = {**STOPPED, "HostConfig": {"RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}}}
KEEP = {"keep_previous": True}
IMAGE = state.Image("sha256:1", {"User": "10001"})


def planned(existing: steps.Existing, change: dict[str, t.Any] | None = None, **options: t.Any) -> list[str]:
    """The kinds of the actions; *change* is what the running container differs in."""
    one = spec.parse_specs([{"name": "web", "image": "web:1", **options}])[0]
    wanted = state.resolve(one, IMAGE, state.Daemon(), "shop")
    return [each.kind for each in plan.plan(one, existing, wanted, {**wanted, **(change or {})}).actions]


@pytest.mark.parametrize(
    ("existing", "kinds", "stands"),
    [
        (steps.Existing(), [], False),
        (steps.Existing(RUNNING), [], True),
        (steps.Existing(RUNNING, RUNNING), ["remove_leftover"], True),
        (steps.Existing(RUNNING, None, STOPPED), ["remove_leftover"], True),
        (steps.Existing(RUNNING, RUNNING, STOPPED), ["remove_leftover", "remove_leftover"], True),
        (steps.Existing(None, RUNNING), ["remove_leftover"], False),
        (steps.Existing(None, None, STOPPED), ["restore_name"], True),
        (steps.Existing(None, RUNNING, STOPPED), ["restore_name", "remove_leftover"], True),
    ],
)
def test_leftovers_are_put_in_order(existing: steps.Existing, kinds: list[str], stands: bool) -> None:
    actions, settled = recovery.recover("web", existing)
    assert [action.kind for action in actions] == kinds
    assert (settled.current is not None) is stands


@pytest.mark.parametrize(
    ("existing", "options", "change", "kinds"),
    [
        (steps.Existing(RUNNING), {}, {}, []),
        (steps.Existing(STOPPED), {}, {}, ["start"]),
        (steps.Existing(STOPPED), {"state": "present"}, {}, []),
        (steps.Existing(STOPPED, LATER), {"state": "present"}, {}, ["remove_leftover", "start"]),
        (steps.Existing(STOPPED, EARLIER), {"state": "present"}, {}, ["remove_leftover"]),
        (steps.Existing(RUNNING), {"state": "stopped"}, {}, ["stop"]),
        (steps.Existing(RUNNING), {"state": "absent"}, {}, ["remove"]),
        (steps.Existing(RUNNING), {}, {"memory": 1}, ["update"]),
        (steps.Existing(RUNNING), {"memory": 0}, {"memory": 1}, ["recreate"]),
        (steps.Existing(RUNNING), {"memory_reservation": "9m"}, {"memory_reservation": 1}, ["update"]),
        (steps.Existing(RUNNING), {"cpu_shares": 9}, {"cpu_shares": 0}, ["update"]),
        (steps.Existing(RUNNING), {"cpuset_cpus": "1"}, {"cpuset_cpus": "0"}, ["update"]),
        (steps.Existing(RUNNING), {"cpuset_mems": "0"}, {"cpuset_mems": ""}, ["update"]),
        (steps.Existing(RUNNING), {"blkio_weight": 9 * 9}, {"blkio_weight": 0}, ["update"]),
        (steps.Existing(RUNNING), {"pids_limit": 0}, {"pids_limit": 9}, ["update"]),
        *(
            (steps.Existing(RUNNING), {}, {name: value}, ["recreate"])
            for name, value in (
                *(("memory_reservation", 1), ("cpu_shares", 9), ("cpuset_cpus", "0"), ("cpuset_mems", "0")),
                *(("blkio_weight", 9), ("memory_swappiness", 9), ("oom_score_adj", 9), ("shm_size", 9)),
            )
        ),
        (steps.Existing(RUNNING), {}, {"memory": 1, "user": "2"}, ["recreate"]),
        (steps.Existing(RUNNING), {}, {"networks": {}}, ["connect"]),
        (steps.Existing(RUNNING), {}, {"networks": {}, "network_mode": "host"}, ["recreate"]),
        (steps.Existing({"State": {"Running": True, "Paused": True}}), {}, {}, ["unpause"]),
        (steps.Existing({"State": {"Dead": True}}), {}, {}, ["recreate", "start"]),
        (steps.Existing(RUNNING, None, HELD), KEEP, {}, []),
        (steps.Existing(RUNNING, None, KEPT), KEEP, {}, ["hold"]),
        (steps.Existing(RUNNING, None, KEPT_RUNNING), KEEP, {}, ["stop_leftover", "hold"]),
    ],
)
def test_the_least_action_that_leads_there(
    existing: steps.Existing, options: dict[str, t.Any], change: dict[str, t.Any], kinds: list[str]
) -> None:
    assert planned(existing, change, **options) == kinds


def test_what_is_not_there_is_created_and_a_newer_image_recreates() -> None:
    one = spec.parse_specs([{"name": "web", "image": "web:1"}])[0]
    wanted = state.resolve(one, IMAGE, state.Daemon(), "shop")
    made = plan.plan(one, steps.Existing(), wanted, None)
    assert [each.kind for each in made.actions] == ["create", "start"]
    newer = plan.plan(one, steps.Existing(RUNNING), wanted, wanted, pull_reason="the registry has another one")
    assert [each.kind for each in newer.actions] == ["pull", "recreate"]
    assert newer.differences[0].field == "image"


def test_an_engine_that_cannot_hold_a_kept_generation_is_not_asked_to() -> None:
    one = spec.parse_specs([{"name": "web", "image": "web:1", **KEEP}])[0]
    wanted = state.resolve(one, IMAGE, state.Daemon(), "shop")
    made = plan.plan(one, steps.Existing(RUNNING, None, KEPT), wanted, wanted, live=plan.NEVER_LIVE)
    assert (made.actions, made.holds) == ((), False)
