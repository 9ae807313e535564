# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Readers of the options that open or shape the isolation: namespaces, devices, groups, names. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ..errors import shown
from . import ports, records, values
from .units import Wrong

_GROUP = re.compile(r"\A[\w][\w.-]*\Z", re.ASCII)
_RULE = re.compile(r"\A([abc]) ((?:[0-9]{1,10}|\*):(?:[0-9]{1,10}|\*)) ([rwm]{1,3})\Z")
_CGROUP = re.compile(r"\A/?[\w.:@-]+(?:/[\w.:@-]+)*\Z", re.ASCII)
_RUNTIME = re.compile(r"\A[a-zA-Z0-9][\w./-]*\Z", re.ASCII)
_PLAIN = re.compile(r"\A[!-~]+\Z")


@dataclass(frozen=True, order=True)
class DeviceRequest:
    """Devices that a driver of the engine chooses, such as GPUs; a count of -1 is all of them."""

    driver: str = ""
    count: int = 0
    device_ids: tuple[str, ...] = ()
    capabilities: tuple[tuple[str, ...], ...] = ()
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        wanted = "+".join("/".join(group) for group in self.capabilities)
        which = ",".join(self.device_ids) or ("all" if self.count == -1 else str(self.count))
        rest = "".join(f" {key}={value}" for key, value in self.options)
        return " ".join(filter(None, (self.driver, wanted, which))) + rest


def _mode(**known: str) -> t.Callable[[t.Any], str]:
    """A namespace's mode; *known* maps what is written to what the engine holds."""

    def reader(value: t.Any) -> str:
        if isinstance(value, str) and value.startswith("container:"):
            raise Wrong(
                "shares the namespace of a container, and is left behind when that one is replaced",
                "leave it out, and let the two talk over a network or a volume",
            )
        if not isinstance(value, str) or value not in known:
            raise Wrong("is not one of its values", f"write {' or '.join(known)}, or leave it out")
        return known[value]

    return reader


def device(value: t.Any) -> str:
    """``HOST[:INSIDE[:PERMISSIONS]]`` with each part in its place."""
    parts = values.text(value).split(":")
    if len(parts) == 2 and re.match(r"\A[rwm]{1,3}\Z", parts[1]):
        parts = [parts[0], parts[0], parts[1]]
    host, inside, given = [*parts, *([parts[0], "rwm"] if len(parts) == 1 else ["rwm"])][:3]
    if len(parts) > 3 or not re.match(r"\A[rwm]{1,3}\Z", given):
        raise Wrong(f"has {shown(value)}, which is not a device", "write HOST_PATH:CONTAINER_PATH:rwm")
    return f"{values.path(host)}:{values.path(inside)}:{permissions(given)}"


def permissions(given: str) -> str:
    """The permissions on a device in their usual order."""
    return "".join(letter for letter in "rwm" if letter in given)


def devices(value: t.Any) -> tuple[str, ...]:
    found = sorted({device(item) for item in values.words(value)})
    inside = [item.split(":")[1] for item in found]
    for target in inside:
        if inside.count(target) > 1:
            raise Wrong(f"has two devices at {shown(target)}", "keep one")
    return tuple(found)


def cgroup_rule(given: str) -> str:
    match = _RULE.match(given.strip())
    if not match:
        raise Wrong(f"has {shown(given)}, which is not a rule", "write TYPE MAJOR:MINOR PERMISSIONS, such as c 1:3 r")
    return f"{match[1]} {match[2]} {permissions(match[3])}"


def device_requests(value: t.Any) -> tuple[DeviceRequest, ...]:
    found = []
    for item in records.entries(value, ("driver", "count", "device_ids", "capabilities", "options")):
        ids = tuple(sorted(values.words(item.get("device_ids", []))))
        count = item.get("count", 0 if ids else -1)
        if ids and "count" in item:
            raise Wrong("has both count and device_ids", "keep one of them")
        groups = item.get("capabilities", [])
        if (
            not isinstance(groups, (list, tuple))
            or not groups
            or not all(isinstance(one, (list, tuple)) for one in groups)
        ):
            raise Wrong("has no list of lists as capabilities", "write capabilities: [[gpu]]")
        request = DeviceRequest(
            driver=values.text(item["driver"]) if item.get("driver") else "",
            count=values.integer(-1, 4096, "a number of devices")(count),
            device_ids=ids,
            capabilities=tuple(sorted(tuple(sorted(values.words(group))) for group in groups)),
            options=tuple(sorted(values.text_map(item.get("options", {}), _PLAIN, "write option names").items())),
        )
        found.append(request)
    return tuple(sorted(found))


def etc_hosts(value: t.Any) -> dict[str, str]:
    """Addresses by name; ``host-gateway`` is the engine's word for the host."""
    found = values.text_map(value, values.ALIAS, "write host names")
    return {name: given if given == "host-gateway" else ports.address(given) for name, given in found.items()}


def _matching(pattern: t.Pattern[str], what: str, remedy: str) -> t.Callable[[t.Any], str]:
    def reader(value: t.Any) -> str:
        found = values.text(value)
        if not pattern.match(found):
            raise Wrong(f"has {shown(found)}, which is not {what}", remedy)
        return found

    return reader


_group = _matching(_GROUP, "a group", "write a GID, or a name that the image knows")
_plain = _matching(_PLAIN, "one word", "write one word an item")

READERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "privileged": values.boolean,
    "pid_mode": _mode(host="host", private=""),
    "ipc_mode": _mode(private="private", none="none", shareable="shareable", host="host"),
    "uts": _mode(host="host", private=""),
    "userns_mode": _mode(host="host"),
    "cgroupns_mode": _mode(private="private", host="host"),
    "cgroup_parent": _matching(_CGROUP, "a cgroup", "write a path such as /apps, or a slice such as apps.slice"),
    "devices": devices,
    "device_cgroup_rules": lambda value: tuple(sorted({cgroup_rule(item) for item in values.words(value)})),
    "device_requests": device_requests,
    "groups": lambda value: frozenset(_group(item) for item in values.words(value)),
    "runtime": _matching(_RUNTIME, "a runtime", "name one that the engine has, such as runc"),
    "tty": values.boolean,
    "interactive": values.boolean,
    "domainname": values.hostname,
    "dns_servers": lambda value: tuple(map(ports.address, values.words(value))),
    "dns_opts": lambda value: tuple(map(_plain, values.words(value))),
    "dns_search_domains": lambda value: tuple(map(_plain, values.words(value))),
    "etc_hosts": etc_hosts,
    "exposed_ports": ports.exposed_ports,
}
