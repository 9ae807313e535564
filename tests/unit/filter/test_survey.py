# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answers of a survey: what they mean, and which are refused in which words."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.caisson.hardening.plugins.filter.survey_faults import survey_faults
from ansible_collections.caisson.hardening.plugins.filter.survey_value import survey_value
from ansible_collections.caisson.hardening.plugins.plugin_utils import survey
from hypothesis import given
from hypothesis import strategies as st

HOSTS = {"harden_hosts": ["a", "b"], "harden_limit": ["a", "b"], "rollback_hosts": ["a"], "drift_hosts": ["a"]}


def faults(playbook: str = "harden", **answers: t.Any) -> list[str]:
    return survey_faults(answers, playbook, HOSTS)


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ("", ["1", "10%", "30%", "100%"]),
        (None, ["1", "10%", "30%", "100%"]),
        ("  ", ["1", "10%", "30%", "100%"]),
        ("5", ["5"]),
        (5, ["5"]),
        ("1, 25% ,100%", ["1", "25%", "100%"]),
    ],
)
def test_waves_are_read_and_an_empty_answer_is_the_canary_and_then_all(answer: t.Any, meant: list[str]) -> None:
    assert survey_value(answer, "harden_serial") == meant
    assert faults(harden_serial=answer) == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("ten", "harden_serial: 'ten' is neither a number of hosts nor a percentage: write 5 or 10%"),
        (
            "1,ten",
            "harden_serial: '1,ten' has 'ten', which is neither a number of hosts nor a percentage: write 5 or 10%",
        ),
        ("1,,5", "harden_serial: '1,,5' has '', which is neither a number of hosts nor a percentage: write 5 or 10%"),
        ("-1", "harden_serial: '-1' is neither a number of hosts nor a percentage: write 5 or 10%"),
        ("2.5", "harden_serial: '2.5' is neither a number of hosts nor a percentage: write 5 or 10%"),
        ("0", "harden_serial: '0' has a wave without a host: write 1 or more"),
        ("0%", "harden_serial: '0%' has a wave without a host: write 1 or more"),
        ("1,101%", "harden_serial: '1,101%' has a wave of more than all hosts: write 100% or less"),
        (["1"], "harden_serial: \"['1']\" is no text: write one, with commas between its parts"),
    ],
)
def test_waves_that_cannot_be_are_refused(answer: t.Any, said: str) -> None:
    assert faults(harden_serial=answer) == [said]


@pytest.mark.parametrize("answer", ["yes", "True", "on", "1", 1, True])
def test_yes_in_its_spellings(answer: t.Any) -> None:
    assert survey_value(answer, "harden_canary_only") is True and faults(harden_canary_only=answer) == []


@pytest.mark.parametrize("answer", ["no", "False", "off", "0", 0, False, "", None])
def test_no_in_its_spellings_and_no_answer(answer: t.Any) -> None:
    assert survey_value(answer, "harden_canary_only") is False and faults(harden_canary_only=answer) == []


def test_settings_are_lines_of_a_key_and_a_value() -> None:
    answer = "vm.max_map_count = 262144\n\n# sysrq: sync only\nkernel.sysrq=16; net.ipv4.tcp_rmem=4096 87380 6291456"
    assert survey_value(answer, "harden_kernel_settings") == {
        "vm.max_map_count": "262144",
        "kernel.sysrq": "16",
        "net.ipv4.tcp_rmem": "4096 87380 6291456",
    }
    assert faults(harden_kernel_settings=answer) == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("kernel.sysrq", "has 'kernel.sysrq', which is no setting: write a line KEY=VALUE for each"),
        ("kernel.sysrq=", "has 'kernel.sysrq=', which is no setting"),
        ("sysrq=1", "has 'sysrq=1', which is no setting"),
        ("kernel.sysrq=1\nkernel.sysrq=2", "names kernel.sysrq twice: write it once"),
    ],
)
def test_settings_that_cannot_be_read_are_refused(answer: str, said: str) -> None:
    [fault] = faults(harden_kernel_settings=answer)
    assert said in fault


def test_names_become_what_the_modules_take() -> None:
    rolled_back = [{"name": "web", "state": "rolled_back"}, {"name": "db", "state": "rolled_back"}]
    assert survey_value("web, db,", "rollback_containers") == rolled_back
    assert survey_value("/var/cache\n/srv/a b", "drift_ignore") == ["/var/cache", "/srv/a b"]
    assert survey_value("snapshot,fail", "drift_on_drift") == ["snapshot", "fail"]
    assert survey_value("8", "drift_parallel") == 8


def test_all_faults_are_told_at_once_in_the_order_of_the_variables() -> None:
    said = faults(harden_serial="ten", harden_profile="lax", harden_canary_only="maybe")
    assert said == [
        "harden_serial: 'ten' is neither a number of hosts nor a percentage: write 5 or 10%",
        "harden_canary_only: 'maybe' is neither yes nor no: write yes or no",
        "harden_profile: 'lax' is unknown: write baseline or strict",
    ]


def test_pattern_without_a_host_is_refused_for_ansible_would_only_do_nothing() -> None:
    hosts = {**HOSTS, "harden_hosts": []}
    assert survey_faults({"harden_hosts": "wbe"}, "harden", hosts) == [
        "harden_hosts: 'wbe' matches no host of the inventory: write a host, a group, or a pattern of them"
    ]


def test_limit_that_leaves_no_host_is_refused() -> None:
    hosts = {"harden_hosts": ["a"], "harden_limit": ["b"]}
    assert survey_faults({"harden_hosts": "web", "harden_limit": "db"}, "restore", hosts) == [
        "harden_limit: 'db' has no host in common with harden_hosts, 'web': write one of its hosts"
    ]


def test_rollback_needs_a_name_and_drift_known_actions() -> None:
    assert faults("rollback", rollback_containers=" ") == [
        "rollback_containers: no container is named: write one or more names, as in web,db"
    ]
    [fault] = faults("rollback", rollback_containers="web;db")
    assert "has 'web;db', which is no name of a container: write commas between them, as in web,db" in fault
    [fault] = faults("drift", drift_on_drift="report,repair")
    assert "has 'repair', which is unknown: write report, snapshot, recreate, fail or several of them" in fault
    [fault] = faults("drift", drift_parallel="0")
    assert "is no whole number above 0" in fault


def test_answers_for_another_playbook_are_left_alone() -> None:
    assert faults("harden", drift_parallel="x", rollback_containers="?") == []
    assert faults("restore", harden_serial="ten") != []


def test_long_answers_are_cut_in_the_sentence() -> None:
    [fault] = faults(harden_profile="x" * 5000)
    assert len(fault) < 200


def test_variable_that_is_no_answer_is_told() -> None:
    with pytest.raises(AnsibleFilterError, match="knows no variable 'harden_sreial'"):
        survey_value("1", "harden_sreial")


@pytest.mark.parametrize(
    ("sizes", "count", "first"),
    [(["1", "100%"], 5, 1), (["3"], 5, 3), (["50%"], 5, 2), (["10%"], 5, 1), (["100%"], 3, 3), (["9"], 2, 2)],
)
def test_first_wave_is_counted_as_ansible_counts(sizes: list[str], count: int, first: int) -> None:
    hosts = [f"h{number}" for number in range(count)]
    assert survey.first_wave(sizes, hosts) == hosts[:first]


ANSWER = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=30), st.lists(st.text(max_size=3)))


@given(st.dictionaries(st.sampled_from(sorted(survey.VARIABLES)), ANSWER), st.sampled_from(sorted(survey.PREFIXES)))
def test_what_is_not_refused_can_be_read(answers: dict[str, t.Any], playbook: str) -> None:
    said = survey_faults(answers, playbook, HOSTS)
    refused = {fault.partition(":")[0] for fault in said}
    for name, answer in answers.items():
        if name.startswith(survey.PREFIXES[playbook]) and name not in refused:
            value = survey_value(answer, name)
            if name == "harden_serial":
                assert value and all(int(part.rstrip("%")) > 0 for part in value)


@pytest.mark.parametrize("unanswered", ["", "  ", None, survey.AS_INVENTORY])
def test_answer_that_was_not_given_leaves_what_the_inventory_says(unanswered: str | None) -> None:
    assert survey_value(unanswered, "harden_profile", "strict") == "strict"
    assert survey_value(unanswered, "harden_install_docker", True) is True
    assert survey_value(unanswered, "drift_ignore", "/srv") == ["/srv"]
    assert faults(harden_run_profile=unanswered, harden_run_install_docker=unanswered) == []


def test_answer_that_was_given_wins_over_what_the_inventory_says() -> None:
    assert survey_value("baseline", "harden_profile", "strict") == "baseline"
    assert survey_value("no", "harden_install_docker", "yes") is False
    assert survey_value(False, "restore_containers", "yes") is False


def test_answer_keeps_containers_that_the_inventory_would_have_removed() -> None:
    given = {"restore_to": "2030-01-01T22:00:00Z", "restore_containers": "yes"}
    assert [fault.partition(":")[0] for fault in faults("restore", **given)] == ["restore_containers"]
    assert faults("restore", **given, restore_run_containers="no") == []
