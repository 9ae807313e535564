# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sum of the containers' limits, from the cgroups of each driver."""

from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.containers import (
    Cgroup,
    Containers,
    container_id,
    summed,
    with_declared,
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


def test_declared_containers_count_the_same_before_their_deployment_and_after() -> None:
    declared = {"web": 256, "db": 512}
    before = with_declared(Containers(100, 5), declared, {C: 100}, {C: "other"})
    assert (before.allowed, before.new) == (868, 2)
    running = Containers(868, 50)
    after = with_declared(running, declared, {A: 256, B: 512, C: 100}, {A: "web", B: "db", C: "other"})
    assert (after.allowed, after.new) == (868, 0)


def test_container_whose_declared_limit_is_another_counts_with_the_greater_one() -> None:
    for live, allowed in ((100, 256), (300, 300), (None, 256)):
        running = Containers(live or 0, 5, () if live else (A,))
        found = with_declared(running, {"web": 256}, {A: live}, {A: "web"})
        assert (found.allowed, found.new) == (allowed, 0)


def test_greater_sum_counts_where_the_engine_names_nobody() -> None:
    found = with_declared(Containers(300, 9), {"web": 256, "db": 512}, {A: 100, B: 200}, {})
    assert (found.allowed, found.new) == (768, 0)
    assert with_declared(Containers(900, 9), {"web": 256}, {A: 900}, {}).allowed == 900
    assert with_declared(Containers(), {}, {}, {}) == Containers()
