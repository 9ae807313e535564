# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import difflib
import typing as t
from functools import lru_cache
from pathlib import Path

import yaml
from ansible_collections.caisson.hardening.plugins.plugin_utils.survey import VARIABLES

DOCUMENTATION = r"""
name: misspelt_variables
version_added: 0.1.0
short_description: Variables that look like a misspelt one of the roles
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Ansible says nothing of a variable that no role reads. This finds those that are almost the name of one, so that a
    typing mistake does not leave a host without what was asked for.
  - A name that begins with that of a variable of several layers, such as C(kernel_settings_host), is a layer of it.
  - A variable that only begins like those of a role is nobody's mistake and is left alone.
positional: _input
options:
  _input:
    description: The names of variables.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Refuse misspelt variables
  ansible.builtin.assert:
    that: misspelt | length == 0
    fail_msg: "{{ misspelt | join('; ') }}"
  vars:
    names: "{{ query('ansible.builtin.varnames', '^(kernel|containers)_') }}"
    misspelt: "{{ names | caisson.hardening.misspelt_variables }}"
"""

RETURN = r"""
_value:
  description: A sentence for each misspelt variable.
  type: list
  elements: str
"""

ROLES = Path(__file__).resolve().parents[2] / "roles"
PLAYBOOK_VARIABLES = frozenset(VARIABLES)
# Each of these takes further layers, in variables that have its name, an underscore and a word.
LAYERED = frozenset(
    {"kernel_settings", "docker_daemon_config", "containers_list", "containers_networks", "containers_volumes"}
)
ALIKE = 0.85  # of 1; a letter more, less, other or swapped


@lru_cache(maxsize=1)
def known_variables() -> frozenset[str]:
    """Every variable that a role declares, from the roles' argument specifications."""
    found = set(PLAYBOOK_VARIABLES)
    for path in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))
        found.update(spec["argument_specs"]["main"].get("options") or {})
        found.add(f"{path.parents[1].name}_result")
    return frozenset(found)


def misspelt_variables(names: t.Iterable[str]) -> list[str]:
    """A sentence for each name that is not a known one but almost is."""
    known = known_variables()
    said = []
    for name in sorted(map(str, names)):
        if name in known or any(name.startswith(f"{base}_") and name != f"{base}_" for base in LAYERED):
            continue
        meant = difflib.get_close_matches(name, known, n=1, cutoff=ALIKE) or _layer(name)
        if meant:
            said.append(f"no role reads the variable {name!r}; did you mean {meant[0]!r}?")
    return said


def _layer(name: str) -> list[str]:
    """What a misspelt layer's name was meant to be."""
    parts = name.split("_")
    for count in range(2, len(parts)):
        close = difflib.get_close_matches("_".join(parts[:count]), LAYERED, n=1, cutoff=ALIKE)
        if close:
            return ["_".join([close[0], *parts[count:]])]
    return []


class FilterModule:
    """The filter, by the name under which playbooks find it."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"misspelt_variables": misspelt_variables}
