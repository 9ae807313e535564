# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""More of what a running daemon shows of its settings: info, default bridge, and its word on a reload. Pure."""

from __future__ import annotations

import json
import typing as t

# The default bridge is made when the daemon starts; one that containers hold stays as it is.
BRIDGE = ("icc", "mtu", "ip-masq", "ip")
_BRIDGE_OPTIONS = {
    "mtu": "com.docker.network.driver.mtu",
    "ip-masq": "com.docker.network.bridge.enable_ip_masquerade",
    "ip": "com.docker.network.bridge.host_binding_ipv4",
}
Shown = t.Mapping[str, t.Any]


def shown(info: t.Mapping[str, t.Any], bridge: t.Mapping[str, str] | None) -> dict[str, t.Any]:
    """The settings that the daemon shows, in the words of its file; bridge: the default bridge's options."""
    found: dict[str, t.Any] = {
        "storage-driver": info.get("Driver"),
        "experimental": bool(info.get("ExperimentalBuild")),
        "registry-mirrors": sorted((info.get("RegistryConfig") or {}).get("Mirrors") or ()),
    }
    for name, option in _BRIDGE_OPTIONS.items():
        if bridge and option in bridge:
            found[name] = bridge[option]
    return found


def unmet(configured: t.Mapping[str, t.Any], found: Shown) -> list[str]:
    """The keys whose value is not the one that the daemon shows."""
    return [
        name
        for name, actual in found.items()
        if configured.get(name) is not None and _as_shown(name, configured[name], actual) != actual
    ]


def unmet_by_reload(configured: t.Mapping[str, t.Any], told: t.Mapping[str, str]) -> list[str]:
    """The keys of which the daemon says, in its word on a reload, that they have another value."""
    found = []
    for name, actual in told.items():
        value = configured.get(name)
        if isinstance(value, (bool, int)) and json.dumps(value) != str(actual):
            found.append(name)
    return found


def _as_shown(name: str, value: t.Any, actual: t.Any) -> t.Any:
    if name == "registry-mirrors":
        return sorted(str(mirror).rstrip("/") + "/" for mirror in value)
    if isinstance(actual, str) and isinstance(value, (bool, int)):
        return json.dumps(value)
    return value
