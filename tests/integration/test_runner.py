# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The playbook under ansible-runner, as job controllers run it: a private data directory, survey answers as strings."""

from __future__ import annotations

import json
import os
import shutil
import sys
import typing as t
from pathlib import Path

import ansible_runner
import docker
import pytest
import yaml
from ansible_collections.caisson.hardening.tests.support import hosts
from ansible_collections.caisson.hardening.tests.support.shell import INSTALLED, ROOT

# Surveys know texts, numbers and choices; each answer arrives as a flat scalar.
SURVEY = {
    "harden_profile": "baseline",
    "harden_serial": "1,100%",
    "process_limits_core_dumps": "false",
    "containers_demo": "true",
}


@pytest.fixture
def private_data(api: docker.APIClient, tmp_path: Path) -> t.Iterator[Path]:
    """The directory that a controller hands to the runner, with one host to work on."""
    name = "caisson-runner"
    hosts.create(api, [name], tmp_path / "instances.json", tmp_path)
    instance = json.loads((tmp_path / "instances.json").read_text(encoding="utf-8"))[0]
    shutil.copytree(ROOT / "playbooks", tmp_path / "project", ignore=shutil.ignore_patterns("inventory"))
    (tmp_path / "inventory").mkdir()
    host = {
        "ansible_host": instance["address"],
        "ansible_user": "root",
        "ansible_ssh_private_key_file": instance["identity_file"],
        "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    (tmp_path / "inventory" / "hosts.yml").write_text(
        yaml.safe_dump({"all": {"hosts": {name: host}}}), encoding="utf-8"
    )
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "extravars").write_text(json.dumps(SURVEY), encoding="utf-8")
    yield tmp_path
    hosts.remove(api, name)


def run(folder: Path, playbook: str) -> t.Any:
    return ansible_runner.run(
        private_data_dir=str(folder),
        playbook=playbook,
        quiet=True,
        envvars={
            "ANSIBLE_COLLECTIONS_PATH": str(INSTALLED),
            "ANSIBLE_HOME": str(folder / "home"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
    )


def test_playbook_passes_under_the_runner_and_again_changes_nothing(private_data: Path) -> None:
    first = run(private_data, "harden.yml")
    assert (first.status, first.rc) == ("successful", 0), first.stdout.read()
    assert sum(first.stats["changed"].values()) > 0

    again = run(private_data, "harden.yml")
    assert again.rc == 0 and sum(again.stats["changed"].values()) == 0, again.stdout.read()

    undone = run(private_data, "restore.yml")
    assert undone.rc == 0, undone.stdout.read()
