# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""After somebody set a key by hand and wrote a file that undoes another: what a check said and the next run did."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.tests.support import outside

SOMEBODYS = "/etc/sysctl.d/99-zzz.conf"
KEY = "net.ipv4.conf.all.log_martians"


@pytest.fixture(params=outside.hosts(), ids=lambda host: host.name)
def host(request: pytest.FixtureRequest) -> outside.Outside:
    return t.cast(outside.Outside, request.param)


def assert_only_that_key_is_told(record: dict[str, t.Any], host: outside.Outside) -> None:
    changed = [task for task in record["tasks"] if task["host"] == host.name and task["outcome"] == "changed"]
    assert [task["actions"] for task in changed] == [["set kernel.kptr_restrict from '1' to '2'"]]


def assert_file_is_named(record: dict[str, t.Any], host: outside.Outside) -> None:
    told = [task["overridden"] for task in record["tasks"] if task["host"] == host.name and "overridden" in task]
    (found,) = (said[KEY] for said in told if KEY in said)
    assert (found["file"], found["line"], found["value"]) == (SOMEBODYS, 1, "0")


def test_prediction_for_all_found_the_key_that_was_set_by_hand_and_nothing_else(host: outside.Outside) -> None:
    checked = outside.records("converge")[2]
    assert checked["check"]
    assert_only_that_key_is_told(checked, host)


def test_next_run_did_what_was_predicted(host: outside.Outside) -> None:
    (mended,) = outside.records("mend")
    assert not mended["check"]
    assert_only_that_key_is_told(mended, host)
    assert host.sysctls(["kernel.kptr_restrict"]) == {"kernel.kptr_restrict": "2"}


def test_file_that_undoes_a_key_at_the_next_boot_is_named_and_left_alone(host: outside.Outside) -> None:
    assert_file_is_named(outside.records("converge")[2], host)
    assert_file_is_named(outside.records("mend")[0], host)
    assert host.said(f"cat {SOMEBODYS}") == f"{KEY} = 0"
