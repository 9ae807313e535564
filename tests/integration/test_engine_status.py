# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""engine_status on a container that is unhealthy."""

from __future__ import annotations

import typing as t

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support.containers import until
from ansible_collections.caisson.hardening.tests.support.run_module import run_module


@pytest.fixture
def sick(api: docker.APIClient, busybox: str, unique: str) -> str:
    """The name of a container that is unhealthy."""
    name = f"{unique}-sick"
    check = {"test": ["CMD", "/bin/busybox", "false"], "interval": 10**8, "retries": 1}
    made = api.create_container(busybox, ["/bin/busybox", "sleep", "600"], name=name, healthcheck=check)
    api.start(made["Id"])
    until(lambda: api.inspect_container(name)["State"]["Health"]["Status"] == "unhealthy")
    return name


def look(docker_host: str, **options: t.Any) -> dict[str, t.Any]:
    return run_module("engine_status", {"docker_host": docker_host, **options})


def test_without_an_earlier_look_it_is_told_and_no_failure(docker_host: str, sick: str) -> None:
    result = look(docker_host)
    assert result["rc"] == 0, result["msg"]
    assert {"name": sick, "state": "running", "health": "unhealthy", "ports": []} in result["containers"]


@pytest.mark.parametrize(("health", "fails"), [("healthy", True), ("unhealthy", False), (None, True)])
def test_after_an_earlier_look_what_it_was_then_decides(
    docker_host: str, sick: str, health: str | None, fails: bool
) -> None:
    before = [{"name": sick, "state": "running", "health": health}] if health else []
    others = [each["name"] for each in look(docker_host)["containers"] if each["name"] != sick]
    result = look(docker_host, before=before, ignore=others)
    assert (result["rc"] != 0) == fails
    assert not fails or f"{sick} is unhealthy" in result["msg"]
