#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_permissions
short_description: Hold a Docker engine's files and sockets to their owners and modes
version_added: 0.1.0
description:
  - Gives the engine's unit files, configuration, certificates, keys and sockets the owners of section 3 of the
    CIS Docker benchmark, and takes permission bits away that it does not allow. A mode that is tighter stays.
    All of it is one transaction.
  - Files that C(daemon.json) or the running daemon's command line name, such as C(tlskey), are among them.
  - Where systemd makes the engine's socket with another owner or mode, a drop-in of C(docker.socket) mends that, so
    that the next start of the engine does not bring it back. Where another drop-in is read after it, the control fails
    and names that one.
  - Names each user who is in the engine's group and whom nobody allowed, and tells whether the data root is a file
    system of its own. Neither of the two is changed.
  - The former owners and modes are recorded on the host before the first change. O(state=absent) brings them back.
author:
  - The caisson.hardening authors (@caisson-hardening)
extends_documentation_fragment:
  - caisson.hardening.history
attributes:
  check_mode:
    description: Predicts the changes from the same plan that a run carries out, and touches nothing.
    support: full
  diff_mode:
    description: Shows owners, modes and the drop-in before and after.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
options:
  group_members:
    description:
      - The users who may be in the engine's group, and by that be root on this host. Everybody else in it is named in
        RV(untrusted).
    type: list
    elements: str
    default: []
  omit:
    description:
      - Controls of owners and modes, such as V(docker_files.socket_mode), whose paths are left alone. The owner and the
        mode of a path go together. What an earlier run changed there is taken back.
    type: list
    elements: str
    default: []
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
      - V(present) holds the files to their owners and modes.
      - V(absent) brings the recorded ones back and forgets the record. A path that somebody else has changed since
        stays as it is, with a warning.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: caisson.hardening.docker_daemon_config
"""

EXAMPLES = r"""
- name: Hold the engine's files to their owners and modes, and let two users be in its group
  caisson.hardening.docker_permissions:
    group_members:
      - deploy
      - operator

- name: Do so, but leave the socket to somebody else
  caisson.hardening.docker_permissions:
    omit:
      - docker_files.socket_mode

- name: Undo it
  caisson.hardening.docker_permissions:
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, one sentence each.
  returned: success
  type: list
  elements: str
  sample:
    - change /etc/docker/daemon.json from 0:0 0666 to 0:0 0644
group:
  description: The engine's group; root where there is no other.
  returned: success
  type: str
  sample: docker
untrusted:
  description: The members of that group who are not in O(group_members).
  returned: success
  type: list
  elements: str
  sample: [guest]
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
      description: What was seen, with each path or user that is wrong.
      returned: success
      type: str
  sample:
    - {control: docker_files.socket_mode, object: docker engine, outcome: pass, evidence: '/run/docker.sock 0:998 0660'}
score:
  description: How many of the controls that apply passed before and after the run.
  returned: success
  type: dict
  sample: {total: 14, before: 12, after: 14}
undo:
  description: Where the undo record lies.
  returned: success
  type: str
  sample: /var/lib/caisson/docker_permissions/undo.json
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.caisson.hardening.plugins.module_utils.host import moment
from ansible_collections.caisson.hardening.plugins.module_utils.host.entry import answer
from ansible_collections.caisson.hardening.plugins.module_utils.host.result import HostResult
from ansible_collections.caisson.hardening.plugins.module_utils.permissions.apply import SUBJECT, run
from ansible_collections.caisson.hardening.plugins.module_utils.permissions.plan import parse

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "group_members": {"type": "list", "elements": "str", "default": []},
    "omit": {"type": "list", "elements": "str", "default": []},
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
        place = asked.pop("path"), asked.pop("pidfile")
        return run(parse(**asked), *place, check=module.check_mode)

    answer(module, SUBJECT, ARGUMENTS, carry_out)


if __name__ == "__main__":
    main()
