# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Readers of the options that are records of their own: mounts, networks, healthcheck, waivers. Pure."""

from __future__ import annotations

import datetime
import re
import typing as t
from dataclasses import dataclass

from ..controls import container, model
from ..errors import named, nearest, shown
from . import ports, values
from .units import Wrong, parse_duration

_propagation = values.choice("private", "rprivate", "shared", "rshared", "slave", "rslave")
HEALTH_DEFAULTS = {
    "interval": 30 * 10**9,
    "timeout": 30 * 10**9,
    "start_period": 0,
    "start_interval": 5 * 10**9,
    "retries": 3,
}
Waiver = model.Waiver
_OF_CONTAINERS = frozenset(control.id for control in container.CONTROLS)


@dataclass(frozen=True)
class Network:
    """A network to be attached to, with what was asked of the endpoint.

    extras: what no spec asks for, by the engine's names: links, options of the driver, addresses of the link.
    """

    name: str
    aliases: frozenset[str] = frozenset()
    ipv4_address: str = ""
    ipv6_address: str = ""
    extras: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Dependency:
    """A container that has to be there before this one; condition: started or healthy."""

    name: str
    condition: str = "started"


def entries(value: t.Any, known: t.Collection[str], required: str = "") -> list[dict[str, t.Any]]:
    """A list of dictionaries with no keys but the known ones; what is null counts as not given."""
    if not isinstance(value, (list, tuple)):
        raise Wrong("is not a list", "write a list of dictionaries")
    found = []
    for item in value:
        if not isinstance(item, dict):
            example = required or sorted(known)[-1]
            raise Wrong(f"has {shown(item)}, which is not a dictionary", f"write {example}: ... in each entry")
        for key in item:
            if key not in known:
                hint = nearest(named(key), known)
                raise Wrong(f"has the unknown key {shown(key)}{hint}", f"use {', '.join(sorted(known))}")
        given = {key: entry for key, entry in item.items() if entry is not None}
        if required and required not in given:
            raise Wrong(f"has an entry without {required}", f"add {required}")
        found.append(given)
    return found


def mounts(value: t.Any) -> list[values.Mount]:
    found = []
    for item in entries(value, ("target", "source", "type", "read_only", "propagation"), "target"):
        kind = values.choice("bind", "volume")(item.get("type", "volume"))
        source = values.text(item["source"]) if "source" in item else ""
        if item.get("propagation") and kind != "bind":
            raise Wrong("has a propagation on a volume", "give propagation only to a bind")
        propagation = _propagation(item.get("propagation") or "rprivate") if kind == "bind" else ""
        found.append(_mount(kind, source, values.path(item["target"]), item.get("read_only", False), propagation))
    return found


def volumes(value: t.Any) -> list[values.Mount]:
    """The short form ``SOURCE:TARGET[:MODES]``; a source with a leading '/' is a path of the host."""
    found = []
    for item in values.words(value):
        remedy = "write SOURCE:TARGET or SOURCE:TARGET:ro"
        parts = item.split(":")
        if len(parts) not in (1, 2, 3):
            raise Wrong(f"has {shown(item)}, which is not a volume", remedy)
        source, target = ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])
        kind = "bind" if source.startswith("/") else "volume"
        propagation, read_only = "rprivate" if kind == "bind" else "", False
        for mode in parts[2].split(",") if len(parts) == 3 else []:
            if mode in ("ro", "rw"):
                read_only = mode == "ro"
            elif kind == "bind" and re.match(r"\Ar?(private|shared|slave)\Z", mode):
                propagation = mode
            else:
                raise Wrong(
                    f"has {shown(item)} with the mode {shown(mode)}", "use ro, rw or, for a path, a mount propagation"
                )
        found.append(_mount(kind, source, values.path(target), read_only, propagation))
    return found


def _mount(kind: str, source: str, target: str, read_only: t.Any, propagation: str) -> values.Mount:
    if target == "/":
        raise Wrong("would cover the root", "name a directory below it as target")
    if kind == "bind":
        source = values.path(source) if source else source
        if not source:
            raise Wrong(f"has no source for the bind on {shown(target)}", "add source, a path of the host")
    elif source and not values.NAME.match(source):
        raise Wrong(
            f"has the volume name {shown(source)}", "use letters, digits, '_', '.' and '-', or begin a path with '/'"
        )
    return (target, kind, source, values.boolean(read_only), propagation)


def networks(value: t.Any) -> tuple[Network, ...]:
    found: list[Network] = []
    for item in entries(value, ("name", "aliases", "ipv4_address", "ipv6_address"), "name"):
        network = Network(
            name=values.network_name(item["name"]),
            aliases=frozenset(map(values.alias, values.words(item.get("aliases", [])))),
            ipv4_address=_fixed_address(item, 4),
            ipv6_address=_fixed_address(item, 6),
        )
        if network.name in (other.name for other in found):
            raise Wrong(f"has the network {shown(network.name)} twice", "keep one")
        found.append(network)
    return tuple(found)


def _fixed_address(item: t.Mapping[str, t.Any], version: int) -> str:
    key = f"ipv{version}_address"
    if key not in item:
        return ""
    found = ports.address(values.text(item[key]))
    if (":" in found) != (version == 6):
        raise Wrong(f"has {shown(found)} as {key}", f"write an IPv{version} address")
    return found


def healthcheck(value: t.Any) -> dict[str, t.Any]:
    """``test`` as the engine holds it and the times in nanoseconds; only what was given."""
    known = ("test", "interval", "timeout", "start_period", "start_interval", "retries")
    given = entries([value], known)[0]
    if not given:
        raise Wrong("is empty", "write test, or leave the option out")
    found: dict[str, t.Any] = {"test": _health_test(given["test"])} if "test" in given else {}
    for key in ("interval", "timeout", "start_period", "start_interval"):
        if key in given:
            found[key] = parse_duration(given[key])
    if "retries" in given:
        found["retries"] = values.integer(1, 1000, "a number of retries")(given["retries"])
    return found


def _health_test(value: t.Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return ("NONE",) if value == "NONE" else ("CMD-SHELL", values.text(value))
    test = values.argv(value)
    if not test or test[0] not in ("CMD", "CMD-SHELL", "NONE") or (test[0] != "NONE" and len(test) < 2):
        raise Wrong(
            f"has the test {shown(value)}", "write a shell line, or a list that begins with CMD, CMD-SHELL or NONE"
        )
    return ("NONE",) if test[0] == "NONE" else tuple(test)


def waivers(value: t.Any, of: str = "containers", known: t.Collection[str] = _OF_CONTAINERS) -> tuple[Waiver, ...]:
    """of: whose controls the known ones are."""
    found: list[Waiver] = []
    for item in entries(value, ("control", "reason", "expires"), "control"):
        control = values.text(item["control"])
        if control not in known:
            raise Wrong(f"names no control of {of}: {shown(control)}{nearest(control, known)}", "use a control's id")
        if "reason" not in item:
            raise Wrong(f"gives no reason for {control}", "add reason, a sentence that an auditor understands")
        if control in (other.control for other in found):
            raise Wrong(f"has {control} twice", "keep one")
        try:
            expires = _date(item.get("expires"))
        except ValueError:
            raise Wrong(f"has no date in expires of {control}", "write it as YYYY-MM-DD") from None
        found.append(Waiver(control, values.text(item["reason"]), expires.isoformat()))
    return tuple(found)


def depends_on(value: t.Any) -> tuple[Dependency, ...]:
    found: list[Dependency] = []
    for item in entries(value, ("name", "condition"), "name"):
        condition = values.choice("started", "healthy")(item.get("condition", "started"))
        dependency = Dependency(values.name(item["name"]), condition)
        if dependency.name in (other.name for other in found):
            raise Wrong(f"has {dependency.name!r} twice", "keep one")
        found.append(dependency)
    return tuple(found)


def _date(value: t.Any) -> datetime.date:
    return model.day(value.isoformat() if isinstance(value, datetime.date) else values.text(value))
