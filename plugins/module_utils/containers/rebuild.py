# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what the engine reports of a container to the body that makes the same one again. Pure.

The body is the container's own configuration and not one of ours, so that options which no spec knows come back too.
"""

from __future__ import annotations

import copy
import typing as t

from .observe import observe
from .plan import differences
from .state import path
from .steps import Difference, Inspect

Json = t.Dict[str, t.Any]


def create_body(inspect: Inspect, image: str, volumes: t.Mapping[str, str]) -> Json:
    """The body of POST /containers/create for a container like the inspected one, of the image *image*.

    volumes: the names of its anonymous volumes by target, to be carried over.
    """
    config: Json = copy.deepcopy(dict(inspect["Config"]))
    host: Json = copy.deepcopy(dict(inspect["HostConfig"]))
    mode = str(host.get("NetworkMode") or "default")
    config["Image"] = image
    # An empty one would be filled with the image's; this word means none.
    config["Entrypoint"] = config.get("Entrypoint") or [""]
    config["Hostname"] = observe(inspect)["hostname"]
    if mode.startswith("container:"):
        # They are the other container's, and the engine refuses to be given them.
        config.update(Hostname="", Domainname="", ExposedPorts=None)
    host["Links"] = [_link(link) for link in host.get("Links") or ()] or None
    _keep_volumes(host, volumes)
    first = _first_network(inspect, mode)
    if first and mode not in ("default", "bridge"):
        config["NetworkingConfig"] = {"EndpointsConfig": {first: _endpoint(inspect, first)}}
    return {**config, "HostConfig": host}


def further_networks(inspect: Inspect) -> dict[str, Json]:
    """The networks to be connected to after the creation, which takes only one, with their endpoints."""
    mode = str(inspect["HostConfig"].get("NetworkMode") or "default")
    first = _first_network(inspect, mode)
    return {name: _endpoint(inspect, name) for name in _networks(inspect) if name != first}


def changes(inspect: Inspect, successor: Inspect) -> tuple[Difference, ...]:
    """In what the successor's effective state is not the former's; nothing, or it must not take its place."""
    wanted, made = observe(inspect), observe(successor)
    for state, one in ((wanted, inspect), (made, successor)):
        # Whether it was made from the IP address cannot be told of one that has none yet.
        state["mac_address"] = one["Config"].get("MacAddress") or ""
        state["links"] = tuple(_link(link) for link in state["links"])
        if str(state["network_mode"]).startswith("container:"):
            # Filled in by the engine at the start, from the other container.
            state.update(hostname="", domainname="")
    return differences(wanted, made)


def _networks(inspect: Inspect) -> t.Mapping[str, Inspect]:
    found: t.Mapping[str, Inspect] = (inspect.get("NetworkSettings") or {}).get("Networks") or {}
    return {name: endpoint for name, endpoint in found.items() if name not in ("none", "host")}


def _first_network(inspect: Inspect, mode: str) -> str:
    """The name of the network that the mode means: it may be written as the network's id."""
    networks = _networks(inspect)
    if mode in ("default", "bridge"):
        return "bridge"
    for name, endpoint in networks.items():
        if mode in (name, endpoint.get("NetworkID")):
            return name
    return ""


def _endpoint(inspect: Inspect, name: str) -> Json:
    """What was asked of the endpoint; what the engine chose itself is left to it."""
    found = _networks(inspect)[name]
    own = {inspect["Id"][:12], str(inspect["Name"]).lstrip("/")}
    aliases = [alias for alias in found.get("Aliases") or () if alias not in own]
    kept = {key: found[key] for key in ("IPAMConfig", "Links", "DriverOpts") if found.get(key)}
    return {**kept, "Aliases": aliases} if aliases else kept


def _keep_volumes(host: Json, volumes: t.Mapping[str, str]) -> None:
    """Name the anonymous volumes, so that the successor gets the same ones."""
    left = dict(volumes)
    for mount in host.get("Mounts") or ():
        name = left.pop(path(mount["Target"]), "")
        if name and not mount.get("Source"):
            mount["Source"] = name
    bound = {path(bind.split(":")[1]) for bind in host.get("Binds") or () if ":" in bind}
    added = [f"{name}:{target}" for target, name in sorted(left.items()) if target not in bound]
    host["Binds"] = [*(host.get("Binds") or ()), *added] or None


def _link(link: str) -> str:
    """``/db:/web/alias``, as it is reported, in the form in which it is given: ``db:alias``."""
    other, _colon, alias = link.partition(":")
    return f"{other.lstrip('/')}:{alias.rpartition('/')[2]}" if alias else link
