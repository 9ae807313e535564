# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What in a daemon.json is as good as the profile's own setting, and so is left alone."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.standing import (
    driver_is_good,
    has_limit,
    stands_well,
)

Json = t.Dict[str, t.Any]


@pytest.mark.parametrize(
    ("base", "config", "given", "good"),
    [
        ({}, {}, {}, False),
        ({"log-driver": "json-file"}, {}, {}, False),
        ({"log-driver": "none"}, {}, {}, False),
        ({"log-opts": {"max-size": "10m"}}, {}, {}, True),
        ({"log-opts": {"max-file": "3"}}, {}, {}, False),
        ({"log-driver": "none", "log-opts": {"max-size": "10m"}}, {}, {}, False),
        ({"log-driver": "journald"}, {}, {}, True),
        ({}, {"log-driver": "syslog"}, {}, True),
        ({"log-driver": "journald"}, {"log-driver": "local"}, {}, False),
        ({}, {}, {"log-driver": "json-file"}, True),
    ],
)
def test_driver_that_rotates_or_sends_away_or_that_the_command_line_sets(
    base: Json, config: Json, given: Json, good: bool
) -> None:
    assert driver_is_good(base, config, given) is good


@pytest.mark.parametrize(
    ("name", "standing", "well"),
    [
        ("seccomp-profile", "/etc/docker/own.json", True),
        *(("seccomp-profile", weak, False) for weak in (None, "", "builtin", "default", "unconfined")),
        ("ip", "127.0.0.1", True),
        *(("ip", weak, False) for weak in (None, "0.0.0.0", "::")),
        ("icc", False, False),
    ],
)
def test_profile_or_address_of_the_hosts_own(name: str, standing: t.Any, well: bool) -> None:
    assert stands_well(name, {name: standing}) is well


def test_limit_of_the_file_or_of_the_user() -> None:
    limits = {"default-ulimits": {"nofile": {"Name": "nofile"}}}
    assert has_limit("nofile", limits, {}) and has_limit("nofile", {}, limits)
    assert not has_limit("nproc", limits, limits) and not has_limit("nofile", {}, {"default-ulimits": None})
