# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: what a host shows in /proc, /etc and /run of what its kernel settings must respect. No program is started."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import typing as t
from pathlib import Path

from .host_rules import HostTraits

_ENGINES = ("/usr/bin/dockerd", "/usr/local/bin/dockerd", "/usr/sbin/dockerd", "/snap/bin/docker", "/run/docker.sock")
_DAEMON_JSON = "/etc/docker/daemon.json"
_BRIDGE = re.compile(r"docker\d+|docker_gwbridge|br-[0-9a-f]{12}")
_TUNNEL = re.compile(r"(wg|tun|tap|ppp|ipsec|vti)\d+")
# Flags of /proc/net/ipv6_route (linux/ipv6_route.h): a router's default route, made by advertisement, its route option.
_ADVERTISED = 0x00010000 | 0x00040000 | 0x00800000
_PERMANENT = 0x80  # of /proc/net/if_inet6 (linux/if_addr.h)
_ROOTLESS_HOME = (".config/systemd/user/docker.service", ".local/share/docker")


def observe_host(proc_sys: str = "/proc/sys") -> HostTraits:
    """The traits of this host; what cannot be read was not seen."""
    engine = _json(_DAEMON_JSON)
    names, namespaces = _processes()
    machine = os.uname()
    bits = _kernel_config(machine.release)
    return HostTraits(
        docker=_first(_ENGINES),
        ipv6_networks=_ipv6_networks(engine),
        userns_remap=_remap(engine),
        rootless=_rootless(names),
        user_namespaces=namespaces,
        userns_clone=_first([f"{proc_sys}/kernel/unprivileged_userns_clone"]),
        advertised=_advertised(),
        ipv6_forwarding=_text(f"{proc_sys}/net/ipv6/conf/all/forwarding").strip() == "1",
        no_resource_right=_no_resource_right(f"{proc_sys}/user/max_user_namespaces"),
        asymmetric=_asymmetric(),
        machine=machine.machine,
        rnd_bits=bits.get("ARCH_MMAP_RND_BITS_MAX"),
        rnd_compat_bits=bits.get("ARCH_MMAP_RND_COMPAT_BITS_MAX"),
    )


def interfaces(proc_sys: str = "/proc/sys") -> tuple[str, ...]:
    """The names of all network interfaces that have settings."""
    found: set[str] = set()
    for family in ("ipv4", "ipv6"):
        found.update(_names(f"{proc_sys}/net/{family}/conf"))
    return tuple(sorted(found))


def _text(path: str) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def _json(path: str) -> dict[str, t.Any]:
    try:
        found = json.loads(_text(path) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _names(directory: str) -> list[str]:
    try:
        return sorted(each.name for each in Path(directory).iterdir())
    except OSError:
        return []


def _no_resource_right(key: str) -> str:
    """Whether the kernel hides the right to write the key, which it does where the capability is missing."""
    with contextlib.suppress(OSError):
        if not os.access(key, os.W_OK) and not os.statvfs(key).f_flag & os.ST_RDONLY:
            return "CAP_SYS_RESOURCE is missing"
    return ""


def _first(paths: t.Iterable[str]) -> str:
    return next((path for path in paths if Path(path).exists()), "")


def _processes() -> tuple[set[str], str]:
    """The names of the programs that run, and one that runs in another user namespace than init."""
    found: set[str] = set()
    other = ""
    with contextlib.suppress(OSError):
        first = os.readlink("/proc/1/ns/user")
        for pid in filter(str.isdigit, _names("/proc")):
            # Programs end while we look.
            with contextlib.suppress(OSError):
                name = _text(f"/proc/{pid}/comm").strip()
                found.add(name)
                if not other and os.readlink(f"/proc/{pid}/ns/user") != first:
                    other = name
    return found, other


def _ipv6_networks(engine: t.Mapping[str, t.Any]) -> str:
    if engine.get("ipv6") or engine.get("fixed-cidr-v6"):
        return _DAEMON_JSON
    for line in _text("/proc/net/if_inet6").splitlines():
        words = line.split()
        if len(words) == 6 and words[3] == "00" and _BRIDGE.fullmatch(words[5]):
            return words[5]
    return ""


def _remap(engine: t.Mapping[str, t.Any]) -> str:
    if engine.get("userns-remap"):
        return _DAEMON_JSON
    for path in ("/etc/subuid", "/etc/subgid"):
        if re.search(r"^dockremap:", _text(path), re.MULTILINE):
            return f"dockremap in {path}"
    # The data of an engine that shifts ids lies in a directory named after them.
    shifted = [name for name in _names("/var/lib/docker") if re.fullmatch(r"\d+\.\d+", name)]
    return f"/var/lib/docker/{shifted[0]}" if shifted else ""


def _rootless(programs: t.Container[str]) -> str:
    if "rootlesskit" in programs:
        return "rootlesskit runs"
    for user in _names("/run/user"):
        socket = _first(f"/run/user/{user}/{name}" for name in ("docker.sock", "podman/podman.sock"))
        if socket and user != "0":
            return socket
    for line in _text("/etc/passwd").splitlines():
        words = line.split(":")
        if len(words) == 7 and words[2] != "0" and words[5].startswith("/"):
            place = _first(f"{words[5]}/{name}" for name in _ROOTLESS_HOME)
            if place:
                return place
    return ""


def _advertised() -> tuple[str, ...]:
    found = set()
    for line in _text("/proc/net/ipv6_route").splitlines():
        words = line.split()
        if len(words) == 10 and words[9] != "lo" and int(words[8], 16) & _ADVERTISED:
            found.add(words[9])
    for line in _text("/proc/net/if_inet6").splitlines():
        words = line.split()
        # An address of the world with a lifetime was leased or advertised.
        if len(words) == 6 and words[3] == "00" and not int(words[4], 16) & _PERMANENT:
            found.add(words[5])
    return tuple(sorted(found))


def _asymmetric() -> str:
    routes = [line.split() for line in _text("/proc/net/route").splitlines()[1:]]
    uplinks = sorted({words[0] for words in routes if len(words) > 7 and words[1] == words[7] == "00000000"})
    if len(uplinks) > 1:
        return f"default routes over {', '.join(uplinks)}"
    names = interfaces()
    tunnels = [name for name in names if _TUNNEL.fullmatch(name)]
    if tunnels:
        return f"tunnel {tunnels[0]}"
    return "overlay networks, docker_gwbridge" if "docker_gwbridge" in names else ""


def _kernel_config(release: str) -> dict[str, int]:
    """The numbers with which the kernel was built, where it tells."""
    text = ""
    for path in (f"/boot/config-{release}", f"/lib/modules/{release}/config"):
        text = text or _text(path)
    if not text:
        with contextlib.suppress(OSError, EOFError), gzip.open("/proc/config.gz", "rt", encoding="utf-8") as config:
            text = config.read()
    return {name: int(number) for name, number in re.findall(r"^CONFIG_(ARCH_MMAP_\w+)=(\d+)$", text, re.MULTILINE)}
