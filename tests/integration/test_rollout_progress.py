# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The callback rollout says in real plays, and in a job controller's output, how far they are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import ansible_runner
import pytest
import yaml
from ansible_collections.caisson.hardening.tests.support import playbook
from ansible_collections.caisson.hardening.tests.support.shell import ROOT

HOSTS = ("canary", "second", "third", "fourth", "fifth")
CALLBACK = "caisson.hardening.rollout"
INVENTORY = "\n".join(f"{name} ansible_connection=local ansible_python_interpreter={sys.executable}" for name in HOSTS)


def command(argv: str, **keywords: t.Any) -> dict[str, t.Any]:
    return {"ansible.builtin.command": argv, "changed_when": False, **keywords}


def play(*tasks: dict[str, t.Any], **keywords: t.Any) -> dict[str, t.Any]:
    return {
        "name": "Roll",
        "hosts": "all",
        "gather_facts": False,
        "tasks": list(tasks),
        "serial": [1, "40%", "100%"],
        **keywords,
    }


def environment(interval: float) -> dict[str, str]:
    return {
        **playbook.variables(),
        "ANSIBLE_CALLBACKS_ENABLED": CALLBACK,
        "CAISSON_ROLLOUT_INTERVAL": str(interval),
    }


def run(folder: Path, *plays: dict[str, t.Any], interval: float = 0, hosts: str = INVENTORY) -> tuple[int, str]:
    """Exit status and output of a playbook."""
    (folder / "hosts").write_text(hosts + "\n", encoding="utf-8")
    (folder / "play.yml").write_text(yaml.safe_dump(list(plays)), encoding="utf-8")
    done = subprocess.run(
        playbook.command("--inventory", folder / "hosts", folder / "play.yml"),
        env={**os.environ, **environment(interval)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stdout + done.stderr and "callback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def said(output: str) -> list[str]:
    """The lines of the callback, their times left out."""
    lines = [line for line in output.replace("\r\n", "\n").splitlines() if line.startswith("rollout: ")]
    return [re.sub(r"\d+ (s|min)\b", "TIME", line) for line in lines]


def test_waves_are_told_beside_the_usual_output(tmp_path: Path) -> None:
    status, output = run(tmp_path, play(command("true")))
    assert status == 0, output
    assert said(output) == [
        "rollout: wave 1 of 3 begins with 1 host (canary), 4 wait",
        "rollout: wave 1 of 3 ended after TIME: 1 of 1 host done; in all 1 of 5 hosts done, 0 failed, 4 left,"
        " about TIME left",
        "rollout: wave 2 of 3 begins with 2 hosts (second, third), 2 wait, about TIME left",
        "rollout: wave 2 of 3 ended after TIME: 2 of 2 hosts done; in all 3 of 5 hosts done, 0 failed, 2 left,"
        " about TIME left",
        "rollout: wave 3 of 3 begins with 2 hosts (fourth, fifth), about TIME left",
        "rollout: wave 3 of 3 ended after TIME: 2 of 2 hosts done",
        "rollout: ended after TIME: 5 of 5 hosts done, 0 failed",
    ]
    assert output.count("ok: [") == len(HOSTS) and "PLAY RECAP" in output


def test_a_failed_host_stops_it_and_the_rest_is_counted(tmp_path: Path) -> None:
    fails = command("{{ 'false' if inventory_hostname == 'second' else 'true' }}")
    status, output = run(tmp_path, play(fails, command("true"), max_fail_percentage=0))
    assert status != 0
    assert said(output)[-2:] == [
        "rollout: wave 2 of 3 stopped after TIME: 0 of 2 hosts done, 1 failed (second)",
        "rollout: stopped in wave 2 of 3 after TIME: 1 of 5 hosts done, 1 failed (second), 1 not finished (third),"
        " 2 not reached",
    ]


def test_hosts_that_finish_beside_a_failure_are_done(tmp_path: Path) -> None:
    """As harden.yml does it: what fails is recorded in a rescue, which fails at its end."""
    fails = command("{{ 'false' if inventory_hostname == 'second' else 'true' }}")
    (tmp_path / "failed.yml").write_text(
        yaml.safe_dump([command("true"), {"ansible.builtin.fail": {}}]), encoding="utf-8"
    )
    whole = {"block": [fails, command("true")], "rescue": [{"ansible.builtin.import_tasks": "failed.yml"}]}
    status, output = run(tmp_path, play(whole, max_fail_percentage=0))
    assert status != 0
    assert said(output)[-1] == (
        "rollout: stopped in wave 2 of 3 after TIME: 2 of 5 hosts done, 1 failed (second), 2 not reached"
    )


def test_failures_that_are_taken_are_none(tmp_path: Path) -> None:
    saved = {"block": [command("false")], "rescue": [command("true")]}
    status, output = run(tmp_path, play(saved, command("false", ignore_errors=True)))
    assert status == 0, output
    assert said(output)[-1] == "rollout: ended after TIME: 5 of 5 hosts done, 0 failed"


def test_a_rescue_that_fails_and_a_host_out_of_reach_are_failures(tmp_path: Path) -> None:
    saved = {"block": [command("false")], "rescue": [command("{{ (inventory_hostname != 'third') | lower }}")]}
    hosts = INVENTORY.replace("fifth ansible_connection=local", "fifth ansible_host=127.0.0.1 ansible_port=1")
    status, output = run(tmp_path, play(saved, serial=[]), hosts=hosts)
    assert status != 0
    assert said(output)[-1] == "rollout: ended after TIME: 3 of 5 hosts done, 2 failed (fifth, third)"


def test_a_long_step_is_told_while_it_lasts_also_of_a_single_host(tmp_path: Path) -> None:
    wait = command("sleep 3", name="Wait")
    status, output = run(tmp_path, play(wait, serial=[]), play(wait, hosts="canary", name="One"), interval=1)
    assert status == 0, output
    first, second = output.split("PLAY [One]")
    told = [line for line in said(first) if ", step" in line or ": step" in line]
    assert told and told[0] == (
        "rollout: step 1 of about 1 (Wait), over on 0 of 5 hosts; 0 of 5 hosts done, 0 failed, 5 left; TIME so far"
    )
    assert first.index("rollout: step") < first.index("ok: [")
    assert "rollout: step 1 of about 1 (Wait); TIME so far" in said(second)
    assert said(second)[0] == "rollout: ended after TIME: 5 of 5 hosts done, 0 failed"
    assert not [line for line in said(second)[1:] if "step" not in line]


@pytest.mark.parametrize("wanted", ["", "no_such"])
def test_harden_yml_is_told_of_too(tmp_path: Path, wanted: str) -> None:
    """No role runs, so nothing is changed; the steps are counted by the tags that were asked for."""
    (tmp_path / "hosts").write_text(INVENTORY + "\n", encoding="utf-8")
    argv = playbook.command("--inventory", tmp_path / "hosts")
    argv += ["--tags", "no_role", "--limit", "canary,second", "-e", "harden_serial=1,100%"]
    argv += ["-e", f"kernel_setings={wanted}"] if wanted else []
    done = subprocess.run(
        [*argv, str(ROOT / "playbooks" / "harden.yml")],
        env={**os.environ, **environment(0)}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    last = said(done.stdout)[-1]
    if wanted:
        assert last == "rollout: stopped in wave 1 of 2 after TIME: 0 of 2 hosts done, 1 failed (canary), 1 not reached"
    else:
        assert last == "rollout: ended after TIME: 2 of 2 hosts done, 0 failed"


def test_the_lines_are_in_the_output_of_a_job_controller(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "play.yml").write_text(yaml.safe_dump([play(command("sleep 2"))]), encoding="utf-8")
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "hosts").write_text(INVENTORY + "\n", encoding="utf-8")
    job = ansible_runner.run(
        private_data_dir=str(tmp_path),
        playbook="play.yml",
        quiet=True,
        envvars={**environment(1), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    output = job.stdout.read()
    assert job.status == "successful", output
    lines = said(output)
    assert lines[0] == "rollout: wave 1 of 3 begins with 1 host (canary), 4 wait"
    assert any(", step 1 of " in line for line in lines)
    assert lines[-1] == "rollout: ended after TIME: 5 of 5 hosts done, 0 failed"
    assert not re.search(r"\r(?!\n)|\x1b\[\d*[ABCDHJK]", output), "the cursor moves"
    events = [event for event in job.events if "rollout: " in event["stdout"]]
    assert len(events) >= len(lines)
