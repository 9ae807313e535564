#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel
short_description: Harden the kernel in one go, with its settings, mounts, modules and boot parameters
version_added: 0.1.0
description:
  - Does what M(caisson.hardening.sysctl), M(caisson.hardening.mount_options), M(caisson.hardening.kernel_modules),
    M(caisson.hardening.kernel_security) and M(caisson.hardening.boot_parameters) do, in one process on the host. The
    options of each part are those of its module, with the same defaults; a part that is not given is not touched.
  - All parts are planned before the first is carried out. What is wrong with any of them is refused, with all other
    faults, before anything is changed.
  - Each part is a transaction of its own, with the undo record that its module has. One that fails is taken back and
    does not keep the others from being carried out; the run fails and says what the others did.
  - Parts can have tags, so that a task with all of them can be chosen from by C(--tags) and C(--skip-tags).
author:
  - The caisson.hardening authors (@caisson-hardening)
extends_documentation_fragment:
  - caisson.hardening.attributes
options:
  settings:
    description: The kernel's settings, with the options of M(caisson.hardening.sysctl).
    type: dict
  mounts:
    description:
      - The mounts that everybody may write, with the options of M(caisson.hardening.mount_options), but for
        O(ignore:controls) and for C(/proc), which is O(hidepid).
    type: dict
  hidepid:
    description:
      - Hiding the processes of other users in C(/proc), with O(ignore:state), O(ignore:profile),
        O(ignore:unwritable) and O(ignore:as_of) as in O(mounts), and O(ignore:options) as the list of C(/proc) there.
      - It is one transaction with O(mounts), and RV(parts) has both results as C(mounts).
    type: dict
  modules:
    description: The kernel modules to deny, with the options of M(caisson.hardening.kernel_modules).
    type: dict
  security:
    description: The report of the security modules, with the options of M(caisson.hardening.kernel_security).
    type: dict
  boot:
    description: The boot parameters, with the options of M(caisson.hardening.boot_parameters).
    type: dict
  part_tags:
    description:
      - The tags of single parts, a list for each. A part is left out where a task with its tags, and with those that
        the whole task has beside the tags of parts, would not run.
      - The task itself needs the tags of all parts, without those of C(ansible_skip_tags), or Ansible skips it as a
        whole.
    type: dict
seealso:
  - module: caisson.hardening.sysctl
  - module: caisson.hardening.mount_options
  - module: caisson.hardening.kernel_modules
  - module: caisson.hardening.kernel_security
  - module: caisson.hardening.boot_parameters
"""

EXAMPLES = r"""
- name: Harden the kernel, and set the boot parameters for the next boot
  caisson.hardening.kernel:
    settings:
      profile: strict
      settings:
        net.ipv4.conf.all.rp_filter: 2
        net.ipv4.conf.default.rp_filter: 2
    mounts: {}
    hidepid:
      profile: strict
    modules:
      profile: strict
      omit: [sctp]
    security:
      profile: strict
    boot:
      state: present

- name: Undo the kernel's settings and mount options
  caisson.hardening.kernel:
    settings:
      state: absent
    mounts:
      state: absent
    hidepid:
      state: absent

- name: Let --tags mounts and --skip-tags mounts choose
  caisson.hardening.kernel:
    settings:
      profile: baseline
    mounts: {}
    part_tags:
      mounts: [mounts]
  tags: [kernel, "{{ ['mounts'] | difference(ansible_skip_tags) }}"]
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, one sentence each, of all parts in their order.
  returned: always, but where the run is refused
  type: list
  elements: str
  sample:
    - write /etc/sysctl.d/99-security-caisson.conf
    - set kernel.kptr_restrict from '0' to '1'
score:
  description: How many of the controls of all parts passed before and after the run, of those that apply.
  returned: always, but where the run is refused
  type: dict
  sample: {total: 47, before: 20, after: 41}
parts:
  description:
    - The result of each part, as its module returns it.
    - One that failed has RV(ignore:failed) and RV(ignore:msg) in place of that.
  returned: always, but where the run is refused
  type: dict
  sample:
    settings:
      changed: true
      values: {kernel.kptr_restrict: '1'}
      score: {total: 27, before: 14, after: 27}
      undo: /var/lib/caisson/kernel/undo.json
    security:
      changed: false
      score: {total: 5, before: 3, after: 3}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError
from ansible_collections.caisson.hardening.plugins.module_utils.kernel_parts.apply import ARGUMENTS, run
from ansible_collections.caisson.hardening.plugins.module_utils.kernel_parts.result import combined, failure


def validated(given: t.Mapping[str, t.Any]) -> tuple[dict[str, dict[str, t.Any]], list[str]]:
    """The options of the parts that were given, complete and of the right types; what is wrong with those of others."""
    options: dict[str, dict[str, t.Any]] = {}
    faults: list[str] = []
    for part, arguments in ARGUMENTS.items():
        if given[part] is None:
            continue
        result = ArgumentSpecValidator(arguments).validate(given[part])
        faults += [f"kernel: {part}: {message}" for message in result.error_messages]
        if not result.error_messages:
            options[part] = dict(result.validated_parameters)
    return options, faults


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "settings": {"type": "dict"},
            "mounts": {"type": "dict"},
            "hidepid": {"type": "dict"},
            "modules": {"type": "dict"},
            "security": {"type": "dict"},
            "boot": {"type": "dict"},
            "part_tags": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    options, faults = validated(module.params)
    try:
        outcome = run(options, module.check_mode, faults)
    except CaissonError as error:
        module.fail_json(msg=str(error))
    for warning in outcome.warnings:
        module.warn(warning)
    result = combined(outcome.results, outcome.failed)
    if outcome.failed:
        module.fail_json(msg=failure(outcome.results, outcome.failed, module.check_mode), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
