#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: process_limits
short_description: Limit processes and threads in the operating system, and core dumps
version_added: 0.1.0
description:
  - Limits the threads of the host, the processes of ordinary users, the tasks of services and those of the Docker
    engine itself, sized to the host's memory and to the PID limits of its containers, and switches core dumps off.
    All of it is one transaction.
  - It writes C(/etc/sysctl.d/99-security-caisson-limits.conf), C(/etc/security/limits.d/60-caisson-hardening.conf),
    C(/etc/systemd/system.conf.d/60-caisson-hardening.conf), C(/etc/systemd/coredump.conf.d/60-caisson-hardening.conf)
    and drop-ins C(60-caisson-limits.conf) of C(user-.slice), C(docker.service), C(containerd.service) and of the
    exempt, sets the live values, has systemd read its configuration again and reads the effective limits back.
  - No service is restarted. RV(pending) says which limits hold from the next start on.
  - The limits of PAM are for sessions. systemd starts services without PAM, unless their unit has C(PAMName=), so these
    limits never touch a service; O(tasks_max) and O(service_processes) are for services.
  - Where no systemd runs, its files are left out with a warning, and all else is done.
  - The former values and files are recorded on the host before the first change. O(state=absent) brings them back.
author:
  - The caisson.hardening authors (@caisson-hardening)
extends_documentation_fragment:
  - caisson.hardening.history
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
      - V(auto) is one for each 256 KiB of memory, never more than the host allowed before. Where that leaves no room
        for all containers at their PID limits, twice what else runs now, and one user at a quarter of the whole, it is
        the next step up that does (4096, 6144, 8192, 12288, and so on), for the containers' sake even above what the
        host allowed before, up to one for each 128 KiB of memory. A warning gives the numbers where that is too little.
      - A limit that was set stays as long as it has room, so containers that come and go do not change it at each run;
        it goes up, and not down before O(state=absent) or a number.
      - V(keep) leaves it alone. A number that is not above the threads that run now is refused.
    type: str
    default: auto
  pid_max:
    description:
      - The number of process numbers, in C(kernel.pid_max).
      - V(auto) has room for all threads and all containers, and is never less than the host had. V(keep) leaves it
        alone.
    type: str
    default: auto
  container_pids:
    description:
      - The number of tasks that all containers may have together, for which O(threads_max) and O(pid_max) leave room.
      - V(auto) is the sum of the PID limits of the running containers, and of those of O(declared_containers). The
        former are read from their cgroups, of whichever engine, and need no answer of the engine. Containers without a
        limit are named in RV(container_pids), with a warning.
      - Give a number where other containers are deployed later, or 0 to leave them out of account.
    type: str
    default: auto
  declared_containers:
    description:
      - The containers that are to run on this host, each with its PID limit, so that the limits have their size before
        these are deployed. 0 and -1 are no limit.
      - One that runs already counts once, with the greater of both limits. It is known by the name that Docker's
        command line gives; without an answer, the greater counts of what runs and of what is declared.
    type: dict
    default: {}
  user_processes:
    description:
      - The number of processes that each ordinary user may have, as the hard limit C(nproc) of login sessions.
        The soft limit is half of it.
      - V(auto) is a quarter of the host's threads, from 1024 to 16384. V(keep) writes no such limit.
      - The kernel counts all processes with the same user number, those inside containers too.
    type: str
    default: auto
  exempt:
    description:
      - Users, and groups with a leading C(@), whose processes are not limited, neither by PAM nor by their slice.
        The limits do not touch root.
      - The slices are those of the users that a group has when the module runs.
    type: list
    elements: str
    default: []
  tasks_max:
    description:
      - The number of tasks that each service may have unless its unit says otherwise, as C(DefaultTasksMax) of systemd.
      - V(auto) is 15 percent of the host's threads. V(keep) leaves it alone.
    type: str
    default: auto
  user_tasks_max:
    description:
      - The number of tasks that all sessions of one user may have together, as C(TasksMax) of each user's slice. It
        counts by cgroup, so what a session starts under another user number counts too.
      - V(auto) is what O(user_processes) is with V(auto). V(keep) leaves it alone. The slice of root keeps its limit.
    type: str
    default: auto
  service_processes:
    description:
      - The number of processes that the user of a service may have, as C(DefaultLimitNPROC) of systemd. The kernel does
        not hold root to it. It takes effect for each service when that is started next.
      - V(auto) is half of the host's threads. V(keep) leaves it alone.
    type: str
    default: auto
  docker_tasks_max:
    description:
      - The number of tasks that C(docker.service) and C(containerd.service) may have each, where there are such
        services, as their C(TasksMax) at once and as their C(LimitNPROC) from their next start on. It counts the
        engine, the shims and the proxies of published ports; containers have cgroups of their own beside it.
      - Containers inherit C(LimitNPROC), which bounds their processes by user number unless that is root's.
      - V(auto) is half of the host's threads. V(keep) leaves it alone.
    type: str
    default: auto
  exempt_services:
    description:
      - Services that get no limit of tasks and processes, by a drop-in each with C(TasksMax=infinity) and
        C(LimitNPROC=infinity). The first holds at once, the second from the next start on.
      - One of the engine's services that is named here is not limited by O(docker_tasks_max).
    type: list
    elements: str
    default: []
  core_dumps:
    description:
      - Whether core dumps are left as they are. With V(false) they are switched off for sessions and services.
      - C(kernel.core_pattern) then becomes V(|/bin/false), so that what crashes with a limit of its own, as the
        containers of Docker do, leaves none either. Where C(systemd-coredump) takes the dumps it stays, and is told to
        store nothing.
    type: bool
    default: false
  parts:
    description:
      - The parts that the run is for, V(limits) and V(core_dumps), with their controls. What was asked of the other one
        last stays, and its options do not count; one that nothing was ever asked of is left alone.
      - With O(state=absent) only these are given back.
      - The default is both.
    type: list
    elements: str
    choices: [limits, core_dumps]
    default: []
  unwritable:
    description:
      - What to do about kernel settings that cannot be written at all, as on the read-only C(/proc/sys) of a container.
      - V(fail) fails before anything is changed, V(report) names them in RV(refused) and does all else.
      - V(auto) is V(report) inside a container, whose kernel is that of another host, and V(fail) elsewhere.
    type: str
    choices: [auto, fail, report]
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

- name: Leave room for the containers of the next release, and do not limit the runner of the builds
  caisson.hardening.process_limits:
    container_pids: 20000
    exempt_services: [ci-runner.service]

- name: Be ready for two containers before they are deployed
  caisson.hardening.process_limits:
    declared_containers: {web: 256, db: 512}

- name: Switch core dumps off, and nothing else
  caisson.hardening.process_limits:
    parts: [core_dumps]

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
  sample:
    threads_max: 96422
    pid_max: 131072
    user_processes: 16384
    user_tasks_max: 16384
    tasks_max: 14463
    service_processes: 48211
    docker_tasks_max: 48211
container_pids:
  description: What the containers may have; empty where O(container_pids) is a number.
  returned: success
  type: dict
  contains:
    sum:
      description: The sum of the PID limits of those that run or are declared.
      returned: success
      type: int
    unlimited:
      description: The names of the running ones without a limit; their short ids where the engine gives no answer.
      returned: success
      type: list
      elements: str
  sample: {sum: 1200, unlimited: []}
pending:
  description: The limits of the engine's services that hold only when these are started next, one sentence each.
  returned: success
  type: list
  elements: str
  sample: ['docker.service: LimitNPROC=48211 is effective after its next restart, until then it is unlimited']
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
  description: The outcome of each control of the parts that the run is for after it.
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
  sample: {total: 10, before: 2, after: 10}
undo:
  description: Where the undo record lies.
  returned: success
  type: str
  sample: /var/lib/caisson/process_limits/undo.json
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.caisson.hardening.plugins.module_utils.host.container import decided
from ansible_collections.caisson.hardening.plugins.module_utils.host.entry import answer
from ansible_collections.caisson.hardening.plugins.module_utils.host.history import History
from ansible_collections.caisson.hardening.plugins.module_utils.host.result import HostResult
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.apply import SUBJECT, run
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.parts import joined
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.spec import ARGUMENTS, parse


def carried_out(asked: dict[str, t.Any], check: bool) -> HostResult:
    """The result of a run with the options."""
    runs = History(SUBJECT).runs
    whole = joined(asked, runs[-1].options if runs else None)
    return run(parse(**decided({**whole, "parts": asked["parts"]})), check=check)


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
    )
    answer(module, SUBJECT, ARGUMENTS, lambda asked: carried_out(asked, module.check_mode), joined)


if __name__ == "__main__":
    main()
