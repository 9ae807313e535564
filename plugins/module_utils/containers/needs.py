# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How containers and networks depend on each other: who is on which, and what a container needs of them. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ..errors import Fault
from .declared import Json
from .network_plan import subnets
from .networks import NetworkSpec, wanted_names
from .spec import Spec
from .state import INTERNAL_SUFFIX
from .steps import own_name


def attached_to(listed: t.Iterable[Json], network: Json) -> list[str]:
    """The names of the containers on the network, running or not: a stopped one would never start again without it."""
    found = []
    for each in listed:
        for name, endpoint in ((each.get("NetworkSettings") or {}).get("Networks") or {}).items():
            known = (endpoint or {}).get("NetworkID")
            # One that was never started knows only the name, and Podman tells it in place of the id.
            if known == network.get("Id") or (known in (None, "", name) and name == network.get("Name")):
                found += [str(given).lstrip("/") for given in (each.get("Names") or ())[:1]]
    return sorted(set(found))


def staying(attached: t.Iterable[str], specs: t.Iterable[Spec], network: str, project: str) -> list[str]:
    """The containers on the network after the run: those that want it, and others that are on it now."""
    wanting = {spec.name for spec in specs if network in wanted_names(spec, project)}
    leaving = {spec.name for spec in specs} - wanting
    return sorted(({own_name(name) for name in attached} - leaving) | wanting)


def needed(spec: Spec, project: str) -> set[tuple[str, str]]:
    """The kind and name of each network and volume that has to be there for the container."""
    found = {("network", name) for name in wanted_names(spec, project)}
    return found | {("volume", mount[2]) for mount in spec.mounts if mount[1] == "volume" and spec.wants_container}


def container_faults(
    spec: Spec, project: str, known: t.Mapping[str, NetworkSpec], existing: t.Mapping[str, Json]
) -> t.Iterator[Fault]:
    """What a container asks of its networks that they do not give. known: the run's networks that will be there."""
    where, names = f"container {spec.name!r}", wanted_names(spec, project)
    there = [name for name in names if name in known or name in existing]
    closed = {name for name in there if _is_internal(name, known, existing)}
    for name in there if spec.internal else ():
        if name not in closed:
            remedy = f"take it out, or leave networks out for {project + INTERNAL_SUFFIX}, or set internal: false"
            yield Fault(where, "networks", name, "is not internal, as the container is to be", remedy)
    if spec.published_ports and there and set(names) <= closed and not spec.internal:
        remedy = f"add a network that is not, such as {project}, or leave published_ports out"
        yield Fault(where, "networks", ", ".join(names), "are internal, so no port would be published", remedy)
    for network in spec.networks or ():
        for address in filter(None, (network.ipv4_address, network.ipv6_address)):
            yield from _address_faults(where, network.name, address, known, existing)


def _is_internal(name: str, known: t.Mapping[str, NetworkSpec], existing: t.Mapping[str, Json]) -> bool:
    return known[name].internal if name in known else bool(existing[name].get("Internal"))


def _address_faults(
    where: str, name: str, address: str, known: t.Mapping[str, NetworkSpec], existing: t.Mapping[str, Json]
) -> t.Iterator[Fault]:
    if name in known and known[name].ipam_config:
        pools = [pool.subnet for pool in known[name].ipam_config]
    elif name in existing:
        pools = subnets(existing[name])
    elif name in known:
        yield Fault(where, "networks", address, f"needs a subnet of {name!r}", "give that network its ipam_config")
        return
    else:
        return
    if not any(ipaddress.ip_address(address) in ipaddress.ip_network(pool) for pool in pools):
        problem = f"is not in {', '.join(pools) or 'a subnet'} of the network {name!r}"
        yield Fault(where, "networks", address, problem, "write an address of that subnet")
