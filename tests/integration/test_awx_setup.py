# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""awx_setup.yml with the real modules of awx.awx, against a stand-in for the controller's interface."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t

import pytest
import yaml
from ansible_collections.caisson.hardening.tests.support import awx_tools
from ansible_collections.caisson.hardening.tests.support.controller import Controller, serving
from ansible_collections.caisson.hardening.tests.support.shell import INSTALLED, ROOT, tool

DATA = yaml.safe_load((ROOT / "playbooks" / "vars" / "awx.yml").read_text(encoding="utf-8"))
GIVEN = {
    "awx_setup_inventory": "Docker hosts",
    "awx_setup_project_url": "https://git.example.org/caisson.git",
    "awx_setup_execution_environment": "registry.example.org/caisson-ee:0.1.0",
    "awx_setup_credentials": ["ssh"],
}


def setup(address: str, **variables: t.Any) -> tuple[int, str]:
    """Exit status and output of the play."""
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": f"{awx_tools.collection()}:{INSTALLED}",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "1",
        "CONTROLLER_HOST": address,
        "CONTROLLER_OAUTH_TOKEN": "token",
        "LC_ALL": "C.UTF-8",
    }
    argv = [tool("ansible-playbook"), "-i", "localhost,", "-e", json.dumps(variables)]
    argv += ["-e", f"ansible_python_interpreter={tool('python')}", str(ROOT / "playbooks" / "awx_setup.yml")]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def controller() -> Controller:
    """A controller with what a setup finds there."""
    made = Controller()
    organization = made.add("organizations", name="Default")
    made.add("inventories", name="Docker hosts", organization=organization["id"])
    made.add("credentials", name="ssh", organization=organization["id"])
    return made


def named(controller: Controller, kind: str) -> dict[str, dict[str, t.Any]]:
    return {item.get("name") or item["identifier"]: item for item in controller.items[kind].values()}


def test_setup_makes_templates_a_workflow_and_schedules_and_again_changes_nothing(controller: Controller) -> None:
    with serving(controller) as address:
        status, output = setup(address, **GIVEN)
        assert status == 0, output
        first = list(controller.writes)
        status, again = setup(address, **GIVEN)
    assert status == 0 and "changed=0" in again, again
    assert controller.writes == first

    templates = named(controller, "job_templates")
    assert set(templates) == {f"Caisson: {each['name']}" for each in DATA["awx_job_templates"]}
    plan, harden = templates["Caisson: plan"], templates["Caisson: harden"]
    assert (plan["job_type"], harden["job_type"]) == ("check", "run") and plan["playbook"] == harden["playbook"]
    audit = templates["Caisson: audit"]
    assert (audit["job_type"], audit["playbook"]) == ("check", "playbooks/audit.yml")
    survey = controller.surveys["job_templates", harden["id"]]["spec"]
    assert [question["variable"] for question in survey] == DATA["awx_survey_of_a_run"]
    assert templates["Caisson: is there something to change?"]["extra_vars"] == '{"gate_expect": "changed"}'

    nodes = named(controller, "workflow_job_template_nodes")
    ids = {node["id"]: name for name, node in nodes.items()}

    def after(name: str, outcome: str = "success_nodes") -> list[str]:
        linked = controller.links.get(("workflow_job_template_nodes", nodes[name]["id"], outcome), [])
        return [ids[number] for number in linked]

    way = ["plan"]
    while after(way[-1]):
        way += after(way[-1])
    assert way == ["plan", "branch", "approve", "canary", "fleet", "audit"]
    assert after("branch", "failure_nodes") == ["audit"]
    assert nodes["canary"]["extra_data"] == {"harden_canary_only": "yes"} and "extra_data" not in nodes["fleet"]
    approval = controller.items["workflow_approval_templates"][nodes["approve"]["unified_job_template"]]
    assert approval["name"] == "Harden these hosts?"
    assert all(schedule["enabled"] for schedule in controller.items["schedules"].values())


def test_setup_without_an_inventory_or_a_project_is_refused_and_nothing_is_made(controller: Controller) -> None:
    with serving(controller) as address:
        status, output = setup(address)
    assert status != 0 and controller.writes == []
    assert "awx_setup_inventory: write the name of the inventory" in output
    assert "awx_setup_project_url: write the address" in output
