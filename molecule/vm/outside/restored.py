# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""After restore.yml: the hosts are what they were before the first run, in all that can be looked at."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.caisson.hardening.tests.support import container_network, kernel_guard, outside

SOMEBODYS = "/etc/sysctl.d/99-zzz.conf"


@pytest.fixture(params=outside.hosts(), ids=lambda host: host.name)
def host(request: pytest.FixtureRequest) -> outside.Outside:
    return t.cast(outside.Outside, request.param)


def test_file_of_somebody_else_is_left_alone(host: outside.Outside) -> None:
    assert host.said(f"cat {SOMEBODYS} && rm {SOMEBODYS}") == "net.ipv4.conf.all.log_martians = 0"


def test_container_traffic_works_as_before(host: outside.Outside) -> None:
    assert container_network.works(host) == container_network.WORKS


def test_kernel_files_units_mounts_and_engine_are_what_they_were(host: outside.Outside) -> None:
    before = json.loads((outside.STATE / f"{host.name}.json").read_text(encoding="utf-8"))
    assert len(before) > 2000, "the state was hardly looked at"
    different = kernel_guard.different(before, host.whole_state())
    assert not different, "\n".join(different)


def test_only_the_containers_of_the_checks_are_left(host: outside.Outside) -> None:
    assert host.said("docker ps -a --format '{{ .Names }}' | sort").split() == ["check-client", "check-web"]
