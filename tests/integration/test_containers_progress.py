# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Long work is seen while it lasts: real plays, whose output is read as a user reads it."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import re
import sys
import tarfile
import typing as t
from pathlib import Path

import ansible_runner
import docker
import pytest
from ansible_collections.caisson.hardening.tests.support import hosts, playbook, slow_registry
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, actions_of
from ansible_collections.caisson.hardening.tests.support.run_module import COLLECTIONS, run_module

LOCAL = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
SECRET = "hunter2-of-the-test"
VOLATILE = ("seconds", "invocation", "rc", "failed", "warnings", "deprecations", "_ansible_parsed")


@dataclasses.dataclass
class Play:
    """One play over one host named `here`."""

    folder: Path
    host: str = LOCAL

    def __call__(self, *tasks: dict[str, t.Any], variables: dict[str, t.Any] | None = None, **keywords: t.Any) -> str:
        """The output of a play that has to succeed."""
        (self.folder / "hosts").write_text(f"here {self.host}\n", encoding="utf-8")
        play = {"hosts": "here", "gather_facts": False, "vars": variables or {}, "tasks": tasks, **keywords}
        (self.folder / "play.json").write_text(json.dumps([play]), encoding="utf-8")
        words = ("--inventory", self.folder / "hosts", self.folder / "play.json", "--diff", "-vv")
        status, output = playbook.run(*words, timeout=180)
        assert status == 0, output
        assert SECRET not in output
        return output


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


def slow(deployer: Deployer, short: str, seconds: int = 12, **options: t.Any) -> dict[str, t.Any]:
    """A container that is healthy only after some time."""
    command = ["sh", "-c", f"sleep {seconds}; touch /tmp/ready; exec sleep 1000"]
    check = {"test": "test -e /tmp/ready", "interval": "500ms", "start_period": "60s"}
    return deployer.spec(short, command=command, healthcheck=check, env={"WORD": SECRET}, **options)


def task(arguments: dict[str, t.Any], **keywords: t.Any) -> dict[str, t.Any]:
    return {"name": "Deploy", "caisson.hardening.containers": arguments, **keywords}


def shown(output: str, label: str = "here") -> list[str]:
    """What was shown before the task's result."""
    before = re.split(rf"^(?:changed|ok|failed|fatal): \[{re.escape(label)}", output, flags=re.MULTILINE)[0]
    return re.findall(rf"^\[{re.escape(label)}\] (.*)$", before, re.MULTILINE)


def leftovers() -> list[str]:
    """The files of runs that are over; other tests may have runs of their own, whose processes know their token."""
    names = [path.name for path in Path("/run").glob("caisson-progress-*")]
    running = b""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            running += (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
    return [name for name in names if name.rpartition("-")[2].encode() not in running]


def test_the_steps_are_shown_before_the_result_and_in_order(deployer: Deployer, play: Play) -> None:
    name = deployer.name("web")
    output = play(task(deployer.arguments(slow(deployer, "web"))))
    lines = shown(output)
    assert lines[:2] == [f"{name}: creating", f"{name}: starting"], output
    waited = [re.fullmatch(rf"{name}: waiting for health \((\d+) s of 60 s\)", line) for line in lines[2:]]
    assert waited and all(waited), lines
    seconds = [int(found[1]) for found in waited if found]
    assert seconds == sorted(set(seconds)) and seconds[-1] >= 5
    assert output.count(f"[here] {name}: creating") == 1
    assert leftovers() == []


def test_a_short_run_shows_nothing(deployer: Deployer, play: Play) -> None:
    deploy = task(deployer.arguments(deployer.spec("web")))
    output = play(deploy, deploy, variables={"caisson_progress_interval": 60})  # a busy machine is not quick
    assert re.findall(r"^(changed|ok): \[here\]", output, re.MULTILINE) == ["changed", "ok"]
    assert not re.search(r"^\[here\] ", output, re.MULTILINE), output


def test_a_replacement_names_its_steps(deployer: Deployer, play: Play) -> None:
    deployer.deploy(deployer.spec("web"))
    spec = slow(deployer, "web", 6, stop_timeout=3, update_order="stop-first")
    name = deployer.name("web")
    lines = shown(play(task(deployer.arguments(spec)), variables={"caisson_progress_interval": 1}))
    assert lines[:2] == [f"{name}: replacing", f"{name}: stopping the former one (up to 3 s)"], lines
    assert any(line.startswith(f"{name}: waiting for health (") for line in lines), lines


def test_a_pull_says_how_much_has_come(deployer: Deployer, play: Play, api: docker.APIClient, unique: str) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        base = api.create_container(deployer.image)["Id"]
        with tarfile.open(fileobj=io.BytesIO(b"".join(api.export(base)))) as system:
            for member in system:
                tar.addfile(member, system.extractfile(member) if member.isfile() else None)
        api.remove_container(base)
        noise = tarfile.TarInfo("noise")
        noise.size = 8_000_000
        tar.addfile(noise, io.BytesIO(os.urandom(noise.size)))
    with slow_registry.serving(unique, archive.getvalue(), seconds=9) as reference:
        try:
            spec = deployer.spec("web", image=reference)
            output = play(task(deployer.arguments(spec)), variables={"caisson_progress_interval": 2})
        finally:
            api.remove_container(deployer.name("web"), force=True)
            api.remove_image(reference, force=True)
    found = re.findall(rf"{deployer.name('web')}: pulling {re.escape(reference)} \((\d+) of (\d+) MB\)", output)
    assert found and 0 < int(found[-1][0]) < int(found[-1][1]) == 10, output


@pytest.mark.parametrize(
    ("keywords", "variables"),
    [
        ({}, {"caisson_progress_interval": 0}),
        ({"no_log": True}, {}),
        ({"async": 60, "poll": 1}, {}),
    ],
)
def test_where_nothing_may_be_shown_nothing_is_and_the_work_is_done(
    deployer: Deployer, play: Play, keywords: dict[str, t.Any], variables: dict[str, t.Any]
) -> None:
    given = task(deployer.arguments(slow(deployer, "web", 4)), register="made", **keywords)
    settled = {"ansible.builtin.assert": {"that": "made is changed and made.containers[0].action == 'created'"}}
    output = play(
        given,
        settled,
        variables={"caisson_progress_interval": 1, "ansible_async_dir": str(play.folder / "jobs"), **variables},
    )
    assert deployer.inspect("web")["State"]["Health"]["Status"] == "healthy"
    assert shown(output) == []


def test_the_result_is_that_of_the_module_alone(deployer: Deployer, play: Play, tmp_path: Path) -> None:
    deployer.deploy(deployer.spec("other"))  # makes the network
    arguments = deployer.arguments(slow(deployer, "web", 3))

    def run(**keywords: t.Any) -> dict[str, t.Any]:
        keep = {"content": "{{ made | to_json }}", "dest": str(tmp_path / "made.json"), "mode": "0600"}
        output = play(
            task(arguments, register="made", **keywords),
            {"name": "Keep", "ansible.builtin.copy": keep, "diff": False, "check_mode": False, "no_log": True},
            variables={"caisson_progress_interval": 1},
        )
        assert bool(shown(output)) == (keywords == {})
        return dict(json.loads((tmp_path / "made.json").read_text(encoding="utf-8")))

    def stable(result: dict[str, t.Any]) -> dict[str, t.Any]:
        entries = [{**entry, "seconds": 0} for entry in result["containers"]]
        return {**{key: value for key, value in result.items() if key not in VOLATILE}, "containers": entries}

    predicted_alone = run_module("containers", arguments, check=True)
    assert stable(run(check_mode=True)) == stable(predicted_alone)
    made = run()
    assert stable({**made, "changed": True})["actions"] == predicted_alone["actions"]
    deployer.api.remove_container(deployer.name("web"), force=True)
    assert stable(made) == stable(run_module("containers", arguments))


def test_one_container_in_a_loop_and_delegated_and_by_the_defaults_of_its_group(deployer: Deployer, play: Play) -> None:
    spec = slow(deployer, "{{ item }}", 4)
    output = play(
        {"name": "Deploy", "caisson.hardening.container": spec, "loop": ["one", "two"], "delegate_to": "there"},
        variables={"caisson_progress_interval": 1},
        module_defaults={
            "group/caisson.hardening.containers": {"docker_host": deployer.docker_host, "project": deployer.prefix},
            "caisson.hardening.containers": {"containers": []},
        },
        pre_tasks=[
            {
                "ansible.builtin.add_host": {
                    "name": "there",
                    "ansible_connection": "local",
                    "ansible_python_interpreter": sys.executable,
                }
            }
        ],
    )
    lines = re.findall(r"^\[here -> there\] (.*)$", output, re.MULTILINE)
    for short in ("one", "two"):
        assert any(line.startswith(f"{deployer.name(short)}: waiting for health (") for line in lines), output


def test_a_wrong_interval_is_refused_with_what_to_write(deployer: Deployer, play: Play) -> None:
    with pytest.raises(AssertionError, match=r"'often' is no number of seconds; write a number from 1 to 3600"):
        play(task(deployer.arguments(deployer.spec("web"))), variables={"caisson_progress_interval": "often"})
    assert deployer.names() == set()


def test_a_job_controller_gets_the_lines_as_events(deployer: Deployer, tmp_path: Path) -> None:
    play = {"hosts": "here", "gather_facts": False, "tasks": [task(deployer.arguments(slow(deployer, "web", 4)))]}
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    run = ansible_runner.run(
        private_data_dir=str(tmp_path),
        playbook="play.yml",
        inventory=f"here {LOCAL}",
        extravars={"caisson_progress_interval": 1},
        quiet=True,
        envvars={"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_HOME": str(tmp_path / "home")},
    )
    assert run.rc == 0, run.stdout.read()
    events = [(event["event"], event["stdout"]) for event in run.events]
    line = f"[here] {deployer.name('web')}: waiting for health ("
    places = [place for place, (_name, text) in enumerate(events) if line in text]
    results = [place for place, (name, _text) in enumerate(events) if name == "runner_on_ok"]
    assert places and places[0] < results[0], events


@pytest.fixture
def far(api: docker.APIClient, tmp_path: Path, busybox: str) -> t.Iterator[str]:
    """The inventory line of a host with an engine of its own, reached over ssh by a user who may use sudo."""
    name = "caisson-progress"
    hosts.create(api, [name], tmp_path / "instances.json", tmp_path)
    instance = json.loads((tmp_path / "instances.json").read_text(encoding="utf-8"))[0]
    hosts.put(api, name, "/etc/sudoers.d/person", b"person ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    hosts.put(api, name, "/root/image.tar", b"".join(api.get_image(busybox)))
    assert hosts.execute(api, name, ["docker", "load", "-i", "/root/image.tar"])[0] == 0
    assert hosts.execute(api, name, ["sh", "-c", "mount -o remount,rw /sys/fs/cgroup; true"])[0] == 0
    common = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    yield (
        f"ansible_host={instance['address']} ansible_user=person ansible_become=true"
        f" ansible_ssh_private_key_file={instance['identity_file']} ansible_ssh_common_args='{common}'"
        " ansible_python_interpreter=/usr/bin/python3"
    )
    hosts.remove(api, name)


@pytest.mark.parametrize("pipelining", [True, False])
def test_over_ssh_and_sudo(deployer: Deployer, play: Play, far: str, api: docker.APIClient, pipelining: bool) -> None:
    play.host = f"{far} ansible_ssh_pipelining={pipelining}"
    arguments = deployer.arguments(slow(deployer, "web", 10), docker_host="unix:///var/run/docker.sock")
    output = play(task(arguments), variables={"caisson_progress_interval": 2})
    name = deployer.name("web")
    lines = shown(output)
    assert lines[:2] == [f"{name}: creating", f"{name}: starting"], output
    waited = [re.fullmatch(rf"{name}: waiting for health \((\d+) s of 60 s\)", line) for line in lines[2:]]
    assert waited and all(waited) and waited[-1] is not None and int(waited[-1][1]) >= 5, lines
    assert hosts.execute(api, "caisson-progress", ["sh", "-c", "ls -A /run | grep caisson"])[1] == ""


def test_actions_are_the_same_with_and_without(deployer: Deployer) -> None:
    """The file that the module writes is a matter of the environment alone, and a wrong one is no matter at all."""
    for token in ("", "../../etc/passwd", "0" * 32):
        result = run_module("containers", deployer.arguments(deployer.spec("web")), env={"CAISSON_PROGRESS": token})
        assert actions_of(result)[deployer.name("web")] in ("created", "unchanged")
    assert leftovers() == []
