# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.caisson.hardening.plugins.filter.harden_summary import harden_summary

KERNEL = {
    "changed": True,
    "score": {"total": 30, "before": 12, "after": 30},
    "undo": "/var/lib/caisson/kernel/undo.json",
}
CONTAINERS = {
    "changed": False,
    "score": {"total": 51, "before": 51, "after": 51},
    "undo": "state: absent",
    "containers": [{"name": "web", "action": "unchanged", "state": "started"}],
}


def test_the_table_names_the_host_and_what_changed() -> None:
    assert harden_summary({"kernel": KERNEL, "containers": CONTAINERS}, "db1").splitlines()[0] == "db1: changed kernel"


def test_a_run_that_changed_nothing_says_so() -> None:
    assert harden_summary({"containers": CONTAINERS}, "db1").splitlines()[0] == "db1: nothing changed"


def test_a_check_run_speaks_of_what_would_be() -> None:
    assert harden_summary({"kernel": KERNEL}, "db1", True).splitlines()[0] == "db1: would change kernel"
    assert harden_summary({}, "db1", True) == "db1: nothing to change"


def test_each_subject_shows_its_controls_before_and_after_and_its_undo_data() -> None:
    lines = [line.split() for line in harden_summary({"kernel": KERNEL}, "db1").splitlines()]
    assert ["kernel", "12", "30", "30"] in lines
    assert ["undo", "kernel", "/var/lib/caisson/kernel/undo.json"] in lines


def test_each_control_that_does_not_hold_is_named_with_the_reason() -> None:
    def finding(number: int, outcome: str) -> dict[str, str]:
        return {"control": f"kernel.c{number}", "object": "host", "outcome": outcome, "evidence": f"live {number}"}

    found = [finding(0, "pass"), finding(1, "fail"), finding(2, "error"), finding(3, "waived")]
    lines = harden_summary({"kernel": {**KERNEL, "findings": found}}, "db1").splitlines()
    assert [line for line in lines if "open" in line] == ["  open: kernel.c1: live 1", "  open: kernel.c2: live 2"]
    many = [{**finding(each, "fail"), "evidence": f"{each}{'x' * 500}"} for each in range(40)]
    lines = harden_summary({"kernel": {**KERNEL, "findings": many}}, "db1").splitlines()
    lines = [line for line in lines if "open" in line]
    assert len(lines) == 13 and lines[-1].startswith("  open: 28 more") and max(map(len, lines)) < 140
    same = [{**finding(each, "fail"), "evidence": "there is no auditctl"} for each in range(15)]
    assert "  open: 15 of kernel: there is no auditctl" in harden_summary(
        {"kernel": {**KERNEL, "findings": same}}, "db1"
    )


def test_each_container_shows_its_action_and_state() -> None:
    lines = [line.split() for line in harden_summary({"containers": CONTAINERS}, "db1").splitlines()]
    assert ["web", "unchanged", "started"] in lines


def test_a_host_without_systemd_is_told_of() -> None:
    daemon = {"changed": True, "score": {"total": 1, "before": 0, "after": 1}, "service_manager": "pidfile"}
    assert "no systemd" in harden_summary({"docker_daemon": daemon}, "db1").splitlines()[-1]
    assert "systemd" not in harden_summary({"docker_daemon": {**daemon, "service_manager": "systemd"}}, "db1")


def test_a_role_that_was_skipped_or_did_not_run_is_left_out() -> None:
    skipped = {"changed": False, "skipped": True, "skip_reason": "Conditional result was False"}
    assert "docker_daemon" not in harden_summary({"docker_daemon": skipped, "kernel": {}}, "db1")
