# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rollout keeps to its window, keeps others away, verifies each host, drains it, and is resumed where it stopped."""

from __future__ import annotations

import datetime
import json
import os
import signal
import socket
import time
import typing as t
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support.containers import until
from ansible_collections.caisson.hardening.tests.support.run_module import run_module
from ansible_collections.caisson.hardening.tests.support.waves import begin, roll_out, waves

LOCK = Path("/run/caisson/rollout.json")
WRONG = "containers_policy=lax"  # found by the last role's specification


@pytest.fixture(autouse=True)
def free_machine() -> t.Iterator[None]:
    """No rollout has this machine, before and after."""
    assert not LOCK.exists()
    yield
    LOCK.unlink(missing_ok=True)
    if LOCK.parent.exists():
        LOCK.parent.rmdir()


def plain(output: str) -> str:
    return " ".join(output.split())


def hooks(folder: Path, drain: str = "drained") -> tuple[str, ...]:
    """Arguments for hooks that leave a line each, and what the drain does besides."""
    log = folder / "log"
    line = "- ansible.builtin.shell: echo {} {{{{ inventory_hostname }}}} {} >> " + str(log) + "\n"
    (folder / "drain.yml").write_text(line.format(drain, ""), encoding="utf-8")
    (folder / "undrain.yml").write_text(line.format("undrained", "{{ harden_failed }}"), encoding="utf-8")
    return ("-e", "harden_drain_tasks=drain.yml", "-e", "harden_undrain_tasks=undrain.yml")


def test_outside_its_window_a_rollout_is_refused_and_a_prediction_is_not(tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    closed = f"{now + datetime.timedelta(hours=2):%H:%M}-{now + datetime.timedelta(hours=3):%H:%M} UTC"
    arguments = ("-e", json.dumps({"harden_window": closed}), *hooks(tmp_path))
    status, output = roll_out(tmp_path, *arguments)
    assert status != 0 and f"outside the window {closed}" in plain(output)
    assert not (tmp_path / "log").exists(), "a host was drained"
    status, output = roll_out(tmp_path, "--check", "-e", "harden_hosts=canary", *arguments)
    assert status == 0, output


def test_a_window_that_closes_during_the_pause_holds_the_wave_back(tmp_path: Path) -> None:
    # A wave is given half a minute to come to its pause, which leads beyond the window's last minute.
    while datetime.datetime.now().second > 30:
        time.sleep(1)
    now = datetime.datetime.now(datetime.timezone.utc)
    opened = f"{now:%H:%M}-{now + datetime.timedelta(minutes=1):%H:%M} UTC"
    asked = ("-e", json.dumps({"harden_window": opened}), "-e", f"harden_pause={61 - now.second}")
    status, output = roll_out(tmp_path, *asked, "-e", "harden_serial=1,100%")
    assert status != 0 and f"outside the window {opened}" in plain(output), output
    assert "Pausing for" in output, "the window closed before the pause"
    assert "Take this host" not in output.split("PLAY [Harden")[2]


def test_a_stopped_rollout_is_resumed_with_the_file_that_it_names(tmp_path: Path) -> None:
    left = tmp_path / "home" / "caisson-harden.retry"
    asked = ("-e", "harden_serial=2,100%", *hooks(tmp_path))
    status, output = roll_out(tmp_path, *asked, canary=WRONG)
    assert status != 0
    assert f"run the same command again with --limit @{left}" in plain(output)
    assert left.read_text(encoding="utf-8").split() == ["canary", "third"]
    lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert sorted(lines) == ["drained canary", "drained second", "undrained canary True", "undrained second False"]
    assert not LOCK.exists(), "a host that failed was not given back"

    status, output = roll_out(tmp_path, *asked, "--limit", f"@{left}")
    assert status == 0, output
    assert waves(output) == [{"canary", "third"}]
    assert not left.exists(), "nothing is left, and the file says otherwise"


def test_failures_that_are_allowed_do_not_stop_the_rollout(tmp_path: Path) -> None:
    allowed = ("-e", "harden_serial=2,100%", "-e", "harden_max_fail_percentage=50")
    status, output = roll_out(tmp_path, *allowed, canary=WRONG)
    assert status != 0, "a host failed, and the run does not say so"
    assert waves(output) == [{"canary", "second"}, {"third"}]
    assert (tmp_path / "home" / "caisson-harden.retry").read_text(encoding="utf-8").split() == ["canary"]


def test_an_unreachable_host_holds_the_next_wave_back_too(tmp_path: Path) -> None:
    nobody = "ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=9 ansible_ssh_retries=0"
    status, output = roll_out(tmp_path, "-e", "harden_serial=2,100%", canary=nobody)
    assert status != 0 and "1 of 2 hosts before this wave failed or were not reached (canary)" in plain(output)
    assert "Take this host" not in output.split("PLAY [Harden")[2]


def test_task_files_that_do_not_exist_are_refused_first(tmp_path: Path) -> None:
    status, output = roll_out(tmp_path, "-e", "harden_drain_tasks=drian.yml")
    assert status != 0 and "There is no file drian.yml" in plain(output)
    assert "Take this host" not in output


def test_another_rollout_has_the_host(tmp_path: Path) -> None:
    taken = run_module("rollout_lock", {"run": "elsewhere/1", "who": "operator", "origin": "control1"})
    assert taken["rc"] == 0 and taken["changed"] is False
    assert (LOCK.stat().st_mode & 0o777, LOCK.parent.stat().st_mode & 0o777) == (0o600, 0o700)

    status, output = roll_out(tmp_path, "-e", "harden_hosts=canary", *hooks(tmp_path))
    assert status != 0 and "Another rollout has this host: operator from control1 since" in plain(output)
    assert "harden_take_over=yes" in output
    assert not (tmp_path / "log").exists()
    assert json.loads(LOCK.read_text(encoding="utf-8"))["who"] == "operator", "it was given back by whom it is not"

    status, output = roll_out(tmp_path, "-e", "harden_hosts=canary", "-e", "harden_take_over=yes")
    assert status == 0 and "Took the host over from operator from control1" in plain(output)
    assert not LOCK.parent.exists()


def test_a_rollout_whose_control_node_died_is_run_again_without_a_word(tmp_path: Path) -> None:
    process = begin(tmp_path, "-e", "harden_hosts=canary", *hooks(tmp_path, "begun; sleep 3; echo drained"))
    until(lambda: (tmp_path / "log").exists() or process.poll() is not None, 60)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert LOCK.exists()
    assert (tmp_path / "home" / "caisson-harden.retry").read_text(encoding="utf-8").split() == ["canary"]
    status, output = roll_out(tmp_path, "-e", "harden_hosts=canary")
    assert status == 0 and "that run has died" in plain(output), output
    assert not LOCK.exists()


def test_a_container_that_no_longer_serves_stops_the_rollout(
    tmp_path: Path, api: docker.APIClient, docker_host: str, busybox: str, unique: str
) -> None:
    api.start(api.create_container(busybox, ["sleep", "600"], name=unique)["Id"])
    spoil = f"drained; docker kill {unique}; echo"
    status, output = roll_out(
        tmp_path, "-e", f"docker_daemon_host={docker_host}", "-e", "harden_verify_timeout=2", *hooks(tmp_path, spoil)
    )
    assert status != 0 and f"The host does not serve as it did: {unique} is exited" in plain(output)
    assert waves(output) == [{"canary"}]


def test_a_published_port_that_no_longer_answers_stops_the_rollout(
    tmp_path: Path, api: docker.APIClient, docker_host: str, busybox: str, unique: str
) -> None:
    """Nobody named the port; the container runs on."""
    published = api.create_host_config(port_bindings={80: None})
    serve = ["httpd", "-f", "-p", "80", "-h", "/etc"]
    made = api.create_container(busybox, serve, name=unique, ports=[80], host_config=published)["Id"]
    api.start(made)
    [*_others, port] = (int(each["HostPort"]) for each in api.port(made, 80))
    spoil = f"drained; docker --host {docker_host} network disconnect bridge {unique}; echo"
    asked = ("-e", f"docker_daemon_host={docker_host}", "-e", "harden_verify_timeout=2", "-e", "harden_hosts=canary")
    status, output = roll_out(tmp_path, *asked, canary="ansible_host=127.0.0.1")
    assert status == 0, output
    status, output = roll_out(tmp_path, *asked, *hooks(tmp_path, spoil), canary="ansible_host=127.0.0.1")
    assert status != 0 and f"{port} of canary does not answer from the control node" in plain(output), output
    assert api.inspect_container(made)["State"]["Running"]


def test_a_port_that_no_longer_answers_stops_the_rollout(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        asked = ("-e", f"harden_verify_ports={port}", "-e", "harden_verify_timeout=2", "-e", "harden_hosts=canary")
        status, output = roll_out(tmp_path, *asked, canary="ansible_host=127.0.0.1")
        assert status == 0, output
    status, output = roll_out(tmp_path, *asked, canary="ansible_host=127.0.0.1")
    assert status != 0 and f"Port {port} of canary does not answer from the control node" in plain(output)
