# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which lines win in limits.conf and limits.d, and which sessions get them at all."""

from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.pam import (
    LIMITS_CONF,
    PamObserved,
    inactive,
    overrides,
)
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.spec import ConfigFile

D = "/etc/security/limits.d/"
OURS = ConfigFile(f"{D}60-caisson-hardening.conf", "* soft nproc 500\n* hard nproc 1000\n* - core 0\nroot - core 0\n")
CALL = "session    required   pam_limits.so\n"


def won(path: str, text: str, item: str = "nproc", exempt: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{line.domain} {line.kind} {line.value}" for line in overrides(OURS, [ConfigFile(path, text)], exempt, item)
    ]


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        (f"{D}90-more.conf", "* hard nproc 5000", ["* hard 5000"]),
        (f"{D}90-more.conf", "* - nproc unlimited # all", ["* - unlimited"]),
        (f"{D}90-more.conf", "*  SOFT NPROC 600", ["* soft 600"]),
        (f"{D}90-less.conf", "* hard nproc 800", []),
        (f"{D}20-nproc.conf", "* hard nproc 5000", []),
        (f"{D}6-early.conf", "* hard nproc 5000", []),
        (f"{D}a-late.conf", "* hard nproc 5000", ["* hard 5000"]),
        (LIMITS_CONF, "* hard nproc 5000", []),
        (LIMITS_CONF, "app hard nproc 5000", ["app hard 5000"]),
        (LIMITS_CONF, "@staff - nproc -1", ["@staff - -1"]),
        (LIMITS_CONF, "1000:1999 - nproc infinity", ["1000:1999 - infinity"]),
        (LIMITS_CONF, "app -", ["app - unlimited"]),
        (LIMITS_CONF, "root - nproc unlimited", []),
        (LIMITS_CONF, "% - nproc unlimited", []),
        (LIMITS_CONF, "app hard nproc many\n# app hard nproc 9999\napp hard nofile 99999\n* hard", []),
        (LIMITS_CONF, "app hard nproc 5000\napp hard nproc 700", []),
    ],
)
def test_lines_that_give_more_than_ours_are_named(path: str, text: str, found: list[str]) -> None:
    assert won(path, text) == found


def test_lines_for_the_exempt_are_no_news() -> None:
    assert won(LIMITS_CONF, "app - nproc unlimited", exempt=("app",)) == []


def test_core_dumps_are_judged_by_their_own_item() -> None:
    assert won(f"{D}90.conf", "* soft core unlimited", item="core") == ["* soft unlimited"]


def test_item_that_is_not_ours_is_left_to_others() -> None:
    assert overrides(ConfigFile(OURS.path, ""), [ConfigFile(LIMITS_CONF, "app - nproc 99999")], (), "nproc") == ()


def test_services_that_open_sessions_past_the_limits_are_named_with_the_remedy() -> None:
    services = {"login": CALL, "su": "session include common\n", "common": f"-{CALL}", "cron": "# " + CALL, "other": ""}
    assert inactive(PamObserved(services=services)) == {
        "cron": "write 'session required pam_limits.so' into /etc/pam.d/cron"
    }


@pytest.mark.parametrize("line", ["@include common", "session substack common", "session    include   common"])
def test_calls_are_found_in_included_files(line: str) -> None:
    assert inactive(PamObserved(services={"su": line, "common": CALL})) == {}


def test_file_that_includes_itself_ends() -> None:
    assert "su" in inactive(PamObserved(services={"su": "@include su\n"}))


def test_call_that_reads_another_file_does_not_count() -> None:
    call = "session required pam_limits.so conf=/etc/other.conf\n"
    assert "limits.d is not read" in inactive(PamObserved(services={"login": call}))["login"]
    assert inactive(PamObserved(services={"login": call + CALL})) == {}


def test_control_in_brackets_is_read() -> None:
    assert inactive(PamObserved(services={"login": "session [success=ok default=bad] pam_limits.so\n"})) == {}


@pytest.mark.parametrize(
    ("text", "active"),
    [
        ("UsePAM yes", True),
        ("usepam = YES", True),
        ("UsePAM no\nUsePAM yes", False),
        ("#UsePAM yes", False),
        ("", False),
    ],
)
def test_sshd_uses_pam_only_if_its_first_line_says_so(text: str, active: bool) -> None:
    assert inactive(PamObserved(services={"sshd": CALL}, sshd=text)) == (
        {} if active else {"sshd": "write 'UsePAM yes' into /etc/ssh/sshd_config and reload sshd"}
    )
