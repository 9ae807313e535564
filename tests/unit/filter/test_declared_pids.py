# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The PID limits of what an inventory declares."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.caisson.hardening.plugins.filter.declared_pids import declared_pids

ROLES = Path(__file__).parents[3] / "roles"


def test_layers_are_merged_and_the_default_is_that_of_the_module() -> None:
    layers = {
        "containers_list": [{"name": "web", "pids_limit": 64}, {"name": "db"}, {"name": "probe"}],
        "containers_list_host": [{"name": "web", "pids_limit": "128"}, {"name": "probe", "omit": True}],
        "containers_list_none": None,
    }
    assert declared_pids(layers) == {"web": 128, "db": 256}


def test_absent_containers_are_not_to_run_and_wrong_limits_are_left_to_the_module() -> None:
    layers = {"containers_list": [{"name": "old", "state": "absent"}, {"name": "odd", "pids_limit": "many"}]}
    assert declared_pids(layers, [{"name": "demo", "pids_limit": 16}]) == {"demo": 16}


def test_other_options_are_not_looked_at() -> None:
    class Sealed(dict[str, t.Any]):
        def __getitem__(self, key: str) -> t.Any:
            assert key != "secrets"
            return super().__getitem__(key)

    assert declared_pids({"containers_list": [Sealed(name="web", secrets="hidden")]}) == {"web": 256}


@pytest.mark.parametrize("layer", ["web", {"name": "web"}, ["web"], [{"image": "a"}]])
def test_layer_that_is_no_list_of_named_things_is_refused(layer: object) -> None:
    with pytest.raises(AnsibleFilterError, match="containers_list"):
        declared_pids({"containers_list": layer})


def test_demonstration_container_is_that_of_its_role() -> None:
    ours, theirs = (
        yaml.safe_load((ROLES / role / "vars/main.yml").read_text(encoding="utf-8"))
        for role in ("process_limits", "containers")
    )
    demo = ours["__process_limits_demo"]
    assert demo == {key: theirs["__containers_demo"][key] for key in demo}
