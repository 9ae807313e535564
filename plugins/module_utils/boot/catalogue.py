# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The boot parameters that are recommended, and what each costs. Pure data.

Sources: the recommended settings of the Kernel Self Protection Project, the CIS Debian benchmark (audit), and the
kernel's own admin-guide/kernel-parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

X86_64 = ("x86_64",)


@dataclass(frozen=True)
class Parameter:
    """One recommendation.

    since: the first kernel that knows it. architectures: empty for all.
    built_in: the kernel's build option, with its value, that has the same effect without the parameter.
    strict: only in the profile ``strict``, because of what it breaks or costs.
    """

    name: str
    value: str
    reason: str
    since: tuple[int, int] = (0, 0)
    architectures: tuple[str, ...] = ()
    built_in: tuple[str, str] = ("", "")
    strict: bool = False
    breaks: str = ""


PARAMETERS = (
    Parameter("audit", "1", "processes that start before auditd are audited too"),
    Parameter("audit_backlog_limit", "8192", "events are not lost while auditd starts"),
    Parameter("init_on_alloc", "1", "memory comes zeroed", (5, 3), (), ("CONFIG_INIT_ON_ALLOC_DEFAULT_ON", "y")),
    Parameter(
        "init_on_free", "1", "freed memory keeps no secrets", (5, 3), (), ("CONFIG_INIT_ON_FREE_DEFAULT_ON", "y"),
        strict=True, breaks="costs a few percent of speed",
    ),
    Parameter("page_alloc.shuffle", "1", "pages are handed out in no foreseeable order", (5, 2)),
    Parameter(
        "slab_nomerge", "", "an overflow stays within one kind of object", (3, 18), (),
        ("CONFIG_SLAB_MERGE_DEFAULT", "n"),
    ),
    Parameter(
        "randomize_kstack_offset", "on", "the kernel's stack begins elsewhere at each system call", (5, 13), (),
        ("CONFIG_RANDOMIZE_KSTACK_OFFSET_DEFAULT", "y"),
    ),
    Parameter(
        "vsyscall", "none", "no code lies at a fixed address", (3, 1), X86_64, ("CONFIG_LEGACY_VSYSCALL_NONE", "y"),
        strict=True, breaks="programs of glibc before 2.14, as in containers of CentOS 6",
    ),
    Parameter(
        "debugfs", "off", "the kernel's debugging interface is gone", (5, 10), (), ("CONFIG_DEBUG_FS_ALLOW_NONE", "y"),
        strict=True, breaks="tracing tools that read debugfs",
    ),
    Parameter(
        "mitigations", "auto,nosmt", "the siblings of a core share no secrets", (5, 2), X86_64,
        strict=True, breaks="halves the threads where the processor needs it",
    ),
)  # fmt: skip


def applies(parameter: Parameter, kernel: tuple[int, int], architecture: str) -> bool:
    """Whether a kernel of that version and architecture knows the parameter."""
    return kernel >= parameter.since and architecture in (parameter.architectures or (architecture,))


def built_in(parameter: Parameter, config: str) -> bool:
    """Whether the kernel's build configuration (the text of its .config) has the same effect already."""
    option, value = parameter.built_in
    line = f"# {option} is not set" if value == "n" else f"{option}={value}"
    return bool(option) and line in config.splitlines()


def profile(name: str) -> tuple[Parameter, ...]:
    """The parameters of ``baseline`` or ``strict``."""
    return tuple(each for each in PARAMETERS if name == "strict" or not each.strict)
