# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which patterns are replaced, and which leave no dump."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.core_dumps import (
    DROPPED,
    judge,
    told_otherwise,
    wanted_pattern,
    warnings,
)
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.coredump_files import later_files
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.spec import ConfigFile

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


OURS = "/etc/systemd/coredump.conf.d/60-caisson-hardening.conf"


def put(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_later_drop_ins_of_all_directories_are_read_by_name(tmp_path: Path) -> None:
    texts = {
        "etc/systemd/coredump.conf": "main",
        OURS[1:]: "ours",
        "etc/systemd/coredump.conf.d/10-early.conf": "early",
        "etc/systemd/coredump.conf.d/90-a.conf": "of the administrator",
        "run/systemd/coredump.conf.d/80-b.conf": "run",
        "run/systemd/coredump.conf.d/90-a.conf": "hidden",
        "usr/local/lib/systemd/coredump.conf.d/70-c.conf": "local",
        "usr/lib/systemd/coredump.conf.d/95-d.conf": "vendor",
        "usr/lib/systemd/coredump.conf.d/96-e.conf": "masked",
        "usr/lib/systemd/coredump.conf.d/97-f.txt": "no conf",
    }
    for path, text in texts.items():
        put(tmp_path, path, text)
    (tmp_path / "etc/systemd/coredump.conf.d/96-e.conf").symlink_to("/dev/null")
    found = [file.text for file in later_files(OURS, str(tmp_path))]
    assert found == ["local", "run", "of the administrator", "vendor"]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["[Coredump]\nStorage=external\n"], ["90 is read after our file and sets Storage=external"]),
        (["[Coredump]\nStorage = journal\n", "[Coredump]\nStorage=none\n"], []),
        (
            ["[Coredump]\nStorage=none\nProcessSizeMax=2G\n", "[Coredump]\nStorage=external"],
            [
                "90 is read after our file and sets ProcessSizeMax=2G",
                "91 is read after our file and sets Storage=external",
            ],
        ),
        (["# Storage=external\n[Coredump]\n;Storage=external\nExternalSizeMax=1G\n"], []),
        (["[Other]\nStorage=external\n"], []),
        ([], []),
    ],
)
def test_later_file_that_has_dumps_stored_is_named(texts: list[str], said: list[str]) -> None:
    assert told_otherwise(ConfigFile(str(90 + number), text) for number, text in enumerate(texts)) == said
