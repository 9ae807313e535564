#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_status
short_description: Look whether a Docker engine and its containers fare as they did before
version_added: 0.1.0
description:
  - Tells whether the engine answers, and the state and health of each container. Nothing is changed.
  - With the result of an earlier look as O(before), it waits until every container that served then serves again, and
    fails with the names of those that do not.
author:
  - The caisson.hardening authors (@caisson-hardening)
options:
  before:
    description:
      - RV(containers) of an earlier look. A container that served then and is stopped, gone, restarting or unhealthy
        now is a failure. So is one that was not there then and is restarting or unhealthy.
      - Without it no container is judged.
    type: list
    elements: dict
  ignore:
    description: Names of containers that are not judged, such as those that were removed on purpose.
    type: list
    elements: str
    default: []
  required:
    description: Whether it is a failure if no engine answers.
    type: bool
    default: true
  wait_timeout:
    description: How many seconds the engine and the containers may take until all is well.
    type: float
    default: 0
extends_documentation_fragment:
  - caisson.hardening.attributes.read_only
  - caisson.hardening.engine
seealso:
  - module: caisson.hardening.containers
"""

EXAMPLES = r"""
- name: Look at the containers before a change
  caisson.hardening.engine_status:
    required: false
  register: former

- name: Demand that what served serves again; as a rule this is former.containers
  caisson.hardening.engine_status:
    before:
      - {name: web, state: running, health: healthy}
    wait_timeout: 60
"""

RETURN = r"""
engine:
  description: Whether the engine answers.
  returned: always
  type: bool
  sample: true
version:
  description: Its version.
  returned: always
  type: str
  sample: 20.10.24
containers:
  description: Each container.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      returned: always
      type: str
    state:
      description: Its state as the engine names it.
      returned: always
      type: str
    health:
      description: V(healthy), V(unhealthy), V(starting), or V(none) without a healthcheck.
      returned: always
      type: str
    ports:
      description: The TCP ports of the host at which others reach it, without those of loopback addresses.
      returned: always
      type: list
      elements: int
  sample: [{name: web, state: running, health: healthy, ports: [8080]}]
"""

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible_collections.caisson.hardening.plugins.module_utils.containers.options import engine_options
from ansible_collections.caisson.hardening.plugins.module_utils.containers.status_apply import look


def main() -> None:
    arguments = engine_options()
    arguments["docker_host"]["fallback"] = (env_fallback, ["DOCKER_HOST"])
    module = AnsibleModule(
        argument_spec={
            "before": {"type": "list", "elements": "dict"},
            "ignore": {"type": "list", "elements": "str", "default": []},
            "required": {"type": "bool", "default": True},
            "wait_timeout": {"type": "float", "default": 0},
            **arguments,
        },
        supports_check_mode=True,
    )
    found, wrong = look(module.params)
    if wrong:
        module.fail_json(msg=f"The host does not serve as it did: {wrong}", **found)
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
