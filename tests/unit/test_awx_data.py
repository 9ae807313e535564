# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The data of AWX's templates agrees with the playbooks that read the answers."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import jinja2
import pytest
import yaml
from ansible_collections.caisson.hardening.plugins.filter.survey_value import survey_value
from ansible_collections.caisson.hardening.plugins.plugin_utils import survey

ROOT = Path(__file__).resolve().parents[2]
DATA = yaml.safe_load((ROOT / "playbooks" / "vars" / "awx.yml").read_text(encoding="utf-8"))
QUESTIONS = DATA["awx_questions"]
TEMPLATES = {template["name"]: template for template in DATA["awx_job_templates"]}
FLAT = {"text", "textarea", "integer", "float", "multiplechoice"}  # the types whose answer is a scalar


def asked(template: dict[str, t.Any]) -> list[str]:
    names = template.get("survey", [])
    return list(DATA["awx_survey_of_a_run"] if isinstance(names, str) else names)


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_question_is_flat_and_its_default_is_an_answer_that_is_taken(name: str) -> None:
    question = QUESTIONS[name]
    kind = survey.VARIABLES[question["variable"]]
    assert question["type"] in FLAT
    assert {"question_name", "question_description", "required", "default"} <= set(question)
    if question["type"] == "multiplechoice":
        assert question["default"] in question["choices"]
        assert all(isinstance(choice, str) for choice in question["choices"])
    for answer in (question["default"], *question.get("choices", [])):
        playbook = next(each for each, begins in survey.PREFIXES.items() if question["variable"].startswith(begins))
        hosts = {variable: ["host"] for variable in survey.VARIABLES}
        answers = {"rollback_containers": "web", question["variable"]: answer or None}
        assert question["required"] or survey.faults(answers, playbook, hosts) == []
    if isinstance(kind, tuple):
        assert tuple(choice for choice in question["choices"] if choice != survey.AS_INVENTORY) == kind


# Of one run, and read from nowhere else; all others may stand in an inventory.
OF_THE_RUN = {
    "harden_hosts", "harden_limit", "harden_serial", "harden_canary_only", "harden_kernel_settings",
    "harden_audit_fails_on", "restore_to", "rollback_hosts", "rollback_containers", "drift_hosts",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_question_that_nobody_answers_hides_nothing_of_the_inventory(name: str) -> None:
    question = QUESTIONS[name]
    if question["variable"] not in OF_THE_RUN:
        assert question["variable"] in survey.ASKED
        assert survey.text(question["default"]) == ""
        assert question.get("choices", [survey.AS_INVENTORY])[0] == survey.AS_INVENTORY


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_template_names_a_playbook_and_asks_what_it_reads(name: str) -> None:
    template = TEMPLATES[name]
    path = ROOT / template["playbook"]
    prefixes = survey.PREFIXES.get("harden" if path.stem == "audit" else path.stem, ())
    assert path.is_file()
    assert all(QUESTIONS[each]["variable"].startswith(prefixes) for each in asked(template))


def test_workflow_asks_only_what_all_its_jobs_may_take() -> None:
    # What a workflow asks is given to each of its jobs and wins over what a node says.
    variables = {QUESTIONS[each]["variable"] for each in DATA["awx_workflow"]["survey"]}
    said_by_nodes = {name for node in DATA["awx_workflow_nodes"] for name in node.get("extra_data", {})}
    for template in {node["template"] for node in DATA["awx_workflow_nodes"] if "template" in node}:
        if "survey" in TEMPLATES[template]:
            assert variables <= {QUESTIONS[each]["variable"] for each in asked(TEMPLATES[template])}
    assert not variables & said_by_nodes


def test_workflow_ends_with_the_audit_which_changes_nothing() -> None:
    last = [
        node["identifier"] for node in DATA["awx_workflow_nodes"] if "template" in node and "success_nodes" not in node
    ]
    assert last == ["audit"] and TEMPLATES["audit"]["job_type"] == "check"


def test_nodes_name_templates_and_only_nodes_that_are_made_before_them() -> None:
    made: set[str] = set()
    for node in DATA["awx_workflow_nodes"]:
        assert node.get("template") in TEMPLATES or node.get("approval") or node["identifier"] in made
        assert {*node.get("success_nodes", []), *node.get("failure_nodes", [])} <= made
        made.add(node["identifier"])


def test_schedules_name_templates_that_need_no_answer_and_have_rules() -> None:
    for schedule in DATA["awx_schedules"]:
        assert not any(QUESTIONS[each]["required"] for each in asked(TEMPLATES[schedule["template"]]))
        assert re.fullmatch(r"DTSTART:\d{8}T\d{6}Z RRULE:FREQ=(DAILY|WEEKLY);INTERVAL=\d+\S*", schedule["rrule"])


@pytest.mark.parametrize("role", ["containers", "docker_daemon", "kernel"])
@pytest.mark.parametrize(
    ("answer", "inventory", "meant"),
    [
        (survey.AS_INVENTORY, "strict", "strict"),
        ("", "strict", "strict"),
        ("baseline", "strict", "baseline"),
        ("strict", "", "strict"),
        ("", " ", "baseline"),
    ],
)
def test_roles_take_the_inventory_s_profile_unless_the_survey_was_answered(
    role: str, answer: str, inventory: str, meant: str
) -> None:
    defaults = yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text(encoding="utf-8"))
    environment = jinja2.Environment()
    environment.filters["caisson.hardening.survey_value"] = survey_value
    template = environment.from_string(defaults[f"{role}_profile"])
    assert template.render(harden_profile=inventory, harden_run_profile=answer) == meant
    assert template.render() == "baseline"
