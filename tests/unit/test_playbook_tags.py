# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What harden.yml does by a tag, restore.yml undoes by the same."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
TASKS = ROOT / "playbooks" / "tasks"
ONE_WAY = re.compile(r"daemon[.]|kernel_security$")  # refused by look_back.yml
ROLES = ("containers", "docker_daemon", "kernel", "process_limits")


def load(path: Path) -> t.Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def tags(content: t.Any) -> set[str]:
    """All tags below *content*; those that an expression names are among them."""
    if isinstance(content, list):
        return set().union(*map(tags, content))
    if not isinstance(content, dict):
        return set()
    found = set()
    for name, value in content.items():
        if name == "tags":
            given = [value] if isinstance(value, str) else value
            for each in given:
                found |= set(re.findall(r"'(\w+)'", each)) if "{{" in each else {each}
        else:
            found |= tags(value)
    return found - {"always"}


def of_role(role: str) -> set[str]:
    return set().union(*(tags(load(path)) for path in (ROOT / "roles" / role / "tasks").glob("*.yml")))


def included() -> dict[str, set[str]]:
    """The tags by which restore.yml comes to each role."""
    tasks = [task for task in load(TASKS / "restore_host.yml") if "ansible.builtin.include_role" in task]
    return {task["ansible.builtin.include_role"]["name"].rpartition(".")[2]: set(task["tags"]) for task in tasks}


def test_restore_has_the_tags_of_harden() -> None:
    harden = tags(load(ROOT / "playbooks" / "harden.yml"))
    assert harden == set(ROLES)
    honoured = {role: {tag for tag in of_role(role) | {role} if not ONE_WAY.match(tag)} for role in ROLES}
    assert included() == honoured


def test_restore_looks_at_the_subjects_of_each_tag() -> None:
    [looked] = [task for task in load(TASKS / "look_back.yml") if "caisson.hardening.undo_status" in task]
    assert set(looked["vars"]["__run_subjects"]) == set().union(*included().values()) - {"containers"}


def test_restore_refuses_the_tags_that_have_no_way_back() -> None:
    refused = load(TASKS / "look_back.yml")[0]["vars"]["__run_one_way"]
    assert f"'{ONE_WAY.pattern}'" in refused
