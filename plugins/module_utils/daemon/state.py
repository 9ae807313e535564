# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a running daemon shows of its settings, and how the controls stand. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ..controls.daemon import CONTROLS
from ..controls.model import FAIL, NOT_APPLICABLE, PASS, PROFILES, Finding
from . import readback
from .merge import Config

OBJECT = "docker daemon"
_OLD_STORAGE = ("aufs", "devicemapper", "overlay")


@dataclass(frozen=True)
class Live:
    """The daemon's own view, from its info and its default bridge.

    running: the number of running containers; shown: see `readback`.
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

    @property
    def private_cgroups(self) -> bool:
        return any(option.startswith("name=cgroupns") for option in self.security)


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
    security = [option for option in live.security if not option.startswith("name=cgroupns")]
    icc = live.icc
    if icc is not None and "icc" not in deferred:
        icc = bool(configured.get("icc", True))
    return replace(
        live,
        live_restore=bool(configured.get("live-restore", False)),
        log_driver=configured.get("log-driver", "json-file"),
        experimental=bool(configured.get("experimental", False)),
        security=(*security, "name=cgroupns") if private else tuple(security),
        icc=icc,
    )


def findings(
    configured: Config, live: Live | None, profile: str, deferred: t.Sequence[str] = (), file_in_effect: bool = True
) -> list[Finding]:
    """The outcome of each control. *configured*: file and command line together; *live*: None predicts from them alone.

    file_in_effect: whether the running daemon has the file's settings, for those that it does not show.
    """
    judged = _Judge(configured, live, deferred, file_in_effect)
    level = profile if profile in PROFILES else PROFILES[0]
    found = []
    for control in CONTROLS:
        if control.demanded_by(level):
            outcome, evidence = getattr(judged, control.id.partition(".")[2])()
            found.append(Finding(control.id, OBJECT, outcome, evidence))
    return found


Outcome = t.Tuple[str, str]


def _is(good: bool, evidence: str) -> Outcome:
    return (PASS if good else FAIL), evidence


class _Judge:
    """One method for each control."""

    def __init__(self, configured: Config, live: Live | None, deferred: t.Sequence[str], in_effect: bool) -> None:
        self.configured, self.live, self.deferred, self.in_effect = configured, live, deferred, in_effect

    def _flag(self, name: str, default: bool, wanted: bool) -> Outcome:
        value = self.configured.get(name, default)
        stale = "" if self.in_effect else "; the running daemon does not have it yet"
        return _is(value is wanted and self.in_effect, f"{name}={str(value).lower()}{stale}")

    def icc(self) -> Outcome:
        if self.configured.get("bridge") == "none":
            return NOT_APPLICABLE, "there is no default bridge"
        if self.live is not None and self.live.icc is not None:
            return _is(not self.live.icc, f"default bridge: enable_icc={str(self.live.icc).lower()}")
        if "icc" in self.deferred:
            return FAIL, "icc=false waits for a restart without running containers"
        return self._flag("icc", True, False)

    def log_level(self) -> Outcome:
        level = self.configured.get("log-level", "info")
        return _is(level == "info", f"log-level={level}")

    def iptables(self) -> Outcome:
        return self._flag("iptables", True, True)

    def insecure_registries(self) -> Outcome:
        named = list(self.live.insecure_registries if self.live else self.configured.get("insecure-registries", []))
        return _is(not named, f"insecure registries: {', '.join(named) or 'none'}")

    def storage_driver(self) -> Outcome:
        driver = self.live.storage_driver if self.live else self.configured.get("storage-driver", "the default")
        return _is(driver not in _OLD_STORAGE, f"storage driver: {driver}")

    def tcp_tls(self) -> Outcome:
        exposed = [host for host in self.configured.get("hosts", []) if host.startswith("tcp://")]
        if not exposed:
            return NOT_APPLICABLE, "the daemon listens on no TCP socket"
        return _is(
            self.configured.get("tlsverify") is True,
            f"{', '.join(exposed)} with tlsverify={str(self.configured.get('tlsverify', False)).lower()}",
        )

    def default_ulimits(self) -> Outcome:
        return self._limit("nofile")

    def core_limit(self) -> Outcome:
        return self._limit("core")

    def _limit(self, name: str) -> Outcome:
        limits = self.configured.get("default-ulimits", {})
        if name not in limits:
            return FAIL, f"no default limit {name}"
        limit = limits[name]
        text = f"{limit['Soft']}:{limit['Hard']}" if isinstance(limit, dict) else str(limit)
        return _is(self.in_effect, f"{name}={text}")

    def log_driver(self) -> Outcome:
        driver = self.live.log_driver if self.live else self.configured.get("log-driver", "json-file")
        size = self.configured.get("log-opts", {}).get("max-size")
        good = driver not in ("json-file", "none") or (driver == "json-file" and bool(size))
        return _is(good, f"log driver: {driver}" + (f", max-size={size}" if size else ""))

    def no_new_privileges(self) -> Outcome:
        if self.live is not None and "name=no-new-privileges" in self.live.security:
            return PASS, "docker info: no-new-privileges"
        return self._flag("no-new-privileges", False, True)

    def live_restore(self) -> Outcome:
        if self.live is not None and self.live.swarm:
            return NOT_APPLICABLE, "a member of a swarm cannot have it"
        if self.live is not None:
            return _is(self.live.live_restore, f"docker info: live restore {str(self.live.live_restore).lower()}")
        return self._flag("live-restore", False, True)

    def userland_proxy(self) -> Outcome:
        return self._flag("userland-proxy", True, False)

    def seccomp(self) -> Outcome:
        if self.live is not None:
            profile = next((o for o in self.live.security if o.startswith("name=seccomp")), "none")
            return _is(profile != "none" and "unconfined" not in profile, f"docker info: {profile}")
        profile = self.configured.get("seccomp-profile", "builtin")
        return _is(profile != "unconfined", f"seccomp-profile={profile}")

    def experimental(self) -> Outcome:
        value = self.live.experimental if self.live else self.configured.get("experimental", False)
        return _is(not value, f"experimental={str(value).lower()}")

    def cgroupns_mode(self) -> Outcome:
        if self.live is not None:
            return _is(
                self.live.private_cgroups,
                "docker info: " + ("cgroupns" if self.live.private_cgroups else "no cgroupns"),
            )
        mode = self.configured.get("default-cgroupns-mode", "host")
        return _is(mode == "private", f"default-cgroupns-mode={mode}")
