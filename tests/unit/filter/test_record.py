# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run leaves to the next one: the record of a host, and the sum."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.filter.audit_faults import audit_faults
from ansible_collections.caisson.hardening.plugins.filter.host_record import host_record
from ansible_collections.caisson.hardening.plugins.filter.run_stats import RECORD, run_stats


def finding(control: str, outcome: str) -> dict[str, str]:
    return {"control": control, "object": "web", "outcome": outcome, "evidence": "user is root"}


KERNEL = {"changed": True, "actions": [f"set key{number}" for number in range(14)], "findings": []}
CONTAINERS = {
    "changed": False,
    "actions": [],
    "containers": [{"name": "web", "action": "unchanged"}],
    "findings": [finding("container.user", "waived"), finding("container.tmpfs", "fail"), finding("x.y", "pass")],
}


def test_record_says_what_changed_what_is_open_and_what_is_waived() -> None:
    record = host_record({"kernel": KERNEL, "containers": CONTAINERS, "mounts": {}, "boot": {"skipped": True}})
    assert record["outcome"] == "changed" and record["changed"] == ["kernel"]
    assert (
        record["actions"]["kernel"][-1] == "and 4 more, in the run's output" and len(record["actions"]["kernel"]) == 11
    )
    assert record["containers"] == {"web": "unchanged"}
    assert record["open"] == ["container.tmpfs"]
    assert record["waived"] == [{"control": "container.user", "object": "web", "evidence": "user is root"}]
    assert "failed" not in record


def test_failure_is_recorded_with_its_task_and_message_beside_what_was_done_before() -> None:
    record = host_record({"kernel": KERNEL}, "Deploy the containers", "x" * 9000)
    assert record["outcome"] == "failed" and record["changed"] == ["kernel"]
    assert record["failed"]["task"] == "Deploy the containers" and len(record["failed"]["message"]) == 2000


def sum_of(outcomes: dict[str, str], **more: t.Any) -> dict[str, t.Any]:
    variables = {
        host: {RECORD: {"outcome": outcome}} if outcome != "not_reached" else {} for host, outcome in outcomes.items()
    }
    return run_stats(list(outcomes), variables, playbook="harden", **more)


def test_the_sum_is_flat_for_the_next_job() -> None:
    stats = sum_of({"a": "changed", "b": "unchanged", "c": "changed"})
    assert stats["caisson_outcome"] == "changed"
    assert (stats["caisson_changed_hosts"], stats["caisson_failed_hosts"]) == ("a,c", "")
    assert sum_of({"a": "unchanged"})["caisson_outcome"] == "unchanged"
    assert json.loads(json.dumps(stats)) == stats


def test_a_run_that_did_not_reach_each_host_has_failed() -> None:
    stats = sum_of({"a": "changed", "b": "not_reached"})
    assert stats["caisson_outcome"] == "failed" and stats["caisson_failed_hosts"] == ""
    assert stats["caisson_report"]["hosts"]["b"] == {"outcome": "not_reached"}
    assert sum_of({"a": "failed", "b": "unchanged"})["caisson_failed_hosts"] == "a"
    assert sum_of({})["caisson_outcome"] == "failed"


def test_a_run_for_the_canary_asks_for_the_first_wave_alone() -> None:
    stats = sum_of({"a": "unchanged", "b": "not_reached", "c": "not_reached"}, serial="1,100%", canary_only="yes")
    assert stats["caisson_outcome"] == "unchanged" and list(stats["caisson_report"]["hosts"]) == ["a"]


def test_a_refused_run_says_why() -> None:
    stats = sum_of({"a": "not_reached"}, serial="ten", canary_only="yes", refused=["harden_serial: 'ten' is ..."])
    assert stats["caisson_outcome"] == "failed"
    assert stats["caisson_report"]["refused"] == ["harden_serial: 'ten' is ..."]


@pytest.mark.parametrize(
    ("changed", "still_open", "fails_on", "said"),
    [
        ([], [], "open", []),
        (["kernel", "mounts"], ["a"], "nothing", []),
        (["kernel", "mounts"], ["a"], "changes", ["is not as it was asked for: kernel, mounts would change"]),
        ([], ["b", "a", "b"], "changes", []),
        ([], ["b", "a", "b"], "open", ["has open controls: a, b"]),
    ],
)
def test_audit_fails_on_what_it_was_asked_to(
    changed: list[str], still_open: list[str], fails_on: str, said: list[str]
) -> None:
    assert audit_faults({"changed": changed, "open": still_open}, fails_on) == said


def test_host_that_was_not_looked_at_passes_no_audit() -> None:
    assert audit_faults({}) == ["was not looked at"] and audit_faults({}, "nothing") == []
