# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks as they should be: what the user declared, read and checked, and what a container implies. Pure."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass, field

from ..errors import Fault, shown
from . import values
from .declared import Conflict, Found, read
from .records import entries
from .spec import Spec
from .state import INTERNAL_SUFFIX, own_network
from .units import Wrong

ICC = "com.docker.network.bridge.enable_icc"
INHIBIT = "com.docker.network.bridge.inhibit_ipv4"
_OPTION = re.compile(r"\A[a-zA-Z0-9][\w.-]*\Z", re.ASCII)
SPECIAL = ("host", "none", "bridge", "default")
STATES = ("present", "absent")

Subnet = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


@dataclass(frozen=True)
class Pool:
    """Addresses of a network in their shortest form; '' where the engine chooses."""

    subnet: str
    gateway: str = ""
    iprange: str = ""

    @property
    def version(self) -> int:
        return ipaddress.ip_network(self.subnet).version


@dataclass(frozen=True)
class NetworkSpec:
    """One network as it should be. icc is None where it is left to the engine; implied: no list declares it."""

    name: str
    state: str = "present"
    driver: str = "bridge"
    internal: bool = True
    icc: bool | None = False
    host_access: bool = False
    enable_ipv6: bool = False
    ipam_config: tuple[Pool, ...] = ()
    driver_options: t.Mapping[str, str] = field(default_factory=dict)
    labels: t.Mapping[str, str] = field(default_factory=dict)
    implied: bool = False


def _name(value: t.Any) -> str:
    found = values.network_name(value)
    if found in SPECIAL:
        raise Wrong("is a network of the engine itself", "choose a name of your own")
    return found


def _driver(value: t.Any) -> str:
    if value != "bridge":
        raise Wrong("makes networks that these options cannot close", "write bridge, or make the network by hand")
    return "bridge"


def _driver_options(value: t.Any) -> dict[str, str]:
    found = values.text_map(value, _OPTION, "write the driver's option names, such as com.docker.network.driver.mtu")
    for key, option in ((ICC, "icc"), (INHIBIT, "host_access")):
        if key in found:
            raise Wrong(f"has {shown(key)}, which is an option here", f"write {option}")
    return found


def _subnet(value: t.Any, key: str) -> Subnet:
    written = values.text(value)
    try:
        found = ipaddress.ip_network(written)
    except ValueError as error:
        raise Wrong(f"has {shown(written)} as {key} ({error})", "write a subnet such as 10.20.0.0/24") from None
    if "/" not in written:
        raise Wrong(f"has {shown(written)} as {key}, without the length of its prefix", "write it as 10.20.0.0/24")
    return found


def _pools(value: t.Any) -> tuple[Pool, ...]:
    found: list[Pool] = []
    for item in entries(value, ("subnet", "gateway", "iprange"), "subnet"):
        subnet = _subnet(item["subnet"], "subnet")
        if subnet.is_loopback or subnet.is_multicast or subnet.is_link_local or int(subnet.network_address) == 0:
            raise Wrong(f"has the subnet {str(subnet)!r}, which is no network's", "write one such as 10.20.0.0/24")
        if subnet.num_addresses < 4:
            raise Wrong(f"has the subnet {str(subnet)!r}, without room for a container", "write a larger one")
        if subnet.version in (pool.version for pool in found):
            raise Wrong(f"has two subnets of IPv{subnet.version}", "keep one, a bridge has no more")
        inner = _subnet(item["iprange"], "iprange") if "iprange" in item else None
        if inner is not None and (inner.version != subnet.version or not _within(inner, subnet)):
            raise Wrong(f"has the iprange {str(inner)!r} outside {str(subnet)!r}", "write a part of the subnet")
        found.append(Pool(str(subnet), _gateway(item, subnet), str(inner) if inner else ""))
    return tuple(found)


def _gateway(item: Found, subnet: Subnet) -> str:
    if "gateway" not in item:
        return ""
    remedy = f"write an address of the subnet, such as {subnet[1]}"
    try:
        found = ipaddress.ip_address(values.text(item["gateway"]))
    except ValueError:
        raise Wrong(f"has the gateway {shown(item['gateway'])}, which is not an IP address", remedy) from None
    if found not in subnet or found in (subnet.network_address, subnet.broadcast_address):
        raise Wrong(f"has the gateway {str(found)!r}, which no host of {str(subnet)!r} has", remedy)
    return str(found)


def _within(inner: Subnet, outer: Subnet) -> bool:
    return inner.network_address in outer and inner.prefixlen >= outer.prefixlen


def overlap(one: str, other: str) -> bool:
    first, second = ipaddress.ip_network(one), ipaddress.ip_network(other)
    if first.version != second.version:
        return False
    return first.network_address in second or second.network_address in first


READERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "name": _name,
    "state": values.choice(*STATES),
    "driver": _driver,
    "internal": values.boolean,
    "icc": values.boolean,
    "host_access": values.boolean,
    "enable_ipv6": values.boolean,
    "ipam_config": _pools,
    "driver_options": _driver_options,
    "labels": values.labels,
}


def _conflicts(found: Found) -> t.Iterator[Conflict]:
    if found.get("host_access") and not found.get("internal", True):
        yield "host_access", True, "counts only for an internal network", "leave it out"
    versions = [pool.version for pool in found.get("ipam_config", ())]
    if found.get("enable_ipv6") and 6 not in versions:
        yield "enable_ipv6", True, "needs a subnet", "add one to ipam_config, such as fd00:20::/64"
    if 6 in versions and not found.get("enable_ipv6"):
        yield "ipam_config", found["ipam_config"][versions.index(6)].subnet, "is IPv6", "set enable_ipv6: true too"


def parse_networks(given: t.Any) -> tuple[tuple[NetworkSpec, ...], list[Fault]]:
    """The networks of the list, and every fault of every one."""
    found, faults = read(given, "network", READERS, _conflicts)
    specs = tuple(NetworkSpec(**entry) for entry in found)
    for number, spec in enumerate(specs):
        for other in specs[:number]:
            faults += overlaps(spec, other.name, [pool.subnet for pool in other.ipam_config])
    return specs, faults


def overlaps(spec: NetworkSpec, other: str, subnets: t.Sequence[str]) -> t.Iterator[Fault]:
    """A fault for each subnet that another network has, in part at least."""
    for pool in spec.ipam_config:
        for subnet in subnets:
            if overlap(pool.subnet, subnet):
                problem = f"overlaps with {subnet} of the network {other!r}"
                yield Fault(f"network {spec.name!r}", "ipam_config", pool.subnet, problem, "choose another subnet")


def wanted_names(spec: Spec, project: str) -> tuple[str, ...]:
    """The networks, but for the engine's own, that the container is to be attached to."""
    if not spec.wants_container:
        return ()
    names = [own_network(spec, project)] if spec.networks is None else [each.name for each in spec.networks]
    return tuple(name for name in names if name not in SPECIAL)


def with_implied(declared: t.Sequence[NetworkSpec], specs: t.Iterable[Spec], project: str) -> list[NetworkSpec]:
    """The declared networks, and before them the project's own two where a container wants them undeclared."""
    wanted = {name for spec in specs for name in wanted_names(spec, project)} - {each.name for each in declared}
    return [each for each in implied(project) if each.name in wanted] + list(declared)


def implied(project: str) -> tuple[NetworkSpec, NetworkSpec]:
    """The project's own networks, for containers that name none."""
    return (
        NetworkSpec(project, internal=False, icc=None, implied=True),
        NetworkSpec(project + INTERNAL_SUFFIX, internal=True, icc=True, implied=True),
    )
