# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role `containers` with networks and volumes, run by ansible-playbook: check mode, run, again, absent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import docker
import yaml
from ansible_collections.caisson.hardening.tests.support.containers import Deployer
from ansible_collections.caisson.hardening.tests.support.shell import INSTALLED


def play(folder: Path, variables: dict[str, t.Any], *arguments: str) -> dict[str, t.Any]:
    """The role's `containers_result` of a run that has to succeed."""
    result = folder / "result.json"
    tasks = [
        {"ansible.builtin.include_role": {"name": "caisson.hardening.containers"}},
        {
            "ansible.builtin.copy": {"content": "{{ containers_result | to_json }}", "dest": str(result)},
            "check_mode": False,
            "changed_when": False,
        },
    ]
    book = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": tasks}]
    (folder / "play.yml").write_text(yaml.safe_dump(book), encoding="utf-8")
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            "localhost,",
            str(folder / "play.yml"),
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(INSTALLED),
            "ANSIBLE_HOME": str(folder / "home"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(result.read_text(encoding="utf-8")))


def test_the_role_declares_networks_and_volumes_and_takes_its_networks_away(
    api: docker.APIClient, docker_host: str, busybox: str, unique: str, tmp_path: Path
) -> None:
    deployer = Deployer(api, docker_host, unique, busybox)
    volume = deployer.name("data")
    variables: dict[str, t.Any] = {
        "ansible_python_interpreter": sys.executable,
        "containers_docker_host": docker_host,
        "containers_project": unique,
        "containers_settle_time": 0.3,
        "containers_networks": [{"name": deployer.name("net"), "icc": True}],
        "containers_volumes": [{"name": volume, "driver_options": {"type": "tmpfs"}}],
        "containers_list": [
            deployer.spec("db", internal=True, volumes=[f"{volume}:/data"]),
            deployer.spec("web", networks=[{"name": deployer.name("net")}, {"name": f"{unique}-internal"}]),
        ],
    }
    predicted = play(tmp_path, variables, "--check")
    assert deployer.names() == set()
    result = play(tmp_path, variables)
    assert predicted["actions"] == result["actions"]
    assert result["actions"][:3] == [
        f"volume {volume}: create (it does not exist)",
        f"network {unique}-internal: create (it does not exist)",
        f"network {deployer.name('net')}: create (it does not exist)",
    ]
    assert deployer.execute("db", "cp", "/bin/busybox", "/data/echo")[0] == 0
    assert "ermission denied" in deployer.execute("db", "/data/echo", "x")[1]
    assert not play(tmp_path, variables)["changed"]

    fewer = {**variables, "containers_list": variables["containers_list"][:1], "containers_prune": True}
    assert play(tmp_path, fewer)["actions"] == [f"{deployer.name('web')}: remove (it is not listed)"]
    assert deployer.names() == {"db"}

    gone = {**variables, "containers_state": "absent"}
    assert play(tmp_path, gone, "--check")["actions"] == play(tmp_path, gone)["actions"]
    assert deployer.names() == set()
    assert api.networks(names=[deployer.name("net")]) == []
    assert api.inspect_volume(volume)["Name"] == volume
    assert not play(tmp_path, gone)["changed"]


def test_the_demonstration_container_passes_under_the_strict_profile_and_again_changes_nothing(
    api: docker.APIClient, docker_host: str, unique: str, tmp_path: Path
) -> None:
    variables = {
        "ansible_python_interpreter": sys.executable,
        "containers_docker_host": docker_host,
        "containers_project": unique,
        "containers_demo": True,
    }
    try:
        strict = {**variables, "containers_profile": "strict"}
        assert [play(tmp_path, strict)["changed"] for _run in range(2)] == [True, False]
    finally:
        play(tmp_path, {**variables, "containers_state": "absent"})
