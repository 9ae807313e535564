#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_lock
short_description: Keep two rollouts apart on a host
version_added: 0.1.0
description:
  - Writes to a file of the host which run has it, from where and since when, and fails if another run has it.
  - A lock no longer counts after a reboot of the host, after O(stale_after) hours, or if the run that took it was on
    this control node and has died. The last is found by an action plugin, which also names the run.
  - It is no change of the host, so the result never says that something was changed.
author:
  - The caisson.hardening authors (@caisson-hardening)
attributes:
  check_mode:
    description: Tells whether the run would get the host, and writes nothing.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
  idempotent:
    description: A run that has the host already takes it again, and gives it back once.
    support: full
options:
  state:
    description:
      - V(present) takes the host for this run.
      - V(absent) gives it back. The lock of another run stays as it is.
    type: str
    choices: [present, absent]
    default: present
  take_over:
    description: Take the host even if another run has it.
    type: bool
    default: false
  stale_after:
    description: After how many hours a lock no longer counts.
    type: float
    default: 12
  path:
    description: The lock's file. Its directory is made for it, and removed with it if it is empty then.
    type: path
    default: /run/caisson/rollout.json
  run:
    description: What tells this run from all others. The action plugin makes it of the control node and its process.
    type: str
    default: unknown
  who:
    description: Who began the run. The action plugin names the user of the control node.
    type: str
    default: unknown
  origin:
    description: From where. The action plugin names the control node.
    type: str
    default: unknown
  finished:
    description: Runs that have died without giving the host back. The action plugin looks for them.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Take the host
  caisson.hardening.rollout_lock:

- name: Take it from a run that died elsewhere
  caisson.hardening.rollout_lock:
    take_over: true

- name: Give it back
  caisson.hardening.rollout_lock:
    state: absent
"""

RETURN = r"""
holder:
  description: Who has the host now, with C(run), C(who), C(origin), C(since) and C(boot). Empty if nobody.
  returned: always
  type: dict
  sample: {who: operator, origin: control1, since: '2030-01-01T22:00:00Z', run: control1/1, boot: b}
took_over:
  description: Whose lock was taken over, and why. Empty if nobody's.
  returned: success
  type: str
  sample: "operator from control1 since 2030-01-01T22:00:00Z: that run has died"
undo_records:
  description: The subjects that the host has an undo record of, so those that an earlier run changed.
  returned: success
  type: list
  elements: str
  sample: [kernel, daemon]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError
from ansible_collections.caisson.hardening.plugins.module_utils.rollout.apply import run
from ansible_collections.caisson.hardening.plugins.module_utils.rollout.lock import HeldError, parse


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "take_over": {"type": "bool", "default": False},
            "stale_after": {"type": "float", "default": 12},
            "path": {"type": "path", "default": "/run/caisson/rollout.json"},
            "run": {"type": "str", "default": "unknown"},
            "who": {"type": "str", "default": "unknown"},
            "origin": {"type": "str", "default": "unknown"},
            "finished": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    given = dict(module.params)
    path = given.pop("path")
    try:
        result = run(parse(**given), path, module.check_mode)
    except HeldError as error:
        module.fail_json(msg=str(error), holder=vars(error.holder))
    except CaissonError as error:
        module.fail_json(msg=str(error))
    if result["took_over"]:
        module.warn(f"Took the host over from {result['took_over']}")
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
