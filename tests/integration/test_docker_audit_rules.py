# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docker_audit_rules on the real kernel, whose audit rules are those of the whole machine. Needs root and dockerd."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
import typing as t
import uuid
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.tests.support.audit import auditctl
from ansible_collections.caisson.hardening.tests.support.dying import STEP
from ansible_collections.caisson.hardening.tests.support.kernel import Place, place

MODULE = "docker_audit_rules"
FILE = "/etc/audit/rules.d/60-caisson-docker.rules"
KEY = "caisson-docker"
TREE = (
    "find /etc/audit /etc/tmpfiles.d /var/lib/caisson 2>/dev/null -printf '%p %y %m %U:%G\\n' | sort; "
    "cat /etc/audit/audit.rules"
)
DYING = f"""{STEP}
from ansible_collections.caisson.hardening.plugins.module_utils.auditd import apply, auditctl
transaction.write_file = step(transaction.write_file)
auditctl.Auditctl._must = step(auditctl.Auditctl._must)
apply.run("present", apply.Place())
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return auditctl(tmp_path_factory.mktemp("audit"))


@pytest.fixture
def host(tmp_path: Path, program: Path) -> t.Iterator[Place]:
    """A place with auditctl, one rule of somebody else's, and an engine's files."""
    theirs = ["-w", str(tmp_path), "-p", "wa", "-k", "theirs"]
    with place(tmp_path) as made:
        made.sh(
            f"mount -t tmpfs tmpfs /usr/local/sbin; cp {program} /usr/local/sbin/auditctl\n"
            "rm -rf /etc/audit; mkdir -p /etc/audit/rules.d /etc/docker; echo '{}' > /etc/docker/daemon.json\n"
            "printf -- '-D\\n-b 8192\\n' > /etc/audit/audit.rules"
        )
        try:
            subprocess.run([program, *theirs], check=True)
            yield made
        finally:
            for key in ("theirs", KEY):
                subprocess.run([program, "-D", "-k", key], check=False, capture_output=True)
            subprocess.run([program, "-e", "0"], check=True, capture_output=True)


def rules(host: Place, key: str = KEY) -> list[str]:
    return [line for line in host.sh("auditctl -l").splitlines() if line.endswith(f" {key}")]


def test_rules_are_loaded_and_a_second_run_changes_nothing(host: Place) -> None:
    predicted = host.run(MODULE, check=True)
    assert rules(host) == [] and "No such file" in host.sh(f"ls {FILE} 2>&1 || true")
    result = host.run(MODULE)
    assert {key: predicted[key] for key in ("actions", "changed", "diff", "findings", "score", "rules")} == {
        key: result[key] for key in ("actions", "changed", "diff", "findings", "score", "rules")
    }
    assert len(rules(host)) == len(result["rules"]) > 5
    assert {finding["outcome"] for finding in result["findings"]} == {"pass", "not_applicable"}
    assert result["score"]["before"] == 0
    for check in (True, False):
        assert host.run(MODULE, check=check)["actions"] == []


def test_who_changes_the_engines_configuration_stands_in_the_log(host: Place) -> None:
    host.run(MODULE)
    host.sh("auditctl -e 1")
    mark = uuid.uuid4().hex[:12]
    host.sh(
        f"ln -s {shutil.which('touch')} /run/lock/{mark}; /run/lock/{mark} /etc/docker/daemon.json; rm /run/lock/{mark}"
    )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        lines = [line for line in host.sh("dmesg").splitlines() if f'key="{KEY}"' in line and f'comm="{mark}"' in line]
        if lines:
            break
        time.sleep(0.2)
    assert lines and re.search(r"auid=\d+ uid=0", lines[0]), "the kernel's audit said nothing"


def test_a_rule_unloaded_by_hand_is_found_and_mended(host: Place) -> None:
    result = host.run(MODULE)
    whole = rules(host)
    host.sh(f"auditctl -d {result['rules'][0].partition(' ')[2]}")
    again = host.run(MODULE)
    assert again["actions"] == ["load 1 audit rule"] and sorted(rules(host)) == sorted(whole)


def test_undo_leaves_the_rules_and_files_of_others_as_they_were(host: Place) -> None:
    before = host.sh(TREE)
    result = host.run(MODULE)
    # What augenrules does when auditd starts.
    host.sh(
        f"cp /etc/audit/audit.rules /etc/audit/audit.rules.prev; cat {FILE} | grep -v '^#' >> /etc/audit/audit.rules"
    )
    predicted = host.run(MODULE, check=True, state="absent")
    undone = host.run(MODULE, state="absent")
    assert predicted["actions"] == undone["actions"] and undone["changed"] and result["changed"]
    assert host.sh(TREE) == before
    assert rules(host) == [] and len(rules(host, "theirs")) == 1
    assert not host.run(MODULE, state="absent")["changed"]


def test_a_configuration_that_cannot_be_read_stops_a_run_and_no_undo(host: Place) -> None:
    before = host.sh(TREE)
    host.run(MODULE)
    host.sh("echo '{' > /etc/docker/daemon.json")
    refused = host.run(MODULE)
    assert refused["failed"] and "/etc/docker/daemon.json" in refused["msg"], refused
    assert host.run(MODULE, state="absent")["changed"]
    assert host.sh(TREE) == before and rules(host) == []


def test_a_rule_that_the_kernel_refuses_leaves_everything_as_it_was(host: Place) -> None:
    before = host.sh(TREE)
    # The tree that is to be watched is gone between the look and the rule: here, because it is none.
    host.sh("rm -rf /etc/docker; mkdir /etc/docker; mv /usr/local/sbin/auditctl /usr/local/sbin/real")
    host.sh(
        'printf \'#!/bin/sh\\ncase "$*" in *dir=/etc/docker*) rmdir /etc/docker;; esac\\n'
        'exec /usr/local/sbin/real "$@"\\n\' > /usr/local/sbin/auditctl; chmod 755 /usr/local/sbin/auditctl'
    )
    result = host.run(MODULE)
    assert result["failed"] and "/etc/docker" in result["msg"], result
    assert rules(host) == [] and host.sh(TREE) == before


@pytest.mark.parametrize("step", [0, 1, 2, 5])
def test_a_killed_run_is_completed_by_the_next_and_undone_whole(host: Place, step: int) -> None:
    before = host.sh(TREE)
    assert host.script(DYING, str(step)).returncode == -9
    assert host.run(MODULE)["changed"]
    assert not host.run(MODULE)["changed"]
    host.run(MODULE, state="absent")
    assert host.sh(TREE) == before and rules(host) == []


def test_without_auditctl_the_controls_fail_and_nothing_is_changed(host: Place) -> None:
    host.sh("rm /usr/local/sbin/auditctl")
    before = host.sh(TREE)
    result = host.run(MODULE)
    assert not result["changed"] and "install the package auditd" in str(result["warnings"])
    assert "fail" in {finding["outcome"] for finding in result["findings"]}
    assert host.sh(TREE) == before
