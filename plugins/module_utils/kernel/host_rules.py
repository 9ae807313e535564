# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a profile's values become on one host: its traits, and the rules that look at them. Pure.

A rule names keys and a trait. Where the host has the trait, the keys get another value or are left alone. Of several
rules for a key the first one that applies counts.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, replace

from .keys import KEYS, profile_values
from .left_alone import LEFT_ALONE

# What a user may say that a host is going to be, before it can be seen, and the trait that this is.
EXPECTED = ("docker", "ipv6_networks", "userns_remap", "rootless")


@dataclass(frozen=True)
class HostTraits:
    """What was seen of a host that matters to its kernel settings. A text says where it was seen; empty: it was not.

    docker: an engine. ipv6_networks: container networks with IPv6.
    userns_remap: an engine that shifts its containers' ids.
    rootless: an engine that an ordinary user runs. user_namespaces: a program that runs in one.
    userns_clone: the kernel has the key that keeps user namespaces from ordinary users only.
    advertised: the interfaces that got address or route by router advertisement. ipv6_forwarding: it is on.
    no_resource_right: CAP_SYS_RESOURCE is missing, as in some containers.
    asymmetric: why answers may come by another way than questions went.
    machine: as uname(2) names it. rnd_bits, rnd_compat_bits: the most that the kernel was built for; None: not known.
    """

    docker: str = ""
    ipv6_networks: str = ""
    userns_remap: str = ""
    rootless: str = ""
    user_namespaces: str = ""
    userns_clone: str = ""
    advertised: tuple[str, ...] = ()
    ipv6_forwarding: bool = False
    no_resource_right: str = ""
    asymmetric: str = ""
    machine: str = ""
    rnd_bits: int | None = None
    rnd_compat_bits: int | None = None


@dataclass(frozen=True)
class Adjusted:
    """What became of a key on this host: a value, or None where it is left alone; and why."""

    value: str | None
    why: str

    def as_dict(self) -> dict[str, str | None]:
        return {"value": self.value, "why": self.why}


@dataclass(frozen=True)
class Rule:
    """Where the host has *trait*, the keys get *value* (None: they are left alone), because *why*.

    harm: the value that would break the host, if a user gives it; else the strict profile's.
    """

    keys: tuple[str, ...]
    trait: str
    value: str | None
    why: str
    harm: str = ""


_RP_FILTER = ("net.ipv4.conf.all.rp_filter", "net.ipv4.conf.default.rp_filter")
_NAMESPACES = "user.max_user_namespaces"
ADVERTISED = tuple(
    key
    for key in KEYS
    if re.fullmatch(r"net\.ipv6\.conf\..*\.(accept_ra(_\w+)?|autoconf|router_solicitations|max_addresses)", key)
)
_FORWARDING = ("net.ipv4.conf.all.forwarding", "net.ipv4.conf.default.forwarding", "net.ipv4.ip_forward")
_FORWARDING6 = ("net.ipv6.conf.all.forwarding", "net.ipv6.conf.default.forwarding")
_DISABLED6 = ("net.ipv6.conf.all.disable_ipv6", "net.ipv6.conf.default.disable_ipv6")

RULES = (
    Rule(_FORWARDING, "docker", None, "containers reach the network by it"),
    Rule(_FORWARDING6, "ipv6_networks", None, "IPv6 containers reach the network by it"),
    Rule(_DISABLED6, "ipv6_networks", None, "it would forbid the containers' IPv6 networks", harm="1"),
    Rule(
        ("kernel.unprivileged_userns_clone",),
        "rootless",
        None,
        "a rootless engine cannot start without user namespaces",
    ),
    Rule(
        ("kernel.apparmor_restrict_unprivileged_unconfined",),
        "rootless",
        None,
        "a rootless engine needs an AppArmor profile of its own first",
    ),
    Rule(("net.ipv4.ip_unprivileged_port_start",), "rootless", None, "a rootless engine may publish low ports by it"),
    Rule((_NAMESPACES,), "rootless", None, "a rootless engine cannot start without user namespaces"),
    Rule((_NAMESPACES,), "userns_remap", None, "userns-remap starts containers in user namespaces"),
    Rule((_NAMESPACES,), "userns_clone", None, "kernel.unprivileged_userns_clone does it and spares what root starts"),
    Rule((_NAMESPACES,), "no_resource_right", None, "the kernel lets nobody limit namespaces here"),
    Rule((_NAMESPACES,), "user_namespaces", None, "a program of this host runs in a user namespace"),
    Rule(ADVERTISED, "advertised", None, "address or route of this host came by router advertisement"),
    Rule(_RP_FILTER, "asymmetric", "2", "answers may come by another way"),
)

# The most that each architecture takes, where that depends on nothing else (the kernel's arch/*/Kconfig). The others
# (ARM, MIPS, POWER) depend on page size and address space, which only the kernel's own configuration tells.
RND_BITS: dict[str, tuple[int | None, int | None]] = {
    "x86_64": (32, 16),
    "i386": (16, None),
    "i586": (16, None),
    "i686": (16, None),
    "riscv64": (24, 17),
}
_MIN_ADDR = "vm.mmap_min_addr"
# The programs of 32-bit ARM begin at this address (KSPP; security/Kconfig of the kernel).
_ARM_MIN_ADDR = "32768"


def adjust(profile: str, traits: HostTraits) -> dict[str, Adjusted]:
    """What becomes of the keys that *profile* sets, or that no profile does, by the first rule that applies."""
    wanted = profile_values(profile)
    found: dict[str, Adjusted] = {}
    for rule in RULES:
        seen = _seen(traits, rule.trait)
        for key in rule.keys if seen else ():
            if key in wanted or key in LEFT_ALONE:
                found.setdefault(key, Adjusted(rule.value, f"{rule.why} ({seen})"))
    built = _architecture(traits)
    return {**found, **{key: each for key, each in built.items() if wanted.get(key) not in (None, each.value)}}


def interface_values(traits: HostTraits) -> dict[str, str]:
    """Values of single interfaces: one that lives on advertisements takes them, while it forwards, only with 2."""
    if not (traits.ipv6_forwarding or traits.ipv6_networks):
        return {}
    return {f"net.ipv6.conf.{name.replace('.', '/')}.accept_ra": "2" for name in traits.advertised}


def expecting(traits: HostTraits, expected: t.Iterable[str]) -> HostTraits:
    """The traits with those that the user announced."""
    said: dict[str, t.Any] = {name: getattr(traits, name) or "expected of this host" for name in expected}
    return replace(traits, **said)


def harmful(settings: t.Mapping[str, str], traits: HostTraits) -> list[str]:
    """A warning for each value of the user's own that this host does not bear."""
    found = []
    for rule in RULES:
        seen = _seen(traits, rule.trait)
        for key in rule.keys if seen else ():
            harm = rule.harm or (KEYS[key].values.get("strict", "") if key in KEYS else "")
            if key in settings and settings[key] == harm:
                found.append(f"settings gives {key} = {harm}, but {rule.why} ({seen})")
    return found


def _seen(traits: HostTraits, trait: str) -> str:
    value = getattr(traits, trait)
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _architecture(traits: HostTraits) -> dict[str, Adjusted]:
    known = RND_BITS.get(traits.machine, (None, None))
    found = {
        "vm.mmap_rnd_bits": _most(traits.rnd_bits, known[0], traits.machine),
        "vm.mmap_rnd_compat_bits": _most(traits.rnd_compat_bits, known[1], traits.machine),
    }
    if re.match(r"arm(v\d|$)", traits.machine):
        found[_MIN_ADDR] = Adjusted(_ARM_MIN_ADDR, f"programs of {traits.machine} begin there")
    return found


def _most(built: int | None, known: int | None, machine: str) -> Adjusted:
    if built is not None:
        return Adjusted(str(built), "the most that this kernel was built for")
    if known is not None:
        return Adjusted(str(known), f"the most that {machine} takes")
    return Adjusted(
        None, f"the most that {machine or 'this machine'} takes is not known without the kernel's configuration"
    )
