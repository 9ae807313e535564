# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import typing as t

from ansible_collections.caisson.hardening.plugins.plugin_utils import record, survey

DOCUMENTATION = r"""
name: run_stats
version_added: 0.1.0
short_description: The sum of a run, for the next job of a workflow
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Makes of the hosts' records what M(ansible.builtin.set_stats) takes, so that a job controller hands it on as the
    artifacts of the job.
  - A host without a record was not reached, and a run that did not reach each of its hosts has failed.
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
  playbook:
    description: The name of the playbook.
    type: str
    required: true
  predicted:
    description: Whether this was a check run.
    type: bool
    default: false
  serial:
    description: The waves, as V(harden_serial) has them.
    type: str
    default: ""
  canary_only:
    description: Whether the run ends after the first wave.
    type: raw
    default: false
  refused:
    description: Why the run was refused before it began.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Leave the run's report to what comes next
  ansible.builtin.set_stats:
    data: "{{ ansible_play_hosts_all | caisson.hardening.run_stats(hostvars, playbook='harden') }}"
    aggregate: false
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - C(caisson_outcome) is V(changed), V(unchanged) or V(failed). C(caisson_changed_hosts) and C(caisson_failed_hosts)
      have names with commas between them. C(caisson_report) has the record of each host.
  type: dict
"""

RECORD = "__run_record"  # the fact that the playbooks set


def run_stats(
    hosts: t.Sequence[str],
    variables: t.Mapping[str, t.Any],
    playbook: str,
    predicted: bool = False,
    serial: t.Any = "",
    canary_only: t.Any = False,
    refused: t.Sequence[str] = (),
) -> dict[str, t.Any]:
    """What set_stats takes, by the records of the hosts that have one already."""
    ends_early = survey.flag(canary_only) and not refused
    asked = survey.first_wave(survey.waves(serial), hosts) if ends_early else list(hosts)
    records = {host: variables[host][RECORD] for host in asked if RECORD in variables[host]}
    return record.run_stats(playbook, predicted, asked, records, refused)


class FilterModule:
    """The filter, by the name under which playbooks find it."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"run_stats": run_stats}
