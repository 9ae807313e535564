# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Audit rules: read in both spellings, planned, taken back."""

from __future__ import annotations

import json
import os
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.auditd import apply
from ansible_collections.caisson.hardening.plugins.module_utils.auditd.plan import (
    ABSENT,
    BOOT_FILE,
    MERGED_FILE,
    PRESENT,
    RULES_FILE,
    Observed,
    findings,
    make_plan,
    predicted,
)
from ansible_collections.caisson.hardening.plugins.module_utils.auditd.rules import KEY, AuditRule, parse, without
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import process
from ansible_collections.caisson.hardening.plugins.module_utils.host.changes import FileText
from ansible_collections.caisson.hardening.plugins.module_utils.host.undo import UndoStore
from hypothesis import given
from hypothesis import strategies as st

HOST = Observed(paths={path: path for path in ("/usr/sbin/dockerd", "/etc/docker", "/var/lib/docker")})


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("-w /usr/bin/runc -p wxa -k mine", AuditRule("/usr/bin/runc", "wxa", "mine")),
        ("-w /etc/docker/ -k docker", AuditRule("/etc/docker", "rwxa", "docker")),
        ("-a always,exit -F path=/x -F perm=aw -F key=k", AuditRule("/x", "wa", "k")),
        ("-a always,exit -S all -F dir=/x -F perm=wa -F key=k", AuditRule("/x", "wa", "k", "dir")),
        # Narrower than a watch: it says nothing of what everybody does to the path.
        ("-a always,exit -F path=/x -F perm=wa -F auid>=1000 -F key=k", None),
        ("-a never,exit -S mount", None),
        ("-D", None),
        ("# -w /x -p wa", None),
        ('-w "/x', None),
        ("", None),
    ],
)
def test_a_line_is_read_in_every_spelling(line: str, rule: AuditRule | None) -> None:
    assert parse(line) == ([rule] if rule else [])


@given(st.text())
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    parse(text)


def test_what_is_there_is_watched_and_what_comes_with_the_engine_too() -> None:
    plan = make_plan(PRESENT, HOST)
    paths = {rule.path: rule for rule in plan.rules}
    assert paths["/usr/sbin/dockerd"].permissions == "wxa" and paths["/etc/docker"].field == "dir"
    assert "/run/docker.sock" in paths and "/usr/bin/runc" not in paths
    change, boot = plan.changes.files
    assert change.path == RULES_FILE and change.after and parse(change.after.text) == list(plan.rules)
    assert plan.changes.reload == f"load {len(plan.rules)} audit rules"
    # At boot the rules are loaded before containerd makes the directory of its socket.
    assert boot.path == BOOT_FILE and boot.after and "d /run/containerd " in boot.after.text


def test_what_a_link_leads_to_is_watched_once() -> None:
    unit = "/usr/lib/systemd/system/docker.service"
    links = {"/lib/systemd/system/docker.service": unit, unit: unit, "/var/lib/docker": "/data/docker"}
    shims = {f"/usr/bin/containerd-shim-runc-{name}": "/usr/bin/shim" for name in ("v1", "v2")}
    observed = Observed(paths={**links, **shims})
    plan = make_plan(PRESENT, observed)
    paths = [rule.path for rule in plan.rules]
    assert {unit, "/data/docker", "/usr/bin/shim"} < set(paths) and len(paths) == len(set(paths))
    judged = {finding.control: finding for finding in findings(predicted(observed, plan))}
    assert judged["docker_audit.data_root"].evidence == "watched: /data/docker"
    assert judged["docker_audit.containerd_shim_runc_v1"].outcome == "pass"


class NoAudit:
    unable, locked = "there is no auditctl", False


def test_the_daemons_own_file_and_command_line_say_what_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, pidfile, data, link = (tmp_path / name for name in ("own.json", "pid", "data", "link"))
    data.mkdir()
    link.symlink_to(data)
    store = UndoStore("docker_audit", str(tmp_path / "undo"))

    def watched(place: apply.Place) -> set[str]:
        observed = replace(apply.look(place, t.cast("t.Any", NoAudit()), store), engine=True, unable="")
        return {rule.path for rule in make_plan(PRESENT, observed).rules}

    file.write_text(json.dumps({"data-root": str(link)}), encoding="utf-8")
    assert {str(data), str(file)} < watched(apply.Place(str(file), str(pidfile)))
    other = tmp_path / "other"
    other.mkdir()
    assert str(other) in watched(apply.Place(str(file), str(pidfile), str(other)))
    file.write_text("{}", encoding="utf-8")
    pidfile.write_text(f"{os.getpid()}", encoding="ascii")
    monkeypatch.setattr(process, "command_line", lambda pid: ["dockerd", f"--data-root={other}"])
    assert str(other) in watched(apply.Place(str(file), str(pidfile)))


def test_the_daemons_file_is_not_read_for_a_data_root_that_is_named(tmp_path: Path) -> None:
    file, store = tmp_path / "daemon.json", UndoStore("docker_audit", str(tmp_path / "undo"))
    file.write_text("{", encoding="utf-8")
    place = apply.Place(str(file), str(tmp_path / "pid"), str(tmp_path))
    assert apply.look(place, t.cast("t.Any", NoAudit()), store).data_root == str(tmp_path)


def test_a_masked_unit_is_not_watched(tmp_path: Path) -> None:
    masked = tmp_path / "daemon.json"
    masked.symlink_to("/dev/null")
    place = apply.Place(str(masked), str(tmp_path / "pid"))
    store = UndoStore("docker_audit", str(tmp_path / "undo"))
    assert str(masked) not in apply.look(place, t.cast("t.Any", NoAudit()), store).paths


def test_a_second_run_has_nothing_to_do_and_undo_takes_everything_back() -> None:
    plan = make_plan(PRESENT, HOST)
    file, boot = (change.after for change in plan.changes.files)
    done = replace(predicted(HOST, plan), file=file, boot=boot, recorded=True)
    assert not make_plan(PRESENT, done).changes
    assert {finding.outcome for finding in findings(done)} == {"pass", "not_applicable"}
    others = AuditRule("/etc/shadow", "wa", "theirs")
    merged = FileText(f"-D\n-w /etc/shadow -p wa -k theirs\n{plan.rules[0].line}\n-e 1\n", 0o640)
    back = make_plan(ABSENT, replace(done, merged=merged, loaded=(*done.loaded, others)))
    changed = {change.path: change.after for change in back.changes.files}
    assert changed[RULES_FILE] is None and changed[BOOT_FILE] is None
    assert changed[MERGED_FILE] == FileText("-D\n-w /etc/shadow -p wa -k theirs\n-e 1\n", 0o640)
    assert back.changes.reload == f"unload {len(plan.rules)} audit rules" and back.changes.clear


def test_a_rule_that_somebody_unloaded_is_loaded_again() -> None:
    plan = make_plan(PRESENT, HOST)
    file, boot = (change.after for change in plan.changes.files)
    done = replace(HOST, file=file, boot=boot, recorded=True, loaded=plan.rules[1:])
    assert make_plan(PRESENT, done).changes.actions() == ["load 1 audit rule"]


def test_without_auditctl_nothing_is_done_and_every_control_says_why() -> None:
    observed = replace(HOST, unable="there is no auditctl; install the package auditd")
    plan = make_plan(PRESENT, observed)
    assert not plan.changes and "auditd" in plan.warnings[0]
    assert {finding.evidence for finding in findings(observed) if finding.outcome == "fail"} == {observed.unable}


def test_a_locked_configuration_gets_its_file_and_waits_for_the_boot() -> None:
    plan = make_plan(PRESENT, replace(HOST, locked=True))
    assert plan.changes.files and not plan.changes.reload
    assert "next boot" in plan.warnings[0]
    after = replace(predicted(HOST, plan), locked=True)
    assert any("next boot" in finding.evidence for finding in findings(after) if finding.outcome == "fail")


def test_another_rule_that_tells_as_much_counts_and_one_that_tells_less_does_not() -> None:
    def outcome(letters: str) -> str:
        observed = replace(HOST, loaded=(AuditRule("/usr/sbin/dockerd", letters, "theirs"),))
        return next(each.outcome for each in findings(observed) if each.control == "docker_audit.dockerd")

    assert (outcome("rwxa"), outcome("wa")) == ("pass", "fail")


def test_without_an_engine_there_is_nothing_to_watch() -> None:
    observed = replace(HOST, engine=False)
    assert not make_plan(PRESENT, observed).changes
    assert {finding.outcome for finding in findings(observed)} == {"not_applicable"}


def test_only_our_own_lines_leave_a_file() -> None:
    ours = AuditRule("/x", "wa", KEY)
    assert without(f"-w /x -p wa -k {KEY}\n  {ours.line}\n-b 8192\n", [ours]) == f"-w /x -p wa -k {KEY}\n-b 8192\n"
