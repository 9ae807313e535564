# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    # The options that concern a whole run of the modules container and containers.
    DOCUMENTATION = r"""
options:
  project:
    description:
      - What the containers belong to, recorded as a label on each.
      - Also the name of the bridge network that containers without O(ignore:networks) are attached to. It is made if it
        does not exist.
    type: str
    default: caisson
  profile:
    description:
      - The controls that are demanded.
      - V(baseline) breaks no ordinary workload; V(strict) also demands a healthcheck.
    type: str
    choices: [baseline, strict]
    default: baseline
  policy:
    description:
      - With V(enforce), a container that breaks a control without a waiver is refused, with every other, before
        anything is touched.
      - With V(report), it is deployed with a warning.
    type: str
    choices: [enforce, report]
    default: enforce
  healthy_wait_timeout:
    description: How long a started container may take to become healthy, in seconds. An unhealthy one fails at once.
    type: float
    default: 60.0
  settle_time:
    description: How long a started container without a healthcheck has to keep running, in seconds.
    type: float
    default: 1.0
  parallel:
    description: How many containers are worked on side by side.
    type: int
    default: 4
  inspect_processes:
    description:
      - Of which containers the processes are looked at, for the control container.one_application. More than one
        program beside the init is a finding and a warning. Workers of one program count once, and a shell that only
        starts it does not count.
      - V(started) looks at those that this run started, once they are healthy; V(always) at those too that were running
        already, which costs the engine some 20 ms each; V(never) at none.
      - The engine lists them by the program C(ps) of its host. Where it cannot, the control does not apply.
    type: str
    choices: [started, always, never]
    default: started
  assume_engine:
    description:
      - In check mode, predict for a fresh engine where none answers, because an earlier task would have installed or
        started one. It does not count in a real run.
    type: bool
    default: false
  assume_images:
    description:
      - In check mode, images that an earlier task would have put on the host. They do not count in a real run.
    type: list
    elements: str
    default: []
notes:
  - Passwords and keys do not belong in environment variables; everybody who may talk to the engine can read them there.
"""
