# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keys that the field names and no profile sets, each with the reason; values that are always refused. Pure data."""

from __future__ import annotations

import re

from .model import LeftAlone

_ENTRIES = (
    LeftAlone(
        "fs.inotify.max_user_instances",
        "a matter of the host's size: no source names a value, and containers of one user id share the limit",
        "nobody names a value; dense hosts raise it",
        docker="containers of the same user id share it",
    ),
    LeftAlone(
        "kernel.kexec_load_disabled",
        "one-way: only a reboot takes it back",
        "KSPP, devsec linux-baseline: 1",
        breaks="kdump, and a reboot by kexec, that are loaded later",
        one_way="1",
    ),
    LeftAlone(
        "kernel.keys.maxkeys",
        "a matter of the host's size: no source names a value",
        "nobody names a value; dense hosts raise it",
        docker="each container takes keyrings of the quota",
    ),
    LeftAlone(
        "kernel.modules_disabled",
        "one-way, and set at boot it would keep out the modules that the engine loads late",
        "KSPP: 1",
        breaks="VPNs, USB, and each rule of the firewall that needs another module",
        docker="overlay, bridge, veth and the modules of the firewall are loaded when networks are made",
        one_way="1",
    ),
    LeftAlone(
        "kernel.panic_on_oops",
        "one fault of the kernel would take every container down; kernel.oops_limit stops those that come in numbers",
        "konstruktoid: 1",
        docker="every container goes down with the host",
    ),
    LeftAlone(
        "kernel.pid_max",
        "sized by the process_limits role",
        "a limit of processes",
        docker="it must exceed the sum of the containers' pids limits",
    ),
    LeftAlone(
        "kernel.threads-max",
        "sized by the process_limits role",
        "a limit of threads",
        docker="it must exceed the sum of the containers' pids limits",
    ),
    LeftAlone(
        "net.bridge.bridge-nf-call-ip6tables",
        "the engine sets it where it needs it; 0 is refused",
        "nobody names a value",
        docker="as net.bridge.bridge-nf-call-iptables",
    ),
    LeftAlone(
        "net.bridge.bridge-nf-call-iptables",
        "the engine sets it where it needs it; 0 is refused",
        "nobody names a value",
        docker="without it containers of one bridge pass the firewall",
    ),
    LeftAlone(
        "net.ipv4.conf.all.forwarding",
        "containers need it and the engine sets it; 0 is refused",
        "CIS Debian 13 3.3.1.2: 0",
        breaks="all traffic of containers",
        docker="the same switch as net.ipv4.ip_forward",
    ),
    LeftAlone(
        "net.ipv4.conf.default.forwarding",
        "containers need it and the engine sets it; 0 is refused",
        "CIS Debian 13 3.3.1.3: 0",
        breaks="networks that are made later",
        docker="a new bridge takes its own forwarding from it",
    ),
    LeftAlone(
        "net.ipv4.ip_forward",
        "containers need it and the engine sets it; 0 is refused",
        "CIS Debian 13 3.3.1.1, devsec linux-baseline: 0",
        breaks="all traffic of containers",
        docker="the engine sets it when it starts and not again",
    ),
    LeftAlone(
        "net.ipv4.ping_group_range",
        "Debian 13 and others let ping work without privileges by it, which is safer than a privileged ping",
        "nobody names a value",
        breaks="ping of ordinary users",
        docker="rootless engines need 0 2147483647 for ping",
    ),
    LeftAlone(
        "net.ipv4.tcp_timestamps",
        "without it fast connections lose their guard against old packets",
        "devsec linux-baseline: 0",
        breaks="fast links",
    ),
    LeftAlone(
        "net.ipv6.conf.all.disable_ipv6",
        "it forbids IPv6 networks, and is complete only on the kernel's command line",
        "CIS Debian 13 3.1.1 where IPv6 is not needed: 1",
        breaks="all of IPv6",
        docker="1 forbids IPv6 networks",
    ),
    LeftAlone(
        "net.ipv6.conf.all.forwarding",
        "it is off until something switches it on; a profile that pins 0 would cut IPv6 networks that are made later",
        "CIS Debian 13 3.3.2.1, devsec linux-baseline: 0",
        breaks="all IPv6 traffic of containers",
        docker="the engine sets it for IPv6 networks; 0 is refused",
    ),
    LeftAlone(
        "net.ipv6.conf.default.dad_transmits",
        "0 leaves duplicate addresses, and those who take another's on purpose, unseen",
        "devsec linux-baseline: 0",
    ),
    LeftAlone(
        "net.ipv6.conf.default.disable_ipv6",
        "it forbids IPv6 networks that are made later",
        "CIS Debian 13 3.1.1 where IPv6 is not needed: 1",
        breaks="IPv6 on new interfaces",
        docker="1 forbids IPv6 on new bridges",
    ),
    LeftAlone(
        "net.ipv6.conf.default.forwarding",
        "it is off until something switches it on; a profile that pins 0 would cut IPv6 networks that are made later",
        "CIS Debian 13 3.3.2.2: 0",
        breaks="all IPv6 traffic of containers",
        docker="the engine sets it for IPv6 networks; 0 is refused",
    ),
    LeftAlone(
        "net.netfilter.nf_conntrack_max",
        "a matter of the host's size",
        "konstruktoid: 2000000",
        docker="sized for the translated connections of all containers",
    ),
    LeftAlone(
        "net.netfilter.nf_conntrack_tcp_loose",
        "0 drops connections that live on while the engine restarts",
        "konstruktoid: 0",
        breaks="connections that outlive a flush of the table",
        docker="they are what live-restore keeps",
    ),
    LeftAlone(
        "vm.max_map_count",
        "a matter of the work: search engines ask for more",
        "nobody names a value",
    ),
    LeftAlone(
        "vm.overcommit_memory",
        "2 breaks databases and Java in containers, where memory limits do the work",
        "nobody names a value",
        docker="2 counts all containers' memory as one",
    ),
)

LEFT_ALONE: dict[str, LeftAlone] = {entry.key: entry for entry in _ENTRIES}

_FORWARDING = "would cut the containers off from the network"

# Pattern of the key, the value, the problem and the remedy.
_REFUSED = (
    (r"net\.ipv4\.ip_forward", "0", _FORWARDING, "leave the key out; Docker sets it to 1"),
    (r"net\.ipv[46]\.conf\.[^.]+\.forwarding", "0", _FORWARDING, "leave the key out; Docker sets what it needs"),
    (
        r"net\.bridge\.bridge-nf-call-ip6?tables",
        "0",
        "would let containers of different networks past the firewall",
        "leave the key out; Docker sets it where it needs it",
    ),
    (
        r"kernel\.modules_disabled",
        "1",
        "would, at the next boot, keep out the modules that Docker loads",
        "leave the key out, or set it from a unit that starts after Docker",
    ),
)


def refusal(key: str, value: str) -> tuple[str, str] | None:
    """Why *value* is never written to *key*, and what to do instead; None where it may be."""
    for pattern, refused, problem, remedy in _REFUSED:
        if value == refused and re.fullmatch(pattern, key):
            return problem, remedy
    return None
