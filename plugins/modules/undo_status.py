#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: undo_status
short_description: Say what can be undone on a host, to which runs it can go back, and what somebody else changed
version_added: 0.1.0
description:
  - Lists the undo records of the host with the files, owners and values that they would bring back.
  - Names each file of this collection that is not as it was left, and the daemon's configuration file if it differs
    from what the daemon was last given. An undo would lose such changes.
  - Files that are undone line by line, such as C(/etc/fstab), keep the changes of others and are not named.
  - Lists the runs to which a subject can be brought back with its module's option C(as_of).
  - Changes nothing.
author:
  - The caisson.hardening authors (@caisson-hardening)
extends_documentation_fragment:
  - caisson.hardening.attributes.read_only
options:
  subjects:
    description: The beginnings of the names of subjects, such as V(kernel). All, if empty.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Look what can be undone
  caisson.hardening.undo_status:

- name: Look at the kernel's part
  caisson.hardening.undo_status:
    subjects: [kernel, mount_options, boot_parameters]
"""

RETURN = r"""
records:
  description: The names of C(files), C(accesses) (owners and modes) and C(values) that each subject has a record of.
  returned: success
  type: dict
  sample: {kernel: {files: [/etc/sysctl.d/99-security-caisson.conf], accesses: [], values: [kernel.sysrq]}}
runs:
  description:
    - The runs that asked for something else than the one before, the oldest first, with the C(time) at which each
      began, C(by) whom, and the C(subjects).
  returned: success
  type: list
  elements: dict
  sample: [{time: '2030-01-01T22:00:00Z', by: operator from control1, subjects: [daemon, kernel]}]
changed_since:
  description: A sentence for each file that somebody else changed.
  returned: success
  type: list
  elements: str
  sample: ["daemon: /etc/docker/daemon.json was changed"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError
from ansible_collections.caisson.hardening.plugins.module_utils.host.procsys import require_root
from ansible_collections.caisson.hardening.plugins.module_utils.rollout.records import look


def main() -> None:
    module = AnsibleModule(
        argument_spec={"subjects": {"type": "list", "elements": "str", "default": []}},
        supports_check_mode=True,
    )
    try:
        require_root("undo_status", "the undo records")
        found = look(module.params["subjects"])
    except CaissonError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
