# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which limits an engine's host can hold, from what the engine says of itself."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import abilities, cases, payload, spec, state

CGROUP_1 = {"CgroupVersion": "1", "KernelVersion": "4.19.0-6-amd64", "Warnings": None}
CGROUP_2 = {"CgroupVersion": "2", "KernelVersion": "6.1.0-18-amd64", "OomKillDisable": False}
NO_SWAPPINESS = {"memory_swappiness", "oom_killer"}
RATES = {"device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops"}


@pytest.mark.parametrize(
    ("info", "missing"),
    [
        ({}, set()),
        (CGROUP_1, set()),
        ({**CGROUP_1, "KernelVersion": "5.10.0"}, {"blkio_weight"}),
        ({**CGROUP_1, "KernelVersion": "strange"}, set()),
        ({**CGROUP_1, "SwapLimit": False}, {"memory_swap"}),
        ({**CGROUP_1, "MemoryLimit": False}, {"memory", "memory_reservation"}),
        ({**CGROUP_1, "Warnings": ["WARNING: No blkio throttle.read_bps_device support"]}, {"device_read_bps"}),
        (CGROUP_2, NO_SWAPPINESS),
        ({**CGROUP_2, "Warnings": ["WARNING: No io.weight support"]}, {*NO_SWAPPINESS, "blkio_weight"}),
        (
            {**CGROUP_2, "CPUSet": False, "Warnings": [f"WARNING: No io.max ({way}) support" for way in
                                                       ("rbps", "wbps", "riops", "wiops")]},
            {*NO_SWAPPINESS, "cpuset_cpus", "cpuset_mems", *RATES},
        ),
    ],
)  # fmt: skip
def test_what_the_kernel_cannot_hold(info: dict[str, t.Any], missing: set[str]) -> None:
    assert state.LIMITS - abilities.limits(info) == missing


def test_what_is_left_out_is_said_once_and_only_of_those_who_ask() -> None:
    options = [{"name": "plain"}, {"name": "heavy", "blkio_weight": 300}, {"name": "calm", "memory_swappiness": 0}]
    specs = spec.parse_specs([{"image": "web:1", **one} for one in options])
    assert abilities.warnings(specs, state.Daemon()) == []
    missing = {"blkio_weight", "cpu_shares", "memory_swap", "memory_swappiness"}
    said = abilities.warnings(specs, state.Daemon(limits=state.LIMITS - missing))
    assert said == [
        "this host's kernel or cgroup version has no blkio_weight; it is left out of heavy",
        "this host's kernel cannot limit memory_swap; it is left out",
        "this host's kernel or cgroup version has no memory_swappiness; it is left out of calm",
    ]


@pytest.mark.parametrize(
    ("daemon", "said"),
    [
        (
            state.Daemon(rootless=True, cgroup_version="1"),
            "an engine without root, under cgroup version 1, cannot limit",
        ),
        (state.Daemon(rootless=True, cgroup_version="2"), "this host's kernel cannot limit"),
        (state.Daemon(cgroup_version="1"), "this host's kernel cannot limit"),
    ],
)
def test_an_engine_without_root_is_named_as_the_reason(daemon: state.Daemon, said: str) -> None:
    one = spec.parse_specs([{"name": "web", "image": "web:1"}])
    missing = replace(daemon, limits=state.LIMITS - {"memory"})
    assert abilities.warnings(one, missing) == [f"{said} memory; it is left out"]


def test_the_cgroup_namespace_that_podman_does_not_give_is_told() -> None:
    one = spec.parse_specs([{"name": "web", "image": "web:1"}])
    told = "Podman under cgroup version 1 gives containers the host's cgroup namespace"
    assert abilities.warnings(one, state.Daemon(podman=True, cgroup_version="1")) == [told]
    assert abilities.warnings(one, state.Daemon(podman=True, cgroup_version="2")) == []
    gone = spec.parse_specs([{"name": "web", "state": "absent"}])
    assert abilities.warnings(gone, state.Daemon(podman=True, cgroup_version="1")) == []


def test_what_is_left_out_is_neither_sent_nor_compared() -> None:
    one = spec.parse_specs([{"name": "web", "image": "web:1", "blkio_weight": 300, "memory_swappiness": 0,
                             "device_read_bps": [{"path": "/dev/a", "rate": 1}], "oom_killer": True}])[0]  # fmt: skip
    image, sent = (
        state.Image("sha256:1", {}),
        {"BlkioWeight", "MemorySwappiness", "BlkioDeviceReadBps", "OomKillDisable"},
    )
    held = state.resolve(one, image, state.Daemon(), "shop")
    assert sent <= set(payload.create_body(one, held, {})["HostConfig"])
    bare = state.resolve(one, image, state.Daemon(limits=frozenset({"memory"})), "shop")
    assert not sent & set(payload.create_body(one, bare, {})["HostConfig"])
    assert bare["blkio_weight"] is bare["oom_killer"] is state.ANY


@pytest.mark.parametrize(
    ("options", "daemon", "faults"),
    [
        ({"runtime": "runsc"}, state.Daemon(), []),
        ({"runtime": "runsc"}, state.Daemon(runtimes=frozenset({"runc", "runsc"})), []),
        ({"runtime": "runsc"}, state.Daemon(runtimes=frozenset({"runc"})), ["runtime"]),
        ({"healthcheck": {"test": "true", "start_interval": "1s"}}, state.Daemon(api_version="1.43"), ["healthcheck"]),
        ({"healthcheck": {"test": "true", "start_interval": "1s"}}, state.Daemon(api_version="1.44"), []),
    ],
)
def test_what_an_engine_does_not_know_is_a_fault(
    options: dict[str, t.Any], daemon: state.Daemon, faults: list[str]
) -> None:
    one = spec.parse_specs([{"name": "web", "image": "web:1", **options}])[0]
    found = list(cases.host_faults(cases.Case(one, image=state.Image("sha256:1", {})), daemon, set(), set()))
    assert [fault.option for fault in found] == faults
