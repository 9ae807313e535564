# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kernel settings that the role process_limits sets too."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.filter.limits_conflicts import SIZES, limits_conflicts
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.core_dumps import CORE_PATTERN
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.plan import sysctl_spec
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.sizes import Sizes
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.spec import LimitsSpec

ALL: dict[str, t.Any] = {
    "kernel_settings": {"kernel.threads-max": 500000, "kernel.sysrq": 0},
    "kernel_settings_host": {"kernel/pid_max": "600000", "kernel.core_pattern": "/var/cores/%p"},
}


def test_each_key_is_named_with_what_to_write_instead() -> None:
    threads, pids, pattern = limits_conflicts(ALL)
    assert "write process_limits_threads_max: 500000" in threads
    assert "write process_limits_pid_max: 600000" in pids and "process_limits_pid_max: keep" in pids
    assert "process_limits_core_dumps: true" in pattern


def test_keys_are_all_that_the_other_role_sets() -> None:
    set_there = sysctl_spec(LimitsSpec(), Sizes(threads_max=1, pid_max=1), "core").settings
    assert set(set_there) == {*SIZES, CORE_PATTERN}


@pytest.mark.parametrize(
    "left",
    [
        {"kernel_state": "absent"},
        {"process_limits_state": "absent"},
        {"kernel_as_of": "2030-01-01T00:00:00Z"},
        {"kernel_settings_zz": {"kernel.threads-max": None, "kernel.pid_max": "omit", "kernel.core_pattern": None}},
        {"process_limits_threads_max": "keep", "process_limits_pid_max": 600000, "process_limits_core_dumps": "yes"},
    ],
)
def test_key_that_only_one_of_them_sets_or_both_alike_is_no_conflict(left: dict[str, t.Any]) -> None:
    assert limits_conflicts({**ALL, **left}) == []


def test_nothing_is_wrong_with_other_settings_or_the_same_pattern() -> None:
    assert limits_conflicts({}) == []
    assert limits_conflicts({"kernel_settings": {"kernel.core_pattern": "|/bin/false", "..": 1}}) == []
    assert limits_conflicts({"kernel_settings": None, "kernel_settings_host": ["kernel.pid_max=1"]}) == []
