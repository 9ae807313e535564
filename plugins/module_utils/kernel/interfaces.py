# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keys of single network interfaces: which ones the catalogue's values for all of them do not reach. Pure.

An interface that comes later takes its values from ``conf.default``. One that is there has its own, and by the key's
rule (``SysctlKey.combine``) the kernel may follow that one in spite of ``conf.all``; only then is it set. Interfaces of
a container engine come and go with its containers and networks: they are left to ``default``, which each new one gets,
so that a container that starts between two runs changes nothing. What outlives a reboot, as the bridge of a network,
is made anew by it and has then what ``default`` was hardened to; undo gives it back what it had.
"""

from __future__ import annotations

import re
import typing as t

from .keys import KEYS, stricter
from .model import AND, INTERFACE, MIN

# Named by Docker, its swarm mode, Podman and the network plug-ins of Kubernetes; nobody sends redirects to lo.
_ENGINES = re.compile(
    r"lo|docker\d+|docker_gwbridge|br-[0-9a-f]{12}|veth.*|podman\d+|cni.*|cali.*|flannel.*|cilium.*|lxc.*"
)
# Of a single container, which has another one after each start.
_PASSING = re.compile(r"lo|veth.*|cali.*|lxc.*")
# The switch of a family, and its other name.
SWITCHES = {
    "net.ipv4": ("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"),
    "net.ipv6": ("net.ipv6.conf.all.forwarding",),
}
_ALL = re.compile(r"(net\.ipv[46]\.conf)\.all\.(\w+)")
_DEFAULT = re.compile(r"(net\.ipv[46]\.conf)\.default\.(\w+)")
_ONE = re.compile(r"net\.ipv[46]\.conf\.(?!all\.|default\.)[^.]+\.\w+")


_FORWARDING = re.compile(r"(net\.ipv[46])\.conf\.[^.]+\.forwarding")


def after_switches(values: t.Mapping[str, str], targets: t.Mapping[str, str]) -> dict[str, str]:
    """The live values once the global switches among *targets* are set, each of which resets other keys.

    As the kernel's inet_forward_change and addrconf_fixup_forwarding do: the forwarding of all interfaces follows, and
    IPv4 takes redirects only while it does not forward.
    """
    found = dict(values)
    for family, names in SWITCHES.items():
        for name in names:
            target = targets.get(name, found.get(name))
            if name not in found or target == found[name] or target is None:
                continue
            for key in found:
                match = _FORWARDING.fullmatch(key)
                if (match and match[1] == family) or key in names:
                    found[key] = target
            if family == "net.ipv4" and "net.ipv4.conf.all.accept_redirects" in found:
                found["net.ipv4.conf.all.accept_redirects"] = "0" if target != "0" else "1"
    return {**found, **{name: values[name] for names in SWITCHES.values() for name in names[:1] if name in values}}


def is_interface_key(key: str) -> bool:
    """Whether the key belongs to one interface, with which it comes and goes."""
    return bool(_ONE.fullmatch(key))


def interface_of(key: str) -> str:
    """The name of the interface to which the key belongs; empty where it is no such key."""
    return key.split(".")[3].replace("/", ".") if is_interface_key(key) else ""


def own_interfaces(names: t.Iterable[str]) -> tuple[str, ...]:
    """Those of the interfaces that are the host's, and no engine's."""
    return tuple(sorted(_without(_ENGINES, names)))


def inheriting(managed: t.Iterable[str], names: t.Iterable[str]) -> frozenset[str]:
    """The keys of single interfaces that get their value, when the interface is made, from one that is managed."""
    defaults = [match for match in map(_DEFAULT.fullmatch, managed) if match]
    lasting = _without(_PASSING, names)
    return frozenset(f"{match[1]}.{name.replace('.', '/')}.{match[2]}" for match in defaults for name in lasting)


def _without(kind: t.Pattern[str], names: t.Iterable[str]) -> list[str]:
    """The interfaces that are not of that kind."""
    return [name for name in names if name not in ("all", "default") and not kind.fullmatch(name)]


def default_of(key: str) -> str:
    """The key from which that of a single interface gets its value when the interface is made."""
    family, _interface, name = key.rsplit(".", 2)
    return f"{family}.default.{name}"


def given_back(former: t.Mapping[str, str], live: t.Mapping[str, str], ours: t.Mapping[str, str]) -> dict[str, str]:
    """The *former* values of those interfaces that were made anew since, with the ``conf.default`` that is *ours*."""
    return {
        key: value
        for key, value in former.items()
        if key in live and live[key] != value and live[key] == ours.get(default_of(key))
    }


def candidates(demanded: t.Iterable[str], names: t.Iterable[str]) -> dict[str, str]:
    """Each key of a single interface that may have to be set, with the key for all interfaces that it follows."""
    found = {}
    for key in demanded:
        match = _ALL.fullmatch(key)
        if match and key in KEYS:
            found.update({f"{match[1]}.{name.replace('.', '/')}.{match[2]}": key for name in names})
    return found


def needed(
    demanded: t.Mapping[str, str],
    followed: t.Mapping[str, str],
    live: t.Mapping[str, str],
    originals: t.Mapping[str, t.Any],
) -> dict[str, str]:
    """The values of single interfaces that have to be set, since their own are in force in spite of ``conf.all``.

    followed: each candidate with the key that it follows. originals: what earlier runs found; a key that had to be set
    then stays set, though it is right by now and even where its interface is gone.
    """
    found = {}
    for key, parent in followed.items():
        own = [str(values[key]) for values in (originals, live) if key in values]
        if not all(_in_force(parent, demanded[parent], value, demanded[parent]) for value in own):
            found[key] = demanded[parent]
    return found


def effective(parent: str, everywhere: str, own: str) -> str:
    """What the kernel goes by on an interface with its *own* value, where ``conf.all`` is *everywhere*."""
    combine = KEYS[parent].combine
    if combine == INTERFACE or not (own.lstrip("-").isdigit() and everywhere.lstrip("-").isdigit()):
        return own
    choose = min if combine in (AND, MIN) else max
    return str(choose(int(everywhere), int(own)))


def loose(values: t.Mapping[str, str], parent: str, wanted: str, followed: t.Mapping[str, str]) -> list[str]:
    """The keys of single interfaces by which *parent* is not in force there."""
    own = [key for key, everywhere in sorted(followed.items()) if everywhere == parent and key in values]
    return [key for key in own if not _in_force(parent, values.get(parent, wanted), values[key], wanted)]


def _in_force(parent: str, everywhere: str, own: str, wanted: str) -> bool:
    return stricter(parent, effective(parent, everywhere, own), wanted)
