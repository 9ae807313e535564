# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import typing as t

from ansible_collections.caisson.hardening.plugins.plugin_utils import rollout

DOCUMENTATION = r"""
name: hosts_left
version_added: 0.1.0
short_description: The hosts that a rollout has still to do
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Of the hosts of a run, those that failed, were not reached, or whose turn has not come. With them a rollout is
    resumed.
positional: _input, variables
options:
  _input:
    description: The names of the hosts that the run is for.
    type: list
    elements: str
    required: true
  variables:
    description: The hosts' variables, such as C(hostvars); each record is in C(__run_record).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say what is left
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts_all | caisson.hardening.hosts_left(hostvars) }}"
"""

RETURN = r"""
_value:
  description: The names, in the order of the run.
  type: list
  elements: str
"""

RECORD = "__run_record"


def records(hosts: t.Iterable[str], variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The records of those of the hosts that have one."""
    return {host: variables[host][RECORD] for host in hosts if RECORD in variables[host]}


def hosts_left(hosts: t.Sequence[str], variables: t.Mapping[str, t.Any]) -> list[str]:
    """The hosts that are not done."""
    return rollout.hosts_left(hosts, records(hosts, variables))


class FilterModule:
    """The filter, by the name under which playbooks find it."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"hosts_left": hosts_left}
