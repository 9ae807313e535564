# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a running daemon shows of its settings, and what it will show. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from . import addresses, readback
from .schema import parse_version


@dataclass(frozen=True)
class Live:
    """The daemon's own view, from its info and its default bridge.

    running: the number of running containers; shown: see `readback`.
    port_address: where the default bridge publishes a port that names no address; empty for everywhere.
    tcp: what its TCP sockets answer to a client without a certificate; None where nobody has asked.
    """

    version: str = ""
    running: int = 0
    live_restore: bool = False
    log_driver: str = ""
    storage_driver: str = ""
    default_runtime: str = ""
    debug: bool = False
    experimental: bool = False
    swarm: bool = False
    security: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    insecure_registries: tuple[str, ...] = ()
    icc: bool | None = None
    shown: t.Mapping[str, t.Any] = field(default_factory=dict)
    port_address: str | None = None
    authorization: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    data_root: str = ""
    images: int = 0
    tcp: addresses.Answers | None = None

    def has(self, name: str) -> bool:
        """Whether info lists that security option."""
        return any(option.split(",")[0] == f"name={name}" for option in self.security)

    @property
    def private_cgroups(self) -> bool:
        return self.has("cgroupns")

    @property
    def seccomp(self) -> str:
        """The default profile as info names it; empty where there is none."""
        shown = next((option for option in self.security if option.split(",")[0] == "name=seccomp"), "")
        return shown.partition("profile=")[2] or ("builtin" if shown else "")


def mismatches(configured: t.Mapping[str, t.Any], live: Live) -> list[str]:
    """The keys whose value is not in effect, of those that the daemon shows."""
    shown: dict[str, t.Any] = {
        "live-restore": live.live_restore,
        "log-driver": live.log_driver,
        "default-runtime": live.default_runtime,
        "debug": live.debug,
        "default-cgroupns-mode": "private" if live.private_cgroups else "host",
        "labels": sorted(live.labels),
    }
    if live.icc is not None:
        shown["icc"] = live.icc
    if live.seccomp:
        shown["seccomp-profile"] = live.seccomp
    found = []
    for name, actual in shown.items():
        value = configured.get(name)
        wanted = sorted(value) if isinstance(value, list) else value
        if value is not None and wanted != actual:
            found.append(name)
    return found + readback.unmet(configured, live.shown)


def predicted(live: Live, configured: t.Mapping[str, t.Any], deferred: t.Sequence[str]) -> Live:
    """The view that the daemon will have once *configured* is in effect."""
    private = configured.get("default-cgroupns-mode", "private" if live.private_cgroups else "host") == "private"
    icc, port_address = live.icc, live.port_address
    if icc is not None and "icc" not in deferred:
        icc = bool(configured.get("icc", True))
    if port_address is not None and "ip" not in deferred:
        port_address = str(configured.get("ip", "0.0.0.0"))
    return replace(
        live,
        live_restore=bool(configured.get("live-restore", False)),
        log_driver=configured.get("log-driver", "json-file"),
        storage_driver=configured.get("storage-driver", live.storage_driver),
        debug=bool(configured.get("debug", False)),
        experimental=bool(configured.get("experimental", False)),
        security=_security(live, configured, private),
        authorization=tuple(configured.get("authorization-plugins", ())),
        insecure_registries=_insecure(live, configured),
        pools=tuple(str(pool.get("base", "")) for pool in configured.get("default-address-pools", ())),
        icc=icc,
        port_address=port_address,
        tcp=addresses.predicted(configured, live.tcp or ()),
    )


# Of these options info shows what the settings decide.
_DECIDED = ("name=cgroupns", "name=seccomp", "name=userns", "name=no-new-privileges")
_SHOWS_NO_NEW_PRIVILEGES = (23, 0)


def _security(live: Live, configured: t.Mapping[str, t.Any], private: bool) -> tuple[str, ...]:
    """Info's security options; those that nothing in the file decides stay as they are."""
    kept = [option for option in live.security if option.split(",")[0] not in _DECIDED]
    if live.seccomp:
        kept.append(f"name=seccomp,profile={configured.get('seccomp-profile') or 'builtin'}")
    if configured.get("userns-remap"):
        kept.append("name=userns")
    version = parse_version(live.version)
    if configured.get("no-new-privileges") is True and version is not None and version >= _SHOWS_NO_NEW_PRIVILEGES:
        kept.append("name=no-new-privileges")
    return (*kept, "name=cgroupns") if private else tuple(kept)


def _insecure(live: Live, configured: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    """Of info's registries those that the file named go with the file's; the engine's own loopback stays."""
    own = [name for name in live.insecure_registries if addresses.loopback_network(name)]
    return tuple(sorted({*own, *map(addresses.insecure_registry, configured.get("insecure-registries", ()))}))
