# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""harden.yml rolls out wave by wave, and no further once a host has failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.tests.support.waves import HOSTS, roll_out, waves


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((), [{"canary"}, {"second"}, {"third"}]),
        (("-e", "harden_serial=1,1,100%"), [{"canary"}, {"second"}, {"third"}]),
        (("-e", "harden_serial=100%"), [set(HOSTS)]),
        (("-e", "harden_hosts=second"), [{"second"}]),
    ],
)
def test_the_canary_goes_first_and_a_survey_can_set_the_waves(
    tmp_path: Path, asked: tuple[str, ...], expected: list[set[str]]
) -> None:
    status, output = roll_out(tmp_path, *asked)
    assert status == 0, output
    assert waves(output) == expected


def test_a_failing_canary_stops_the_rollout_and_the_others_are_not_reached(tmp_path: Path) -> None:
    status, output = roll_out(tmp_path, canary="kernel_setings=x")
    assert status != 0
    assert "did you mean 'kernel_settings'?" in output
    recap = output.split("PLAY RECAP")[1]
    assert "canary" in recap and "second" not in recap and "third" not in recap


def test_the_canary_alone_is_a_run_of_its_own(tmp_path: Path) -> None:
    status, output = roll_out(tmp_path, "-e", "harden_canary_only=yes")
    assert status == 0, output
    assert waves(output) == [{"canary"}]


def test_an_audit_refuses_to_change_something_and_passes_hosts_that_are_as_they_should_be(tmp_path: Path) -> None:
    status, output = roll_out(tmp_path, playbook_name="audit.yml")
    assert status != 0 and not waves(output) and "run it with --check" in " ".join(output.split())
    status, output = roll_out(tmp_path, "--check", playbook_name="audit.yml")
    assert status == 0 and "Judge what was found" in output, output
    assert len(waves(output)) == len(HOSTS)


def test_a_limit_of_the_survey_narrows_the_hosts(tmp_path: Path) -> None:
    status, output = roll_out(tmp_path, "-e", "harden_hosts=canary,third", "-e", "harden_limit=second,third")
    assert status == 0, output
    assert waves(output) == [{"third"}]


def test_hosts_that_do_not_exist_are_refused_where_ansible_would_do_nothing(tmp_path: Path) -> None:
    status, output = roll_out(tmp_path, "-e", "harden_hosts=thrid")
    assert status != 0 and not waves(output)
    assert "harden_hosts: 'thrid' matches no host of the inventory" in " ".join(output.split())


def test_the_report_names_who_failed_who_was_unreachable_and_who_was_not_reached(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    enabled = {"CAISSON_ARTIFACT_FILE": str(target), "ANSIBLE_CALLBACKS_ENABLED": "caisson.hardening.artifact_file"}

    def outcomes() -> dict[str, str]:
        report = json.loads(target.read_text(encoding="utf-8"))
        assert report["outcome"] == "failed"
        return {host: entry["outcome"] for host, entry in report["hosts"].items()}

    roll_out(tmp_path, canary="kernel_setings=x", environment=enabled)
    assert outcomes() == {"canary": "failed", "second": "not_reached", "third": "not_reached"}
    message = json.loads(target.read_text(encoding="utf-8"))["hosts"]["canary"]["failed"]["message"]
    assert "did you mean 'kernel_settings'?" in message

    nobody = "ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=9 ansible_ssh_retries=0"
    roll_out(tmp_path, canary=nobody, environment=enabled)
    assert outcomes() == {"canary": "unreachable", "second": "not_reached", "third": "not_reached"}


def test_the_others_of_a_wave_are_finished_where_one_host_of_it_fails(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    enabled = {"CAISSON_ARTIFACT_FILE": str(target), "ANSIBLE_CALLBACKS_ENABLED": "caisson.hardening.artifact_file"}
    wrong = "containers_policy=lax"  # found by the last role's specification
    status, output = roll_out(tmp_path, "-e", "harden_serial=2,100%", canary=wrong, environment=enabled)
    assert status != 0
    report = json.loads(target.read_text(encoding="utf-8"))["hosts"]
    assert {host: entry["outcome"] for host, entry in report.items()} == {
        "canary": "failed", "second": "unchanged", "third": "not_reached",
    }, output  # fmt: skip
