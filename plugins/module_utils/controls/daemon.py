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


def _cis(number: str) -> tuple[str, ...]:
    return (f"CIS Docker 1.8 {number}",)


CONTROLS: tuple[Control, ...] = (
    Control(
        "daemon.icc",
        "Containers on the default bridge cannot reach each other",
        "Every container that names no network lands there; one that is taken over could reach all others.",
        _cis("2.2"),
    ),
    Control(
        "daemon.log_level",
        "The daemon logs at level info",
        "A coarser level loses the trace of what was done, debug writes requests with their content.",
        _cis("2.3"),
    ),
    Control(
        "daemon.iptables",
        "Docker manages its packet filter rules",
        "Without its rules neither the isolation between networks nor icc=false exists.",
        _cis("2.4"),
    ),
    Control(
        "daemon.insecure_registries",
        "No registry is used without verified TLS",
        "Whoever sits on the way to such a registry chooses what the host runs.",
        _cis("2.5"),
    ),
    Control(
        "daemon.storage_driver",
        "The storage driver is one that is maintained",
        "aufs, devicemapper and overlay get no fixes any more.",
        (*_cis("2.6"), *_cis("2.7")),
    ),
    Control(
        "daemon.tcp_tls",
        "A TCP socket of the daemon demands client certificates",
        "Whoever reaches the daemon's socket is root on the host.",
        _cis("2.8"),
    ),
    Control(
        "daemon.default_ulimits",
        "Containers have a limit of open files by default",
        "The daemon's own limit is usually unlimited and every container inherits it.",
        _cis("2.9"),
    ),
    Control(
        "daemon.core_limit",
        "Containers dump no core by default",
        "A core holds the secrets of the process and lands on the host's file system.",
        _cis("2.9"),
        STRICT,
    ),
    Control(
        "daemon.log_driver",
        "Container logs rotate or leave the host",
        "The engine's default, json-file without a size, lets one talkative container fill the disk.",
        ("Docker Engine manual, Configure logging drivers",),
    ),
    Control(
        "daemon.no_new_privileges",
        "Processes in containers cannot gain privileges by default",
        "A setuid program in an image would otherwise make an unprivileged process root in the container.",
        _cis("2.15"),
    ),
    Control(
        "daemon.live_restore",
        "Containers keep running while the daemon is down",
        "A security update or a changed setting of the daemon then costs no downtime, so it is not put off.",
        _cis("2.16"),
    ),
    Control(
        "daemon.userland_proxy",
        "Published ports need no proxy process",
        "The kernel forwards them; a root process for each port is attack surface and hides the client's address.",
        _cis("2.17"),
    ),
    Control(
        "daemon.seccomp",
        "Containers run under a seccomp profile by default",
        "It takes some fifty system calls from containers that ordinary programs do not need and exploits do.",
        _cis("2.18"),
    ),
    Control(
        "daemon.experimental",
        "Experimental features are off",
        "They change without notice and have seen less review.",
        _cis("2.19"),
    ),
    Control(
        "daemon.cgroupns_mode",
        "Containers have a cgroup namespace of their own by default",
        "With the host's, a container sees the names of all others and of the host's services.",
        ("Docker Engine manual, dockerd --default-cgroupns-mode",),
    ),
)


@dataclass(frozen=True)
class Setting:
    """A daemon.json key with the value by which a profile meets a control."""

    control: str
    key: str
    value: t.Any
    profile: str = BASELINE


def _ulimit(name: str, soft: int, hard: int) -> dict[str, dict[str, t.Any]]:
    return {name: {"Name": name, "Soft": soft, "Hard": hard}}


def settings(profile: str, nofile_limit: int = NOFILE_HARD) -> tuple[Setting, ...]:
    """What *profile* wants in daemon.json; *nofile_limit* is the most that the daemon itself may open.

    The other controls hold by the engine's own defaults, so nothing is written for them.
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
    )
    return tuple(setting for setting in found if PROFILES.index(setting.profile) <= PROFILES.index(profile))
