#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: containers
version_added: 0.1.0
short_description: Deploy hardened containers side by side
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Deploys a list of containers from one module run, hardened by default, and replaces what has changed safely.
  - The whole effective state of each container is compared, so that a capability, a mount or a variable that somebody
    added by hand is found and mended, whether the playbook names the option or not.
  - Everything is read, judged by the policy and planned before anything is touched. One container's failure does not
    stop the others.
extends_documentation_fragment:
  - caisson.hardening.container.plural
  - caisson.hardening.container_resources
  - caisson.hardening.container_run
  - caisson.hardening.engine
  - caisson.hardening.attributes
options:
  prune:
    description:
      - Remove the containers of the same O(project) that are no longer listed. Their volumes stay.
      - A container without the project's label is left alone, whatever its name.
    type: bool
    default: false
seealso:
  - module: caisson.hardening.container
"""

EXAMPLES = r"""
- name: Deploy a web server and its cache
  caisson.hardening.containers:
    project: shop
    containers:
      - name: web
        image: registry.example.org/shop/web:1.4.2
        user: "101:101"
        memory: 256m
        cpus: 0.5
        published_ports:
          - 127.0.0.1:8080:8080
        healthcheck:
          test: [CMD, /usr/bin/wget, -q, -O, /dev/null, http://127.0.0.1:8080/healthz]
          interval: 5s
      - name: cache
        image: registry.example.org/shop/redis:7.2.5
        user: "999:999"
        memory: 128m
        volumes:
          - cache:/data

- name: Deploy a database that only the web server can reach, and the web server that only a proxy on this host can
  caisson.hardening.containers:
    project: shop
    containers:
      - name: db
        image: registry.example.org/shop/postgres:16.4
        user: "999:999"
        internal: true
        volumes:
          - shop-data:/var/lib/postgresql/data
      - name: web
        image: registry.example.org/shop/web:1.4.2
        user: "101:101"
        networks:
          - name: shop
          - name: shop-internal
        published_ports:
          - 127.0.0.1:8080:8080
        volumes:
          - shop-uploads:/uploads
    volumes:
      - name: shop-data
      - name: shop-uploads
        driver_options: {type: tmpfs, o: "size=256m,uid=101,mode=0700"}

- name: Deploy workers that reach nobody, not even each other, with fixed addresses
  caisson.hardening.containers:
    project: batch
    networks:
      - name: batch-workers
        ipam_config:
          - subnet: 10.20.0.0/24
            iprange: 10.20.0.128/25
    containers:
      - name: worker-1
        image: registry.example.org/batch/worker:2.0.1
        user: "101:101"
        networks:
          - name: batch-workers
            ipv4_address: 10.20.0.11

- name: Deploy a container that needs more, with the leave of the security team
  caisson.hardening.containers:
    containers:
      - name: legacy
        image: registry.example.org/legacy/app:3.1
        user: root
        read_only: false
        waivers:
          - control: container.user
            reason: The vendor's start script changes owners; removed with version 4
            expires: "2027-06-30"
          - control: container.read_only
            reason: The vendor writes below its program directory
            expires: "2027-06-30"
"""

RETURN = r"""
containers:
  description: What became of each container, in the order in which they were given.
  returned: always, unless the input was refused
  type: list
  elements: dict
  sample:
    - name: web
      state: started
      action: recreated
      reasons: ["capabilities: NET_ADMIN -> none"]
      actions: ["recreate (capabilities: NET_ADMIN -> none)"]
      image: {reference: "web:1.4.2", id: "sha256:2c26b46b68ff", digest: "sha256:1a2b3c4d5e6f"}
      waivers: []
      order: start-first
      exclusive: []
      downtime: 0.01
      seconds: 1.42
      error: ""
  contains:
    name:
      description: The container's name.
      type: str
    state:
      description: The state that was asked for.
      type: str
    action:
      description:
        - One of C(unchanged), C(created), C(recreated), C(updated), C(started), C(stopped), C(removed), C(repaired)
          (what an interrupted run had left was put in order), C(rolled_back) and C(failed).
      type: str
    reasons:
      description: Each field in which the container was not what it should be, with both values.
      type: list
      elements: str
    actions:
      description: The steps, in order, each with what forced it.
      type: list
      elements: str
    image:
      description:
        - The image's reference as given, the id that it stands for on the host, and the digest by which registries know
          that image. The digest is empty where none is known to have it.
        - A container that is made has the digest in its label C(caisson.hardening.image_digest). It is told and not
          compared, for what counts is the image's id.
      type: dict
    waivers:
      description: The waivers in force or expired, as given.
      type: list
      elements: dict
    order:
      description:
        - Of a replacement, whether the old container was stopped first (C(stop-first)) or the new one started first
          (C(start-first)); empty where nothing was replaced.
      type: str
    exclusive:
      description: What both generations cannot hold at once, and so makes it C(stop-first).
      type: list
      elements: str
    downtime:
      description: Seconds in which nothing answered under the container's name because of its replacement.
      type: float
    seconds:
      description: How long the work on this container took.
      type: float
    error:
      description: Why it failed, or an empty string.
      type: str
networks:
  description: What became of each network, those that the containers imply and those that were declared.
  returned: always, unless the input was refused
  type: list
  elements: dict
  sample:
    - name: shop-internal
      action: created
      reasons: []
      actions: ["create (it does not exist)"]
      error: ""
  contains:
    name:
      description: The network's name.
      type: str
    action:
      description: One of C(unchanged), C(created), C(recreated), C(removed) and C(failed).
      type: str
    reasons:
      description: Each property in which the network was not what it should be, with both values.
      type: list
      elements: str
    actions:
      description: The steps, in order, each with what forced it.
      type: list
      elements: str
    error:
      description: Why it failed, or an empty string.
      type: str
volumes:
  description: What became of each declared volume, with the keys of RV(networks).
  returned: always, unless the input was refused
  type: list
  elements: dict
  sample: [{name: shop-data, action: unchanged, reasons: [], actions: [], error: ""}]
actions:
  description:
    - All steps, in order, each with its network, volume or container; in check mode those that a run would take.
  returned: always, unless the input was refused
  type: list
  elements: str
  sample: ["network shop: create (it does not exist)", "web: create (it does not exist)", "web: start"]
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
    run,
    run_arguments,
)
from ansible_collections.caisson.hardening.plugins.module_utils.containers.options import (
    batch_options,
    container_options,
    resource_options,
)


def main() -> None:
    arguments = {
        "containers": {"type": "list", "elements": "dict", "required": True, "options": container_options()},
        **batch_options(),
        **resource_options(),
        **run_arguments(),
    }
    module = ContainerModule(arguments, given=lambda params: params.get("containers"), plural=True)
    run(module, shape=lambda result: result)


if __name__ == "__main__":
    main()
