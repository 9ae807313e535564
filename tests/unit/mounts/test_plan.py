# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the mount options plan for a host: where they are kept, what is left, what is refused."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.controls.catalogue import CONTROLS
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError, InputError
from ansible_collections.caisson.hardening.plugins.module_utils.host.changes import FileText
from ansible_collections.caisson.hardening.plugins.module_utils.mounts import fstab
from ansible_collections.caisson.hardening.plugins.module_utils.mounts.catalogue import MOUNTS
from ansible_collections.caisson.hardening.plugins.module_utils.mounts.findings import findings, predicted
from ansible_collections.caisson.hardening.plugins.module_utils.mounts.keep import LOGIND_FILE, Records, unit_file
from ansible_collections.caisson.hardening.plugins.module_utils.mounts.plan import (
    RELOAD,
    RELOAD_LOGIND,
    MountPlan,
    Observed,
    make_plan,
)
from ansible_collections.caisson.hardening.plugins.module_utils.mounts.spec import kept, parse
from ansible_collections.caisson.hardening.plugins.module_utils.mounts.view import (
    DIRECTORY,
    LINK,
    MOUNT,
    PLAIN,
    SELF,
    MountView,
    UnitView,
)

ROOT = ("rw", "relatime")
VIEWS = {
    "/tmp": MountView("/tmp", DIRECTORY, inherited=ROOT),
    "/var/tmp": MountView("/var/tmp", LINK, source="/tmp"),
    "/dev/shm": MountView("/dev/shm", MOUNT, ("rw", "nosuid", "nodev"), ("rw", "nosuid")),
    "/proc": MountView("/proc", MOUNT, ("rw", "nosuid", "nodev", "noexec", "relatime"), ROOT),
}
VENDOR = UnitView("tmp.mount", "loaded", True, "/usr/lib/systemd/system/tmp.mount", options=("mode=1777", "nosuid"))


def observed(**changes: t.Any) -> Observed:
    return replace(Observed(VIEWS, fstab=FileText("# mine\n"), systemd=True), **changes)


def plan(found: Observed, **options: t.Any) -> MountPlan:
    return make_plan(parse(**options), found)


def test_baseline_breaks_nothing_and_strict_contains_it() -> None:
    for entry in MOUNTS.values():
        assert set(entry.baseline) <= set(entry.strict)
        assert CONTROLS[entry.control].profile == entry.profile
    assert "noexec" not in MOUNTS["/tmp"].baseline and not MOUNTS["/proc"].baseline


def test_plain_directory_is_bound_and_kept_by_fstab() -> None:
    found = plan(observed())
    assert [(change.key, change.after) for change in found.changes.values] == [
        ("/dev/shm", "rw,nosuid,nodev,noexec"),
        ("/tmp", "rw,nosuid,nodev,relatime"),
    ]
    text = found.changes.files[0].after.text  # type: ignore[union-attr]
    assert "\n/tmp /tmp none bind,nosuid,nodev 0 0\n" in text
    assert "\ntmpfs /dev/shm tmpfs defaults,nosuid,nodev,noexec 0 0\n" in text
    assert found.changes.reload == RELOAD and "/proc" not in text


def test_active_unit_gets_a_drop_in_with_its_own_options() -> None:
    views = {**VIEWS, "/tmp": MountView("/tmp", MOUNT, ("rw", "nosuid"), ROOT)}
    found = plan(observed(views=views, units={"tmp.mount": VENDOR}))
    (dropin,) = [change for change in found.changes.files if change.path == unit_file("/tmp")]
    assert "[Mount]\nOptions=mode=1777,nosuid,nodev\n" in dropin.after.text  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "unit,kept",
    [
        (replace(VENDOR, active=False), True),
        (UnitView("tmp.mount", "loaded", False, "/run/systemd/generator/tmp.mount", True), True),
        (UnitView("tmp.mount", "masked"), False),
        (UnitView("tmp.mount", "loaded", False, "/etc/systemd/system/tmp.mount"), False),
    ],
)
def test_fstab_is_used_where_it_decides_at_the_next_boot(unit: UnitView, kept: bool) -> None:
    found = plan(observed(units={"tmp.mount": unit}))
    assert ("/tmp" in found.refused) is not kept
    assert any(change.key == "/tmp" for change in found.changes.values) is kept


def test_prediction_is_judged_like_the_host_after_the_run() -> None:
    found = observed()
    after = predicted(found, plan(found).changes)
    outcomes = {finding.control: finding.outcome for finding in findings(parse(), after)}
    assert outcomes == {
        "kernel.mount_shm": "pass",
        "kernel.mount_tmp": "pass",
        "kernel.mount_var_tmp": "not_applicable",
        "kernel.proc_hidepid": "not_applicable",
    }
    assert after.views["/tmp"].kind == SELF


def test_options_that_only_live_mounts_have_fail_the_control() -> None:
    views = {**VIEWS, "/dev/shm": replace(VIEWS["/dev/shm"], options=("rw", "nosuid", "nodev", "noexec"))}
    (finding,) = [each for each in findings(parse(), observed(views=views)) if each.object == "/dev/shm"]
    assert finding.outcome == "fail" and "not after the next boot" in finding.evidence


def test_group_makes_logind_a_member() -> None:
    options = {"/proc": ["hidepid=2", "gid=adm"]}
    found = plan(observed(gid="4"), options=options)
    (dropin,) = [change for change in found.changes.files if change.path == LOGIND_FILE]
    assert "SupplementaryGroups=4\n" in dropin.after.text  # type: ignore[union-attr]
    assert found.changes.reload == RELOAD_LOGIND
    assert found.changes.values[-1].after.endswith("hidepid=2,gid=4")


@pytest.mark.parametrize("polkit,gid,warned", [(True, "", True), (True, "4", False), (False, "", False)])
def test_polkit_is_warned_of(polkit: bool, gid: str, warned: bool) -> None:
    options = {"/proc": ["hidepid=2", *([f"gid={gid}"] if gid else [])]}
    assert bool(plan(observed(polkit=polkit, gid=gid), options=options).warnings) is warned


def test_process_that_may_not_mount_fails_or_leaves_all() -> None:
    found = observed(forbidden="no right")
    with pytest.raises(CaissonError, match="unwritable: report"):
        plan(found)
    left = plan(found, unwritable="report")
    assert not left.changes and set(left.refused) == {"/tmp", "/dev/shm", "/proc"} - {"/proc"}


def test_undo_leaves_a_mount_that_somebody_made_since() -> None:
    views = {**VIEWS, "/tmp": MountView("/tmp", MOUNT, ("rw", "nosuid"), ROOT)}
    line = "tmpfs /tmp tmpfs nosuid 0 0\n"
    records = Records({"/tmp": PLAIN, "fstab /tmp": ""}, {fstab.PATH: FileText("# mine\n")})
    found = plan(observed(views=views, fstab=FileText(line), records=records), state="absent")
    assert not found.changes.values and not found.changes.files and found.changes.clear


def test_undo_without_a_record_takes_our_lines_away() -> None:
    written = plan(observed()).changes.files[0].after
    found = plan(observed(fstab=written), state="absent")
    assert found.changes.files[0].after.text == "# mine\n"  # type: ignore[union-attr]


def test_undo_does_not_cut_off_what_is_mounted_below() -> None:
    views = {**VIEWS, "/tmp": MountView("/tmp", SELF, ("rw", "nosuid"), ROOT, below=("/tmp/image",))}
    with pytest.raises(CaissonError, match="/tmp/image is mounted below"):
        plan(observed(views=views, records=Records({"/tmp": PLAIN, "fstab /tmp": ""})), state="absent")


@pytest.mark.parametrize("options,said", [
    ({"/temp": []}, "did you mean '/tmp'"), ({"/tmp": "nosuid"}, "is not a list"), ({"/tmp": ["hidepid=2"]}, "managed"),
    ({"/proc": ["hidepid=3"]}, "no kernel knows"), ({"/proc": ["gid=4"]}, "hides nothing"),
    ({"/tmp": ["nodev", "nodev"]}, "twice"), ({"/tmp": ["nosuid,nodev"]}, "not an option"),
    ({"/tmp": [None]}, "not an option"),
    ({"/proc": ["hidepid=2", "gid=4,exec"]}, "not an option"), ({"/proc": ["hidepid=2", "gid="]}, "not an option"),
])  # fmt: skip
def test_wrong_options_are_refused(options: dict[str, t.Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(options=options)


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_run_for_one_control_leaves_the_other_mount_points(state: str) -> None:
    done = plan(observed(), profile="strict")
    text = done.changes.files[0].after
    values = dict.fromkeys(("/tmp", "/dev/shm", "/proc"), "rw")
    records = Records({**values, **{f"fstab {path}": "" for path in values}}, {fstab.PATH: FileText("# mine\n")})
    found = predicted(observed(records=records), done.changes)
    only = plan(found, state=state, profile="baseline", controls=["kernel.mount_tmp"])
    assert [change.key for change in only.changes.values] == ["/tmp"]
    [change] = only.changes.files
    assert change.after is not None and text is not None
    for path in ("/proc", "/dev/shm"):
        assert fstab.find(change.after.text, path).field == fstab.find(text.text, path).field  # type: ignore[union-attr]
    assert not only.changes.clear and (only.changes.forget_values != ()) == (state == "absent")
    assert [finding.object for finding in findings(parse(controls=["kernel.mount_tmp"]), found)] == ["/tmp"]


def test_a_run_for_one_control_is_kept_with_what_the_others_were_asked_for_last() -> None:
    asked = {"profile": "strict", "options": {}, "unwritable": "fail", "state": "present", "controls": []}
    assert kept(asked, None) == asked
    hidden = {**asked, "controls": ["kernel.proc_hidepid"]}
    assert kept(hidden, asked) == asked, "nothing new is asked for"
    alone = kept(hidden, None)
    assert parse(**alone).wanted() == {**dict.fromkeys(MOUNTS, ()), "/proc": ("hidepid=2",)}
    for state, options in (("present", ("hidepid=2",)), ("absent", ())):
        both = parse(**kept({**hidden, "state": state}, {**asked, "profile": "baseline"}))
        assert both.wanted() == {**parse().wanted(), "/proc": options}
