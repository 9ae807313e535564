# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The boot parameters that are recommended, and what each costs. Pure data.

Sources: the recommended settings of the Kernel Self Protection Project, the CIS Debian benchmark (audit, AppArmor), and
the kernel's own admin-guide/kernel-parameters.
"""

from __future__ import annotations

import functools
import re
import typing as t
from dataclasses import dataclass

from ..controls.model import BASELINE, STRICT

X86_64 = ("x86_64",)
KSPP = ("KSPP",)
DOCUMENTED = ("kernel-parameters",)
NO_OPTION = ("", "")


@dataclass(frozen=True)
class Parameter:
    """One recommendation.

    since: the first kernel that knows it. architectures: empty for all.
    built_in: the kernel's build option, with its value, that has the same effect without the parameter.
    needs: the build option without which the kernel does not know the parameter.
    literal: the kernel compares the word, and does not take 1 for on.
    strict: only in the profile ``strict``, because of what it breaks or costs.
    """

    name: str
    value: str
    reason: str
    references: tuple[str, ...] = KSPP
    since: tuple[int, int] = (0, 0)
    architectures: tuple[str, ...] = ()
    built_in: tuple[str, str] = NO_OPTION
    needs: str = ""
    literal: bool = False
    strict: bool = False
    breaks: str = ""

    @property
    def control(self) -> str:
        return f"kernel.boot_{re.sub('[^a-z0-9]', '_', self.name.lower())}"

    @property
    def profile(self) -> str:
        return STRICT if self.strict else BASELINE

    @property
    def word(self) -> str:
        return written(self.name, self.value)


def written(name: str, value: str) -> str:
    """The parameter as it stands on the command line."""
    return f"{name}={value}" if value else name


PARAMETERS = (
    Parameter(
        "audit", "1", "Processes that start before auditd are audited too.", ("CIS Debian 12 6.2.1.3",),
        needs="CONFIG_AUDIT",
    ),
    Parameter(
        "audit_backlog_limit", "8192", "Audit events are not lost while auditd starts.", ("CIS Debian 12 6.2.1.4",),
        since=(3, 15), needs="CONFIG_AUDIT",
    ),
    Parameter(
        "apparmor", "1", "AppArmor confines programs, and containers by docker-default.", ("CIS Debian 12 1.3.1.2",),
        needs="CONFIG_SECURITY_APPARMOR", built_in=("CONFIG_DEFAULT_SECURITY_APPARMOR", "y"),
    ),
    Parameter(
        "init_on_alloc", "1", "Memory comes zeroed, so nothing is read from what its last owner left there.",
        since=(5, 3), built_in=("CONFIG_INIT_ON_ALLOC_DEFAULT_ON", "y"),
    ),
    Parameter(
        "init_on_free", "1", "Freed memory keeps no secrets.", since=(5, 3),
        built_in=("CONFIG_INIT_ON_FREE_DEFAULT_ON", "y"), strict=True, breaks="costs a few percent of speed",
    ),
    Parameter(
        "page_alloc.shuffle", "1", "Pages are handed out in no foreseeable order.", since=(5, 2),
        needs="CONFIG_SHUFFLE_PAGE_ALLOCATOR",
    ),
    Parameter(
        "slab_nomerge", "", "An overflow of the heap stays within one kind of object.", since=(3, 18),
        built_in=("CONFIG_SLAB_MERGE_DEFAULT", "n"),
    ),
    Parameter(
        "randomize_kstack_offset", "on", "The kernel's stack begins elsewhere at each system call.", since=(5, 13),
        built_in=("CONFIG_RANDOMIZE_KSTACK_OFFSET_DEFAULT", "y"),
    ),
    # Kernels before 6.15 that have the check have it switched on.
    Parameter(
        "hardened_usercopy", "1", "Copies between kernel and programs are held to the bounds of the object.",
        since=(6, 15), built_in=("CONFIG_HARDENED_USERCOPY_DEFAULT_ON", "y"), needs="CONFIG_HARDENED_USERCOPY",
    ),
    Parameter(
        "hash_pointers", "always", "Messages show no addresses of the kernel, also while its heap is debugged.",
        since=(6, 17), literal=True,
    ),
    Parameter(
        "kfence.sample_interval", "100", "Use after free and overflows in the kernel are found by sampling.",
        since=(5, 12), built_in=("CONFIG_KFENCE_SAMPLE_INTERVAL", "100"), needs="CONFIG_KFENCE", literal=True,
    ),
    Parameter(
        "vsyscall", "none", "No code lies at a fixed address in each process.", since=(3, 1), architectures=X86_64,
        built_in=("CONFIG_LEGACY_VSYSCALL_NONE", "y"), needs="CONFIG_X86_VSYSCALL_EMULATION", literal=True,
        strict=True, breaks="programs of glibc before 2.14, as in containers of CentOS 6",
    ),
    Parameter(
        "ia32_emulation", "0", "The system calls of 32-bit programs are gone, which few look after.", ("KSPP",),
        since=(6, 7), architectures=X86_64, built_in=("CONFIG_IA32_EMULATION_DEFAULT_DISABLED", "y"),
        needs="CONFIG_IA32_EMULATION", strict=True, breaks="32-bit programs, in containers too",
    ),
    Parameter(
        "pti", "on", "Page tables are kept apart also where the processor says that it needs none of that.",
        since=(4, 15), architectures=X86_64, literal=True, strict=True, breaks="slows each system call",
    ),
    Parameter(
        "mitigations", "auto,nosmt", "The siblings of a core share no secrets.", since=(5, 2), literal=True,
        strict=True, breaks="halves the threads where the processor needs it",
    ),
    Parameter(
        "debugfs", "off", "The kernel's debugging interface is gone.", since=(5, 10), needs="CONFIG_DEBUG_FS",
        built_in=("CONFIG_DEBUG_FS_ALLOW_NONE", "y"), literal=True, strict=True,
        breaks="tracing tools that read debugfs",
    ),
    Parameter(
        "lockdown", "confidentiality", "Even root can neither read the kernel's memory nor change its code.",
        since=(5, 4), built_in=("CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY", "y"),
        needs="CONFIG_SECURITY_LOCKDOWN_LSM", literal=True, strict=True,
        breaks="unsigned modules (as those of DKMS), hibernation, kdump of unsigned kernels, bpftrace and perf",
    ),
    Parameter(
        "module.sig_enforce", "1", "Only signed modules are loaded.", since=(3, 7), needs="CONFIG_MODULE_SIG",
        built_in=("CONFIG_MODULE_SIG_FORCE", "y"), strict=True, breaks="modules without a signature, as those of DKMS",
    ),
    Parameter(
        "iommu.strict", "1", "Devices lose access to memory at once, and not in batches.", since=(5, 15),
        needs="CONFIG_IOMMU_SUPPORT", built_in=("CONFIG_IOMMU_DEFAULT_DMA_STRICT", "y"), strict=True,
        breaks="slows network and disks where an IOMMU is used",
    ),
    Parameter(
        "iommu.passthrough", "0", "No device is let past the IOMMU.", since=(4, 18), needs="CONFIG_IOMMU_SUPPORT",
        built_in=("CONFIG_IOMMU_DEFAULT_PASSTHROUGH", "n"), strict=True,
        breaks="slows network and disks where an IOMMU is used",
    ),
    Parameter(
        "random.trust_cpu", "off", "The processor's random numbers alone do not count as enough.", DOCUMENTED,
        since=(4, 19), strict=True, breaks="may delay the boot of a machine without other sources of entropy",
    ),
    Parameter(
        "random.trust_bootloader", "off", "The bootloader's random numbers alone do not count as enough.", DOCUMENTED,
        since=(5, 19), strict=True, breaks="may delay the boot of a machine without other sources of entropy",
    ),
)  # fmt: skip

BY_NAME: t.Mapping[str, Parameter] = {each.name: each for each in PARAMETERS}


def applies(parameter: Parameter, kernel: tuple[int, int], architecture: str) -> bool:
    """Whether a kernel of that version and architecture knows the parameter."""
    return kernel >= parameter.since and architecture in (parameter.architectures or (architecture,))


def lacks_support(parameter: Parameter, config: str) -> bool:
    """Whether the kernel's build configuration (the text of its .config, if known) leaves out what it steers."""
    return bool(config and parameter.needs) and f"{parameter.needs}=y" not in _lines(config)


def built_in(parameter: Parameter, config: str) -> bool:
    """Whether the kernel's build configuration (the text of its .config) has the same effect already."""
    option, value = parameter.built_in
    line = f"# {option} is not set" if value == "n" else f"{option}={value}"
    return bool(option) and line in _lines(config)


@functools.lru_cache(maxsize=1)
def _lines(config: str) -> frozenset[str]:
    # Each parameter asks for it, and a configuration has ten thousand lines.
    return frozenset(config.splitlines())


def profile(name: str) -> tuple[Parameter, ...]:
    """The parameters of ``baseline``, ``strict`` or ``none``."""
    return tuple(each for each in PARAMETERS if name == STRICT or (name == BASELINE and not each.strict))
