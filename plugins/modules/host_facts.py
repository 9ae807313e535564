#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_facts
short_description: What a host is that matters to its hardening
version_added: 0.1.0
description:
  - One look at the kernel, the distribution, the engine with its containers, and what of this collection can be undone.
    The facts are found under C(ansible_facts.caisson), so that an inventory's variables can follow what a host is.
  - The playbooks that harden and restore look at each host so before its roles run.
  - Nothing is changed. Where no engine answers, the facts say so.
author:
  - The caisson.hardening authors (@caisson-hardening)
extends_documentation_fragment:
  - caisson.hardening.attributes.read_only
  - caisson.hardening.engine
attributes:
  facts:
    support: full
    description: Returns an C(ansible_facts) dictionary.
seealso:
  - module: caisson.hardening.engine_status
  - module: caisson.hardening.undo_status
"""

EXAMPLES = r"""
- name: Look at the host
  caisson.hardening.host_facts:

- name: Ask for an engine that still gets security fixes
  ansible.builtin.assert:
    that: not engine.answers or engine.version is version('20.10', '>=')
    fail_msg: "{{ inventory_hostname }} runs {{ engine.product }} {{ engine.version }}"
  vars:
    engine: "{{ ansible_facts.caisson.engine }}"
"""

RETURN = r"""
ansible_facts:
  description: The facts.
  returned: always
  type: dict
  contains:
    caisson:
      description: What this collection knows of the host.
      returned: always
      type: dict
      contains:
        distribution:
          description:
            - C(id) and C(version) by os-release(5), and C(support); V(tested), V(by data) if this collection knows it
              by its documentation, or V(unknown).
          returned: always
          type: dict
          sample: {id: debian, version: "12", support: tested}
        is_container:
          description: Whether the host is itself a container.
          returned: always
          type: bool
        service_manager:
          description: V(systemd), or empty.
          returned: always
          type: str
          sample: systemd
        memory_mib:
          description: Its memory in MiB.
          returned: always
          type: int
          sample: 3930
        cpus:
          description: How many processors the module may use.
          returned: always
          type: int
          sample: 2
        kernel:
          description:
            - C(release) and C(machine) by uname(2), and the traits that the kernel settings respect. A text says where
              a trait was seen and is empty if it was not; C(docker), C(ipv6_networks), C(userns_remap), C(rootless),
              C(user_namespaces), C(userns_clone), C(no_resource_right) and C(asymmetric). C(advertised) lists the
              interfaces with addresses by router advertisement, C(rnd_bits) and C(rnd_compat_bits) are the most that
              the kernel was built for, if it says so.
          returned: always
          type: dict
          sample: {release: 6.1.0-26-amd64, machine: x86_64, docker: /usr/bin/dockerd, userns_remap: ""}
        engine:
          description:
            - What the engine says; C(answers), C(product) (V(docker) or V(podman)), C(version), C(api_version),
              C(rootless), C(userns_remap), C(apparmor), C(cgroup_version), C(data_root), C(log_driver), C(runtimes),
              and C(containers) with name, state, health and ports of each, as
              RV(caisson.hardening.engine_status#module:containers) has them.
          returned: always
          type: dict
          sample:
            answers: true
            product: docker
            version: 20.10.24
            rootless: false
            containers: [{name: web, state: running, health: healthy, ports: [8080]}]
        undo_subjects:
          description: The subjects with a record by which they can be undone.
          returned: always
          type: list
          elements: str
          sample: [daemon, kernel]
"""

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible_collections.caisson.hardening.plugins.module_utils.containers.options import engine_options
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError
from ansible_collections.caisson.hardening.plugins.module_utils.facts.gather import gather


def main() -> None:
    arguments = engine_options()
    arguments["docker_host"]["fallback"] = (env_fallback, ["DOCKER_HOST"])
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    try:
        facts = gather(module.params)
    except CaissonError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, ansible_facts={"caisson": facts})


if __name__ == "__main__":
    main()
