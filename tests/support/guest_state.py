# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prints what a host with a kernel of its own is like, as one JSON object of strings: for comparison of two moments.

Sent to the host's own interpreter (``python3 -``), which has the standard library and nothing else. All of /proc/sys,
/etc, units and which of them are active, mounts and what modprobe would do, the engine's settings and firewall rules,
and a user's limits.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import subprocess
import typing as t
from pathlib import Path

# What moves by itself, by the reason for it.
MOVING = {
    "counts and gauges of what is open, queued or free at the moment": (
        r"fs/(dentry-state|file-nr|inode-nr|inode-state|quota/.*)|kernel/(ns_last_pid|pty/nr)|net/netfilter/nf_conntrack_count"
        r"|fs/aio-nr|kernel/keys/.*_count|debug/.*|kernel/perf_event_max_sample_rate"
    ),
    "made anew at each look": r"kernel/random/(uuid|entropy_avail|boot_id)",
    "a device's, of a container that was started again meanwhile": r"net/.*/veth[0-9a-f]+/.*",
    "acts when it is read or written": r"vm/(stat_refresh|drop_caches|compact_memory)|net/.*/flush",
    "taken from the clock or the network's answers": r"net/ipv4/tcp_fastopen_key|net/ipv6/conf/[^/]+/stable_secret",
}
NOT_SETTINGS = re.compile("|".join(MOVING.values()))
# Mounts of containers and of sessions that come and go.
PASSING_MOUNTS = re.compile(r"/(var/lib/docker|run/docker|run/user|run/credentials|proc/sys/fs/binfmt_misc)(/.*)?")
# Of logins, and of commands that were run as a service.
PASSING_UNITS = re.compile(r"(session-|run-)\S+\.(scope|service) ")
# Active in one boot and not in the next: of logins, of the first boot after an install, and what a clock starts.
PASSING_ACTIVE = re.compile(
    r"(user@|user-runtime-dir@|session-|run-|modprobe@)\S+|first-boot-complete\.target"
    r"|systemd-(firstboot|update-done|machine-id-commit|hostnamed|timedated|localed)\.service"
    r"|systemd-(sysusers|hwdb-update|journal-catalog-update)\.service|ldconfig\.service"
    r"|(apt-daily|man-db|e2scrub)\S*\.service"
)
ACTIVE_KINDS = "service,socket,timer,path,target"
MANAGER = ("Tasks", "LimitNPROC", "LimitCORE", "LimitNOFILE")
UNITS = ("docker.service", "ssh.service", "user-1000.slice", "user@1000.service", "systemd-coredump.socket")
PROPERTIES = (
    "LoadState,UnitFileState,DropInPaths,FragmentPath,TasksMax,LimitNPROC,LimitCORE,LimitNOFILE,Environment,"
    "SupplementaryGroups"
)
PATHS = ("/var/lib/docker", "/run/docker.sock", "/run/containerd/containerd.sock", "/var/lib/caisson", "/boot")


def said(*argv: str) -> str:
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout.decode(errors="replace")


def settings() -> t.Iterator[tuple[str, str]]:
    for folder, _folders, files in os.walk("/proc/sys"):
        for name in files:
            path = Path(folder, name)
            key = str(path.relative_to("/proc/sys"))
            if NOT_SETTINGS.fullmatch(key):
                continue
            try:
                yield f"/proc/sys {key}", " ".join(path.read_bytes().decode(errors="replace").split())
            except OSError as error:
                yield f"/proc/sys {key}", f"unreadable: {error.errno}"


def described(path: Path) -> str:
    """Kind, mode and owner of a path, and what it holds or points to. Times are left out."""
    found = path.lstat()
    text = f"{stat.filemode(found.st_mode)} {found.st_uid}:{found.st_gid}"
    if stat.S_ISLNK(found.st_mode):
        return f"{text} -> {os.readlink(path)}"
    if stat.S_ISREG(found.st_mode):
        return f"{text} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    return text


def files() -> t.Iterator[tuple[str, str]]:
    for folder, folders, names in os.walk("/etc"):
        for path in [Path(folder), *(Path(folder, name) for name in [*folders, *names])]:
            yield str(path), described(path)
    for path in map(Path, PATHS):
        yield str(path), described(path) if path.exists() else "absent"


def mounts() -> t.Iterator[tuple[str, str]]:
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        first, _dash, second = line.partition(" - ")
        point, options = first.split()[4:6]
        kind, _source, of_all = second.split()[:3]
        if kind not in ("overlay", "nsfs") and not PASSING_MOUNTS.fullmatch(point):
            yield f"mount {point}", f"{kind} {options} {of_all}"


def units() -> t.Iterator[tuple[str, str]]:
    for line in said("systemctl", "list-unit-files", "--no-legend", "--no-pager").splitlines():
        if not PASSING_UNITS.match(line):
            yield f"unit {line.split()[0]}", " ".join(line.split()[1:])
    active = ("systemctl", "list-units", "--plain", "--no-legend", "--no-pager", "--state", "active,failed")
    for line in said(*active, "--type", ACTIVE_KINDS).splitlines():
        name, _load, state = line.split()[:3]
        if not PASSING_ACTIVE.fullmatch(name):
            yield f"active {name}", state
    manager = said("systemctl", "show").splitlines()
    yield "manager", "; ".join(line for line in manager if line.startswith(tuple(f"Default{each}" for each in MANAGER)))
    yield "units", said("systemctl", "show", "--property", PROPERTIES, *UNITS)


def engine() -> t.Iterator[tuple[str, str]]:
    info = json.loads(said("docker", "info", "--format", "{{ json . }}"))
    for name in ("LoggingDriver", "LiveRestoreEnabled", "SecurityOptions", "CgroupDriver", "DockerRootDir", "Labels"):
        yield f"engine {name}", json.dumps(info.get(name))
    bridge = json.loads(said("docker", "network", "inspect", "bridge"))[0]
    yield "engine bridge", json.dumps(bridge["Options"], sort_keys=True)
    # The rules as a set: a restarted engine writes some in another order. Addresses of containers may be given anew.
    for command in ("iptables-save", "ip6tables-save"):
        rules = re.sub(r"\[\d+:\d+\]|^#.*$", "", said(command), flags=re.MULTILINE)
        rules = re.sub(r"172\.\d+\.\d+\.\d+(/32)?(?=[ :]|$)", "ADDRESS", rules, flags=re.MULTILINE)
        yield command, "\n".join(sorted(set(rules.split("\n"))))


def state() -> dict[str, str]:
    found: dict[str, str] = {}
    for part in (settings, files, mounts, units, engine):
        found.update(part())
    found["modprobe"] = said("modprobe", "--showconfig")
    found["command line"] = said("cat", "/proc/cmdline")
    # Of a login by a service that starts now: one that runs keeps the limits with which it was started.
    login = ("su", "-", "person", "-c", "ulimit -Ha; ulimit -Sa")
    found["limits of a login"] = said("systemd-run", "--quiet", "--pipe", "--wait", *login)
    return found


if __name__ == "__main__":
    print(json.dumps(state()))
