# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""After restore.yml: the hosts are what they were before the first run."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.caisson.hardening.tests.support import kernel_guard, outside


@pytest.fixture(params=outside.hosts(), ids=lambda host: host.name)
def host(request: pytest.FixtureRequest) -> outside.Outside:
    return t.cast(outside.Outside, request.param)


def test_kernel_settings_and_files_are_what_they_were(host: outside.Outside) -> None:
    before = json.loads((outside.STATE / f"{host.name}.json").read_text(encoding="utf-8"))
    assert kernel_guard.different(before, host.state()) == []


def test_the_engines_socket_is_as_open_as_it_was(host: outside.Outside) -> None:
    assert host.said("stat -c %a /run/docker.sock; systemctl show docker.socket --property=SocketMode --value") == (
        "666\n0666"
    )


def test_no_container_of_the_collection_is_left(host: outside.Outside) -> None:
    assert host.said("docker ps -aq") == ""


def test_engine_serves_with_its_former_settings(host: outside.Outside) -> None:
    info = host.json("docker info --format '{{ json . }}'")
    assert (info["LoggingDriver"], info["LiveRestoreEnabled"]) == ("json-file", False)
