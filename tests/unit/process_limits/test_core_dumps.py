# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which patterns are replaced, and which leave no dump."""

from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.core_dumps import (
    DROPPED,
    judge,
    wanted_pattern,
    warnings,
)

SYSTEMD = "|/usr/lib/systemd/systemd-coredump %P %u %g %s %t 9223372036854775808 %h"
APPORT = "|/usr/share/apport/apport -p%p -s%s"


@pytest.mark.parametrize("before", ["core", "", "/var/crash/core.%p", "|/usr/bin/abrt-hook-ccpp %s", APPORT])
def test_every_other_pattern_is_replaced(before: str) -> None:
    assert wanted_pattern(before, systemd=True) == wanted_pattern(before, systemd=False) == DROPPED


def test_systemd_coredump_stays_where_it_can_be_told_to_store_nothing() -> None:
    assert wanted_pattern(SYSTEMD, systemd=True) is None
    assert wanted_pattern(SYSTEMD, systemd=False) == DROPPED
    assert judge(SYSTEMD, told=True)[0] and not judge(SYSTEMD, told=False)[0]


def test_kernel_without_core_dumps_is_left_alone() -> None:
    assert wanted_pattern(None, systemd=True) is None and judge(None, told=False)[0]


@pytest.mark.parametrize(
    ("pattern", "holds"),
    [("|/bin/false", True), ("|/bin/true", True), ("core", False), ("", False), (APPORT, False), ("/bin/false", False)],
)
def test_what_leaves_no_dump(pattern: str, holds: bool) -> None:
    assert judge(pattern, told=True)[0] is holds


def test_apport_is_told() -> None:
    assert "apport" in warnings(APPORT)[0] and warnings("core") == warnings(None) == ()
