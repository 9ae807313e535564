#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: container
version_added: 0.1.0
short_description: Deploy one hardened container
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Deploys one container, hardened by default, and replaces it safely when it has changed.
  - The whole effective state is compared, so that a capability, a mount or a variable that somebody added by hand is
    found and mended, whether the playbook names the option or not.
  - Whatever weakens a default is refused unless a waiver gives leave, with a reason and a last day.
extends_documentation_fragment:
  - caisson.hardening.container
  - caisson.hardening.container_run
  - caisson.hardening.engine
  - caisson.hardening.attributes
seealso:
  - module: caisson.hardening.containers
"""

EXAMPLES = r"""
- name: Deploy a web server that may write to /tmp and /run only
  caisson.hardening.container:
    name: web
    image: registry.example.org/shop/web:1.4.2
    user: "101:101"
    published_ports:
      - 127.0.0.1:8080:8080

- name: See what would be done to it
  caisson.hardening.container:
    name: web
    image: registry.example.org/shop/web:1.5.0
    user: "101:101"
    published_ports:
      - 127.0.0.1:8080:8080
  check_mode: true
  diff: true

- name: Give it a password from Ansible Vault as a file, changed under the running program
  caisson.hardening.container:
    name: web
    image: registry.example.org/shop/web:1.4.2
    user: "101:101"
    published_ports:
      - 127.0.0.1:8080:8080
    env:
      DB_PASSWORD_FILE: /run/secrets/db_password
    secrets:
      - name: db_password
        value: "{{ vault_db_password }}"
    secrets_rotation: in_place
    secrets_signal: HUP

- name: Remove it, and keep its volumes
  caisson.hardening.container:
    name: web
    state: absent
"""

RETURN = r"""
container:
  description: What became of the container; see M(caisson.hardening.containers) for its keys.
  returned: always, unless the input was refused
  type: dict
  sample:
    name: web
    state: started
    action: created
    reasons: []
    actions: ["create (it does not exist)", "start"]
    image: {reference: "web:1.4.2", id: "sha256:2c26b46b68ff", digest: "sha256:1a2b3c4d5e6f"}
    waivers: []
    order: ""
    exclusive: []
    downtime: 0.0
    seconds: 0.61
    error: ""
actions:
  description:
    - All steps, in order, each with its container or network; in check mode those that a run would take.
  returned: always, unless the input was refused
  type: list
  elements: str
  sample: ["network caisson: create (it does not exist)", "web: create (it does not exist)", "web: start"]
findings:
  description:
    - Each control that does not simply hold for a container after the run, with what was seen.
    - C(outcome) is C(fail), C(waived), C(not_applicable) or C(error), or C(pass) where there is something to say of it.
  returned: always, unless the input was refused
  type: list
  elements: dict
  sample: [{control: container.healthcheck, object: web, outcome: fail, evidence: it has no health check}]
passed:
  description: For how many containers each control of the profile holds; the others are in C(findings).
  returned: always, unless the input was refused
  type: dict
  sample: {container.read_only: 1, container.healthcheck: 0}
score:
  description: How many controls hold, before and after, of those that apply.
  returned: always, unless the input was refused
  type: dict
  sample: {total: 64, before: 0, after: 64}
undo:
  description: How to undo.
  returned: always, unless the input was refused
  type: str
  sample: "state: absent removes a container; its volumes stay"
"""

from ansible_collections.caisson.hardening.plugins.module_utils.containers.entry import (
    ContainerModule,
    Params,
    run,
    run_arguments,
)
from ansible_collections.caisson.hardening.plugins.module_utils.containers.options import container_options


def _entry(params: Params) -> list[Params]:
    """The one container's options out of the parameters, as the list that the core takes."""
    run_only = run_arguments()
    return [{key: value for key, value in params.items() if key not in run_only and not key.startswith("_ansible")}]


def _shape(result: Params) -> Params:
    entries = result.pop("containers")
    kept = {key: value for key, value in result.items() if key not in ("networks", "volumes")}
    return {**kept, "container": entries[0]}


def main() -> None:
    module = ContainerModule({**container_options(), **run_arguments()}, given=_entry)
    run(module, shape=_shape)


if __name__ == "__main__":
    main()
