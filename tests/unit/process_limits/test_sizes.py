# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Limits in numbers: what memory, load and containers make of them."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.errors import InputError
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.containers import Containers
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.sizes import (
    Host,
    Sizes,
    allowed_in_containers,
    least_room,
    room_warnings,
    size,
    step,
)
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.spec import parse
from hypothesis import given
from hypothesis import strategies as st

GIB = 2**20


def host(memory_gib: float = 16, in_use: int = 300, threads: int = 127000, pids: int = 4194304) -> Host:
    return Host(int(memory_gib * GIB), in_use, threads, pids)


def test_threads_take_a_sixteenth_of_the_memory() -> None:
    assert size(parse(), host(16)).threads_max == 65536
    assert size(parse(), host(0.5, threads=4000)).threads_max == 4000


def test_pid_space_has_room_for_all_threads_and_is_never_reduced() -> None:
    assert size(parse(), host(pids=32768)).pid_max == 65536
    assert size(parse(), host()).pid_max == 4194304


def test_limit_that_would_be_reached_soon_is_not_lowered() -> None:
    assert size(parse(), host(16, in_use=40000)).threads_max == 127000


def test_load_that_goes_up_and_down_does_not_move_the_limit() -> None:
    ours = dataclasses.replace(host(16, in_use=40000), ours=65536)
    assert size(parse(), ours).threads_max == 65536


@given(st.integers(2**18, 2**31), st.integers(50, 10**6), st.integers(2000, 2**22), st.integers(301, 2**22))
def test_sizes_never_cut_what_runs_and_never_raise_the_threads(memory: int, use: int, threads: int, pids: int) -> None:
    sizes = size(parse(), Host(memory, use, threads, pids))
    assert sizes.threads_max is not None and sizes.pid_max is not None and sizes.user_processes is not None
    assert sizes.threads_max <= threads and (sizes.threads_max >= 2 * use or sizes.threads_max == threads)
    assert sizes.pid_max >= pids and sizes.pid_max >= sizes.threads_max
    assert 1024 <= sizes.user_processes <= 16384


def test_explicit_limit_below_what_runs_is_refused() -> None:
    with pytest.raises(InputError, match="5000 threads that run now"):
        size(parse(threads_max="4000"), host(in_use=5000))


SIZES = [field.name for field in dataclasses.fields(Sizes)]


@pytest.mark.parametrize("option", SIZES)
@pytest.mark.parametrize("value", ["", "many", "-1", "0", "1", "1.5", "99999999999", "²"])
def test_what_is_no_size_is_refused(option: str, value: str) -> None:
    with pytest.raises(InputError, match=option):
        parse(**{option: value})


def test_keep_leaves_each_limit_alone() -> None:
    sizes = size(parse(**dict.fromkeys(SIZES, "keep")), host())
    assert set(dataclasses.asdict(sizes).values()) == {None}


def with_containers(pids: int, memory_gib: float = 16, **more: t.Any) -> Host:
    return dataclasses.replace(host(memory_gib), containers=Containers(limits=pids, **more))


def test_threads_have_room_for_all_containers_the_host_itself_and_a_user() -> None:
    found = with_containers(60000)
    sizes = size(parse(), found)
    assert sizes.threads_max == 98304 and sizes.user_processes is not None
    assert sizes.threads_max >= 60000 + found.threads_in_use + sizes.user_processes
    assert room_warnings(parse(), found, sizes) == []


def test_containers_that_fit_change_nothing() -> None:
    assert size(parse(), with_containers(20000)) == size(parse(), host())


def test_sum_is_taken_from_the_option_where_it_is_a_number() -> None:
    found = dataclasses.replace(host(), containers=Containers(limits=5))
    assert size(parse(container_pids="60000"), found).threads_max == 98304
    assert allowed_in_containers(parse(container_pids="0"), found) == 0


def test_former_limit_is_raised_for_containers_as_far_as_memory_carries() -> None:
    low = dataclasses.replace(with_containers(30000), threads_max=10000)
    assert size(parse(), low).threads_max == 49152
    assert size(parse(), dataclasses.replace(low, memory_kib=4 * GIB)).threads_max == 4 * GIB // 128


def test_memory_that_does_not_carry_the_sum_is_told_with_numbers() -> None:
    found = with_containers(50000, memory_gib=2)
    sizes = size(parse(), dataclasses.replace(found, threads_max=16000))
    assert sizes.threads_max == 16384
    text = room_warnings(parse(), dataclasses.replace(found, threads_max=16000), sizes)[0]
    assert "50000 tasks" in text and "kernel.threads-max is 16384" in text and "2048 MiB" in text


def test_explicit_limit_below_the_sum_is_told() -> None:
    found = with_containers(50000)
    warnings = room_warnings(parse(threads_max="20000"), found, size(parse(threads_max="20000"), found))
    assert len(warnings) == 1 and "write auto or a greater number" in warnings[0]


def test_pid_space_has_room_for_the_containers_where_threads_are_given() -> None:
    small = dataclasses.replace(with_containers(50000), pid_max=32768)
    assert size(parse(threads_max="20000"), small).pid_max == 131072


def test_container_without_a_limit_is_named() -> None:
    found = dataclasses.replace(host(), containers=Containers(unlimited=("web",)))
    assert "Without a PID limit, and so in no sum: web" in room_warnings(parse(), found, size(parse(), found))[0]


def test_number_of_an_earlier_run_does_not_outlive_its_option() -> None:
    assert size(parse(), dataclasses.replace(host(), ours=100001)).threads_max == 65536


@given(st.integers(1, 2**24))
def test_step_is_the_next_one(number: int) -> None:
    assert number <= step(number) == step(step(number)) and (step(number) <= 1.5 * number or step(number) == 4096)


LOADS = st.tuples(st.integers(0, 10**6), st.integers(50, 20000))


@given(st.integers(2**19, 2**28), st.integers(4000, 2**21), st.lists(LOADS, min_size=2, max_size=12))
def test_what_comes_and_goes_moves_the_limits_up_only_and_each_load_once(
    memory: int, threads: int, loads: list[tuple[int, int]]
) -> None:
    """Run after run, each with the file that the last one wrote; the whole round a second time changes nothing."""
    found = Host(memory, 100, threads, 32768)
    seen: list[Sizes] = []
    for limits, in_use in loads * 2:
        running = min(limits, in_use // 2)
        found = dataclasses.replace(found, threads_in_use=in_use, containers=Containers(limits, running))
        seen.append(size(parse(), found))
        found = dataclasses.replace(found, ours=seen[-1].threads_max, our_pids=seen[-1].pid_max)
    tops = [sizes.threads_max or 0 for sizes in seen]
    assert len(set(seen[len(loads) :])) == 1
    assert tops == sorted(tops)


# In the second case only the threads of the engine for them do not fit under the lower step.
@pytest.mark.parametrize(("limits", "number"), [(12800, 50), (11880, 40)])
def test_sizes_are_those_of_the_containers_that_are_to_run(limits: int, number: int) -> None:
    """Containers on a host with 4 GiB, which are deployed between two runs."""
    fresh = dataclasses.replace(
        host(4, in_use=200, threads=31000, pids=32768), containers=Containers(declared=limits, new=number)
    )
    first = size(parse(), fresh)
    deployed = dataclasses.replace(
        fresh,
        threads_in_use=300 + number * 12,
        ours=first.threads_max,
        our_pids=first.pid_max,
        containers=Containers(limits=limits, tasks=100),
    )
    assert size(parse(), deployed) == first and first.threads_max == 24576
    assert room_warnings(parse(), deployed, first) == []


@given(
    st.integers(2**19, 2**28),
    st.integers(4000, 2**21),
    st.integers(50, 2000),
    st.lists(st.integers(1, 4096), max_size=200),
    st.integers(0, 16),
    st.integers(0, 4096),
)
def test_deployment_of_what_was_declared_moves_no_limit(
    memory: int, threads: int, own: int, declared: list[int], each: int, inside: int
) -> None:
    limits, count = sum(declared), len(declared)
    found = Host(memory, own, threads, 32768, containers=Containers(declared=limits, new=count))
    first = size(parse(), found)
    tasks = min(inside, limits)
    deployed = dataclasses.replace(
        found,
        threads_in_use=own + count * each + tasks,
        ours=first.threads_max,
        our_pids=first.pid_max,
        containers=Containers(limits, tasks),
    )
    assert size(parse(), deployed) == first


@pytest.mark.parametrize("limit", ["many", -2, 4194305, 1.5, None])
def test_declared_limit_that_is_none_is_refused(limit: object) -> None:
    with pytest.raises(InputError, match=r"declared_containers\.web"):
        parse(declared_containers={"web": limit})


def test_declared_container_without_a_limit_is_in_no_sum() -> None:
    assert parse(declared_containers={"web": 256, "free": -1, "open": 0}).declared == {"web": 256}


@given(st.integers(2**19, 2**28), st.integers(0, 10**6), st.integers(50, 20000))
def test_room_is_there_or_its_lack_is_told(memory: int, limits: int, in_use: int) -> None:
    found = Host(memory, in_use, memory // 128, 32768, containers=Containers(limits))
    sizes = size(parse(), found)
    assert sizes.threads_max and sizes.pid_max
    enough = min(sizes.threads_max, sizes.pid_max) >= least_room(parse(), found)
    assert enough or not limits or room_warnings(parse(), found, sizes)
    assert enough or sizes.threads_max >= memory // 128
