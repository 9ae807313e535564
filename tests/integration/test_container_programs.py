# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""After the start, more than one program beside the init is a finding."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t

from ansible_collections.caisson.hardening.tests.support.containers import Deployer, until, waiver
from ansible_collections.caisson.hardening.tests.support.run_module import COLLECTIONS, module_command

CONTROL = "container.one_application"
TWO = ["sh", "-c", "httpd -f -p 8080 & tail -f /dev/null & wait"]
WORKERS = ["sh", "-c", "tail -f /dev/null & tail -f /tmp/x & tail -f /tmp/y & touch /tmp/x /tmp/y; wait"]


def findings(deployer: Deployer, result: dict[str, t.Any]) -> dict[str, tuple[str, str]]:
    """Outcome and evidence of the control by the containers' short names; what it simply holds for is only counted."""
    start = len(deployer.prefix) + 1
    found = {
        each["object"][start:]: (each["outcome"], each["evidence"])
        for each in result["findings"]
        if each["control"] == CONTROL
    }
    others = {entry["name"][start:] for entry in result["containers"]} - set(found)
    assert result["passed"][CONTROL] == len(others)
    return {**found, **dict.fromkeys(others, ("pass", ""))}


def test_two_programs_are_a_finding_workers_of_one_are_not_and_a_waiver_counts(deployer: Deployer) -> None:
    busy = {"test": "sleep 2", "interval": "100ms", "timeout": "60s"}
    specs = [
        deployer.spec("two", command=TWO),
        deployer.spec("workers", command=WORKERS),
        deployer.spec("waived", command=TWO, waivers=waiver("one_application")),
        deployer.spec("plain"),
        deployer.spec("wrapped", command=["sh", "-c", "sleep 1000; true"]),
        deployer.spec("bare", init=False, waivers=waiver("init")),
        deployer.spec("idle", state="stopped", command=TWO),
    ]
    predicted = deployer.run(*specs, check=True)
    assert {outcome for outcome, _why in findings(deployer, predicted).values()} == {"not_applicable"}
    result = deployer.deploy(*specs)
    found = findings(deployer, result)
    assert found.pop("two") == ("fail", "runs httpd and tail")
    assert found["waived"][0] == "waived"
    assert "runs httpd and tail; waived until 2099-12-31" in found.pop("waived")[1]
    assert found.pop("idle")[0] == "not_applicable"
    assert found == dict.fromkeys(("workers", "plain", "wrapped", "bare"), ("pass", ""))
    said = str(result["warnings"])
    assert said.count(f"breaks {CONTROL}") == 1
    assert f"container '{deployer.name('two')}' breaks" in said

    unchanged = deployer.deploy(*specs)
    assert unchanged["actions"] == []
    assert {outcome for outcome, _why in findings(deployer, unchanged).values()} == {"not_applicable"}
    assert CONTROL not in str(unchanged.get("warnings"))

    deployer.api.exec_start(deployer.api.exec_create(deployer.name("plain"), ["sleep", "30"])["Id"], detach=True)
    deployer.api.exec_start(
        deployer.api.exec_create(deployer.name("plain"), ["tail", "-f", "/etc/passwd"])["Id"], detach=True
    )
    asked = deployer.deploy(*specs, inspect_processes="always")
    looked = findings(deployer, asked)
    assert looked["two"][0] == "fail"
    assert looked["plain"] == ("pass", ""), "what somebody started from outside does not count"
    assert findings(deployer, deployer.run(*specs, check=True, inspect_processes="always")) == looked

    checked = deployer.spec("plain", command=["tail", "-f", "/dev/null"], healthcheck=busy)
    checked["state"] = "present"
    assert findings(deployer, deployer.deploy(checked, inspect_processes="never"))["plain"][0] == "not_applicable"
    until(lambda: len(deployer.api.top(deployer.name("plain"))["Processes"]) > 2)
    looked = findings(deployer, deployer.deploy(checked, inspect_processes="always"))
    assert looked["plain"] == ("pass", ""), "a health check does not count"


def test_the_engine_is_asked_where_this_host_s_process_table_does_not_serve(deployer: Deployer) -> None:
    """The same findings either way: here the processes have other numbers than the engine knows."""
    specs = [deployer.spec("two", command=TWO), deployer.spec("workers", command=WORKERS), deployer.spec("plain")]
    deployer.deploy(*specs)
    near = findings(deployer, deployer.deploy(*specs, inspect_processes="always"))
    assert near == {"two": ("fail", "runs httpd and tail"), "workers": ("pass", ""), "plain": ("pass", "")}
    command = module_command("containers", deployer.arguments(*specs, inspect_processes="always"))
    far = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", *command],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
    )
    assert findings(deployer, json.loads(far.stdout.splitlines()[-1])) == near


def test_a_program_that_was_started_later_beside_the_application_is_found(deployer: Deployer) -> None:
    deployer.deploy(deployer.spec("web"))
    deployer.shell("web", "(tail -f /dev/null > /dev/null 2>&1 &)")
    result = deployer.deploy(deployer.spec("web"), inspect_processes="always")
    assert findings(deployer, result)["web"] == ("fail", "runs sleep and tail")
    assert not result["changed"]
