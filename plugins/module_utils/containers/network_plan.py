# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks as they are: compared with what they should be, and what follows. Pure: takes the engine's JSON.

A network cannot be changed in place. It is made anew where no container is on it, and refused otherwise.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ..errors import Fault
from .declared import Item, Json, Judged
from .networks import ICC, INHIBIT, NetworkSpec, Pool, overlaps
from .state import PROJECT_LABEL
from .steps import Action, Difference

_MODE = "com.docker.network.bridge.gateway_mode_ipv"
# Options of the driver that open a network to others, with the values that do not; found, they are differences.
_CLOSED = {
    f"{_MODE}4": ("nat", "isolated"),
    f"{_MODE}6": ("nat", "isolated"),
    "com.docker.network.bridge.trusted_host_interfaces": ("",),
}


def is_ours(found: Json, project: str) -> bool:
    return bool((found.get("Labels") or {}).get(PROJECT_LABEL) == project)


def _true(written: t.Any) -> bool:
    return str(written).lower() in ("1", "t", "true")


def differences(spec: NetworkSpec, found: Json) -> tuple[Difference, ...]:
    """Every property, but for the labels, in which the network is not as it should be."""
    options: t.Mapping[str, str] = found.get("Options") or {}
    inhibited = _true(options.get(INHIBIT, "")) or options.get(f"{_MODE}4") == "isolated"
    pairs: list[tuple[str, t.Any, t.Any]] = [
        ("driver", found.get("Driver"), spec.driver),
        ("internal", bool(found.get("Internal")), spec.internal),
        ("enable_ipv6", bool(found.get("EnableIPv6")), spec.enable_ipv6),
    ]
    if spec.icc is not None:
        pairs.append(("icc", _true(options.get(ICC, "true")), spec.icc))
    if spec.internal:
        pairs.append(("host_access", not inhibited, spec.host_access))
    pairs += [(f"driver_options.{key}", options.get(key), value) for key, value in sorted(spec.driver_options.items())]
    pairs += [
        (f"driver_options.{key}", options[key], None)
        for key, closed in sorted(_CLOSED.items())
        if key not in spec.driver_options and options.get(key, "") not in ("", *closed)
    ]
    pairs += list(_pool_pairs(spec, found))
    return tuple(Difference(name, _text(before), _text(after)) for name, before, after in pairs if before != after)


def _pool_pairs(spec: NetworkSpec, found: Json) -> t.Iterator[tuple[str, t.Any, t.Any]]:
    known: dict[int, Json] = {
        ipaddress.ip_network(pool["Subnet"], strict=False).version: pool for pool in _known_pools(found)
    }
    for pool in spec.ipam_config:
        there = known.get(pool.version, {})
        yield "ipam_config.subnet", _canonical(there.get("Subnet")), pool.subnet
        yield "ipam_config.iprange", _canonical(there.get("IPRange")), pool.iprange
        if pool.gateway:  # without one the engine has chosen
            # Some engines write the length of the prefix behind it.
            yield "ipam_config.gateway", _canonical(str(there.get("Gateway") or "").partition("/")[0]), pool.gateway


def _known_pools(found: Json) -> list[Json]:
    return [pool for pool in (found.get("IPAM") or {}).get("Config") or () if pool.get("Subnet")]


def subnets(found: Json) -> list[str]:
    return [str(_canonical(pool["Subnet"])) for pool in _known_pools(found)]


def _canonical(written: t.Any) -> str:
    """An address or subnet as the engine writes it, in its shortest form."""
    if not written:
        return ""
    text = str(written)
    return str(ipaddress.ip_network(text, strict=False) if "/" in text else ipaddress.ip_address(text))


def _text(value: t.Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value in (None, "") else str(value)


def body(spec: NetworkSpec, project: str) -> dict[str, t.Any]:
    """What the engine's call to create the network takes beside the name."""
    options = dict(spec.driver_options)
    if spec.icc is not None:
        options[ICC] = str(spec.icc).lower()
    if spec.internal and not spec.host_access:
        options[INHIBIT] = "true"
    made: dict[str, t.Any] = {"driver": spec.driver, "internal": spec.internal, "enable_ipv6": spec.enable_ipv6}
    made.update(options=options, labels={**spec.labels, PROJECT_LABEL: project})
    if spec.ipam_config:
        made["ipam"] = {"Driver": "default", "Config": [_config(pool) for pool in spec.ipam_config]}
    return made


def _config(pool: Pool) -> dict[str, str]:
    parts = {"Subnet": pool.subnet, "Gateway": pool.gateway, "IPRange": pool.iprange}
    return {key: value for key, value in parts.items() if value}


def judge(
    spec: NetworkSpec, existing: t.Mapping[str, Json], attached: t.Sequence[str], staying: t.Sequence[str], project: str
) -> Judged:
    """What is to be done with one network.

    attached: the containers on it now, running or not. staying: those that are still on it after the run.
    """
    found = existing.get(spec.name)
    item, where = Item("network", spec.name, found is not None), f"network {spec.name!r}"
    if spec.state == "absent":
        why = "no container is left on it" if spec.implied else "state is absent"
        return _judge_absent(item, found, staying, project, why)
    others = [(name, subnets(other)) for name, other in sorted(existing.items()) if name != spec.name]
    taken = tuple(fault for name, known in others for fault in overlaps(spec, name, known))
    if found is None:
        item.actions = (Action("create", "", ("it does not exist",)),)
        return Judged(item, taken)
    item.differences = differences(spec, found)
    named = "; ".join(map(str, item.differences))
    if not is_ours(found, project):
        if not item.differences:
            return Judged(item)
        remedy = f"declare it as it is, or choose another name, or remove it (docker network rm {spec.name})"
        return Judged(
            item, (Fault(where, "name", spec.name, f"exists, is not this project's and differs: {named}", remedy),)
        )
    labels = _label_differences(spec, found)
    if not item.differences and not labels:
        return Judged(item)
    if attached:
        if not item.differences:
            said = f"network {spec.name!r}: {'; '.join(map(str, labels))} only once it is made anew"
            return Judged(item, (), (f"{said}, without a container on it",))
        on_it = f"{', '.join(sorted(attached))} {'is' if len(attached) == 1 else 'are'} on it"
        problem = f"cannot be changed while {on_it}: {named}"
        remedy = "remove these containers first (state: absent) and run again, or give the network another name"
        return Judged(item, (Fault(where, "name", spec.name, problem, remedy),))
    item.differences += labels
    item.actions = (Action("recreate", "", tuple(map(str, item.differences))),)
    return Judged(item, taken)


def _label_differences(spec: NetworkSpec, found: Json) -> tuple[Difference, ...]:
    if spec.implied:
        return ()
    there = {key: value for key, value in (found.get("Labels") or {}).items() if key != PROJECT_LABEL}
    keys = sorted(key for key in {*there, *spec.labels} if there.get(key) != spec.labels.get(key))
    return tuple(Difference(f"labels.{key}", there.get(key, "absent"), spec.labels.get(key, "absent")) for key in keys)


def _judge_absent(item: Item, found: Json | None, staying: t.Sequence[str], project: str, why: str) -> Judged:
    if found is not None and not is_ours(found, project):
        return Judged(item, (), (f"network {item.name!r} is not this project's, so it is left alone",))
    if staying:
        problem = f"is to be absent, but {', '.join(sorted(staying))} would still be on it"
        remedy = "set these containers to state: absent too, or take them off it"
        return Judged(item, (Fault(f"network {item.name!r}", "state", "absent", problem, remedy),))
    if found is None:
        return Judged(item)
    item.actions = (Action("remove", "", (why,)),)
    return Judged(item)
