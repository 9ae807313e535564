# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The boot parameters that nobody may ask for here. Pure.

Sources: the kernel's admin-guide/kernel-parameters and hw-vuln, kernel-command-line(7), initramfs-tools(7),
dracut.cmdline(7).
"""

from __future__ import annotations

import re
import typing as t

from ..errors import Fault, named

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
VALUE = re.compile(r"[A-Za-z0-9_.,:/+@%=-]*\Z")

# They choose what is booted, run a command, or stop the boot at a root shell.
STARTERS = frozenset(
    "init rdinit root break rd.break single emergency rescue s S 1 systemd.unit rd.systemd.unit systemd.run "
    "systemd.debug_shell rd.systemd.debug_shell".split()
)
# Words that switch a protection off by being there.
SWITCHES = frozenset(
    "nopti nokaslr nosmep nosmap nospectre_v1 nospectre_v2 nospectre_bhb nospec_store_bypass_disable no_hash_pointers "
    "norandmaps slab_merge slub_merge dis_ucode_ldr".split()
)
# Protections that a value switches off.
PROTECTIONS = frozenset(
    "audit apparmor selinux enforcing security mitigations pti kpti ssbd spectre_v2 spectre_v2_user spectre_bhi "
    "spec_store_bypass_disable l1tf mds tsx_async_abort srbds mmio_stale_data retbleed spec_rstack_overflow "
    "gather_data_sampling reg_file_data_sampling indirect_target_selection tsa vmscape module.sig_enforce lockdown "
    "init_on_alloc init_on_free page_alloc.shuffle hardened_usercopy hash_pointers randomize_kstack_offset rodata "
    "noexec".split()
)
OFF = frozenset("0 off n no f false none never".split())


def faults(parameters: t.Mapping[str, str]) -> list[Fault]:
    """What is wrong with the parameters, all of it."""
    found: list[Fault] = []
    for name, value in parameters.items():
        plain = name.replace("-", "_")
        if not NAME.match(name):
            found.append(_fault(name, value, "has a name that no parameter has", "use letters, digits, '_', '-', '.'"))
        elif plain in STARTERS:
            found.append(_fault(name, value, "changes what is booted", "remove it"))
        elif not VALUE.match(value):
            found.append(_fault(name, value, "has characters that GRUB's shell would read", "write a plain value"))
        elif plain in SWITCHES or (plain in PROTECTIONS and value.split(",")[0].lower() in OFF):
            found.append(_fault(name, value, "switches a protection off", "remove it"))
    return found


def _fault(name: str, value: str, problem: str, remedy: str) -> Fault:
    return Fault("boot_parameters", f"parameters.{named(name)}", value, problem, remedy)
