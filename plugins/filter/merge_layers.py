# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: merge_layers
version_added: 0.1.0
short_description: Dictionaries of several inventory levels as one
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Ansible replaces a dictionary of a group as a whole where a host has one of the same name. This merges dictionaries
    that stand in variables with names of their own.
  - The layers are taken in the order of their variables' names. A later one wins, key by key, and dictionaries inside
    are merged in the same way.
  - A key with the value V(null) is taken back, as if no earlier layer had it.
positional: _input
options:
  _input:
    description: The layers by the names of their variables. One that is V(null) is empty.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Merge what the group and the host say
  ansible.builtin.debug:
    msg: "{{ layers | caisson.hardening.merge_layers }}"
  vars:
    layers:
      kernel_settings: {kernel.sysrq: 176, vm.max_map_count: 262144}
      kernel_settings_host: {kernel.sysrq: null}
  # => {vm.max_map_count: 262144}
"""

RETURN = r"""
_value:
  description: The merged dictionary.
  type: dict
"""


def merge_layers(layers: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The layers as one dictionary; AnsibleFilterError where one is none, with its name."""
    if not isinstance(layers, t.Mapping):
        raise AnsibleFilterError("merge_layers takes a dictionary of layers, each by the name of its variable")
    merged: dict[str, t.Any] = {}
    for name in sorted(layers, key=str):
        layer = layers[name]
        if layer is not None and not isinstance(layer, t.Mapping):
            raise AnsibleFilterError(f"{name} is {layer!r}; write a dictionary of keys and values")
        merged = _merge(merged, layer or {})
    return merged


def _merge(lower: t.Mapping[str, t.Any], upper: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    merged = dict(lower)
    for key, value in upper.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, t.Mapping):
            below = merged.get(key)
            merged[key] = _merge(below if isinstance(below, t.Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


class FilterModule:
    """The filter, by the name under which playbooks find it."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"merge_layers": merge_layers}
