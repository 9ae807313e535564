# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The facts are what the host and its engine show, and variables can use them."""

from __future__ import annotations

import os
import platform
import typing as t
from pathlib import Path

import docker
from ansible_collections.caisson.hardening.plugins.module_utils.host.distributions import parse_os_release
from ansible_collections.caisson.hardening.tests.support.containers import Deployer
from ansible_collections.caisson.hardening.tests.support.run_module import run_module


def facts(docker_host: str, **options: t.Any) -> dict[str, t.Any]:
    result = run_module("host_facts", {"docker_host": docker_host}, **options)
    assert result["rc"] == 0 and result["changed"] is False, result
    return dict(result["ansible_facts"]["caisson"])


def test_they_are_what_the_host_and_the_engine_show(
    api: docker.APIClient, docker_host: str, deployer: Deployer
) -> None:
    deployer.deploy(deployer.spec("web"))
    found = facts(docker_host, check=True)
    fields = parse_os_release(Path("/etc/os-release").read_text(encoding="utf-8"))
    assert (found["distribution"]["id"], found["distribution"]["version"]) == (fields["ID"], fields["VERSION_ID"])
    assert (found["kernel"]["release"], found["kernel"]["machine"]) == (platform.release(), platform.machine())
    assert found["cpus"] == len(os.sched_getaffinity(0)) and found["kernel"]["docker"].endswith("dockerd")
    said, engine = api.info(), found["engine"]
    assert engine["answers"] and engine["product"] == "docker"
    assert abs(found["memory_mib"] - said["MemTotal"] // 2**20) <= 1
    assert (engine["version"], engine["data_root"]) == (said["ServerVersion"], said["DockerRootDir"])
    assert (engine["log_driver"], engine["cgroup_version"]) == (said["LoggingDriver"], said["CgroupVersion"])
    name = deployer.name("web")
    assert [each for each in engine["containers"] if each["name"] == name] == [
        {"name": name, "state": "running", "health": "none", "ports": []}
    ]


def test_a_host_without_an_engine_says_so(tmp_path: Path) -> None:
    engine = facts(f"unix://{tmp_path}/docker.sock")["engine"]
    assert not engine["answers"] and engine["version"] == "" and engine["containers"] == []
