# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Owners and modes of an engine's files: what is wrong, what is done, what comes back."""

from __future__ import annotations

import json
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.errors import InputError
from ansible_collections.caisson.hardening.plugins.module_utils.host.changes import Access, FileText
from ansible_collections.caisson.hardening.plugins.module_utils.host.undo import UndoStore
from ansible_collections.caisson.hardening.plugins.module_utils.permissions.catalogue import BY_NAME, RULES
from ansible_collections.caisson.hardening.plugins.module_utils.permissions.findings import findings
from ansible_collections.caisson.hardening.plugins.module_utils.permissions.observe import look
from ansible_collections.caisson.hardening.plugins.module_utils.permissions.plan import (
    DROP_IN,
    Observed,
    PermissionsSpec,
    Seen,
    make_plan,
    parse,
    predicted,
)
from ansible_collections.caisson.hardening.plugins.module_utils.permissions.socket_unit import SocketUnit
from hypothesis import given
from hypothesis import strategies as st

GID = 998
SPEC = PermissionsSpec()
ABSENT = PermissionsSpec(state="absent")
ACCESSES = st.builds(Access, st.integers(0, 2), st.sampled_from((0, 1, GID)), st.integers(0, 0o7777))


def host(rule: str, access: Access, **more: t.Any) -> Observed:
    return Observed(seen=(Seen("/x", BY_NAME[rule], access),), group="docker", gid=GID, **more)


def outcomes(observed: Observed, spec: PermissionsSpec = SPEC) -> dict[str, str]:
    return {finding.control: finding.outcome for finding in findings(spec, observed)}


# A mode is a set of bits: 0622 lets others write although the number is less than 0644.
@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("daemon_json", Access(0, 0, 0o622), Access(0, 0, 0o600)),
        ("daemon_json", Access(0, 0, 0o600), None),
        ("daemon_json", Access(0, 0, 0o4755), Access(0, 0, 0o644)),
        ("daemon_json", Access(1000, 1000, 0o644), Access(0, 0, 0o644)),
        ("socket", Access(0, GID, 0o660), None),
        ("socket", Access(0, 0, 0o660), Access(0, GID, 0o660)),
        ("socket", Access(0, GID, 0o666), Access(0, GID, 0o660)),
        ("containerd_socket", Access(0, GID, 0o660), Access(0, 0, 0o660)),
        ("tls_key", Access(0, 0, 0o600), Access(0, 0, 0o400)),
        ("tls_ca", Access(0, 0, 0o444), None),
        ("directory", Access(0, 0, 0o777), Access(0, 0, 0o755)),
    ],
)
def test_what_is_too_open_is_closed_and_what_is_tighter_stays(rule: str, before: Access, after: Access | None) -> None:
    plan = make_plan(SPEC, host(rule, before))
    assert [change.after for change in plan.changes.accesses] == ([after] if after else [])
    assert plan.changes.remember_access == ({"/x": before} if after else {})


@given(st.sampled_from(RULES), ACCESSES)
def test_after_a_run_every_control_holds_and_a_second_one_has_nothing_to_do(rule: t.Any, access: Access) -> None:
    observed = host(rule.name, access)
    after = predicted(observed, make_plan(SPEC, observed))
    assert set(outcomes(after).values()) <= {"pass", "not_applicable"}
    assert not make_plan(SPEC, after).changes.accesses
    assert after.seen[0].access.mode & ~access.mode == 0, "no bit is ever added"


@given(st.sampled_from(RULES), ACCESSES)
def test_undo_brings_the_recorded_access_back(rule: t.Any, access: Access) -> None:
    observed = host(rule.name, access)
    plan = make_plan(SPEC, observed)
    now = predicted(observed, plan).seen[0].access
    recorded = plan.changes.remember_access
    back = make_plan(ABSENT, host(rule.name, now, recorded=recorded, now={"/x": now}))
    assert [change.after for change in back.changes.accesses] == ([access] if recorded else [])
    assert back.changes.clear == bool(recorded)
    assert not back.warnings


def test_what_somebody_else_changed_since_stays_with_a_warning() -> None:
    now = Access(0, 0, 0o640)
    observed = host("daemon_json", now, recorded={"/x": Access(0, 0, 0o666)}, now={"/x": now})
    plan = make_plan(ABSENT, observed)
    assert not plan.changes.accesses and plan.changes.clear
    assert "/x was changed to 0:0 0640 by somebody else" in plan.warnings[0]


def test_a_path_that_is_gone_is_forgotten() -> None:
    plan = make_plan(SPEC, Observed(recorded={"/x": Access(0, 0, 0o666)}))
    assert plan.changes.clear and not plan.changes.actions()[:-1]


def test_an_omitted_path_is_left_alone_and_what_was_done_to_it_is_taken_back() -> None:
    before, now = Access(0, 0, 0o666), Access(0, 0, 0o644)
    spec = parse(omit=["docker_files.daemon_json_mode"])
    assert not make_plan(spec, host("daemon_json", before)).changes
    back = make_plan(spec, host("daemon_json", now, recorded={"/x": before}, now={"/x": now}))
    assert [change.after for change in back.changes.accesses] == [before]


WIDE = SocketUnit("root", "docker", 0o666)


def test_a_unit_that_makes_the_socket_too_open_gets_a_drop_in_that_stays() -> None:
    observed = replace(host("socket", Access(0, GID, 0o666)), socket_unit=WIDE)
    plan = make_plan(SPEC, observed)
    (change,) = plan.changes.files
    assert change.path == DROP_IN and change.after and "SocketMode=0660\n" in change.after.text
    assert plan.changes.reload and plan.changes.originals == {DROP_IN: None}
    later = replace(
        host("socket", Access(0, GID, 0o660)),
        socket_unit=SocketUnit("root", "docker", 0o660),
        drop_in=change.after,
        drop_in_recorded=True,
    )
    assert not make_plan(SPEC, later).changes
    undone = make_plan(ABSENT, later)
    assert [each.after for each in undone.changes.files] == [None]
    assert undone.changes.clear and undone.changes.reload


@pytest.mark.parametrize("unit", [None, SocketUnit("", "docker", 0o660), SocketUnit("root", "docker", 0o600)])
def test_a_unit_that_is_right_gets_none(unit: SocketUnit | None) -> None:
    assert not make_plan(SPEC, replace(host("socket", Access(0, GID, 0o660)), socket_unit=unit)).changes


def test_somebody_elses_file_of_that_name_comes_back() -> None:
    theirs = FileText("[Socket]\nSocketMode=0666\n")
    first = replace(host("socket", Access(0, GID, 0o660)), socket_unit=WIDE, drop_in=theirs)
    plan = make_plan(SPEC, first)
    assert plan.changes.originals == {DROP_IN: theirs}
    later = replace(first, drop_in=plan.changes.files[0].after, drop_in_recorded=True, drop_in_original=theirs)
    assert [each.after for each in make_plan(ABSENT, later).changes.files] == [theirs]


FOLDER = "/etc/systemd/system/docker.socket.d"
PACKAGED = ("/lib/systemd/system/docker.socket", "[Socket]\nSocketMode=0660\nSocketUser=root\nSocketGroup=docker\n")
RIGHT = SocketUnit("root", "docker", 0o660, (PACKAGED,))


def with_unit(unit: SocketUnit, **more: t.Any) -> Observed:
    return replace(host("socket", Access(0, GID, 0o660)), socket_unit=unit, **more)


def socket_finding(observed: Observed, control: str = "docker_files.socket_mode") -> tuple[str, str]:
    return next((each.outcome, each.evidence) for each in findings(SPEC, observed) if each.control == control)


def test_what_systemctl_edit_wrote_is_named_and_loses_to_our_file() -> None:
    edited = f"{FOLDER}/override.conf"
    observed = with_unit(RIGHT.with_file(edited, "[Socket]\nSocketMode=0666\nSocketUser=eve\n"))
    assert socket_finding(observed) == (
        "fail",
        f"/x 0:{GID} 0660; systemd makes it anew with SocketMode=0666 of {edited}",
    )
    assert f"SocketUser=eve of {edited}" in socket_finding(observed, "docker_files.socket_owner")[1]
    after = predicted(observed, make_plan(SPEC, observed))
    assert set(outcomes(after).values()) == {"pass", "not_applicable"}
    assert after.socket_unit and after.socket_unit.files[-1][0] == DROP_IN


def test_a_drop_in_that_is_read_after_ours_fails_the_control_and_is_named() -> None:
    last = f"{FOLDER}/zzz.conf"
    observed = with_unit(RIGHT.with_file(last, "[Socket]\nSocketMode = 0777\n[Unit]\nSocketUser=eve\n"))
    plan = make_plan(SPEC, observed)
    after = replace(
        predicted(observed, plan), drop_in=plan.changes.files[0].after, drop_in_recorded=True, drop_in_original=None
    )
    assert socket_finding(after)[0] == "fail" and f"SocketMode=0777 of {last}" in socket_finding(after)[1]
    assert socket_finding(after, "docker_files.socket_owner")[0] == "pass"
    assert not make_plan(SPEC, after).changes


@pytest.mark.parametrize("value", ["", "rw", "\\\n 0660"])
def test_a_mode_that_is_no_number_leaves_systemds_own_or_the_former_one(value: str) -> None:
    unit = RIGHT.with_file(f"{FOLDER}/a.conf", f"[Socket]\nSocketMode={value}\n")
    assert unit.mode == (0o660 if value else 0o666)


def test_every_user_whom_nobody_allowed_is_named() -> None:
    observed = replace(Observed(), group="docker", members=("ann", "bob", "eve"), data_root="/var/lib/docker")
    found = {finding.control: finding for finding in findings(parse(group_members=["bob"]), observed)}
    assert found["docker_files.group_members"].outcome == "fail"
    assert found["docker_files.group_members"].evidence.endswith("ann, eve")
    assert found["docker_files.data_root_partition"].outcome == "fail"
    assert outcomes(replace(observed, own_partition=True))["docker_files.data_root_partition"] == "pass"


def test_wrong_options_are_refused_all_at_once() -> None:
    with pytest.raises(InputError) as caught:
        parse(group_members=["a b"], omit=["docker_files.sockt_mode", "daemon.icc"])
    message = str(caught.value)
    assert "3 faults" in message and "did you mean 'docker_files.socket_mode'" in message


def test_a_data_root_behind_a_link_is_a_partition_where_its_target_is_one(tmp_path: Path) -> None:
    file, link = tmp_path / "daemon.json", tmp_path / "data"
    file.write_text(json.dumps({"data-root": str(link)}), encoding="utf-8")
    store = UndoStore("docker_permissions", str(tmp_path / "undo"))
    for target, mounted in (("/proc", True), (str(tmp_path), False)):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        assert look(str(file), str(tmp_path / "pid"), store).own_partition is mounted
