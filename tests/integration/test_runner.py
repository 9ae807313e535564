# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Jobs under ansible-runner as AWX runs them, on the project as AWX synchronises it, with and without job isolation."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support import hosts
from ansible_collections.caisson.hardening.tests.support.runner import Controller, Job

NAME = "caisson-runner"
# Surveys know texts, numbers and choices; what is left empty arrives as an empty text.
SURVEY = {
    "harden_hosts": "",
    "harden_limit": "",
    "harden_serial": "1, 100%",
    "harden_canary_only": "no",
    "harden_run_profile": "baseline",
    "harden_run_install_docker": "as the inventory says",
    "harden_kernel_settings": "# of this run\nnet.ipv4.conf.all.log_martians=1",
}
# What belongs to the inventory: containers are lists and dictionaries, which no survey has.
WAIVED = {
    "name": "waived",
    "image": "caisson-demo:1",
    "pull": "never",
    "command": ["sleep", "86400"],
    "read_only": False,
    "waivers": [{"control": "container.read_only", "reason": "writes beside its program", "expires": "2099-12-31"}],
}


@pytest.fixture(scope="module")
def controller(docker_host: str, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Controller]:
    """A controller that has one host."""
    api = docker.APIClient(base_url=docker_host, timeout=120)
    folder = tmp_path_factory.mktemp("runner")
    hosts.create(api, [NAME], folder / "instances.json", folder)
    [instance] = json.loads((folder / "instances.json").read_text(encoding="utf-8"))
    variables = {
        "ansible_host": instance["address"],
        "ansible_user": "root",
        "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
        "ansible_python_interpreter": "/usr/bin/python3",
        # What the host shares with the machine, and with other tests, stays as it is.
        "process_limits_threads_max": "keep",
        "process_limits_pid_max": "keep",
        "process_limits_core_dumps": True,
        "containers_demo": True,
        "containers_list": [WAIVED],
    }
    private = folder / "private"
    private.mkdir()
    made = Controller(private, {NAME: variables}, Path(instance["identity_file"]))
    made.synchronise()
    before = dict(os.environ)
    yield made
    os.environ.clear()
    os.environ.update(before)
    hosts.remove(api, NAME)
    api.close()


def execute(api: docker.APIClient, *argv: str) -> tuple[int, str]:
    return hosts.execute(api, NAME, list(argv))


def record(job: Job) -> dict[str, t.Any]:
    """What became of the host; the file and what AWX keeps say the same."""
    assert job.report == job.artifacts["caisson_report"]
    assert job.report["outcome"] == job.artifacts["caisson_outcome"]
    return dict(job.report["hosts"][NAME])


def test_wrong_answers_are_refused_all_at_once_before_the_host_is_touched(
    api: docker.APIClient, controller: Controller
) -> None:
    before = execute(api, "sh", "-c", "last -w 2>/dev/null | wc -l; ls /var/lib/caisson 2>&1; ls /root/.ansible 2>&1")
    wrong = {**SURVEY, "harden_serial": "ten", "harden_run_profile": "lax", "harden_limit": "wbe"}
    job = controller.run("harden.yml", wrong)
    assert job.status == "failed"
    for sentence in (
        "harden_serial: 'ten' is neither a number of hosts nor a percentage: write 5 or 10%",
        "harden_run_profile: 'lax' is unknown: write baseline or strict",
        "harden_limit: 'wbe' matches no host of the inventory: write a host, a group, or a pattern of them",
    ):
        assert sentence in " ".join(job.output.split()), job.output
        assert sentence in job.report["refused"]
    assert "Traceback" not in job.output
    assert execute(
        api, "sh", "-c", "last -w 2>/dev/null | wc -l; ls /var/lib/caisson 2>&1; ls /root/.ansible 2>&1"
    ) == before  # fmt: skip
    assert job.artifacts["caisson_outcome"] == "failed" and job.report["hosts"] == {}


def test_jobs_change_then_change_nothing_then_fail_then_restore_and_each_leaves_its_report(
    api: docker.APIClient, controller: Controller
) -> None:
    plan = controller.run("harden.yml", SURVEY, "--check")
    assert plan.status == "successful", plan.output
    assert plan.report["predicted"] and record(plan)["outcome"] == "changed"
    assert execute(api, "ls", "/var/lib/caisson")[0] != 0

    first = controller.run("harden.yml", SURVEY)
    assert first.status == "successful", first.output
    found = record(first)
    assert found["outcome"] == "changed" and first.artifacts["caisson_changed_hosts"] == NAME
    assert found["changed"] == record(plan)["changed"]
    assert found["containers"] == {"waived": "created", "caisson-demo": "created"}
    assert [each["control"] for each in found["waived"]] == ["container.read_only"]
    assert "writes beside its program" in found["waived"][0]["evidence"]
    assert "set net.ipv4.conf.all.log_martians from '0' to '1'" in found["actions"]["kernel"], found
    assert execute(api, "cat", "/proc/sys/net/ipv4/conf/all/log_martians")[1].strip() == "1"
    assert execute(api, "docker", "exec", "caisson-demo", "touch", "/x")[0] != 0

    controller.isolate()
    again = controller.run("harden.yml", SURVEY)
    assert again.status == "successful", again.output
    assert again.changes == 0 and record(again)["outcome"] == "unchanged", record(again)
    assert [each["control"] for each in record(again)["waived"]] == ["container.read_only"]

    failed = controller.run("harden.yml", {**SURVEY, "harden_kernel_settings": "net.ipv4.ip_forward=0"})
    assert failed.status == "failed" and "Traceback" not in failed.output
    found = record(failed)
    assert found["outcome"] == "failed" and failed.artifacts["caisson_failed_hosts"] == NAME
    assert "net.ipv4.ip_forward" in found["failed"]["message"] and "kernel" in found["failed"]["task"]

    for expected, status in (("unchanged", "successful"), ("changed", "failed")):
        gate = controller.run("awx_gate.yml", {**again.artifacts, "gate_expect": expected})
        assert gate.status == status, gate.output

    undone = controller.run("restore.yml", {"harden_hosts": NAME, "restore_run_containers": "yes", "harden_serial": ""})
    assert undone.status == "successful" and record(undone)["outcome"] == "changed", undone.output
    assert record(undone)["containers"] == {"waived": "removed", "caisson-demo": "removed"}
    assert execute(api, "cat", "/proc/sys/net/ipv4/conf/all/log_martians")[1].strip() == "0"


def test_a_worker_sends_its_output_and_its_report_back(controller: Controller) -> None:
    controller.isolate()
    output, report = controller.dispatch("restore.yml", {"harden_hosts": NAME, "restore_containers": "perhaps"})
    sentence = "restore_containers: 'perhaps' is neither yes nor no: write yes or no"
    assert report["outcome"] == "failed" and report["refused"] == [sentence]
    assert sentence in " ".join(output.split()), output
