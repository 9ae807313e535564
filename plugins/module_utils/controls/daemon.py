# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controls of the Docker daemon, and the daemon.json settings by which a profile meets them. Pure data."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .model import BASELINE, PROFILES, STRICT, Control

NONE = "none"
LOG_DRIVER = "local"
LOG_OPTIONS = {"max-size": "10m", "max-file": "3"}
# A program may raise its soft limit up to the hard one: 1024 is what select() bears, 16384 is enough for the
# databases and proxies that raise it, and far from what lets one container exhaust the host's file table.
NOFILE_SOFT = 1024
NOFILE_HARD = 16384
LOOPBACK = "127.0.0.1"
SECCOMP_PROFILE = "/etc/docker/caisson-seccomp.json"


def _control(name: str, title: str, reason: str, *references: str, profile: str = BASELINE) -> Control:
    return Control(f"daemon.{name}", title, reason, tuple(references), profile)


def _cis(number: str) -> str:
    return f"CIS Docker 1.8 {number}"


CONTROLS: tuple[Control, ...] = (
    _control(
        "rootless",
        "The daemon runs without root where that is possible",
        "A daemon that is taken over is then an ordinary user. It is decided when the engine is installed.",
        _cis("2.1"),
    ),
    _control(
        "icc",
        "Containers on the default bridge cannot reach each other",
        "Every container that names no network lands there; one that is taken over could reach all others.",
        _cis("2.2"),
    ),
    _control(
        "log_level",
        "The daemon logs at level info",
        "A coarser level loses the trace of what was done, debug writes requests with their content.",
        _cis("2.3"),
    ),
    _control(
        "iptables",
        "Docker manages its packet filter rules",
        "Without its rules neither the isolation between networks nor icc=false exists.",
        _cis("2.4"),
    ),
    _control(
        "insecure_registries",
        "No registry is used without verified TLS",
        "Whoever sits on the way to such a registry chooses what the host runs.",
        _cis("2.5"),
    ),
    _control(
        "storage_driver",
        "The storage driver is one that is maintained",
        "aufs, devicemapper and overlay get no fixes any more.",
        _cis("2.6"),
        _cis("2.7"),
    ),
    _control(
        "tcp_tls",
        "A TCP socket of the daemon demands client certificates",
        "Whoever reaches the daemon's socket is root on the host.",
        _cis("2.8"),
    ),
    _control(
        "default_ulimits",
        "Containers have a limit of open files by default",
        "The daemon's own limit is usually unlimited and every container inherits it.",
        _cis("2.9"),
    ),
    _control(
        "core_limit",
        "Containers dump no core by default",
        "A core holds the secrets of the process and lands on the host's file system.",
        _cis("2.9"),
        profile=STRICT,
    ),
    _control(
        "userns_remap",
        "Root in a container is not root on the host",
        "What breaks out of a container, or reaches a mounted path, is then a user who owns nothing on the host.",
        _cis("2.10"),
        profile=STRICT,
    ),
    _control(
        "cgroup_parent",
        "Containers are in the engine's own cgroup",
        "In another one they share its limits with what else is there, and escape the limits meant for them.",
        _cis("2.11"),
    ),
    _control(
        "devicemapper_base_size",
        "The base size of devicemapper is the engine's own",
        "A larger base lets one container take the pool from all others, and does not shrink again.",
        _cis("2.12"),
    ),
    _control(
        "authorization_plugin",
        "A plugin decides who may do what with the daemon",
        "Without one, whoever may use the socket may do everything, which is to be root on the host.",
        _cis("2.13"),
        profile=STRICT,
    ),
    _control(
        "central_logging",
        "Container logs leave the host",
        "Whoever takes a host over deletes the traces that lie on it; local files, rotated or not, are such.",
        _cis("2.14"),
        profile=STRICT,
    ),
    _control(
        "log_driver",
        "Container logs rotate or leave the host",
        "The engine's default, json-file without a size, lets one talkative container fill the disk.",
        "Docker Engine manual, Configure logging drivers",
    ),
    _control(
        "no_new_privileges",
        "Processes in containers cannot gain privileges by default",
        "A setuid program in an image would otherwise make an unprivileged process root in the container.",
        _cis("2.15"),
    ),
    _control(
        "live_restore",
        "Containers keep running while the daemon is down",
        "A security update or a changed setting of the daemon then costs no downtime, so it is not put off.",
        _cis("2.16"),
    ),
    _control(
        "userland_proxy",
        "Published ports need no proxy process",
        "The kernel forwards them; a root process for each port is attack surface and hides the client's address.",
        _cis("2.17"),
    ),
    _control(
        "seccomp",
        "Containers run under a seccomp profile by default",
        "It takes some fifty system calls from containers that ordinary programs do not need and exploits do.",
        _cis("2.18"),
    ),
    _control(
        "seccomp_profile",
        "The default seccomp profile is stricter than the engine's",
        "The engine's has to bear every program; exploits use io_uring, ptrace, new namespaces and odd sockets.",
        _cis("2.18"),
        profile=STRICT,
    ),
    _control(
        "experimental",
        "Experimental features are off",
        "They change without notice and have seen less review.",
        _cis("2.19"),
    ),
    _control(
        "cgroupns_mode",
        "Containers have a cgroup namespace of their own by default",
        "With the host's, a container sees the names of all others and of the host's services.",
        "Docker Engine manual, dockerd --default-cgroupns-mode",
    ),
    _control(
        "metrics_address",
        "The daemon's metrics are not open to every network",
        "They need no login and tell the names and numbers of what the host runs.",
        "Docker Engine manual, Collect Docker metrics with Prometheus",
    ),
    _control(
        "address_pools",
        "Networks get private addresses",
        "A pool of public addresses hides the true owner of each from this host, and leads traffic for him here.",
        "RFC 1918",
        "RFC 4193",
        "RFC 6598",
    ),
    _control(
        "port_address",
        "A port that is published without an address is not open to every network",
        "Docker's packet filter rules come before the host's own, so such a port is open to every network.",
        _cis("5.14"),
        profile=STRICT,
    ),
    _control(
        "transfer_limits",
        "Transfers of images at once are limited",
        "Without a limit one pull of many layers takes the network and the disk from the containers.",
        "Docker Engine manual, dockerd --max-concurrent-downloads",
    ),
    _control(
        "shutdown_timeout",
        "Containers have time to end when the daemon is stopped, and not for ever",
        "Too little time costs a database its last writes, and without an end the host does not shut down.",
        "Docker Engine manual, dockerd --shutdown-timeout",
    ),
)
# The keys by which a control is broken or kept: what the user writes under one of these is judged by it.
KEYS_OF: dict[str, tuple[str, ...]] = {
    "daemon.icc": ("icc",),
    "daemon.log_level": ("log-level", "debug"),
    "daemon.iptables": ("iptables",),
    "daemon.insecure_registries": ("insecure-registries",),
    "daemon.storage_driver": ("storage-driver",),
    "daemon.tcp_tls": ("hosts", "tls", "tlsverify"),
    "daemon.default_ulimits": ("default-ulimits",),
    "daemon.core_limit": ("default-ulimits",),
    "daemon.cgroup_parent": ("cgroup-parent",),
    "daemon.devicemapper_base_size": ("storage-opts",),
    "daemon.central_logging": ("log-driver",),
    "daemon.log_driver": ("log-driver", "log-opts"),
    "daemon.no_new_privileges": ("no-new-privileges",),
    "daemon.live_restore": ("live-restore",),
    "daemon.userland_proxy": ("userland-proxy",),
    "daemon.seccomp": ("seccomp-profile",),
    "daemon.seccomp_profile": ("seccomp-profile",),
    "daemon.experimental": ("experimental",),
    "daemon.cgroupns_mode": ("default-cgroupns-mode",),
    "daemon.metrics_address": ("metrics-addr",),
    "daemon.address_pools": ("default-address-pools",),
    "daemon.port_address": ("ip", "default-network-opts"),
    "daemon.transfer_limits": ("max-concurrent-downloads", "max-concurrent-uploads"),
    "daemon.shutdown_timeout": ("shutdown-timeout",),
}
# Broken by whatever source, also by the daemon's command line, these are refused under every profile.
ALWAYS_REFUSED = ("daemon.tcp_tls", "daemon.metrics_address")


@dataclass(frozen=True)
class Setting:
    """A daemon.json key with the value by which a profile meets a control."""

    control: str
    key: str
    value: t.Any
    profile: str = BASELINE


def _ulimit(name: str, soft: int, hard: int) -> dict[str, dict[str, t.Any]]:
    return {name: {"Name": name, "Soft": soft, "Hard": hard}}


def settings(
    profile: str, nofile_limit: int = NOFILE_HARD, seccomp_profile: str = SECCOMP_PROFILE
) -> tuple[Setting, ...]:
    """What *profile* wants in daemon.json; *nofile_limit* is the most that the daemon itself may open.

    The other controls hold by the engine's own defaults, or need what only the user knows (a log server, a plugin, an
    address), so nothing is written for them.
    """
    if profile == NONE:
        return ()
    hard = min(NOFILE_HARD, nofile_limit)
    found = (
        Setting("daemon.icc", "icc", False),
        Setting("daemon.no_new_privileges", "no-new-privileges", True),
        Setting("daemon.live_restore", "live-restore", True),
        Setting("daemon.userland_proxy", "userland-proxy", False),
        Setting("daemon.log_driver", "log-driver", LOG_DRIVER),
        Setting("daemon.log_driver", "log-opts", dict(LOG_OPTIONS)),
        Setting("daemon.default_ulimits", "default-ulimits", _ulimit("nofile", min(NOFILE_SOFT, hard), hard)),
        Setting("daemon.core_limit", "default-ulimits", _ulimit("core", 0, 0), STRICT),
        Setting("daemon.cgroupns_mode", "default-cgroupns-mode", "private"),
        Setting("daemon.seccomp_profile", "seccomp-profile", seccomp_profile, STRICT),
        Setting("daemon.port_address", "ip", LOOPBACK, STRICT),
        Setting(
            "daemon.port_address",
            "default-network-opts",
            {"bridge": {"com.docker.network.bridge.host_binding_ipv4": LOOPBACK}},
            STRICT,
        ),
    )
    return tuple(setting for setting in found if PROFILES.index(setting.profile) <= PROFILES.index(profile))
