# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From spec and observed state to plan, without a kernel."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError, InputError
from ansible_collections.caisson.hardening.plugins.module_utils.host.changes import FileText
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.conf import render
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.plan import Observed, make_plan
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.spec import parse

KEY = "kernel.kptr_restrict"
BPF = "kernel.unprivileged_bpf_disabled"


def settings(**options: t.Any) -> t.Any:
    return parse(**{"settings": {KEY: 1}, **options})


def applied(observed: Observed, **options: t.Any) -> Observed:
    """The host after a run, with its record."""
    plan = make_plan(settings(**options), observed)
    values = {**observed.values, **{change.key: change.after for change in plan.changes.values}}
    return dataclasses.replace(
        observed,
        values=values,
        file=FileText(render(plan.desired)),
        recorded=True,
        originals={**plan.changes.remember, **observed.originals},
    )


@pytest.mark.parametrize("given", [0, "0", " 0 "])
def test_number_and_text_mean_the_same(given: t.Any) -> None:
    assert settings(settings={KEY: given}).settings == {KEY: "0"}


@pytest.mark.parametrize("given", [True, 1.5, None, [], {}, "", " ", "1\n2", "a\x00b", "0x1", "01"])
def test_value_of_the_wrong_kind_is_refused_with_its_key(given: t.Any) -> None:
    with pytest.raises(InputError, match=r"settings\.kernel\.kptr_restrict"):
        make_plan(settings(settings={KEY: given}), Observed({KEY: "0"}))


def test_same_key_in_two_spellings_must_not_contradict() -> None:
    with pytest.raises(InputError, match="contradicts"):
        make_plan(settings(settings={KEY: 1, "kernel/kptr_restrict": 2}), Observed({KEY: "0"}))


def test_nothing_to_set_is_refused() -> None:
    with pytest.raises(InputError, match="leaves nothing to set"):
        make_plan(parse(), Observed({}))


def test_settings_win_over_the_profile_and_omit_leaves_a_key_alone() -> None:
    wanted = parse(profile="strict", settings={KEY: 1}, omit=["kernel.sysrq"]).wanted()
    assert wanted[KEY] == "1" and "kernel.sysrq" not in wanted


def test_run_after_a_run_changes_nothing() -> None:
    observed = Observed({KEY: "0", BPF: "0"})
    assert make_plan(settings(profile="baseline"), observed).changes
    assert not make_plan(settings(profile="baseline"), applied(observed, profile="baseline")).changes


def test_values_that_were_right_already_are_remembered_too() -> None:
    assert make_plan(settings(), Observed({KEY: "1"})).changes.remember == {KEY: "1"}


def test_host_stricter_than_the_profile_is_kept_but_the_users_word_counts() -> None:
    observed = Observed({KEY: "2", BPF: "1"})
    assert make_plan(parse(profile="baseline"), observed).desired == {KEY: "2", BPF: "1"}
    assert make_plan(settings(), observed).desired == {KEY: "1"}


def test_locked_value_says_that_it_is_locked() -> None:
    with pytest.raises(CaissonError, match="locked at '1' until the next boot"):
        make_plan(settings(settings={BPF: 2}), Observed({BPF: "1"}))


def test_one_way_value_is_set_only_on_request_and_with_a_warning() -> None:
    plan = make_plan(settings(settings={BPF: 1}, one_way=[BPF]), Observed({BPF: "2"}))
    assert "only by a reboot" in plan.warnings[0]
    locked = dataclasses.replace(applied(Observed({BPF: "2"}), settings={BPF: 1}, one_way=[BPF]))
    undone = make_plan(parse(state="absent"), locked)
    assert not undone.changes.values and "until the next boot" in undone.warnings[0] and undone.changes.clear


def test_unwritable_key_fails_or_is_reported() -> None:
    observed = Observed({KEY: "0", BPF: "0"}, unwritable={KEY: "read-only"})
    with pytest.raises(CaissonError, match="kptr_restrict: read-only"):
        make_plan(settings(), observed)
    plan = make_plan(settings(unwritable="report"), observed)
    assert plan.refused == {KEY: "read-only"} and not plan.changes.values


def test_unwritable_key_that_is_right_already_is_no_fault() -> None:
    assert not make_plan(settings(), Observed({KEY: "1"}, unwritable={KEY: "read-only"})).refused


def test_file_without_its_record_is_removed_with_a_warning() -> None:
    orphan = Observed({KEY: "1"}, file=FileText(render({KEY: "1"})))
    plan = make_plan(parse(state="absent"), orphan)
    assert plan.changes.actions() == ["remove /etc/sysctl.d/99-security-caisson.conf"]
    assert "no undo record" in plan.warnings[0]


def test_foreign_file_without_a_record_is_left_alone() -> None:
    assert not make_plan(parse(state="absent"), Observed({}, file=FileText("# mine\n"))).changes


def test_key_gone_from_the_kernel_does_not_stop_undo() -> None:
    plan = make_plan(parse(state="absent"), Observed({}, recorded=True, originals={KEY: "0"}))
    assert plan.changes.clear and "is gone" in plan.warnings[0]


def test_value_of_no_return_needs_its_name() -> None:
    key = "kernel.kexec_load_disabled"
    with pytest.raises(InputError, match=rf"one_way: \[{key}\]"):
        make_plan(parse(settings={key: 1}), Observed({key: "0"}))
    plan = make_plan(parse(one_way=[key]), Observed({key: "0"}))
    assert plan.desired == {key: "1"} and "only by a reboot" in plan.warnings[0]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("kernel.modules_disabled", "modules that Docker loads"),
        ("vm.swappiness", "name one of kernel.kexec_load_disabled, kernel.unprivileged_bpf_disabled"),
        ("a b", "is no sysctl key"),
    ],
)
def test_name_without_a_value_of_no_return_is_refused(name: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        make_plan(parse(one_way=[name], profile="baseline"), Observed({}))


def test_name_that_settings_contradict_is_refused() -> None:
    with pytest.raises(InputError, match="keep it in one of the two"):
        make_plan(parse(one_way=[BPF], settings={BPF: 2}), Observed({BPF: "2"}))


def test_word_omit_leaves_a_key_of_the_profile_alone() -> None:
    wanted = parse(profile="baseline", settings={KEY: "omit", "kernel/sysrq": "omit"}).wanted()
    assert KEY not in wanted and "kernel.sysrq" not in wanted and BPF in wanted
