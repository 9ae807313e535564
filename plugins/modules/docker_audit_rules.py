#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_audit_rules
short_description: Have the kernel's audit watch a Docker engine's files
version_added: 0.1.0
description:
  - Writes one file of rules for C(auditd), C(/etc/audit/rules.d/60-caisson-docker.rules), for those paths of
    section 1.1 of the CIS Docker benchmark that this host has, loads them and looks that the kernel has them.
    All of it is one transaction.
  - Has systemd make containerd's directory before the rules are loaded at boot, by
    C(/etc/tmpfiles.d/caisson-docker-audit.conf). The kernel refuses a watch below a directory that is not there.
  - Only rules of its own, with the key C(caisson-docker), are loaded and unloaded, one by one. Those of others stay,
    also those that stand in no file.
  - A path that is a symbolic link is watched where it leads to.
  - Programs are watched for changes and for their start, all else for changes. Of the engine's data root only itself is
    watched, and not what containers write below it.
  - Where the audit configuration is locked, the file is written, and the rules change at the next boot.
  - Where C(auditctl) is missing, or the kernel is that of another host, nothing is changed, and the controls fail.
author:
  - The caisson.hardening authors (@caisson-hardening)
extends_documentation_fragment:
  - caisson.hardening.history
attributes:
  check_mode:
    description: Predicts the changes from the same plan that a run carries out, and touches nothing.
    support: full
  diff_mode:
    description: Shows the file before and after.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
options:
  data_root:
    description: The engine's data root. By default that of C(daemon.json) or the running daemon's command line.
    type: path
  path:
    description: The daemon's configuration file.
    type: path
    default: /etc/docker/daemon.json
  pidfile:
    description: The daemon's pid file. By it the running daemon's command line is found.
    type: path
    default: /var/run/docker.pid
  state:
    description:
      - V(present) sets the rules.
      - V(absent) unloads them and brings the former file back. What C(augenrules) has taken of them into
        C(/etc/audit/audit.rules) since goes too.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: caisson.hardening.docker_permissions
"""

EXAMPLES = r"""
- name: Watch the engine's files
  caisson.hardening.docker_audit_rules:

- name: Undo it
  caisson.hardening.docker_audit_rules:
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, one sentence each.
  returned: success
  type: list
  elements: str
  sample:
    - write /etc/audit/rules.d/60-caisson-docker.rules
    - load 14 audit rules
rules:
  description: The rules of this host.
  returned: success
  type: list
  elements: str
  sample: ['-a always,exit -F path=/usr/sbin/dockerd -F perm=wxa -F key=caisson-docker']
findings:
  description: The outcome of each control after the run.
  returned: success
  type: list
  elements: dict
  contains:
    control:
      description: The id of the control.
      returned: success
      type: str
    object:
      description: What was judged.
      returned: success
      type: str
    outcome:
      description: One of V(pass), V(fail) and V(not_applicable).
      returned: success
      type: str
    evidence:
      description: What was seen.
      returned: success
      type: str
  sample: [{control: docker_audit.runc, object: docker engine, outcome: pass, evidence: 'watched: /usr/bin/runc'}]
score:
  description: How many of the controls that apply passed before and after the run.
  returned: success
  type: dict
  sample: {total: 13, before: 0, after: 13}
undo:
  description: Where the undo record lies.
  returned: success
  type: str
  sample: /var/lib/caisson/docker_audit/undo.json
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.caisson.hardening.plugins.module_utils.auditd.apply import SUBJECT, Place, run
from ansible_collections.caisson.hardening.plugins.module_utils.host import moment
from ansible_collections.caisson.hardening.plugins.module_utils.host.entry import answer
from ansible_collections.caisson.hardening.plugins.module_utils.host.result import HostResult

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "data_root": {"type": "path"},
    "path": {"type": "path", "default": "/etc/docker/daemon.json"},
    "pidfile": {"type": "path", "default": "/var/run/docker.pid"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **moment.ARGUMENT,
}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
    )

    def carry_out(asked: dict[str, t.Any]) -> HostResult:
        state = asked.pop("state")
        return run(state, Place(**asked), check=module.check_mode)

    answer(module, SUBJECT, ARGUMENTS, carry_out)


if __name__ == "__main__":
    main()
