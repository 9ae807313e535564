# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.caisson.hardening.plugins.filter.merge_layers import merge_layers

DOCUMENTATION = r"""
name: merge_named
version_added: 0.1.0
short_description: Lists of named things of several inventory levels as one
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Ansible replaces a list of a group as a whole where a host has one of the same name. This merges lists of
    dictionaries, such as containers, that stand in variables with names of their own.
  - The layers are taken in the order of their variables' names. An entry of a later layer is merged over the one of the
    same C(name), option by option as P(caisson.hardening.merge_layers#filter) does it; a list inside replaces the list.
  - Only C(waivers) are merged by their C(control), so that a host adds one and keeps those of its group.
  - An option with the value V(null) is taken back. An entry with C(omit=true) is taken back as a whole, as if no
    earlier layer had it.
positional: _input
options:
  _input:
    description: The layers by the names of their variables. One that is V(null) is empty.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Merge the containers of the group and of the host
  ansible.builtin.debug:
    msg: "{{ layers | caisson.hardening.merge_named }}"
  vars:
    layers:
      containers_list:
        - {name: web, image: 'shop/web:1', memory: 256m}
        - {name: debug, image: 'shop/debug:1'}
      containers_list_host:
        - {name: web, memory: 1g}
        - {name: debug, omit: true}
  # => [{name: web, image: 'shop/web:1', memory: 1g}]
"""

RETURN = r"""
_value:
  description: The merged entries, in the order in which their names come first.
  type: list
  elements: dict
"""

Entry = t.Mapping[str, t.Any]
KEYED = {"waivers": "control"}  # lists inside an entry whose own entries are merged by a key


def merge_named(layers: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """The layers as one list; AnsibleFilterError where one is none, or an entry has no name of its own."""
    if not isinstance(layers, t.Mapping):
        raise AnsibleFilterError("merge_named takes a dictionary of layers, each by the name of its variable")
    merged: dict[str, dict[str, t.Any]] = {}
    for variable in sorted(layers, key=str):
        for name, entry in _by(layers[variable], "name", str(variable)).items():
            if entry.get("omit") is True:
                merged.pop(name, None)
            else:
                merged[name] = _over(merged.get(name, {}), entry, f"{variable}: {name}")
    return list(merged.values())


def _over(lower: Entry, upper: Entry, where: str) -> dict[str, t.Any]:
    """The upper entry over the lower one."""
    plain = [{key: value for key, value in side.items() if key not in KEYED} for side in (lower, upper)]
    merged = merge_layers({"1": plain[0], "2": plain[1]})
    for option, key in KEYED.items():
        if option in upper and upper[option] is None:
            continue
        if option in lower or option in upper:
            below = _by(lower.get(option), key, f"{where}: {option}")
            above = _by(upper.get(option), key, f"{where}: {option}")
            merged[option] = list({**below, **above}.values())
    return merged


def _by(entries: t.Any, key: str, where: str) -> dict[str, Entry]:
    """The entries of a list by their key. What they hold is in no message, for it may be secret."""
    if entries is None:
        return {}
    if isinstance(entries, (str, t.Mapping)) or not isinstance(entries, t.Sequence):
        raise AnsibleFilterError(f"{where} is no list; write a list of entries, each with its {key}")
    found: dict[str, Entry] = {}
    for number, entry in enumerate(entries):
        name = entry.get(key) if isinstance(entry, t.Mapping) else None
        if not isinstance(name, str) or not name:
            raise AnsibleFilterError(f"{where}[{number}] has no {key}; write {key}: and its name")
        if name in found:
            raise AnsibleFilterError(f"{where} has {name!r} twice; put what both say into one entry")
        found[name] = entry
    return found


class FilterModule:
    """The filter, by the name under which playbooks find it."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"merge_named": merge_named}
