# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import typing as t

from ansible_collections.caisson.hardening.plugins.filter.merge_named import merge_named
from ansible_collections.caisson.hardening.plugins.module_utils.containers.options import container_options

DOCUMENTATION = r"""
name: declared_pids
version_added: 0.1.0
short_description: The PID limits of the containers that an inventory declares
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Merges layers of containers as P(caisson.hardening.merge_named#filter) does it, and says of each container that is
    to be there how many tasks it may have, by its C(pids_limit) or by the default of M(caisson.hardening.container).
  - It looks at no other option. A limit that is no number is left out; the module of the containers says what is
    wrong with it.
positional: _input, more
options:
  _input:
    description: The layers by the names of their variables. One that is V(null) is empty.
    type: dict
    required: true
  more:
    description: Further containers.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show the PID limits of what is declared
  ansible.builtin.debug:
    msg: "{{ layers | caisson.hardening.declared_pids }}"
  vars:
    layers:
      containers_list: [{name: web, image: 'shop/web:1'}, {name: db, image: 'shop/db:1', pids_limit: 512}]
  # => {web: 256, db: 512}
"""

RETURN = r"""
_value:
  description: The PID limits by the containers' names; 0 and -1 are no limit.
  type: dict
"""

_READ = ("name", "state", "omit", "pids_limit")
_DEFAULT = container_options()["pids_limit"]["default"]


def declared_pids(layers: t.Mapping[str, t.Any], more: t.Sequence[t.Mapping[str, t.Any]] = ()) -> dict[str, int]:
    """The limits by name; AnsibleFilterError where a layer is no list of named things."""
    declared = [*merge_named({name: _read(layer) for name, layer in layers.items()}), *more]
    found = {}
    for container in declared:
        try:
            limit = int(container.get("pids_limit", _DEFAULT))
        except (TypeError, ValueError):
            continue
        if container.get("state") != "absent":
            found[container["name"]] = limit
    return found


def _read(layer: t.Any) -> t.Any:
    """The layer with nothing but what is read here: the rest may be secret, or not be known yet."""
    if isinstance(layer, (str, t.Mapping)) or not isinstance(layer, t.Sequence):
        return layer
    return [
        {key: entry[key] for key in _READ if key in entry} if isinstance(entry, t.Mapping) else entry for entry in layer
    ]


class FilterModule:
    """The filter, by the name under which playbooks find it."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"declared_pids": declared_pids}
