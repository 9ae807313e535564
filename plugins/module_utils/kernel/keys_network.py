# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalogue's keys of the network. Pure data.

``combine`` says what the kernel makes of ``conf.all`` and of an interface's own value. For IPv4 the rules are the
macros IN_DEV_ANDCONF, IN_DEV_ORCONF and IN_DEV_MAXCONF of include/linux/inetdevice.h, and ip-sysctl of the kernel's
documentation names them. For IPv6 the kernel reads the interface's value only, but for source routes the lesser one.
"""

from __future__ import annotations

import typing as t

from .model import AND, INTERFACE, MAX, MIN, OR, SysctlKey

_LED_ASTRAY = "a host that trusts its neighbours' routing messages can be led to send its traffic through them"
_DEVSEC = "devsec linux-baseline"


def _pair(
    family: str, name: str, values: t.Mapping[str, str], reason: str, cis: tuple[str, ...] = (), **more: t.Any
) -> tuple[SysctlKey, ...]:
    """The same key for the interfaces that are (all) and for those to come (default).

    cis: the numbers of the two in CIS Debian 13. All of these are named by devsec's linux-baseline too.
    """
    numbers = dict(zip(("all", "default"), cis))
    return tuple(
        SysctlKey(
            f"net.{family}.conf.{scope}.{name}",
            values,
            reason,
            (*((f"CIS Debian 13 {numbers[scope]}",) if numbers else ()), _DEVSEC),
            **more,
        )
        for scope in ("all", "default")
    )


IPV4 = (
    *_pair(
        "ipv4",
        "accept_redirects",
        {"baseline": "0"},
        f"ICMP redirects are ignored: {_LED_ASTRAY}.",
        ("3.3.1.8", "3.3.1.9"),
        # AND on an interface that forwards; a container host may have one that does not.
        combine=OR,
    ),
    *_pair(
        "ipv4",
        "accept_source_route",
        {"baseline": "0"},
        "Packets that dictate their own route, past filters, are dropped.",
        ("3.3.1.14", "3.3.1.15"),
        combine=AND,
    ),
    SysctlKey(
        "net.ipv4.conf.all.arp_announce",
        {"strict": "2"},
        "The host names in its ARP requests only the address that belongs to the network that it asks.",
        (_DEVSEC,),
        breaks="hosts that move addresses between interfaces without announcing them, as some VRRP and LVS set-ups do",
        docker="container networks have one address a bridge and are not touched",
        ladder=("0", "1", "2"),
        combine=MAX,
    ),
    SysctlKey(
        "net.ipv4.conf.all.arp_ignore",
        {"strict": "1"},
        "The host answers an ARP request only where the address asked for is that interface's own.",
        (_DEVSEC,),
        breaks="addresses on another interface, such as lo, that neighbours are to find by ARP",
        docker="the bridge has the address that its containers ask for",
        ladder=("0", "1", "2"),
        combine=MAX,
    ),
    *_pair(
        "ipv4",
        "log_martians",
        {"strict": "1"},
        "Packets with impossible addresses leave a trace in the log.",
        ("3.3.1.16", "3.3.1.17"),
        breaks="nothing, but the log may fill",
        docker="address translation for containers raises such packets too",
        combine=OR,
    ),
    *_pair(
        "ipv4",
        "rp_filter",
        {"strict": "1"},
        "Packets with forged source addresses are dropped.",
        ("3.3.1.12", "3.3.1.13"),
        breaks="asymmetric routes; 2 is set where several uplinks, a tunnel or an overlay network are found",
        docker="bridge networks on a host with one uplink are not touched",
        ladder=("0", "2", "1"),
        combine=MAX,
    ),
    *_pair(
        "ipv4",
        "secure_redirects",
        {"strict": "0"},
        "Redirects are not taken from listed gateways either.",
        ("3.3.1.10", "3.3.1.11"),
        combine=OR,
    ),
    *_pair(
        "ipv4",
        "send_redirects",
        {"baseline": "0"},
        "The host tells nobody to route elsewhere; a taken-over one could misuse that.",
        ("3.3.1.4", "3.3.1.5"),
        combine=OR,
    ),
    *_pair(
        "ipv4",
        "shared_media",
        {"strict": "1"},
        "The kernel's own value, pinned as the field names it; nothing reads it while redirects are off.",
        combine=OR,
    ),
    SysctlKey(
        "net.ipv4.icmp_echo_ignore_broadcasts",
        {"baseline": "1"},
        "The host cannot be made to amplify a flood by answering broadcast pings.",
        ("CIS Debian 13 3.3.1.7", _DEVSEC),
    ),
    SysctlKey(
        "net.ipv4.icmp_ignore_bogus_error_responses",
        {"baseline": "1"},
        "Malformed error messages do not fill the log.",
        ("CIS Debian 13 3.3.1.6", _DEVSEC),
    ),
    SysctlKey(
        "net.ipv4.icmp_ratelimit",
        {"strict": "100"},
        "Ten messages of the kinds in net.ipv4.icmp_ratemask a second for each peer, since those now hold pings too.",
        (_DEVSEC,),
        breaks="more than ten pings a second from one peer go unanswered",
        docker="containers have limits of their own",
    ),
    SysctlKey(
        "net.ipv4.icmp_ratemask",
        {"strict": "88089"},
        "Answers to pings and to requests for the time are limited in their rate like errors are.",
        (_DEVSEC,),
        breaks="more than ten pings a second from one peer go unanswered",
        docker="containers have limits of their own",
    ),
    SysctlKey(
        "net.ipv4.ip_unprivileged_port_start",
        {"strict": "1024"},
        "Ordinary users cannot take the place of a service on a port below 1024.",
        ("ip-sysctl of the kernel's documentation",),
        breaks="services of ordinary users on low ports, where somebody lowered the value for them",
        docker="the engine sets the value of its containers itself",
        rootless="publishing low ports needs a lower value, so the key is left alone where an engine is found",
        more_is_stricter=True,
    ),
    SysctlKey(
        "net.ipv4.tcp_rfc1337",
        {"strict": "1"},
        "A late reset does not end a connection's waiting state early.",
        (_DEVSEC,),
    ),
    SysctlKey(
        "net.ipv4.tcp_syncookies",
        {"baseline": "1"},
        "A flood of half-open connections does not close the host's services.",
        ("CIS Debian 13 3.3.1.18", _DEVSEC),
        ladder=("0", "1"),
    ),
)

_ADVERTISED = "Neighbours cannot give the host addresses and routes by router advertisement, which nobody has to sign"
_RA: dict[str, t.Any] = {
    "breaks": "interfaces that are to get address or route by router advertisement later",
    "docker": "the engine switches it off on its bridges itself",
    "ipv6": "left alone where an address or route came by advertisement; with forwarding the interface then gets 2",
}


def _coming(name: str, value: str, reason: str) -> SysctlKey:
    return SysctlKey(f"net.ipv6.conf.default.{name}", {"strict": value}, reason, (_DEVSEC,), combine=INTERFACE, **_RA)


IPV6 = (
    *_pair(
        "ipv6",
        "accept_ra",
        {"strict": "0"},
        f"{_ADVERTISED}.",
        ("3.3.2.7", "3.3.2.8"),
        combine=INTERFACE,
        **_RA,
    ),
    *_pair(
        "ipv6",
        "accept_redirects",
        {"baseline": "0"},
        f"ICMPv6 redirects are ignored: {_LED_ASTRAY}.",
        ("3.3.2.3", "3.3.2.4"),
        combine=INTERFACE,
    ),
    *_pair(
        "ipv6",
        "accept_source_route",
        {"baseline": "0"},
        "IPv6 packets that dictate their own route are dropped.",
        ("3.3.2.5", "3.3.2.6"),
        combine=MIN,
    ),
    *_pair("ipv6", "autoconf", {"strict": "0"}, f"{_ADVERTISED}; no address is made of one.", combine=INTERFACE, **_RA),
    *_pair(
        "ipv6",
        "router_solicitations",
        {"strict": "0"},
        f"{_ADVERTISED}; the host does not ask for any.",
        combine=INTERFACE,
        **_RA,
    ),
    _coming("accept_ra_defrtr", "0", f"{_ADVERTISED}; no default route is taken from one."),
    _coming("accept_ra_pinfo", "0", f"{_ADVERTISED}; no prefix is taken from one."),
    _coming("accept_ra_rtr_pref", "0", f"{_ADVERTISED}; no router's preference is taken from one."),
    _coming("max_addresses", "1", "A flood of advertised prefixes does not give an interface address upon address."),
)
