# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each module's documentation is true: it parses, and its examples are accepted by the module's own argument spec."""

from __future__ import annotations

import importlib
import types
import typing as t
from pathlib import Path
from unittest import mock

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "ansible_collections.caisson.hardening.plugins.modules."
FQCN = "caisson.hardening."
MODULES = sorted(path.stem for path in ROOT.glob("plugins/modules/*.py"))


class SpecTaken(Exception):
    """Ends a module's main at the point where it hands its argument spec over."""


def load(name: str) -> types.ModuleType:
    return importlib.import_module(PREFIX + name)


def argument_spec(name: str) -> dict[str, t.Any]:
    """What the module gives AnsibleModule."""
    taken: dict[str, t.Any] = {}

    def take(_self: t.Any, argument_spec: dict[str, t.Any], **others: t.Any) -> None:
        taken.update(others, argument_spec=argument_spec)
        raise SpecTaken

    with mock.patch("ansible.module_utils.basic.AnsibleModule.__init__", take), pytest.raises(SpecTaken):
        load(name).main()
    return taken


def examples(name: str) -> list[dict[str, t.Any]]:
    found: list[dict[str, t.Any]] = []
    pending = list(yaml.safe_load(load(name).EXAMPLES))
    while pending:
        task = pending.pop()
        for key in ("tasks", "block", "rescue", "always", "post_tasks", "pre_tasks"):
            pending += task.get(key) or []
        if FQCN + name in task:
            found.append(task[FQCN + name])
    return found


@pytest.mark.parametrize("name", MODULES)
def test_documentation_parses_and_is_complete(name: str) -> None:
    module = load(name)
    documentation, returned = yaml.safe_load(module.DOCUMENTATION), yaml.safe_load(module.RETURN)
    assert documentation["module"] == name
    assert documentation["version_added"]
    assert all({"description", "returned", "type"} <= set(entry) for entry in returned.values())


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_accepted_by_the_argument_spec(name: str) -> None:
    taken = argument_spec(name)
    names = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")
    validator = ModuleArgumentSpecValidator(taken["argument_spec"], **{key: taken.get(key) for key in names})
    assert examples(name), "EXAMPLES never uses the module by its full name"
    for example in examples(name):
        result = validator.validate(dict(example or {}))
        assert result.error_messages == [], example


def test_action_groups_hold_modules_that_exist() -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]
    assert {name for members in groups.values() for name in members} <= set(MODULES)
