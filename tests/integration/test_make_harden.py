# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The README's commands on a fresh machine: no systemd, no engine, no network, an empty home directory."""

from __future__ import annotations

import typing as t

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support.machine import Machine, fresh_machine, recap

WATCHED = "/etc/fstab /etc/sysctl.d /etc/security/limits.d /etc/docker /etc/systemd /var/lib/caisson"
# The engine that was installed stays, and makes itself an identity when it first starts.
SNAPSHOT = f"find {WATCHED} -type f ! -name key.json -exec sha256sum {{}} + 2>/dev/null | sort -k 2; true"


@pytest.fixture(scope="module")
def machine(api: docker.APIClient) -> t.Iterator[Machine]:
    with fresh_machine(api) as found:
        yield found


def test_commands_of_the_readme_in_order(machine: Machine) -> None:
    before = machine.said(SNAPSHOT)

    planned = machine.said("make plan")
    assert recap(planned)["failed"] == 0 and recap(planned)["changed"] > 0
    assert machine.said(SNAPSHOT) == before, "make plan changed something"

    first = machine.said("make harden")
    assert recap(first)["failed"] == 0
    assert recap(first)["changed"] == recap(planned)["changed"], "the plan was not what was done"
    assert "no systemd runs Docker here" in first
    assert "/var/lib/caisson" in first, "the summary does not say where the undo data lies"

    again = machine.said("make harden")
    assert recap(again)["changed"] == 0 and recap(again)["failed"] == 0

    assert recap(machine.said("make plan"))["changed"] == 0

    inside = "docker exec $(docker ps -q --filter label=caisson.hardening.project)"
    status, text = machine.run(f"{inside} sh -c 'echo x > /written'")
    assert status != 0 and "Read-only file system" in text

    restored = machine.said("make restore")
    assert recap(restored)["failed"] == 0
    assert machine.said(SNAPSHOT) == before, "make restore left something"
    assert machine.run("pgrep dockerd")[0] != 0, "the engine, that make harden started, was left running"
    assert recap(machine.said("make restore"))["changed"] == 0


def test_restore_goes_on_where_no_engine_answers(machine: Machine) -> None:
    machine.said("pkill dockerd || true; while pgrep dockerd > /dev/null; do sleep 0.2; done")
    before = machine.said(SNAPSHOT)
    machine.said("make harden HARDEN_ARGS='--tags kernel'")
    assert machine.said(SNAPSHOT) != before
    status, text = machine.run("make restore HARDEN_ARGS='--tags containers'")
    assert status != 0 and recap(text)["failed"] == 1, "asked for by name, an engine that is down is a failure"
    restored = machine.said("make restore")
    assert recap(restored)["failed"] == 0 and "so no container was removed" in " ".join(restored.split())
    assert machine.said(SNAPSHOT) == before


def test_half_made_environment_is_made_anew(machine: Machine) -> None:
    machine.said("make collection")
    machine.said("rm -rf .venv/lib .venv/.stamp")
    assert "Making the virtual environment" in machine.said("make collection")
    assert "Making the virtual environment" not in machine.said("make collection")


def test_activated_environment_is_as_good_as_another(machine: Machine) -> None:
    machine.said("make collection")
    assert "Making the virtual environment" not in machine.said(". .venv/bin/activate && make collection")
    machine.said("rm .venv/.stamp")
    assert "Making the virtual environment" in machine.said(". .venv/bin/activate && make collection")


def test_old_python_is_named_with_the_remedy(machine: Machine) -> None:
    machine.said("printf '#!/bin/sh\\necho Python 3.9.2; exit 1\\n' > /tmp/old && chmod 755 /tmp/old")
    status, text = machine.run("make harden PYTHON=/tmp/old")
    assert status != 0 and "3.11 or later is needed" in text and "Traceback" not in text


def test_user_without_rights_is_told_to_become_root(machine: Machine) -> None:
    machine.said("chown -R person: . && chmod 777 /srv/empty-home && make collection")
    machine.said("chown -R person: .")
    status, text = machine.run("make harden", user="person")
    assert status != 0 and "needs root" in text and "Traceback" not in text


def test_home_that_is_missing_does_no_harm(machine: Machine) -> None:
    machine.said("make collection", HOME="/nonexistent")


def test_user_with_sudo_hardens_and_restores(machine: Machine) -> None:
    machine.said("echo 'person ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/person && chmod 440 /etc/sudoers.d/person")
    machine.said("chown -R person: .")
    for command in ("make harden", "make restore"):
        status, text = machine.run(command, user="person")
        assert status == 0, text
        assert recap(text)["changed"] > 0 and recap(text)["failed"] == 0
