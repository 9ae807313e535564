# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import typing as t

from ansible_collections.caisson.hardening.plugins.plugin_utils import record

DOCUMENTATION = r"""
name: host_record
version_added: 0.1.0
short_description: What became of a host in a run, as data
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Takes the roles' results of one host and keeps what somebody asks who was not there. That is what was changed, which
    containers were touched, which controls do not hold, which are waived and why, and what failed.
positional: _input, task, message
options:
  _input:
    description: The roles' results by subject. One that is missing or was skipped is left out.
    type: dict
    required: true
  task:
    description: The name of the task that failed. Without it the host is one on which nothing failed.
    type: str
    default: ""
  message:
    description: What the failed task said.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Note what became of this host
  ansible.builtin.set_fact:
    __run_record: "{{ {'kernel': kernel_result} | caisson.hardening.host_record }}"
"""

RETURN = r"""
_value:
  description:
    - C(outcome) is V(changed), V(unchanged) or V(failed); C(changed) has the subjects, C(actions) what was done in
      each, C(containers) the containers' actions, C(open) the controls that do not hold, C(waived) those that are
      waived.
    - After a failure C(failed) has the task and its message.
  type: dict
"""


def host_record(results: t.Mapping[str, t.Any], task: str = "", message: str = "") -> dict[str, t.Any]:
    """The record of a host by its results."""
    return record.host_record(results, task, message)


class FilterModule:
    """The filter, by the name under which playbooks find it."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"host_record": host_record}
