# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalogue of sysctl keys: what each profile sets, why, and what was left alone on purpose. Pure data.

To add a key, add an entry; its control, its documentation and its place in the file follow from it.
"""

from __future__ import annotations

import typing as t

from .left_alone import LEFT_ALONE
from .model import SysctlKey

_CIS_OFF = "a host that trusts its neighbours' routing messages can be led to send its traffic through them"


def _pair(family: str, name: str, values: t.Mapping[str, str], reason: str, **more: t.Any) -> tuple[SysctlKey, ...]:
    """The same key for the interfaces that are (all) and for those to come (default)."""
    prefix = f"net.{family}.conf"
    return tuple(SysctlKey(f"{prefix}.{scope}.{name}", values, reason, **more) for scope in ("all", "default"))


FILESYSTEMS = (
    SysctlKey(
        "fs.protected_fifos",
        {"baseline": "1", "strict": "2"},
        "A pipe planted in a shared sticky directory is not opened in the belief that it is one's own.",
        ("KSPP", "devsec linux-baseline"),
        ladder=("0", "1", "2"),
    ),
    SysctlKey(
        "fs.protected_hardlinks",
        {"baseline": "1"},
        "Nobody links to files that he may not write, the first step of many set-user-ID tricks.",
        ("CIS Debian 13 1.5.1", "KSPP", "devsec linux-baseline"),
        ladder=("0", "1"),
    ),
    SysctlKey(
        "fs.protected_regular",
        {"baseline": "2"},
        "A file planted in a shared sticky directory is not written in the belief that it is one's own.",
        ("KSPP", "devsec linux-baseline"),
        breaks="scripts that write, as root, to other users' files in /tmp",
        ladder=("0", "1", "2"),
    ),
    SysctlKey(
        "fs.protected_symlinks",
        {"baseline": "1"},
        "Links planted in /tmp are not followed by others, which ends most races over temporary files.",
        ("CIS Debian 13 1.5.2", "KSPP", "devsec linux-baseline"),
        ladder=("0", "1"),
    ),
    SysctlKey(
        "fs.suid_dumpable",
        {"baseline": "0"},
        "A crashing set-user-ID program leaves no image of its privileged memory.",
        ("CIS Debian 13 1.5.4", "KSPP", "devsec linux-baseline"),
    ),
)

KERNEL = (
    SysctlKey(
        "dev.tty.ldisc_autoload",
        {"baseline": "0"},
        "Unprivileged users do not load old line disciplines, whose code has had many faults.",
        ("KSPP",),
        ladder=("1", "0"),
    ),
    SysctlKey(
        "dev.tty.legacy_tiocsti",
        {"strict": "0"},
        "A program cannot type into the terminal that it shares with a more powerful one.",
        ("KSPP",),
        breaks="a few screen readers and old mail programs",
        ladder=("1", "0"),
    ),
    SysctlKey(
        "kernel.dmesg_restrict",
        {"baseline": "1"},
        "The kernel log, with its addresses and device details, is for administrators.",
        ("CIS Debian 13 1.5.5", "KSPP"),
        ladder=("0", "1"),
    ),
    SysctlKey(
        "kernel.io_uring_disabled",
        {"strict": "2"},
        "io_uring is a large, young interface that has been behind many privilege escalations.",
        ("KSPP", "grsecurity"),
        breaks="programs on the host, or containers without seccomp, that need io_uring",
        docker="engines since 25 deny io_uring to containers already",
        ladder=("0", "1", "2"),
    ),
    SysctlKey(
        "kernel.kptr_restrict",
        {"baseline": "1", "strict": "2"},
        "Kernel addresses, which an exploit needs first, are not shown.",
        ("CIS Debian 13 1.5.8", "KSPP", "devsec linux-baseline"),
        breaks="with 2, tracers in containers lose the names of kernel symbols",
        ladder=("0", "1", "2"),
    ),
    SysctlKey(
        "kernel.oops_limit",
        {"strict": "100"},
        "An exploit that needs thousands of kernel faults to count a reference over is stopped early.",
        ("KSPP",),
        breaks="a host with a faulty driver reboots sooner",
    ),
    SysctlKey(
        "kernel.perf_event_paranoid",
        {"baseline": "2", "strict": "3"},
        "Unprivileged users do not reach the kernel's performance events, a frequent source of faults.",
        ("KSPP",),
        breaks="perf for ordinary users",
        ladder=("-1", "0", "1", "2", "3", "4"),
    ),
    SysctlKey(
        "kernel.randomize_va_space",
        {"baseline": "2"},
        "Programs lie at addresses that an attacker must guess.",
        ("CIS Debian 13 1.5.9", "KSPP", "devsec linux-baseline"),
        ladder=("0", "1", "2"),
    ),
    SysctlKey(
        "kernel.sysrq",
        {"baseline": "0"},
        "A keyboard or a serial line does not command the kernel.",
        ("kernel-hardening-checker", "devsec linux-baseline"),
        breaks="emergency sync and reboot by key",
    ),
    SysctlKey(
        "kernel.unprivileged_bpf_disabled",
        {"baseline": "2"},
        "Unprivileged users load no BPF programs; 2 has the effect of 1 and can be undone.",
        ("KSPP",),
        docker="containers are run by root and are not touched, but lose BPF inside without the capability",
        ladder=("0", "2", "1"),
        one_way=("1",),
    ),
    SysctlKey(
        "kernel.yama.ptrace_scope",
        {"baseline": "1", "strict": "2"},
        "A program does not read the memory of its user's other programs.",
        ("CIS Debian 13 1.5.3", "KSPP", "devsec linux-baseline"),
        breaks="attaching debuggers to running programs; with 2 without CAP_SYS_PTRACE",
        docker="one value for the host and all containers",
        ladder=("0", "1", "2", "3"),
        one_way=("3",),
    ),
    SysctlKey(
        "net.core.bpf_jit_harden",
        {"strict": "2"},
        "Compiled BPF programs cannot smuggle instructions in as constants.",
        ("KSPP",),
        breaks="some speed of networking that is built on BPF",
        ladder=("0", "1", "2"),
    ),
    SysctlKey(
        "vm.mmap_min_addr",
        {"baseline": "65536"},
        "A null pointer in the kernel does not lead into memory that a program has filled.",
        ("KSPP", "devsec linux-baseline"),
        breaks="16-bit programs under Wine and dosemu",
        more_is_stricter=True,
    ),
    SysctlKey(
        "vm.unprivileged_userfaultfd",
        {"baseline": "0"},
        "Unprivileged programs cannot stop the kernel in the middle of a copy, which makes races easy to win.",
        ("KSPP",),
        breaks="unprivileged post-copy migration",
        ladder=("1", "0"),
    ),
)

NETWORK = (
    *_pair(
        "ipv4",
        "accept_redirects",
        {"baseline": "0"},
        f"ICMP redirects are ignored: {_CIS_OFF}.",
        references=("CIS Debian 13 3.3.1.8", "devsec linux-baseline"),
    ),
    *_pair(
        "ipv4",
        "accept_source_route",
        {"baseline": "0"},
        "Packets that dictate their own route, past filters, are dropped.",
        references=("CIS Debian 13 3.3.1.14", "devsec linux-baseline"),
    ),
    *_pair(
        "ipv4",
        "log_martians",
        {"strict": "1"},
        "Packets with impossible addresses leave a trace in the log.",
        references=("CIS Debian 13 3.3.1.16", "devsec linux-baseline"),
        breaks="nothing, but the log may fill",
        docker="address translation for containers raises such packets too",
    ),
    *_pair(
        "ipv4",
        "rp_filter",
        {"strict": "1"},
        "Packets with forged source addresses are dropped.",
        references=("CIS Debian 13 3.3.1.12", "devsec linux-baseline"),
        breaks="asymmetric routes, overlay networks and several uplinks; set 2 there",
        docker="bridge networks on a host with one uplink are not touched",
        ladder=("0", "2", "1"),
    ),
    *_pair(
        "ipv4",
        "secure_redirects",
        {"strict": "0"},
        "Redirects are not taken from listed gateways either.",
        references=("CIS Debian 13 3.3.1.10", "devsec linux-baseline"),
    ),
    *_pair(
        "ipv4",
        "send_redirects",
        {"baseline": "0"},
        "The host tells nobody to route elsewhere; a taken-over one could misuse that.",
        references=("CIS Debian 13 3.3.1.4", "devsec linux-baseline"),
    ),
    SysctlKey(
        "net.ipv4.icmp_echo_ignore_broadcasts",
        {"baseline": "1"},
        "The host cannot be made to amplify a flood by answering broadcast pings.",
        ("CIS Debian 13 3.3.1.7", "devsec linux-baseline"),
    ),
    SysctlKey(
        "net.ipv4.icmp_ignore_bogus_error_responses",
        {"baseline": "1"},
        "Malformed error messages do not fill the log.",
        ("CIS Debian 13 3.3.1.6", "devsec linux-baseline"),
    ),
    SysctlKey(
        "net.ipv4.tcp_rfc1337",
        {"strict": "1"},
        "A late reset does not end a connection's waiting state early.",
        ("devsec linux-baseline",),
    ),
    SysctlKey(
        "net.ipv4.tcp_syncookies",
        {"baseline": "1"},
        "A flood of half-open connections does not close the host's services.",
        ("CIS Debian 13 3.3.1.18", "devsec linux-baseline"),
        ladder=("0", "1"),
    ),
    *_pair(
        "ipv6",
        "accept_redirects",
        {"baseline": "0"},
        f"ICMPv6 redirects are ignored: {_CIS_OFF}.",
        references=("CIS Debian 13 3.3.2.3", "devsec linux-baseline"),
    ),
    *_pair(
        "ipv6",
        "accept_source_route",
        {"baseline": "0"},
        "IPv6 packets that dictate their own route are dropped.",
        references=("CIS Debian 13 3.3.2.5", "devsec linux-baseline"),
    ),
)

KEYS: dict[str, SysctlKey] = {entry.key: entry for entry in (*FILESYSTEMS, *KERNEL, *NETWORK)}
KNOWN: frozenset[str] = frozenset({*KEYS, *LEFT_ALONE})


def profile_values(profile: str) -> dict[str, str]:
    """Each key that *profile* sets, with its value."""
    found = ((entry.key, entry.value(profile)) for entry in KEYS.values())
    return {key: value for key, value in found if value is not None}


def stricter(key: str, live: str, wanted: str) -> bool:
    """Whether the *live* value is *wanted* or stricter; without an order among the values, equal."""
    entry = KEYS.get(key)
    return entry.at_least(live, wanted) if entry else live == wanted


def is_one_way(key: str, value: str) -> bool:
    """Whether the kernel takes *value* of *key* back only at a reboot."""
    entry = KEYS.get(key)
    return value in (entry.one_way if entry else ONE_WAY.get(key, ()))


ONE_WAY = {"kernel.kexec_load_disabled": ("1",), "kernel.modules_disabled": ("1",)}
