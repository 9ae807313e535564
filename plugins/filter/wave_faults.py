# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.caisson.hardening.plugins.filter.hosts_left import records
from ansible_collections.caisson.hardening.plugins.plugin_utils import rollout, survey

DOCUMENTATION = r"""
name: wave_faults
version_added: 0.1.0
short_description: Why a wave of a rollout may not begin
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - A wave may not begin if too many of the hosts before it failed or were not reached, or outside of the rollout's
    window.
positional: _input, hosts, variables
options:
  _input:
    description: The names of the wave's hosts, or of those of them that can be reached.
    type: list
    elements: str
    required: true
  hosts:
    description: The names of all hosts of the run, in order.
    type: list
    elements: str
    required: true
  variables:
    description: The hosts' variables, such as C(hostvars); each record is in C(__run_record).
    type: dict
    required: true
  serial:
    description: The sizes of the waves, as V(harden_serial) has them.
    type: str
    default: ""
  most:
    description: The percentage of the hosts that may have failed.
    type: int
    default: 0
  window:
    description: The hours in which a wave may begin, such as V(22:00-05:00). Always, if empty.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Hold the wave back if it may not begin
  ansible.builtin.assert:
    that: faults | length == 0
    fail_msg: "{{ faults | join('; ') }}"
  vars:
    faults: "{{ ansible_play_batch | caisson.hardening.wave_faults(ansible_play_hosts_all, hostvars, most=10) }}"
"""

RETURN = r"""
_value:
  description: A sentence for each reason; none if the wave may begin.
  type: list
  elements: str
"""


def wave_faults(
    wave: t.Sequence[str],
    hosts: t.Sequence[str],
    variables: t.Mapping[str, t.Any],
    serial: t.Any = "",
    most: int = 0,
    window: str = "",
) -> list[str]:
    """Why the wave may not begin now."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return rollout.wave_faults(hosts, wave, survey.waves(serial), records(hosts, variables), most, window, now)


class FilterModule:
    """The filter, by the name under which playbooks find it."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"wave_faults": wave_faults}
