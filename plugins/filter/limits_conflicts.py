# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import typing as t

from ansible_collections.caisson.hardening.plugins.filter.merge_layers import merge_layers
from ansible_collections.caisson.hardening.plugins.module_utils.host.sysctl_names import (
    canonical_key,
    canonical_value,
)
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.core_dumps import CORE_PATTERN, DROPPED

DOCUMENTATION = r"""
name: limits_conflicts
version_added: 0.1.0
short_description: Kernel settings that two roles would set in turn
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - The role C(process_limits) sets C(kernel.threads-max), C(kernel.pid_max) and C(kernel.core_pattern). Where
    C(kernel_settings) has another value for one of them, each role would take back what the other did at every run.
  - Says of each such key what to write instead. A key that C(process_limits) leaves alone is none.
positional: _input
options:
  _input:
    description:
      - The variables of both roles by their names; those that are not given have the roles' defaults. Others are not
        looked at, nor is what C(kernel_settings) has for other keys.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse kernel settings that another role sets
  ansible.builtin.assert:
    that: conflicts | length == 0
    fail_msg: "{{ conflicts | join('; ') }}"
  vars:
    variables: {kernel_settings: {kernel.pid_max: 500000}}
    conflicts: "{{ variables | caisson.hardening.limits_conflicts }}"
"""

RETURN = r"""
_value:
  description: A sentence for each conflict.
  type: list
  elements: str
"""

# The keys that are a size, by the variable that has it.
SIZES = {"kernel.threads-max": "process_limits_threads_max", "kernel.pid_max": "process_limits_pid_max"}
LAYERS = "kernel_settings"
_PRESENT = {f"{role}_{name}": value for role in ("kernel", "process_limits")
            for name, value in (("state", "present"), ("as_of", ""))}  # fmt: skip


def limits_conflicts(variables: t.Mapping[str, t.Any]) -> list[str]:
    """A sentence for each key that both roles would set, each to a value of its own."""
    if any(str(variables.get(name) or value) != value for name, value in _PRESENT.items()):
        return []
    settings = _settings(variables)
    found = []
    for key, variable in SIZES.items():
        size = str(variables.get(variable, "auto")).strip()
        if key in settings and size not in ("keep", settings[key]):
            found.append(
                f"kernel_settings has {key}, which the role process_limits sets too: take it out and write "
                f"{variable}: {settings[key]}, or leave it there and write {variable}: keep"
            )
    dumps = str(variables.get("process_limits_core_dumps", False)).strip().lower() in ("true", "yes", "on", "1")
    if settings.get(CORE_PATTERN, DROPPED) != DROPPED and not dumps:
        found.append(
            f"kernel_settings has {CORE_PATTERN}, which the role process_limits sets too, to {DROPPED}: take it out, "
            "or leave it there and write process_limits_core_dumps: true"
        )
    return found


def _settings(variables: t.Mapping[str, t.Any]) -> dict[str, str]:
    """What the layers have for the keys in question; a layer that is no dictionary is the kernel role's to refuse."""
    layers = {
        name: {key: layer[written] for written in layer if (key := _key(written)) in (*SIZES, CORE_PATTERN)}
        for name, layer in variables.items()
        if (name == LAYERS or name.startswith(f"{LAYERS}_")) and isinstance(layer, t.Mapping)
    }
    values = {key: canonical_value(str(value)) for key, value in merge_layers(layers).items()}
    return {key: value for key, value in values.items() if value != "omit"}


def _key(written: t.Any) -> str:
    try:
        return canonical_key(str(written))
    except ValueError:
        return ""


class FilterModule:
    """The filter, by the name under which playbooks find it."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"limits_conflicts": limits_conflicts}
