# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keys that the field names and no profile sets, each with the reason; values that are always refused. Pure data."""

from __future__ import annotations

import re

_SIZE = "a matter of the host's size and work, not of its safety"
_ROUTES = "it takes address or route from hosts that get them by router advertisement"
_NETWORK = "it depends on the network's layout and can break hosts with several addresses"
_OPT_IN = "the stock value is the safe one; rootless engines may need another"

LEFT_ALONE: dict[str, str] = {
    "fs.inotify.max_user_instances": _SIZE,
    "kernel.apparmor_restrict_unprivileged_unconfined": "rootless engines need a profile of their own first",
    "kernel.core_uses_pid": "cosmetic",
    "kernel.kexec_load_disabled": "one-way: only a reboot takes it back",
    "kernel.keys.maxkeys": _SIZE,
    "kernel.modules_disabled": "one-way, and Docker needs modules that it loads late",
    "kernel.panic_on_oops": "one fault of the kernel would take every container down",
    "kernel.pid_max": "sized by the process_limits role",
    "kernel.printk": "cosmetic",
    "kernel.threads-max": "sized by the process_limits role",
    "kernel.unprivileged_userns_clone": "rootless engines need 1, and only Debian has it",
    "kernel.warn_limit": "the sources disagree, and harmless warnings would stop the host",
    "net.bridge.bridge-nf-call-ip6tables": "Docker sets it where it needs it",
    "net.bridge.bridge-nf-call-iptables": "Docker sets it where it needs it",
    "net.ipv4.conf.all.arp_announce": _NETWORK,
    "net.ipv4.conf.all.arp_ignore": _NETWORK,
    "net.ipv4.conf.all.forwarding": "containers need it; Docker sets it",
    "net.ipv4.conf.all.shared_media": _NETWORK,
    "net.ipv4.conf.default.forwarding": "containers need it; Docker sets it",
    "net.ipv4.conf.default.shared_media": _NETWORK,
    "net.ipv4.icmp_ratelimit": "the stock value is right",
    "net.ipv4.icmp_ratemask": "the stock value is right",
    "net.ipv4.ip_forward": "containers need it; Docker sets it",
    "net.ipv4.ip_unprivileged_port_start": _OPT_IN,
    "net.ipv4.ping_group_range": _OPT_IN,
    "net.ipv4.tcp_timestamps": "without it fast connections lose their guard against old packets",
    "net.ipv6.conf.all.accept_ra": _ROUTES,
    "net.ipv6.conf.all.autoconf": _ROUTES,
    "net.ipv6.conf.all.disable_ipv6": "it forbids IPv6 networks",
    "net.ipv6.conf.all.forwarding": "containers with IPv6 need it; Docker sets it",
    "net.ipv6.conf.all.router_solicitations": _ROUTES,
    "net.ipv6.conf.default.accept_ra": _ROUTES,
    "net.ipv6.conf.default.accept_ra_defrtr": _ROUTES,
    "net.ipv6.conf.default.accept_ra_pinfo": _ROUTES,
    "net.ipv6.conf.default.accept_ra_rtr_pref": _ROUTES,
    "net.ipv6.conf.default.autoconf": _ROUTES,
    "net.ipv6.conf.default.dad_transmits": "without it duplicate addresses go unseen",
    "net.ipv6.conf.default.disable_ipv6": "it forbids IPv6 networks",
    "net.ipv6.conf.default.forwarding": "containers with IPv6 need it; Docker sets it",
    "net.ipv6.conf.default.max_addresses": _ROUTES,
    "net.ipv6.conf.default.router_solicitations": _ROUTES,
    "net.netfilter.nf_conntrack_max": _SIZE,
    "net.netfilter.nf_conntrack_tcp_loose": "0 drops connections that live on while the engine restarts",
    "user.max_user_namespaces": "userns-remap and rootless engines need it",
    "vm.max_map_count": _SIZE,
    "vm.mmap_rnd_bits": "its greatest value depends on the architecture",
    "vm.mmap_rnd_compat_bits": "its greatest value depends on the architecture",
    "vm.overcommit_memory": "2 breaks databases and Java in containers",
}

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
