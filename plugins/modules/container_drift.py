#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: container_drift
version_added: 0.1.0
short_description: Find, keep and undo what was changed in containers' file systems
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Reads of each container under management which paths of its file system are no longer as in its image, as
    C(docker diff) does, and leaves out what was declared.
  - What is on a volume, a tmpfs or a path of the host is no part of it, and neither is what the engine itself puts into
    a container. A directory that was changed only because of something below it is not listed.
  - A container with a read-only root can show none.
  - What drifted can be kept as an image for forensics, and the container can be replaced by a fresh one of the same
    image, the same configuration and the same volumes.
options:
  containers:
    description:
      - The names of the containers to look at. Without it all that are under management.
      - One that is not under management can be named, and is only reported.
    type: list
    elements: str
  project:
    description: Look only at the containers of this project.
    type: str
  all:
    description: Look at every container of the engine. Those that are not under management are only reported.
    type: bool
    default: false
  ignore:
    description:
      - Paths that any of the containers may change, beside those that each declares by the option
        O(ignore:drift_ignore) of M(caisson.hardening.container).
      - A path stands for itself and everything below it, so C(/srv/app), C(/srv/app/) and C(/srv/app/**) mean the same.
      - C(*) and C(?) stand for characters of one name, C([abc]) and C([!abc]) for one of them or none of them, C(**)
        for any number of directories. A backslash takes the next character as it is.
    type: list
    elements: str
    default: []
  on_drift:
    description:
      - What is done about drift; several can be given, and they are done in this order.
      - V(report) lists it, as every run does.
      - V(snapshot) makes an image of the container, which is paused meanwhile. There is no second one of the same paths
        of the same container.
      - V(recreate) replaces the container from its image. The successor has to be healthy, or to run through
        O(settle_time), or the former one serves again. Volumes stay, anonymous ones too. It is not done to a container
        whose snapshot failed.
      - V(fail) fails the task once all containers have been looked at, and after the others were done.
    type: list
    elements: str
    choices: [report, snapshot, recreate, fail]
    default: [report]
  snapshot_repository:
    description:
      - The name under which snapshots are kept. Their tag is made of the container's name and the time in UTC.
      - The labels C(caisson.hardening.snapshot.container), C(.project), C(.time) and C(.paths) say what it is.
    type: str
    default: caisson-snapshot
  healthy_wait_timeout:
    description: How long a recreated container may take to become healthy, in seconds. An unhealthy one fails at once.
    type: float
    default: 60.0
  settle_time:
    description: How long a recreated container without a healthcheck has to keep running, in seconds.
    type: float
    default: 1.0
  parallel:
    description: How many containers are worked on side by side.
    type: int
    default: 4
extends_documentation_fragment:
  - caisson.hardening.engine
  - caisson.hardening.attributes
notes:
  - A snapshot holds all that the container's programs wrote into its file system and its environment variables, so it
    may hold secrets. Keep it on the host, or where nobody else reads it, and remove it when the case is closed.
  - A waiver of the control C(container.drift) on the container has its drift reported and nothing done about it.
  - The engine tells paths, not contents. It does not tell who changed them, nor when.
seealso:
  - module: caisson.hardening.containers
"""

EXAMPLES = r"""
- name: List what was changed in the containers of a project
  caisson.hardening.container_drift:
    project: shop

- name: Keep what drifted as an image and bring the container back as it was deployed
  caisson.hardening.container_drift:
    on_drift: [snapshot, recreate]
    ignore:
      - /var/lib/postgresql
      - /usr/lib/python3*/**/__pycache__

- name: Fail where anything was changed in one of two containers
  caisson.hardening.container_drift:
    containers: [web, api]
    on_drift: fail
"""

RETURN = r"""
containers:
  description: An entry for each container, in the order of their names.
  returned: always, unless the input was refused
  type: list
  elements: dict
  contains:
    name:
      description: The container's name.
      type: str
    project:
      description: What it belongs to, empty for one that is not under management.
      type: str
    read_only:
      description: Whether its root file system is read-only.
      type: bool
    drift:
      description: The paths that were V(added), V(changed) and V(deleted), and not declared.
      type: dict
      sample: {added: [/usr/bin/x], changed: [/etc/passwd], deleted: []}
    ignored:
      description: How many paths were declared.
      type: int
    action:
      description:
        - What became of it. One of V(unchanged), V(reported), V(waived), V(snapshot), V(recreated), V(repaired),
          V(started), V(gone) and V(failed).
        - V(repaired) and V(started) bring a replacement that was interrupted to its end.
      type: str
    snapshot:
      description: The image that was made of it, as name and tag. Empty where none was made, and in check mode.
      type: str
      sample: caisson-snapshot:web-20300131T101500Z
    error:
      description: What failed, or an empty string.
      type: str
drift:
  description: Whether any container drifted.
  returned: always, unless the input was refused
  type: bool
actions:
  description: All steps, in order, each with its container; in check mode those that a run would take.
  returned: always, unless the input was refused
  type: list
  elements: str
  sample: ["web: snapshot caisson-snapshot (2 paths)", "web: recreate (2 paths)"]
findings:
  description: The outcome of the control container.drift on each container after the run.
  returned: always, unless the input was refused
  type: list
  elements: dict
  sample: [{control: container.drift, object: web, outcome: pass, evidence: ""}]
score:
  description: On how many containers the control holds, before and after.
  returned: always, unless the input was refused
  type: dict
  sample: {total: 12, before: 11, after: 12}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.caisson.hardening.plugins.module_utils.containers.drift_entry import arguments, run


def main() -> None:
    run(AnsibleModule(**arguments()))


if __name__ == "__main__":
    main()
