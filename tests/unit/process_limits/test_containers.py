# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sum of the containers' limits, from the cgroups of each driver."""

from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.containers import (
    Cgroup,
    Containers,
    container_id,
    summed,
)

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (A, A),
        (f"docker-{A}.scope", A),
        (f"libpod-{A}.scope", A),
        (f"cri-containerd-{A}.scope", A),
        (f"libpod-conmon-{A}.scope", ""),
        (f"{A[:63]}", ""),
        ("docker.service", ""),
        ("system.slice", ""),
    ],
)
def test_containers_are_told_by_their_cgroup(name: str, found: str) -> None:
    assert container_id(name) == found


def test_limits_of_both_drivers_add_up() -> None:
    groups = {f"docker/{A}": Cgroup(200, 7), f"system.slice/docker-{B}.scope": Cgroup(300, 3)}
    assert summed(groups) == Containers(500, 10)
    assert summed({}) == Containers()


def test_container_without_a_limit_is_named_and_in_no_sum() -> None:
    groups = {f"docker/{A}": Cgroup(200, 7), f"docker/{B}": Cgroup(None, 90)}
    assert summed(groups) == Containers(200, 7, (B,))


def test_limited_parent_bounds_its_containers() -> None:
    groups = {
        "tenants": Cgroup(500, 60),
        f"tenants/{A}": Cgroup(None, 40),
        f"tenants/{B}": Cgroup(200, 20),
        f"docker/{C}": Cgroup(100, 1),
    }
    assert summed(groups) == Containers(600, 61)
    groups["tenants"] = Cgroup(5000, 60)
    assert summed({**groups, f"tenants/{A}": Cgroup(300, 40)}) == Containers(600, 61)


def test_service_with_a_limit_and_no_container_counts_nothing() -> None:
    assert summed({"system.slice/cron.service": Cgroup(100, 1)}) == Containers()
