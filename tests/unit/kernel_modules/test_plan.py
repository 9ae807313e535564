# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file of denials, what other files do to it, and unloading with its way back."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.errors import InputError
from ansible_collections.caisson.hardening.plugins.module_utils.host.changes import FileText
from ansible_collections.caisson.hardening.plugins.module_utils.kernel_modules.modprobe_conf import (
    PATH,
    in_force,
    install_rules,
    render,
    with_ours,
)
from ansible_collections.caisson.hardening.plugins.module_utils.kernel_modules.plan import (
    CONFIRM,
    ModulesPlan,
    Observed,
    findings,
    make_plan,
)
from ansible_collections.caisson.hardening.plugins.module_utils.kernel_modules.spec import parse
from ansible_collections.caisson.hardening.plugins.module_utils.kernel_modules.usage import Kernel, Loaded
from hypothesis import given
from hypothesis import strategies as st

NEEDS = {name: frozenset[str]() for name in ("cramfs", "dccp", "tipc", "floppy")}


def observed(**more: t.Any) -> Observed:
    kernel = Kernel(needs=NEEDS, loaded=more.pop("loaded", {}))
    return Observed(kernel=kernel, modprobe=True, **more)


def plan(host: Observed, **options: t.Any) -> ModulesPlan:
    return make_plan(parse(**options), host)


def test_each_module_has_both_lines_and_the_same_modules_give_the_same_bytes() -> None:
    text = render(["tipc", "floppy", "cramfs"])
    assert text == render(["cramfs", "tipc", "floppy"])
    assert "install tipc /bin/false\nblacklist tipc\n" in text
    assert [rule.pattern for rule in install_rules(PATH, text)] == ["cramfs", "tipc", "floppy"]


def test_the_first_install_line_counts_patterns_included() -> None:
    first = install_rules("/etc/modprobe.d/00-a.conf", "# x\ninstall dc* /sbin/modprobe -i \\\n  dccp\n")
    last = install_rules("/etc/modprobe.d/z.conf", "install tipc /bin/true\n")
    rules = with_ours((*first, *last), render(["dccp", "tipc"]))
    assert not in_force("dccp", rules).denies  # type: ignore[union-attr]
    assert in_force("tipc", rules).path == PATH  # type: ignore[union-attr]
    assert in_force("floppy", rules) is None


@pytest.mark.parametrize(
    ("command", "denies"),
    [("/bin/false", True), ("/bin/true", True), ("/usr/bin/false", True), ("/bin/true; insmod x", False), ("x", False)],
)
def test_which_commands_deny(command: str, denies: bool) -> None:
    assert install_rules("f", f"install n-hdlc {command}")[0].denies is denies


@given(st.text(max_size=200))
def test_no_text_of_a_file_is_too_strange(text: str) -> None:
    assert all(rule.pattern for rule in install_rules("f", text))


@given(st.lists(st.text(max_size=20), max_size=5))
def test_no_name_gets_into_the_file_that_could_be_more_than_a_name(names: list[str]) -> None:
    try:
        spec = parse(deny=names)
    except InputError:
        return
    lines = render(spec.wanted).splitlines()
    assert all(line.startswith("#") or len(line.split()) in (2, 3) for line in lines)


def test_baseline_is_denied_on_an_untouched_host() -> None:
    found = plan(observed(), profile="baseline")
    assert {"cramfs", "dccp", "tipc", "jffs2"} <= set(found.denied)
    assert found.changes.actions() == [f"write {PATH}", CONFIRM]
    assert found.changes.originals == {PATH: None}


def test_nothing_to_do_where_the_file_is_right() -> None:
    text = render(plan(observed(), profile="baseline").denied)
    assert not plan(observed(file=FileText(text), recorded=True), profile="baseline").changes


def test_unused_module_is_unloaded_by_explicit_word_only_and_remembered() -> None:
    loaded = {"tipc": Loaded(0)}
    assert "tipc" in plan(observed(loaded=loaded), profile="baseline").left_alone
    found = plan(observed(loaded=loaded), profile="baseline", unload=True)
    assert found.unloaded == ("tipc",) and found.changes.remember == {"tipc": "loaded"}
    assert "set tipc from 'loaded' to 'not loaded'" in found.changes.actions()


@pytest.mark.parametrize("options", [{"state": "absent"}, {"profile": "baseline", "omit": ["tipc"]}])
def test_what_was_unloaded_is_loaded_again(options: dict[str, t.Any]) -> None:
    host = observed(file=FileText(render(["tipc"])), recorded=True, originals={"tipc": "loaded"})
    found = plan(host, **options)
    assert [(change.key, change.after) for change in found.changes.values] == [("tipc", "loaded")]
    assert found.changes.clear or found.changes.forget_values == ("tipc",)


def test_file_without_its_record_is_no_original() -> None:
    host = observed(file=FileText(render(["tipc"])))
    assert plan(host, state="absent").changes.actions() == [f"remove {PATH}"]
    assert plan(host, profile="baseline").changes.originals == {PATH: None}


def test_unknown_module_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'floppy'"):
        plan(observed(), deny=["flopy"])


def test_a_choice_that_nobody_made_is_not_applicable() -> None:
    found = {each.control: each for each in findings(parse(profile="baseline"), observed())}
    assert found["kernel.module_usb_storage"].outcome == "not_applicable"
    assert found["kernel.module_dccp"].outcome == "fail"
    assert "kernel.module_sctp" not in found
