#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: mount_options
short_description: Mount /tmp, /var/tmp, /dev/shm and /proc with hardened options
version_added: 0.1.0
description:
  - Gives the directories that everybody may write the options C(nosuid), C(nodev) and C(noexec), and hides the
    processes of other users in C(/proc), live and for the next boot. All of it is one transaction. No file is hidden
    or moved.
  - A mount is remounted with the options that it has, the wanted ones added, and read back from the kernel.
  - Where C(/tmp) or C(/var/tmp) is a plain directory, it is bound onto itself, so the same files are there with the
    options. A plain directory in a mount that has the options already is left.
  - A line in C(/etc/fstab) carries the options through a reboot. Of a line that is there only the options change, and
    one that is missing is added. For C(/proc) and C(/dev/shm) systemd takes the options from there at boot.
  - Where a unit of systemd makes the mount, as C(tmp.mount) on Debian 13, a drop-in does it in place of C(/etc/fstab).
  - What cannot be done safely is left and named in RV(refused), as where a further mount lies below a plain directory,
    or a masked unit would win at the next boot.
  - The former options are recorded on the host before the first change. O(state=absent) brings them back, and leaves
    what somebody else changed in C(/etc/fstab) meanwhile.
author:
  - The caisson.hardening authors (@caisson-hardening)
extends_documentation_fragment:
  - caisson.hardening.history
attributes:
  check_mode:
    description: Predicts the changes from the same plan that a run carries out, and touches nothing.
    support: full
  diff_mode:
    description: Shows the live options and the files before and after.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
options:
  profile:
    description:
      - V(baseline) breaks no ordinary Docker host. C(/dev/shm) gets C(nosuid,nodev,noexec), C(/tmp) and C(/var/tmp) get
        C(nosuid,nodev), with which Debian 13 mounts C(/tmp) by itself. Who makes root file systems with devices there,
        as C(debootstrap) does, needs another C(TMPDIR).
      - V(strict) adds C(noexec) on C(/tmp) and C(/var/tmp), and C(hidepid=2) on C(/proc).
      - With C(noexec), what unpacks and runs a program in C(/tmp) fails, as some installers do. Debian's packages
        install, but debconf asks its questions later. Containers cannot run programs that they bind from below
        these directories.
      - V(none) sets only O(options).
    type: str
    choices: [baseline, strict, none]
    default: baseline
  options:
    description:
      - Options of one's own by mount point, in place of the profile's. The mount points are C(/tmp), C(/var/tmp),
        C(/dev/shm) and C(/proc). An empty list leaves the mount point alone, or gives it back.
      - C(/proc) takes C(hidepid=) and C(gid=) too. With C(hidepid=2) users see only their own processes. Root sees all,
        and so do the members of the group. It is root's group unless C(gid=) names another by name or number.
      - Root's own group is the safe one, for services that run as root without the right to trace others, like
        systemd-logind, are in it. With another group, systemd-logind is made a member by a drop-in.
      - polkit's service is no member of root's group. Where polkit is installed, what users ask of it is refused,
        unless its user C(polkitd) is a member of the group that C(gid=) names. A run that sets this says so.
    type: dict
    default: {}
  controls:
    description:
      - The controls that the run is for, C(kernel.mount_tmp), C(kernel.mount_var_tmp), C(kernel.mount_shm) and
        C(kernel.proc_hidepid), each of one mount point. The other mount points stay as they are.
      - The default is all.
    type: list
    elements: str
    choices: [kernel.mount_shm, kernel.mount_tmp, kernel.mount_var_tmp, kernel.proc_hidepid]
    default: []
  unwritable:
    description:
      - What to do where this process may not change mounts at all, as inside most containers.
      - V(fail) fails before anything is changed, V(report) leaves all and names it in RV(refused).
      - V(auto) is V(report) inside a container, whose kernel is that of another host, and V(fail) elsewhere.
    type: str
    choices: [auto, fail, report]
    default: fail
  state:
    description:
      - V(present) sets the options.
      - V(absent) brings back the former options and lines, and forgets the record.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: caisson.hardening.sysctl
"""

EXAMPLES = r"""
- name: Harden the mounts in a way that breaks no ordinary Docker host
  caisson.hardening.mount_options:

- name: Hide processes from other users but those in a group, and run nothing from /tmp
  caisson.hardening.mount_options:
    options:
      /tmp: [nosuid, nodev, noexec]
      /proc: [hidepid=2, gid=adm]

- name: Let users see each other's processes again, and leave the rest
  caisson.hardening.mount_options:
    controls: [kernel.proc_hidepid]
    state: absent

- name: Undo it
  caisson.hardening.mount_options:
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, one sentence each.
  returned: success
  type: list
  elements: str
  sample:
    - change /etc/fstab
    - set /tmp from 'a plain directory' to 'rw,nosuid,nodev,relatime'
    - reload systemd
mounts:
  description: The live options of each mount point after the run, or what it is if it is no mount.
  returned: success
  type: dict
  sample: {/tmp: 'rw,nosuid,nodev,relatime'}
refused:
  description: The mount points that were left, with the reason.
  returned: success
  type: dict
  sample: {/tmp: /tmp/image is mounted below it and would be hidden by a mount over it}
findings:
  description: The outcome of each control that the run is for after it.
  returned: success
  type: list
  elements: dict
  contains:
    control:
      description: The id of the control.
      returned: success
      type: str
    object:
      description: The mount point.
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
  sample:
    - control: kernel.mount_tmp
      object: /tmp
      outcome: pass
      evidence: live rw,nosuid,nodev,relatime; kept by /etc/fstab
score:
  description: How many of the controls that apply passed before and after the run.
  returned: success
  type: dict
  sample: {total: 3, before: 1, after: 3}
undo:
  description: Where the undo record lies.
  returned: success
  type: str
  sample: /var/lib/caisson/mount_options/undo.json
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.caisson.hardening.plugins.module_utils.host.container import decided
from ansible_collections.caisson.hardening.plugins.module_utils.host.entry import answer
from ansible_collections.caisson.hardening.plugins.module_utils.mounts.apply import SUBJECT, run
from ansible_collections.caisson.hardening.plugins.module_utils.mounts.spec import ARGUMENTS, kept, parse


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
    )
    answer(module, SUBJECT, ARGUMENTS, lambda asked: run(parse(**decided(asked)), check=module.check_mode), kept)


if __name__ == "__main__":
    main()
