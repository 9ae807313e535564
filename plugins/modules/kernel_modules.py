#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel_modules
short_description: Deny kernel modules that the host does not need
version_added: 0.1.0
description:
  - Keeps rare file systems, network protocols and drivers out of the kernel, which would else load them when an
    ordinary user asks for them. One file is written, C(/etc/modprobe.d/00-caisson-hardening.conf), with an C(install)
    and a C(blacklist) line for each module. The first denies it to everybody, the second keeps the log quiet.
  - A module that is in use is never denied. In use is what a mounted file system, C(/etc/fstab), a mount unit, an open
    socket, a network interface, C(/etc/modules-load.d) or another needed module stands on, and what is loaded.
    RV(left_alone) says which and why.
  - What Docker and the start of the host need (C(overlay), C(bridge), C(veth), C(nf_*) and the like) is refused.
  - After the file is written, C(modprobe) itself is asked what it would do; where it would still load one of the
    modules, all is taken back.
  - The catalogue also denies what the running kernel lacks, for a later one may have it.
  - The initramfs is not made anew. RV(initramfs) says whether the one of the running kernel is older than the file.
  - The former file is recorded on the host before the first change. O(state=absent) brings it back.
author:
  - The caisson.hardening authors (@caisson-hardening)
extends_documentation_fragment:
  - caisson.hardening.history
attributes:
  check_mode:
    description: Predicts the changes from the same plan that a run carries out, and touches nothing.
    support: full
  diff_mode:
    description: Shows the file, and the modules that are unloaded, before and after.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
options:
  profile:
    description:
      - The modules of the collection's catalogue to deny beside O(deny).
      - V(baseline) is what no ordinary Docker host needs. V(strict) adds what some hosts need, such as C(sctp),
        C(udf) and C(bluetooth).
    type: str
    choices: [baseline, strict, none]
    default: none
  deny:
    description:
      - More modules to deny, by their name or by a name of the catalogue such as V(firewire).
      - V(usb_storage) is in no profile; name it here to deny disks on USB.
      - A name that neither the catalogue nor the running kernel knows is refused, with the nearest known one.
    type: list
    elements: str
    default: []
  omit:
    description: Modules of O(profile) to leave alone, by their name or by a name of the catalogue.
    type: list
    elements: str
    default: []
  unload:
    description:
      - Whether to unload, and then deny, a module that is loaded though nothing uses it.
      - With V(false) such a module is left alone and told in RV(left_alone).
      - O(state=absent) loads it again.
    type: bool
    default: false
  state:
    description:
      - V(present) denies the modules.
      - V(absent) brings the former file back and forgets the record.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: caisson.hardening.kernel_security
  - module: caisson.hardening.sysctl
"""

EXAMPLES = r"""
- name: Deny the modules of the baseline
  caisson.hardening.kernel_modules:
    profile: baseline

- name: Deny those of the strict profile and disks on USB, but leave SCTP to the containers
  caisson.hardening.kernel_modules:
    profile: strict
    deny:
      - usb_storage
    omit:
      - sctp

- name: Undo it
  caisson.hardening.kernel_modules:
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, one sentence each.
  returned: success
  type: list
  elements: str
  sample:
    - write /etc/modprobe.d/00-caisson-hardening.conf
    - have modprobe confirm what is denied
denied:
  description: The modules that are denied.
  returned: success
  type: list
  elements: str
  sample: [cramfs, dccp, tipc]
left_alone:
  description: The modules that were asked for and are not denied, with the reason.
  returned: success
  type: dict
  sample: {udf: /etc/fstab names that file system type}
overridden:
  description: Denied modules that another file has loaded nevertheless, for the first C(install) line counts.
  returned: success
  type: dict
  contains:
    file:
      description: The file that wins.
      returned: success
      type: str
    command:
      description: The command that it has run.
      returned: success
      type: str
  sample: {}
initramfs:
  description: The image from which the running kernel starts; it may hold copies of modules and of the file.
  returned: success
  type: dict
  contains:
    image:
      description: Its path, or an empty text where there is none.
      returned: success
      type: str
    stale:
      description: Whether it is older than the file. C(update-initramfs -u) or C(dracut -f) makes it anew.
      returned: success
      type: bool
  sample: {image: /boot/initrd.img-6.1.0-37-amd64, stale: true}
findings:
  description: The outcome of each control of O(profile) after the run.
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
  sample: [{control: kernel.module_tipc, object: host, outcome: pass, evidence: modprobe loads none of tipc}]
score:
  description: How many of the controls that apply passed before and after the run.
  returned: success
  type: dict
  sample: {total: 14, before: 0, after: 14}
undo:
  description: Where the undo record lies.
  returned: success
  type: str
  sample: /var/lib/caisson/kernel_modules/undo.json
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.caisson.hardening.plugins.module_utils.host.entry import answer
from ansible_collections.caisson.hardening.plugins.module_utils.kernel_modules.apply import SUBJECT, run
from ansible_collections.caisson.hardening.plugins.module_utils.kernel_modules.spec import ARGUMENTS, parse


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
    )
    answer(module, SUBJECT, ARGUMENTS, lambda asked: run(parse(**asked), check=module.check_mode))


if __name__ == "__main__":
    main()
