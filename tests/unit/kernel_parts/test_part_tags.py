# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which parts of one task a run's tags ask for, held against Ansible's own choice of tasks."""

from __future__ import annotations

import itertools
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.playbook.block import Block
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible_collections.caisson.hardening.plugins.module_utils.kernel_parts.apply import ARGUMENTS
from ansible_collections.caisson.hardening.plugins.plugin_utils.part_tags import asked_for, left_out

ROOT = Path(__file__).resolve().parents[3]
TASK = next(
    task
    for task in yaml.safe_load((ROOT / "roles/kernel/tasks/main.yml").read_text(encoding="utf-8"))
    if "caisson.hardening.kernel" in task
)
PART_TAGS = TASK["caisson.hardening.kernel"]["part_tags"]
TASK_TAGS = ["kernel", *(tag for tags in PART_TAGS.values() for tag in tags)]


def by_ansible(tags: t.Sequence[str], run: t.AbstractSet[str], skip: t.AbstractSet[str]) -> bool:
    task = Task(block=Block(play=Play()))
    task.tags = list(tags)
    return bool(task.evaluate_tags(run, skip, {}))


WORDS = ("all", "always", "never", "tagged", "untagged", "kernel", "kernel_mounts")
SETS = [frozenset(words) for count in (0, 1, 2) for words in itertools.combinations(WORDS, count)]


@pytest.mark.parametrize("tags", [tags for tags in SETS if not tags & {"all", "tagged", "untagged"}], ids=sorted)
def test_a_part_is_chosen_as_ansible_would_choose_a_task(tags: frozenset[str]) -> None:
    for run, skip in itertools.product([each for each in SETS if each], SETS):
        assert asked_for(tags, run, skip) == by_ansible(sorted(tags), run, skip), (set(run), set(skip))


@pytest.mark.parametrize(
    ("own", "run", "skip", "chosen"),
    [
        ([], ["all"], [], {"settings", "mounts", "hidepid", "modules", "security", "boot"}),
        ([], ["kernel"], [], {"settings", "mounts", "hidepid", "modules", "security", "boot"}),
        ([], ["kernel_mounts"], [], {"mounts"}),
        ([], ["kernel_hidepid"], [], {"hidepid"}),
        ([], ["kernel_boot", "kernel_security"], [], {"boot", "security"}),
        ([], ["all"], ["kernel_mounts", "kernel_boot"], {"settings", "hidepid", "modules", "security"}),
        ([], ["kernel_boot"], ["kernel_boot"], set()),
        ([], ["kernel_boot"], ["kernel_mounts"], {"boot"}),
        (["site"], ["site"], [], {"settings", "mounts", "hidepid", "modules", "security", "boot"}),
        (["site"], ["site", "kernel_boot"], ["kernel_modules"], {"settings", "mounts", "hidepid", "security", "boot"}),
        (["always"], ["kernel_mounts"], [], {"settings", "mounts", "hidepid", "modules", "security", "boot"}),
    ],
)
def test_the_roles_parts_are_chosen_by_their_tags(
    own: list[str], run: list[str], skip: list[str], chosen: set[str]
) -> None:
    tags = [*own, *(tag for tag in TASK_TAGS if tag not in skip)]
    assert set(ARGUMENTS) - left_out(PART_TAGS, ARGUMENTS, tags, run, skip) == chosen


def test_the_roles_task_has_the_tags_of_its_parts() -> None:
    plain, computed = TASK["tags"]
    assert plain == "kernel" and set(PART_TAGS) == set(ARGUMENTS) - {"settings"}
    assert all(f"'{tag}'" in computed for tag in TASK_TAGS[1:]) and computed.count("'") == 2 * len(PART_TAGS)
