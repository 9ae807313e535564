# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hundreds of wrong specs through the real module: all told at once, and the engine holds what it held before."""

from __future__ import annotations

import json
import typing as t

import docker
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.caisson.hardening.plugins.module_utils.containers.options import container_options
from ansible_collections.caisson.hardening.plugins.module_utils.containers.spec import parse_specs
from ansible_collections.caisson.hardening.plugins.module_utils.errors import InputError
from ansible_collections.caisson.hardening.tests.support.containers import Deployer
from ansible_collections.caisson.hardening.tests.support.wrong_specs import SECRET, rows

MOST = 2000  # characters of one; all of a batch go over one command line
BATCH = 250


def _sent(given: dict[t.Any, t.Any]) -> bool:
    """Whether JSON carries it as it is, and it is not too long for a command line."""
    try:
        written = json.dumps(given)
    except (TypeError, ValueError):
        return False
    return len(written) <= MOST and bool(json.loads(written) == given)


def _wrong_for_ansible_too(given: dict[t.Any, t.Any]) -> bool:
    """Whether it is still wrong after Ansible has made of it what it can: of `1e3` it makes a thousand."""
    options = {"containers": {"type": "list", "elements": "dict", "options": container_options()}}
    try:
        found = ArgumentSpecValidator(options).validate({"containers": [{"name": "web", "image": "a/b:1", **given}]})
        if not found.error_messages:
            parse_specs(found.validated_parameters["containers"])
    except (InputError, AttributeError, TypeError, ArithmeticError):
        return True
    return bool(found.error_messages)


ROWS = [
    (option, given)
    for option, given in rows()
    if option not in ("name", "image", "") and _sent(given) and _wrong_for_ansible_too(given)
]


def test_most_of_the_table_is_sent() -> None:
    assert len(ROWS) > 300


def holdings(api: docker.APIClient) -> dict[str, t.Any]:
    """What the engine holds, with each container's state."""
    return {
        "containers": sorted((each["Id"], each["State"], each["Names"]) for each in api.containers(all=True)),
        "networks": sorted((each["Id"], each["Name"]) for each in api.networks()),
        "volumes": sorted(each["Name"] for each in api.volumes()["Volumes"] or ()),
        "images": sorted(each["Id"] for each in api.images(all=True)),
    }


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("first", range(0, len(ROWS), BATCH))
def test_wrong_specs_are_told_at_once_and_nothing_is_touched(deployer: Deployer, first: int, check: bool) -> None:
    batch = ROWS[first : first + BATCH]
    names = [deployer.name(f"w{number:03}") for number in range(len(batch))]
    right = deployer.spec("right")
    specs = [{**right, **given, "name": name} for name, (_option, given) in zip(names, batch)]
    before = holdings(deployer.api)
    result = deployer.run(right, *specs, check=check)
    assert holdings(deployer.api) == before
    assert result["failed"]
    assert not result.get("changed")
    told = result["msg"]
    assert " faults, refused before anything was changed:\n" in told
    assert {char for char in told if not char.isprintable()} <= {"\n"}
    assert SECRET not in json.dumps(result)
    assert "Traceback" not in json.dumps(result)
    assert f"container '{right['name']}'" not in told
    silent = [row for name, row in zip(names, batch) if f"container '{name}': " not in told]
    assert silent == []
