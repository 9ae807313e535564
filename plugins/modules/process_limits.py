#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: process_limits
short_description: Limit processes and threads in the operating system, and core dumps
version_added: 0.1.0
description:
  - Limits the threads of the host, the processes of ordinary users and the tasks of services, sized to the host,
    and switches core dumps off. All of it is one transaction.
  - It writes C(/etc/sysctl.d/99-security-caisson-limits.conf), C(/etc/security/limits.d/60-caisson-hardening.conf),
    C(/etc/systemd/system.conf.d/60-caisson-hardening.conf) and
    C(/etc/systemd/coredump.conf.d/60-caisson-hardening.conf), sets the live values, has systemd read its
    configuration again and reads the effective limit back.
  - Where no systemd runs, its two files are left out with a warning, and all else is done.
  - The former values and files are recorded on the host before the first change. O(state=absent) brings them back.
author:
  - The caisson.hardening authors (@caisson-hardening)
attributes:
  check_mode:
    description: Predicts the changes from the same plan that a run carries out, and touches nothing.
    support: full
  diff_mode:
    description: Shows the files and the live values before and after.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
options:
  threads_max:
    description:
      - The number of threads that the whole host may have, in C(kernel.threads-max).
      - V(auto) is one for each 256 KiB of memory, never more than the host allowed before. Where that leaves less
        than twice what runs now, the host's own limit is kept.
      - V(keep) leaves it alone. A number that is not above the threads that run now is refused.
    type: str
    default: auto
  pid_max:
    description:
      - The number of process numbers, in C(kernel.pid_max).
      - V(auto) has room for all threads and is never less than the host had. V(keep) leaves it alone.
    type: str
    default: auto
  user_processes:
    description:
      - The number of processes that each ordinary user may have, as the hard limit C(nproc) of login sessions.
        The soft limit is half of it.
      - V(auto) is a quarter of the host's threads, from 1024 to 16384. V(keep) writes no such limit.
      - The kernel counts all processes with the same user number, those inside containers too.
    type: str
    default: auto
  exempt:
    description: Users, and groups with a leading C(@), whose processes are not limited. The limit does not touch root.
    type: list
    elements: str
    default: []
  tasks_max:
    description:
      - The number of tasks that each service may have unless its unit says otherwise, as C(DefaultTasksMax) of systemd.
      - V(auto) is 15 percent of the host's threads. V(keep) leaves it alone.
    type: str
    default: auto
  core_dumps:
    description: Whether core dumps are left as they are. With V(false) they are switched off.
    type: bool
    default: false
  unwritable:
    description:
      - What to do about kernel settings that cannot be written at all, as on the read-only C(/proc/sys) of a container.
      - V(fail) fails before anything is changed, V(report) names them in RV(refused) and does all else.
    type: str
    choices: [fail, report]
    default: fail
  state:
    description:
      - V(present) sets the limits.
      - V(absent) brings back the original values and the former files, and forgets the record.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: caisson.hardening.sysctl
"""

EXAMPLES = r"""
- name: Limit processes, sized to the host
  caisson.hardening.process_limits:

- name: Limit processes, but neither those of the build user nor those of a group
  caisson.hardening.process_limits:
    user_processes: 4096
    exempt:
      - builder
      - '@batch'

- name: Undo it
  caisson.hardening.process_limits:
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, one sentence each.
  returned: success
  type: list
  elements: str
  sample:
    - write /etc/security/limits.d/60-caisson-hardening.conf
    - set kernel.threads-max from '192730' to '96422'
    - reload systemd
sizes:
  description: The limits in numbers; those that are left alone are missing.
  returned: success
  type: dict
  sample: {threads_max: 96422, pid_max: 131072, user_processes: 16384, tasks_max: 14463}
refused:
  description: Kernel settings that could not be written, with the reason. Filled only with O(unwritable=report).
  returned: success
  type: dict
  sample: {kernel.threads-max: '/proc/sys is mounted read-only, as in a container'}
overridden:
  description: Kernel settings that another file sets to another value at the next boot.
  returned: success
  type: dict
  contains:
    file:
      description: The file that wins.
      returned: success
      type: str
    line:
      description: The number of its line.
      returned: success
      type: int
    value:
      description: The value that it sets.
      returned: success
      type: str
    readers:
      description: The same by the tool that reads it, C(systemd-sysctl) or C(sysctl --system).
      returned: success
      type: dict
  sample: {}
findings:
  description: The outcome of each control of the process limits after the run.
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
  sample:
    - control: process_limits.threads_max
      object: host
      outcome: pass
      evidence: live 96422, at most 96422
score:
  description: How many of the controls that apply passed before and after the run.
  returned: success
  type: dict
  sample: {total: 6, before: 1, after: 6}
undo:
  description: Where the undo record lies.
  returned: success
  type: str
  sample: /var/lib/caisson/process_limits/undo.json
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.limits import parse
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.limits_apply import run


def main() -> None:
    size = {"type": "str", "default": "auto"}
    module = AnsibleModule(
        argument_spec={
            "threads_max": size,
            "pid_max": size,
            "user_processes": size,
            "exempt": {"type": "list", "elements": "str", "default": []},
            "tasks_max": size,
            "core_dumps": {"type": "bool", "default": False},
            "unwritable": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    try:
        result = run(parse(**module.params), check=module.check_mode)
    except CaissonError as error:
        module.fail_json(msg=str(error))
    for warning in result.warnings:
        module.warn(warning)
    module.exit_json(**result.as_dict())


if __name__ == "__main__":
    main()
