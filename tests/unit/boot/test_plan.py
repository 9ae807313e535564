# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of the boot parameters, and the menu it reads."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.boot import dropin, menu, plan
from ansible_collections.caisson.hardening.plugins.module_utils.boot.judge import Kernel
from ansible_collections.caisson.hardening.plugins.module_utils.boot.spec import parse
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError, InputError
from ansible_collections.caisson.hardening.plugins.module_utils.host.changes import FileText
from ansible_collections.caisson.hardening.plugins.module_utils.host.distributions import find

OWN = {"audit": "1", "panic": "30"}
SPEC = parse(profile="none", parameters=OWN, state="present")


def menu_of(*lines: str) -> FileText:
    """A menu with these entries, among others that are no kernels of this system."""
    entries = "".join(f"menuentry 'x' {{\n\tlinux\t/boot/vmlinuz-6.1 {line}\n}}\n" for line in lines)
    other = "menuentry 'memory' {\n\tlinux /boot/memtest86+x64.bin console=ttyS0\n}\n"
    return FileText(
        f"### BEGIN /etc/grub.d/10_linux ###\n{entries}### END /etc/grub.d/10_linux ###\n"
        f"### BEGIN /etc/grub.d/20_memtest86+ ###\n{other}### END /etc/grub.d/20_memtest86+ ###\n",
        mode=0o444,
    )


PLAIN = menu_of("root=/dev/sda1 ro quiet", "root=/dev/sda1 ro single")
MADE = menu_of("root=/dev/sda1 ro audit=1 panic=30 quiet", "root=/dev/sda1 ro single audit=1 panic=30")
DROPIN = FileText(dropin.render(OWN))


def host(now: FileText | None = PLAIN, **more: t.Any) -> plan.Observed:
    fields = {"ID": "debian", "VERSION_ID": "12"}
    lines = menu.command_lines(now.text) if now else ()
    kernel = Kernel((6, 1), "x86_64", "")
    return plan.Observed(kernel, find(fields), "quiet", menu=now, lines=lines, **more)


def hardened(now: FileText = MADE, **more: t.Any) -> plan.Observed:
    """The host after a run; *now* is its menu."""
    originals = {dropin.PATH: None, menu.PATH: PLAIN}
    written = {plan.hashed(MADE): plan.hashed(DROPIN)}
    return replace(host(now, dropin=DROPIN, originals=originals, written=written), **more)


def test_only_the_kernels_of_this_system_are_read() -> None:
    assert menu.command_lines(PLAIN.text) == ("root=/dev/sda1 ro quiet", "root=/dev/sda1 ro single")
    assert menu.next_boot(["root=x single audit=0", "root=x audit=1"])["audit"] == ("1",)
    assert menu.next_boot([]) == {}


def test_a_menu_is_refused_where_an_entry_lacks_something() -> None:
    assert menu.problem(menu.command_lines(MADE.text), OWN) == ""
    assert "audit=1" in menu.problem(["audit=1 panic=30", "audit=1 panic=30 audit=0"], OWN)
    assert "no entry" in menu.problem([], {})
    assert "2100 bytes" in menu.problem(["audit=1 panic=30 " + "x" * 2083], OWN)
    assert menu.conflicts(["audit=0 audit=1 panic=30"], OWN) == {"audit": ["0"]}


def test_a_fresh_host_gets_the_drop_in_and_a_menu() -> None:
    changes = plan.make_plan(SPEC, host()).changes
    assert changes.actions() == [f"write {dropin.PATH}", plan.REGENERATE]
    assert changes.originals == {dropin.PATH: None, menu.PATH: PLAIN}


def test_a_second_run_changes_nothing() -> None:
    assert not plan.make_plan(SPEC, hardened()).changes


def test_what_a_killed_run_left_is_found() -> None:
    assert plan.make_plan(SPEC, hardened(PLAIN)).changes.actions() == [plan.REGENERATE]
    # One parameter less was wanted: the drop-in is there, and the menu still has the former ones.
    less = parse(profile="none", parameters={"audit": "1"}, state="present")
    left = hardened(dropin=FileText(dropin.render({"audit": "1"})))
    assert plan.make_plan(less, left).changes.actions() == [plan.REGENERATE]


def test_report_changes_nothing_and_needs_no_bootloader() -> None:
    for seen in (host(), hardened(), host(None, obstacle="none")):
        assert not plan.make_plan(replace(SPEC, state="report"), seen).changes


def test_without_a_bootloader_setting_is_refused() -> None:
    with pytest.raises(CaissonError, match="there is no menu; give 'state: report'"):
        plan.make_plan(SPEC, host(None, obstacle="there is no menu"))


def test_undo_brings_back_the_recorded_menu() -> None:
    changes = plan.make_plan(replace(SPEC, state="absent"), hardened()).changes
    assert [change.after for change in changes.files] == [None, PLAIN] and changes.clear and not changes.reload


@pytest.mark.parametrize("seen", [hardened(menu_of("other")), hardened(generated_since=True)])
def test_undo_generates_where_somebody_else_did_since(seen: plan.Observed) -> None:
    changes = plan.make_plan(replace(SPEC, state="absent"), seen).changes
    assert changes.actions() == [f"remove {dropin.PATH}", plan.REGENERATE, "forget the undo record"]


def test_undo_of_nothing_is_nothing() -> None:
    assert not plan.make_plan(replace(SPEC, state="absent"), host()).changes


def test_all_faults_of_the_input_are_told() -> None:
    with pytest.raises(InputError) as caught:
        parse(parameters={"audit": True, "init": "/x", "panic": 3}, omit=["slab_merge", "panic"])
    text = str(caught.value)
    assert all(word in text for word in ("parameters.audit", "parameters.init", "did you mean 'slab_nomerge'"))


def test_profile_and_own_parameters_make_what_is_wanted() -> None:
    baseline = parse().wanted((6, 1), "x86_64")
    assert baseline["slab_nomerge"] == "" and "lockdown" not in baseline and "hash_pointers" not in baseline
    strict = parse(profile="strict", parameters={"mitigations": "auto"}, omit=["pti"]).wanted((6, 18), "aarch64")
    assert strict["mitigations"] == "auto" and not {"pti", "vsyscall"} & set(strict) and set(baseline) < set(strict)
