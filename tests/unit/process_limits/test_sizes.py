# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sizes and files of the process limits."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.errors import InputError
from ansible_collections.caisson.hardening.plugins.module_utils.host.changes import FileText
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.plan import Observed
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.plan import (
    COREDUMP_FILE,
    PAM_FILE,
    RELOAD,
    SYSTEM_FILE,
    SYSTEMD_FILES,
    LimitsObserved,
    LimitsPlan,
    make_limits_plan,
)
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.spec import Host, parse, size
from hypothesis import given
from hypothesis import strategies as st

GIB = 2**20
VALUES = {"kernel.threads-max": "127000", "kernel.pid_max": "4194304"}


def host(memory_gib: float = 16, in_use: int = 300, threads: int = 127000, pids: int = 4194304) -> Host:
    return Host(int(memory_gib * GIB), in_use, threads, pids)


def plan(observed: LimitsObserved, **options: t.Any) -> LimitsPlan:
    spec = parse(**options)
    return make_limits_plan(spec, size(spec, host()), observed)


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


@pytest.mark.parametrize("option", ["threads_max", "pid_max", "user_processes", "tasks_max"])
@pytest.mark.parametrize("value", ["", "many", "-1", "0", "1", "1.5", "99999999999", "²"])
def test_what_is_no_size_is_refused(option: str, value: str) -> None:
    with pytest.raises(InputError, match=option):
        parse(**{option: value})


def test_keep_leaves_each_limit_alone() -> None:
    sizes = size(parse(threads_max="keep", pid_max="keep", user_processes="keep", tasks_max="keep"), host())
    assert set(dataclasses.asdict(sizes).values()) == {None}


def test_nothing_kept_and_core_dumps_allowed_leaves_nothing_to_write() -> None:
    options = {"threads_max": "keep", "pid_max": "keep", "user_processes": "keep", "tasks_max": "keep"}
    assert not plan(LimitsObserved(Observed(VALUES)), core_dumps=True, **options).changes


def test_files_hold_the_limits_and_the_exempt() -> None:
    wanted = plan(LimitsObserved(Observed(VALUES), default_tasks_max="100"), exempt=["deploy", "@batch"]).wanted
    assert wanted[PAM_FILE].text.endswith(
        "* soft nproc 8192\n* hard nproc 16384\n@batch - nproc unlimited\ndeploy - nproc unlimited\n"
        "* - core 0\nroot - core 0\n"
    )
    assert wanted[SYSTEM_FILE].text.endswith("[Manager]\nDefaultLimitCORE=0\nDefaultTasksMax=9830\n")
    assert wanted[COREDUMP_FILE].text.endswith("[Coredump]\nStorage=none\nProcessSizeMax=0\n")


def test_systemd_is_reloaded_when_its_file_or_its_value_differs() -> None:
    fresh = LimitsObserved(Observed(VALUES), default_tasks_max="100")
    first = plan(fresh)
    assert first.changes.reload == RELOAD
    written = {path: first.wanted.get(path) for path in first.wanted}
    assert plan(dataclasses.replace(fresh, files=written)).changes.reload == RELOAD
    assert not plan(dataclasses.replace(fresh, files=written, default_tasks_max="9830")).changes.reload


def test_without_systemd_its_files_are_left_out_unless_they_are_ours_already() -> None:
    observed = LimitsObserved(Observed(VALUES))
    first = plan(observed)
    assert not set(SYSTEMD_FILES) & set(first.wanted) and "No systemd" in first.warnings[-1]
    ours = dataclasses.replace(observed, originals={SYSTEM_FILE: None, COREDUMP_FILE: None}, recorded=True)
    assert set(SYSTEMD_FILES) <= set(plan(ours).wanted)


def test_file_that_is_no_longer_wanted_goes_back_to_its_original() -> None:
    mine = FileText("# mine\n")
    observed = LimitsObserved(
        Observed(VALUES), files={PAM_FILE: FileText("x")}, originals={PAM_FILE: mine}, recorded=True
    )
    changes = plan(observed, user_processes="keep", core_dumps=True).changes
    assert next(change.after for change in changes.files if change.path == PAM_FILE) == mine
    assert PAM_FILE in changes.forget_files
