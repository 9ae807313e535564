# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import typing as t

from ansible_collections.caisson.hardening.plugins.plugin_utils import record as records

DOCUMENTATION = r"""
name: audit_faults
version_added: 0.1.0
short_description: Why a host does not pass an audit
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Judges the record of a host that P(caisson.hardening.host_record#filter) made of a prediction.
positional: _input, fails_on
options:
  _input:
    description: The host's record.
    type: dict
    required: true
  fails_on:
    description:
      - V(changes), where a run would change the host; V(open), where a control does not hold besides; V(nothing) for an
        audit that only reports.
    type: str
    default: changes
"""

EXAMPLES = r"""
- name: Fail where the host is not as it was asked for
  ansible.builtin.assert:
    that: faults | length == 0
  vars:
    faults: "{{ {'changed': ['kernel'], 'open': []} | caisson.hardening.audit_faults('changes') }}"
"""

RETURN = r"""
_value:
  description: A sentence for each reason; none if the host passes.
  type: list
  elements: str
"""


def audit_faults(record: t.Mapping[str, t.Any], fails_on: str = "changes") -> list[str]:
    """Why the host with that *record* does not pass."""
    return records.audit_faults(record, fails_on)


class FilterModule:
    """The filter, by the name under which playbooks find it."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"audit_faults": audit_faults}
