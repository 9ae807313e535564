# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the controls stand, by what the running daemon shows and, where it shows nothing, by its settings. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ..controls.daemon import CONTROLS
from ..controls.model import FAIL, NOT_APPLICABLE, PASS, PROFILES, Finding
from . import addresses
from .merge import Config
from .schema import NEWEST_KNOWN, Version, engine_has
from .state import Live

OBJECT = "docker daemon"
_OLD_STORAGE = ("aufs", "devicemapper", "overlay")
# These write to the host itself; journald does too, unless somebody sends the journal on.
_LOCAL_LOGS = ("json-file", "local", "none", "journald")
_BINDING = "com.docker.network.bridge.host_binding_ipv4"
_MOST_TRANSFERS = 10
# systemd kills what has not ended after 90 seconds.
_LEAST_SHUTDOWN, _MOST_SHUTDOWN = 10, 90
_NOT_ROUTED = tuple(
    ipaddress.ip_network(net)
    for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10")
)

Outcome = t.Tuple[str, str]


def findings(
    configured: Config,
    live: Live | None,
    profile: str,
    deferred: t.Sequence[str] = (),
    file_in_effect: bool = True,
    version: Version | None = None,
) -> list[Finding]:
    """The outcome of each control. *configured*: file and command line together; *live*: None predicts from them alone.

    file_in_effect: whether the running daemon has the file's settings, for those that it does not show.
    """
    judged = _Judge(configured, live, deferred, file_in_effect, version)
    level = profile if profile in PROFILES else PROFILES[0]
    found = []
    for control in CONTROLS:
        if control.demanded_by(level):
            outcome, evidence = getattr(judged, control.id.partition(".")[2])()
            found.append(Finding(control.id, OBJECT, outcome, evidence))
    return found


def outcome_of(control: str, configured: Config, version: Version | None, listening: addresses.Answers = ()) -> Outcome:
    """How one control would stand under a configuration in effect; listening: what the TCP sockets answer now."""
    judge = _Judge(configured, None, (), True, version, listening)
    outcome: Outcome = getattr(judge, control.partition(".")[2])()
    return outcome


def _is(good: bool, evidence: str) -> Outcome:
    return (PASS if good else FAIL), evidence


class _Judge:
    """One method for each control."""

    def __init__(
        self,
        configured: Config,
        live: Live | None,
        deferred: t.Sequence[str],
        in_effect: bool,
        version: Version | None,
        listening: addresses.Answers = (),
    ) -> None:
        self.configured, self.live, self.deferred, self.in_effect = configured, live, deferred, in_effect
        self.version, self.listening = version, listening

    def _flag(self, name: str, default: bool, wanted: bool) -> Outcome:
        value = self.configured.get(name, default)
        return _is(value is wanted and self.in_effect, f"{name}={str(value).lower()}{self._stale}")

    @property
    def _stale(self) -> str:
        return "" if self.in_effect else "; the running daemon does not have it yet"

    def rootless(self) -> Outcome:
        if self.live is not None and self.live.has("rootless"):
            return PASS, "docker info: rootless"
        return NOT_APPLICABLE, "the daemon runs as root; to change that is another installation, not a setting"

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
        if self.live is not None and self.live.debug:
            return FAIL, "docker info: debug"
        if self.configured.get("debug") is True:
            return FAIL, "debug=true"
        return _is(level == "info" and self.in_effect, f"log-level={level}{self._stale}")

    def iptables(self) -> Outcome:
        return self._flag("iptables", True, True)

    def insecure_registries(self) -> Outcome:
        named = list(self.live.insecure_registries if self.live else self.configured.get("insecure-registries", []))
        named = [name for name in named if not addresses.loopback_network(name)]
        return _is(not named, f"insecure registries: {', '.join(named) or 'none'}")

    def storage_driver(self) -> Outcome:
        driver = self.live.storage_driver if self.live else self.configured.get("storage-driver", "the default")
        return _is(driver not in _OLD_STORAGE, f"storage driver: {driver}")

    def tcp_tls(self) -> Outcome:
        if self.live is not None and self.live.tcp is not None:
            seen = self.live.tcp
        else:
            seen = addresses.predicted(self.configured, self.listening)
        if not seen:
            return NOT_APPLICABLE, "the daemon listens on no TCP socket"
        said = "; ".join(f"{address} {addresses.SAID[answer]}" for address, answer in seen)
        return _is(all(answer == addresses.VERIFIED for _address, answer in seen), said)

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
        limited = "-1" not in text.split(":") and (name != "core" or text.rpartition(":")[2] == "0")
        return _is(limited and self.in_effect, f"{name}={text}{self._stale}")

    def userns_remap(self) -> Outcome:
        if self.live is not None:
            if self.live.has("rootless"):
                return NOT_APPLICABLE, "the daemon itself runs in a user namespace"
            return _is(self.live.has("userns"), f"docker info: {'' if self.live.has('userns') else 'no '}userns")
        value = self.configured.get("userns-remap", "")
        return _is(bool(value), f"userns-remap={value or 'off'}")

    def cgroup_parent(self) -> Outcome:
        parent = self.configured.get("cgroup-parent", "")
        usual = parent in ("", "docker", "/docker", "system.slice")
        return _is(usual, f"cgroup parent: {parent or 'the default'}{'' if usual else self._stale}")

    def devicemapper_base_size(self) -> Outcome:
        driver = self.live.storage_driver if self.live else self.configured.get("storage-driver", "")
        if driver != "devicemapper":
            return NOT_APPLICABLE, "the storage driver is not devicemapper"
        set_to = [option for option in self.configured.get("storage-opts", []) if "dm.basesize" in option]
        return _is(not set_to, ", ".join(set_to) or "dm.basesize is the default")

    def authorization_plugin(self) -> Outcome:
        named = self.live.authorization if self.live else tuple(self.configured.get("authorization-plugins", ()))
        return _is(bool(named), f"authorization plugins: {', '.join(named) or 'none'}")

    def central_logging(self) -> Outcome:
        driver = self._log_driver
        address = str(self.configured.get("log-opts", {}).get("syslog-address", ""))
        if driver == "syslog" and (not address or address.startswith("unix")):
            return FAIL, "log driver: syslog, to this host's own socket"
        return _is(driver not in _LOCAL_LOGS, f"log driver: {driver}")

    @property
    def _log_driver(self) -> str:
        driver: str = self.live.log_driver if self.live else self.configured.get("log-driver", "json-file")
        return driver

    def log_driver(self) -> Outcome:
        driver = self._log_driver
        size = self.configured.get("log-opts", {}).get("max-size")
        good = driver not in ("json-file", "none") or (driver == "json-file" and bool(size))
        return _is(good, f"log driver: {driver}" + (f", max-size={size}" if size else ""))

    def no_new_privileges(self) -> Outcome:
        if self.live is not None and self.live.has("no-new-privileges"):
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

    @property
    def _seccomp_profile(self) -> str:
        """What info calls default or builtin is the engine's own; empty where there is none."""
        profile = self.configured.get("seccomp-profile") or "builtin"
        if self.live is not None:
            profile = self.live.seccomp
        return "builtin" if profile == "default" else profile

    def seccomp(self) -> Outcome:
        profile = self._seccomp_profile
        return _is(profile not in ("", "unconfined"), f"default seccomp profile: {profile or 'none'}")

    def seccomp_profile(self) -> Outcome:
        profile = self._seccomp_profile
        return _is(
            profile not in ("", "unconfined", "builtin") and self.in_effect,
            f"default seccomp profile: {profile or 'none'}{self._stale}",
        )

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

    def metrics_address(self) -> Outcome:
        address = str(self.configured.get("metrics-addr") or "")
        if not address:
            return NOT_APPLICABLE, "the daemon serves no metrics"
        return _is(not addresses.wildcard(address), f"metrics-addr={address}{self._stale}")

    def address_pools(self) -> Outcome:
        configured = [str(pool.get("base", "")) for pool in self.configured.get("default-address-pools", [])]
        pools = list(self.live.pools) if self.live is not None and self.live.pools else configured
        public = [pool for pool in pools if not _private(pool)]
        if public:
            return FAIL, f"public addresses: {', '.join(public)}"
        return PASS, f"pools: {', '.join(pools) or 'the defaults'}"

    def port_address(self) -> Outcome:
        address = str(self.configured.get("ip", "0.0.0.0"))
        if self.live is not None and self.live.port_address is not None:
            address = self.live.port_address or "0.0.0.0"
        if "ip" in self.deferred:
            return FAIL, f"ip={self.configured.get('ip')} waits for a restart without running containers"
        evidence = f"default bridge: {address}"
        good = not addresses.wildcard(address)
        if engine_has("default-network-opts", self.version or NEWEST_KNOWN):
            other = self.configured.get("default-network-opts", {}).get("bridge", {}).get(_BINDING, "0.0.0.0")
            evidence, good = f"{evidence}; new networks: {other}{self._stale}", good and not addresses.wildcard(other)
        else:
            evidence += "; other networks have no default on this engine, give each port an address"
        return _is(good, evidence)

    def transfer_limits(self) -> Outcome:
        limits = {
            name: self.configured.get(name, default)
            for name, default in (("max-concurrent-downloads", 3), ("max-concurrent-uploads", 5))
        }
        good = all(isinstance(limit, int) and 0 < limit <= _MOST_TRANSFERS for limit in limits.values())
        return _is(good, ", ".join(f"{name}={limit}" for name, limit in limits.items()))

    def shutdown_timeout(self) -> Outcome:
        seconds = self.configured.get("shutdown-timeout", 15)
        good = isinstance(seconds, int) and _LEAST_SHUTDOWN <= seconds <= _MOST_SHUTDOWN
        return _is(good, f"shutdown-timeout={seconds}")


def _private(pool: str) -> bool:
    """Whether all addresses of the pool are free for everybody's own use; what is no network is not judged here."""
    try:
        network: t.Any = ipaddress.ip_network(pool, strict=False)
    except ValueError:
        return True
    return any(network.version == own.version and network.subnet_of(own) for own in _NOT_ROUTED)
