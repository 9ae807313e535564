# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The playbooks of docs/examples are what they say: hardened by every control, without a waiver, and explained."""

from __future__ import annotations

import datetime

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.caisson.hardening.plugins.module_utils.containers import options, policy, rules, spec, state
from ansible_collections.caisson.hardening.tests.support import examples
from ansible_collections.caisson.hardening.tests.support.shell import ROOT

EXPLAINED = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")


def test_there_are_examples() -> None:
    assert {"nginx", "redis", "postgresql"} <= set(examples.NAMES)


@pytest.mark.parametrize("name", examples.NAMES)
def test_an_example_breaks_no_control_even_of_the_strict_profile(name: str) -> None:
    given = examples.arguments(name)
    validator = ArgumentSpecValidator({**options.run_options(), "containers": {"type": "list", "elements": "dict"}})
    assert validator.validate(given).error_messages == []
    for one in spec.parse_specs(given["containers"]):
        assert one.waivers == ()
        found = state.resolve(one, state.Image("", {}), state.Daemon(), given["project"])
        context = rules.Context(str(one.image))
        findings = policy.findings(one.name, found, context, "strict", (), datetime.date(2030, 1, 1))
        # A digest is the user's own to find out; the playbooks name their images by tag.
        broken = [each for each in policy.violations(findings) if each.control.id != "container.image_digest"]
        assert [str(each) for each in broken] == []


@pytest.mark.parametrize("name", examples.NAMES)
def test_an_example_is_explained_and_its_variables_are_its_own(name: str) -> None:
    found = examples.play(name)
    assert f"examples/{name}.yml" in EXPLAINED
    assert all(variable.startswith(f"{name}_") for variable in found["vars"])
    image = found["vars"][f"{name}_image"].rpartition("/")[2]
    assert image in EXPLAINED
