#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel_security
short_description: Report the kernel's security modules and lockdown
version_added: 0.1.0
description:
  - Says whether AppArmor or SELinux is in force, which other security modules the kernel has, whether it is locked
    down, and whether it refuses unsigned modules.
  - All of this is decided when the kernel starts, so nothing is changed. Where a control fails, its evidence says what
    to write on the kernel command line.
author:
  - The caisson.hardening authors (@caisson-hardening)
extends_documentation_fragment:
  - caisson.hardening.attributes.read_only
options:
  profile:
    description: The controls to judge. V(strict) holds those of V(baseline) too.
    type: str
    choices: [baseline, strict]
    default: baseline
seealso:
  - module: caisson.hardening.kernel_modules
"""

EXAMPLES = r"""
- name: Look at the kernel's security modules
  caisson.hardening.kernel_security:
    profile: strict
  register: security
"""

RETURN = r"""
security:
  description: What the kernel shows. What it does not show here is null.
  returned: success
  type: dict
  contains:
    modules:
      description: The security modules in force, in their order.
      returned: success
      type: list
      elements: str
    lockdown:
      description: One of V(none), V(integrity) and V(confidentiality).
      returned: success
      type: str
    apparmor:
      description: Whether AppArmor is enabled.
      returned: success
      type: bool
    enforcing:
      description: How many profiles of AppArmor enforce.
      returned: success
      type: int
    complaining:
      description: How many profiles of AppArmor only complain.
      returned: success
      type: int
    selinux:
      description: Whether SELinux enforces.
      returned: success
      type: bool
    signed_modules:
      description: Whether unsigned kernel modules are refused.
      returned: success
      type: bool
    loads_modules:
      description: Whether this kernel can load modules at all.
      returned: success
      type: bool
  sample:
    modules: [lockdown, capability, landlock, yama, apparmor]
    lockdown: none
    apparmor: true
    enforcing: 31
    complaining: 0
    selinux: null
    signed_modules: false
    loads_modules: true
findings:
  description: The outcome of each control.
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
  sample: [{control: kernel.lsm_yama, object: host, outcome: pass, evidence: 'in force: lockdown,capability,yama'}]
score:
  description: How many of the controls that apply pass.
  returned: success
  type: dict
  sample: {total: 5, before: 3, after: 3}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.caisson.hardening.plugins.module_utils.kernel_security.apply import ARGUMENTS, look


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    module.exit_json(**look(module.params["profile"]))


if __name__ == "__main__":
    main()
