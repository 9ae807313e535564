#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: sysctl
short_description: Set kernel settings, all in one transaction
version_added: 0.1.0
description:
  - Brings any number of kernel settings to their values in one call. One file is written atomically, each live value
    is set and read back.
  - Before the first change the live value of every key and the former file are recorded on the host.
    O(state=absent) brings back exactly those.
  - Where one key fails, all that this call has changed is taken back.
  - A value that was changed by hand since the last run is found and mended.
  - Keys that the running kernel lacks are reported in RV(absent) and left out of the file.
  - A setting that another file overrides is reported with that file and line, refused, or the line taken out of force,
    by O(overridden). The rules are those of systemd-sysctl, which the boot runs, and of C(sysctl --system); the file
    that an enabled ufw applies counts as well.
author:
  - The caisson.hardening authors (@caisson-hardening)
extends_documentation_fragment:
  - caisson.hardening.history
attributes:
  check_mode:
    description: Predicts the changes from the same plan that a run carries out, and touches nothing.
    support: full
  diff_mode:
    description: Shows the file and the live values before and after.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
options:
  settings:
    description:
      - Keys and their values. A value is a number, or a text of words such as V(4 4 1 7).
      - These win over the values of O(profile).
      - A key that neither the catalogue nor the running kernel knows is refused, with the nearest known name.
      - Values that would cut containers off from the network, such as V(0) for C(net.ipv4.ip_forward), are refused.
      - The word V(omit) as a value leaves a key of O(profile) alone, like naming it in O(omit).
      - A value that only a reboot takes back is refused unless its key is named in O(one_way).
    type: dict
    default: {}
  profile:
    description:
      - The keys of the collection's catalogue to set beside O(settings).
      - V(baseline) breaks no ordinary Docker host and holds nothing that only a reboot takes back.
      - V(strict) is all of it that the field recommends, that containers survive and that can be undone.
      - Where the host's own value is stricter than the profile's, the host's is kept.
      - Some values depend on the host, for example on rootless engines, userns-remap, addresses by router advertisement
        or the architecture. What became of those keys and why is in RV(adjusted).
      - Where an interface that is there would not follow the key for all interfaces, its own key is set too. Interfaces
        of container engines are left to C(default), which each new interface gets.
    type: str
    choices: [baseline, strict, none]
    default: none
  omit:
    description: Keys of O(profile) to leave alone. A key that was set earlier gets its original value back.
    type: list
    elements: str
    default: []
  one_way:
    description:
      - Keys to set to their value of no return, which only a reboot takes back.
      - V(kernel.kexec_load_disabled) and V(kernel.unprivileged_bpf_disabled) get V(1), V(kernel.yama.ptrace_scope) 3.
      - Undo takes them out of the file and says that the live value stays until the next boot.
    type: list
    elements: str
    default: []
  expect:
    description:
      - What the host is going to be, where that cannot be seen yet, as before an engine is installed.
      - V(docker) for an engine, V(ipv6_networks) for container networks with IPv6, V(userns_remap) for that setting of
        the engine, V(rootless) for an engine that an ordinary user runs.
    type: list
    elements: str
    choices: [docker, ipv6_networks, userns_remap, rootless]
    default: []
  path:
    description:
      - The file that carries the settings through a reboot. It must be absolute and end in C(.conf).
      - The default sorts after the files that distributions ship, so that it wins over them,
        and before C(99-sysctl.conf) and C(/etc/sysctl.conf), which win over it.
      - Each path has an undo record of its own.
    type: str
    default: /etc/sysctl.d/99-security-caisson.conf
  unwritable:
    description:
      - What to do about keys that cannot be written at all, as on the read-only C(/proc/sys) of a container.
      - V(fail) fails before anything is changed, V(report) names them in RV(refused) and sets the others.
      - V(auto) is V(report) inside a container, whose kernel is that of another host, and V(fail) elsewhere.
    type: str
    choices: [auto, fail, report]
    default: fail
  overridden:
    description:
      - What to do about keys that a file read after ours sets to another value, or keeps from being set, at the next
        boot or when C(sysctl --system) is run.
      - V(report) warns and names each in RV(overridden). V(fail) fails before anything is changed.
      - V(take_over) takes such lines out of force. In a file below C(/etc) the line becomes a comment; a file elsewhere
        is hidden by a copy of the same name in C(/etc/sysctl.d) that follows it at each run. The line comes back byte
        for byte with O(state=absent), when its key is dropped, and with a run that no longer asks for V(take_over).
      - A pattern never wins over a key that is named in full, so only one that gives network interfaces another value
        than their C(default) counts; it is left in force, and reported, where it sets other keys too.
    type: str
    choices: [report, fail, take_over]
    default: report
  state:
    description:
      - V(present) sets the values; keys of an earlier run that are no longer asked for get their original value back.
      - V(absent) brings back the original live values and the former file, and forgets the record.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: caisson.hardening.process_limits
"""

EXAMPLES = r"""
- name: Set the baseline of kernel settings
  caisson.hardening.sysctl:
    profile: baseline

- name: Set the strict profile, with loose reverse path filtering for several uplinks
  caisson.hardening.sysctl:
    profile: strict
    settings:
      net.ipv4.conf.all.rp_filter: 2
      net.ipv4.conf.default.rp_filter: 2
    omit:
      - dev.tty.legacy_tiocsti

- name: Set keys of one's own, in a file of one's own
  caisson.hardening.sysctl:
    settings:
      vm.max_map_count: 262144
      vm.swappiness: 10
    path: /etc/sysctl.d/70-search.conf

- name: Set a key, and see to it that no other file undoes it
  caisson.hardening.sysctl:
    settings:
      net.ipv4.icmp_echo_ignore_broadcasts: 1
    overridden: take_over

- name: Set the strict profile on a host that will shift its containers' ids
  caisson.hardening.sysctl:
    profile: strict
    expect: [docker, userns_remap]

- name: Undo the baseline
  caisson.hardening.sysctl:
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, one sentence each.
  returned: success
  type: list
  elements: str
  sample:
    - write /etc/sysctl.d/99-security-caisson.conf
    - set kernel.kptr_restrict from '0' to '1'
values:
  description: Each key under management with its value.
  returned: success
  type: dict
  sample: {kernel.kptr_restrict: '1'}
absent:
  description: Keys that were asked for and that the running kernel lacks.
  returned: success
  type: list
  elements: str
  sample: [kernel.yama.ptrace_scope]
adjusted:
  description: Keys that this host does not take as O(profile) has them, or that are left alone by what was seen.
  returned: success
  type: dict
  contains:
    value:
      description: The value that the key gets here; none where it is left alone.
      returned: success
      type: str
    why:
      description: What was seen, and why it matters.
      returned: success
      type: str
  sample:
    user.max_user_namespaces:
      value:
      why: userns-remap starts containers in user namespaces (/etc/docker/daemon.json)
one_way:
  description: Keys under management whose value only a reboot takes back.
  returned: success
  type: list
  elements: str
  sample: [kernel.kexec_load_disabled]
refused:
  description: Keys that could not be written, with the reason. Filled only with O(unwritable=report).
  returned: success
  type: dict
  sample: {kernel.kptr_restrict: '/proc/sys is mounted read-only, as in a container'}
overridden:
  description:
    - Keys that another file sets to another value, at the next boot or where C(sysctl --system) is run.
    - File, line, value and pattern are those of the boot where it is concerned.
  returned: success
  type: dict
  contains:
    file:
      description: The file that wins.
      returned: success
      type: str
    line:
      description: The number of its line.
      returned: success
      type: int
    value:
      description: The value that it sets; empty where it keeps the key from being set.
      returned: success
      type: str
    pattern:
      description: The pattern by which it sets the key of interfaces.
      returned: when it is a pattern
      type: str
    readers:
      description: The same by the tool that heeds it, C(systemd-sysctl), C(sysctl --system) or C(ufw).
      returned: success
      type: dict
  sample:
    kernel.kptr_restrict:
      file: /etc/sysctl.d/99-zzz.conf
      line: 3
      value: '0'
      readers:
        systemd-sysctl: {file: /etc/sysctl.d/99-zzz.conf, line: 3, value: '0'}
        sysctl --system: {file: /etc/sysctl.d/99-zzz.conf, line: 3, value: '0'}
taken_over:
  description: Lines of other files that are out of force for O(path), with the numbers that they had.
  returned: success
  type: list
  elements: dict
  sample: [{key: kernel.kptr_restrict, file: /etc/sysctl.d/99-zzz.conf, line: 3, value: '0'}]
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
  sample: [{control: kernel.kptr_restrict, object: host, outcome: pass, evidence: live 1}]
score:
  description: How many of the controls that apply passed before and after the run.
  returned: success
  type: dict
  sample: {total: 27, before: 14, after: 27}
undo:
  description: Where the undo record lies.
  returned: success
  type: str
  sample: /var/lib/caisson/kernel/undo.json
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.caisson.hardening.plugins.module_utils.host.container import decided
from ansible_collections.caisson.hardening.plugins.module_utils.host.entry import answer
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.apply import run, subject_of
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.spec import ARGUMENTS, parse


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
    )
    subject = subject_of(module.params["path"])
    answer(module, subject, ARGUMENTS, lambda asked: run(parse(**decided(asked)), check=module.check_mode))


if __name__ == "__main__":
    main()
