# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docker_permissions beside a real dockerd in namespaces of its own. Needs root, dockerd, curl and setpriv."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.tests.support.daemon import SandboxedDaemon
from ansible_collections.caisson.hardening.tests.support.dying import STEP
from ansible_collections.caisson.hardening.tests.support.run_module import COLLECTIONS, run_module, start_module

# Inside, /run/lock is a file system of its own that everybody may enter.
SOCKET = "/run/lock/engine.sock"
DYING = f"""{STEP}
from ansible_collections.caisson.hardening.plugins.module_utils.permissions import apply, plan
transaction.set_access = step(transaction.set_access)
apply.run(plan.parse(), *sys.argv[2:])
"""
OTHERS = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


@pytest.fixture
def daemon(tmp_path: Path) -> t.Iterator[SandboxedDaemon]:
    """An engine whose socket, configuration and key are open to everybody."""
    sandbox = SandboxedDaemon(tmp_path)
    try:
        sandbox.config.write_text("{}\n", encoding="utf-8")
        sandbox.start("-H", f"unix://{SOCKET}")
        sandbox.inside("sh", "-ec", f"cd /run/lock; echo secret > key.pem; chmod 0644 key.pem; chmod 0666 {SOCKET}")
        sandbox.config.write_text(json.dumps({"tlskey": "/run/lock/key.pem"}), encoding="utf-8")
        sandbox.config.chmod(0o666)
        yield sandbox
    finally:
        sandbox.close()


def options(daemon: SandboxedDaemon, **more: t.Any) -> dict[str, t.Any]:
    return {"path": str(daemon.config), "pidfile": str(daemon.pidfile), **more}


def run(daemon: SandboxedDaemon, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
    result = run_module("docker_permissions", options(daemon, **more), check=check, python=str(daemon.python))
    assert result["rc"] == 0, result["msg"]
    return result


def accesses(daemon: SandboxedDaemon) -> str:
    return daemon.inside("stat", "-c", "%n %u:%g %a", SOCKET, "/run/lock/key.pem", str(daemon.config)).stdout


def others(daemon: SandboxedDaemon, *command: str) -> subprocess.CompletedProcess[str]:
    """What a user without rights gets."""
    return daemon.inside(*OTHERS, *command, check=False)


def ask(daemon: SandboxedDaemon) -> str:
    return others(daemon, "curl", "-s", "--unix-socket", SOCKET, "http://engine/version").stdout


def test_others_lose_the_socket_and_the_key_and_undo_gives_back_what_was(daemon: SandboxedDaemon) -> None:
    before = accesses(daemon)
    assert "ApiVersion" in ask(daemon) and others(daemon, "cat", "/run/lock/key.pem").stdout == "secret\n"

    predicted = run(daemon, check=True)
    assert accesses(daemon) == before
    result = run(daemon)
    assert {key: predicted[key] for key in result if key != "invocation"} == {
        key: result[key] for key in result if key != "invocation"
    }
    assert len(result["actions"]) == 3 and result["changed"]
    assert ask(daemon) == ""
    assert "Permission denied" in others(daemon, "cat", "/run/lock/key.pem").stderr
    assert daemon.inside("curl", "-s", "--unix-socket", SOCKET, "http://engine/version").stdout, "root lost it too"
    outcomes = {finding["control"]: finding["outcome"] for finding in result["findings"]}
    assert outcomes["docker_files.socket_mode"] == outcomes["docker_files.tls_key_mode"] == "pass"

    for check in (True, False):
        assert run(daemon, check=check)["actions"] == []
    undone = run(daemon, check=True, state="absent")
    assert undone["actions"] == run(daemon, state="absent")["actions"]
    assert accesses(daemon) == before
    assert not run(daemon, state="absent")["changed"]
    assert daemon.inside("ls", "-A", "/var/lib/caisson").stdout == ""


def test_a_mode_changed_by_hand_is_found_and_mended_and_the_first_one_comes_back(daemon: SandboxedDaemon) -> None:
    before = accesses(daemon)
    run(daemon)
    daemon.inside("chmod", "0777", str(daemon.config))
    assert run(daemon)["actions"] == [f"change {daemon.config} from 0:0 0777 to 0:0 0644"]
    run(daemon, state="absent")
    assert accesses(daemon) == before


def test_a_configuration_that_cannot_be_read_stops_a_run_and_no_undo(daemon: SandboxedDaemon) -> None:
    before, written = accesses(daemon), daemon.config.read_text(encoding="utf-8")
    run(daemon)
    daemon.config.write_text("{", encoding="utf-8")
    refused = run_module("docker_permissions", options(daemon), python=str(daemon.python))
    assert refused["failed"] and str(daemon.config) in refused["msg"], refused
    assert run(daemon, state="absent")["changed"]
    daemon.config.write_text(written, encoding="utf-8")
    assert accesses(daemon) == before


def test_a_path_that_cannot_be_changed_leaves_all_as_it_was(daemon: SandboxedDaemon) -> None:
    """A read-only file system below one of the files."""
    before = accesses(daemon)
    daemon.inside(
        "sh", "-ec", "mount --bind /run/lock/key.pem /run/lock/key.pem; mount -o remount,bind,ro /run/lock/key.pem"
    )
    result = run_module("docker_permissions", options(daemon), python=str(daemon.python))
    assert result["failed"] and "/run/lock/key.pem" in result["msg"] and "Nothing was changed" in result["msg"]
    assert accesses(daemon) == before
    assert daemon.inside("ls", "-A", "/var/lib/caisson").stdout == ""


def test_a_killed_run_is_taken_up_by_the_next_and_undone_whole(daemon: SandboxedDaemon) -> None:
    before = accesses(daemon)
    for step in range(3):
        done = subprocess.run(
            [str(daemon.python), "-c", DYING, str(step), str(daemon.config), str(daemon.pidfile)],
            check=False,
            env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        )
        assert done.returncode == -signal.SIGKILL
        assert run(daemon)["changed"]
        assert not run(daemon)["changed"]
        run(daemon, state="absent")
        assert accesses(daemon) == before


def test_two_runs_at_once_end_in_one_change(daemon: SandboxedDaemon) -> None:
    both = [start_module("docker_permissions", options(daemon), python=str(daemon.python)) for _each in range(2)]
    results = [json.loads(each.communicate(timeout=60)[0].splitlines()[-1]) for each in both]
    assert sorted(result["changed"] for result in results) == [False, True]
