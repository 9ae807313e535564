# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import typing as t

from ansible_collections.caisson.hardening.plugins.plugin_utils import survey

DOCUMENTATION = r"""
name: survey_faults
version_added: 0.1.0
short_description: What is wrong with the answers of a survey
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Looks at all variables of a run at once, and says of each wrong one what to write instead.
  - Empty answers count as not given. Variables that are no answers are left alone.
positional: _input, playbook, hosts
options:
  _input:
    description: The answers by the names of their variables.
    type: dict
    required: true
  playbook:
    description: The playbook that they are for, such as V(harden).
    type: str
    required: true
  hosts:
    description: The hosts that each pattern among the answers matches, by the variable's name.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse wrong answers
  ansible.builtin.assert:
    that: faults | length == 0
    fail_msg: "{{ faults | join('; ') }}"
  vars:
    answers: {harden_serial: ten}
    faults: "{{ answers | caisson.hardening.survey_faults('harden', {}) }}"
  # => harden_serial: 'ten' is neither a number of hosts nor a percentage: write 5 or 10%
"""

RETURN = r"""
_value:
  description: A sentence for each wrong answer.
  type: list
  elements: str
"""


def survey_faults(answers: t.Mapping[str, t.Any], playbook: str, hosts: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """A sentence for each answer that a run of *playbook* could not follow."""
    return survey.faults(answers, playbook, hosts)


class FilterModule:
    """The filter, by the name under which playbooks find it."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"survey_faults": survey_faults}
