# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the engine reports of a container, in the canonical form of `state`. Pure: takes the JSON of an inspect.

Engines differ in how they spell the same thing: null, empty and absent, order, sizes as words, old and new names.
All of that ends here.
"""

from __future__ import annotations

import json
import re
import typing as t

from ..errors import CaissonError, shown
from . import values
from .observe_host import address, host_state
from .records import Network, Waiver, waivers
from .state import (
    ANY,
    DIGEST_LABEL,
    KEEP_LABEL,
    WAIVERS_LABEL,
    State,
    env_map,
    health,
    path,
    protocol,
    stop_signal,
    working_dir,
)

_BESIDE = (DIGEST_LABEL, KEEP_LABEL)  # labels that are not compared
_ANONYMOUS = re.compile(r"\A[0-9a-f]{64}\Z")


def observe(inspect: t.Mapping[str, t.Any]) -> State:
    """The canonical state of an inspected container. CaissonError where the answer is not what an engine gives."""
    try:
        return _observe(inspect)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        name = shown(str(inspect.get("Name", "")).lstrip("/"))
        problem = f"what the engine tells of it cannot be read ({type(error).__name__}: {error})"
        raise CaissonError(f"container {name}: {problem}; please report it with the engine's version") from error


def _observe(inspect: t.Mapping[str, t.Any]) -> State:
    host: t.Mapping[str, t.Any] = inspect.get("HostConfig") or {}
    config: t.Mapping[str, t.Any] = inspect.get("Config") or {}
    state: State = {
        "image": inspect.get("Image", ""),
        "command": tuple(config.get("Cmd") or ()),
        "entrypoint": tuple(config.get("Entrypoint") or ()),
        "env": env_map(config.get("Env")),
        "user": config.get("User") or "",
        "working_dir": working_dir(config.get("WorkingDir")),
        "labels": {key: value for key, value in (config.get("Labels") or {}).items() if key not in _BESIDE},
        "image_digest": ANY,  # what counts is the image's id
        "keep_previous": ANY,  # what counts is what is asked now
        "hostname": _hostname(inspect, config, host),
        "domainname": config.get("Domainname") or "",
        "mac_address": _mac_address(inspect, config),
        "tty": bool(config.get("Tty")),
        "interactive": bool(config.get("OpenStdin")),
        "exposed_ports": frozenset(protocol(port) for port in config.get("ExposedPorts") or ()),
        "healthcheck": health(config.get("Healthcheck"), None),
        "stop_signal": stop_signal(config.get("StopSignal")),
        "stop_timeout": 10 if config.get("StopTimeout") is None else config["StopTimeout"],
    }
    state.update(host_state(host))
    state["mounts"] = _mounts(inspect)
    state["networks"] = _networks(inspect)
    state["secrets"] = {}  # no inspect has them; the run reads the files
    return state


def _mac_address(inspect: t.Mapping[str, t.Any], config: t.Mapping[str, t.Any]) -> str:
    """The address that was asked for. Docker 25 tells the one that it made from the IP address in the same place."""
    found = str(config.get("MacAddress") or "").lower()
    endpoints = ((inspect.get("NetworkSettings") or {}).get("Networks") or {}).values()
    made = {_made_from(str((endpoint or {}).get("IPAddress") or "")) for endpoint in endpoints}
    return "" if found in made else found


def _made_from(address: str) -> str:
    parts = address.split(".")
    return ":".join(["02", "42", *(f"{int(part):02x}" for part in parts)]) if len(parts) == 4 else ""


def _hostname(inspect: t.Mapping[str, t.Any], config: t.Mapping[str, t.Any], host: t.Mapping[str, t.Any]) -> str:
    """The host name, unless it is the one that the engine makes from the id, or takes from the host."""
    found = str(config.get("Hostname") or "")
    given = "host" in (host.get("NetworkMode"), host.get("UTSMode")) or str(inspect.get("Id", "")).startswith(found)
    return "" if given else found


def _mounts(inspect: t.Mapping[str, t.Any]) -> dict[str, values.Mount]:
    """The mounts in force: those asked for, and the anonymous volumes that the image declares."""
    found = {}
    for mount in inspect.get("Mounts") or ():
        kind, target = mount.get("Type", ""), path(mount["Destination"])
        source = mount.get("Name") if kind == "volume" else mount.get("Source")
        source = "" if kind == "volume" and _ANONYMOUS.match(source or "") else source or ""
        propagation = (mount.get("Propagation") or "rprivate") if kind == "bind" else ""
        found[target] = (target, kind, source, not mount.get("RW", True), propagation)
    return found


def _networks(inspect: t.Mapping[str, t.Any]) -> dict[str, Network]:
    """The networks by name; the aliases without those that the engine adds by itself."""
    own = {str(inspect.get("Id", ""))[:12], str(inspect.get("Name", "")).lstrip("/")}
    own.add(str((inspect.get("Config") or {}).get("Hostname", "")))
    found = {}
    for name, given in ((inspect.get("NetworkSettings") or {}).get("Networks") or {}).items():
        if name in ("none", "host"):
            continue
        endpoint = given or {}  # null where it has never been on the network yet
        fixed = endpoint.get("IPAMConfig") or {}
        found[name] = Network(
            name=name,
            aliases=frozenset(endpoint.get("Aliases") or ()) - own,
            ipv4_address=address(fixed.get("IPv4Address")),
            ipv6_address=address(fixed.get("IPv6Address")),
            extras=frozenset(_extras(endpoint, fixed)),
        )
    return found


def _extras(endpoint: t.Mapping[str, t.Any], fixed: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """What was asked of an endpoint by hand, for no spec asks for it."""
    for key, value in (endpoint.get("DriverOpts") or {}).items():
        yield f"DriverOpts {key}={value}"
    for what, listed in (("Links", endpoint.get("Links")), ("LinkLocalIPs", fixed.get("LinkLocalIPs"))):
        for one in listed or ():
            yield f"{what} {one}"


def anonymous_volumes(inspect: t.Mapping[str, t.Any]) -> dict[str, str]:
    """The anonymous volumes' names by target; a successor is given the same ones, so no data is left behind."""
    return {
        path(mount["Destination"]): mount["Name"]
        for mount in inspect.get("Mounts") or ()
        if mount.get("Type") == "volume" and _ANONYMOUS.match(mount.get("Name") or "")
    }


def carried_waivers(inspect: t.Mapping[str, t.Any]) -> tuple[Waiver, ...]:
    """The waivers in the container's label; a label that nobody can read gives no leave."""
    labels = (inspect.get("Config") or {}).get("Labels") or {}
    try:
        return waivers(json.loads(labels.get(WAIVERS_LABEL) or "[]"))
    except ValueError:
        return ()
