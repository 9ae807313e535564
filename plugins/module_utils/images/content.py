# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the file system of an image holds: privileged files, packages, shells, package managers, keys. Pure.

The entries of its tar archive are looked at one after the other, so that the memory needed grows with the number of
programs and links, and not with the image.
"""

from __future__ import annotations

import posixpath
import re
import struct
import typing as t
from dataclasses import dataclass, field

from .tar_stream import Entry

SAMPLE = 20  # of the world-writable files, which can be many
MOST_DATABASE = 64 * 1024**2  # bytes of one package database
MOST_LINKS = 40  # as the kernel

SHELLS = frozenset(
    "ash bash busybox csh dash elvish fish hush ksh ksh93 lksh mksh oksh pwsh rbash sash sh static-sh tcsh toybox"
    " yash zsh".split()
)
_MANAGERS = re.compile(
    r"(apk|apt|apt-get|aptitude|brew|composer|conda|corepack|cpan|dnf|dnf5|dpkg|emerge|flatpak|gem|mamba|micromamba"
    r"|microdnf|nix|nix-env|npm|opkg|pacman|pip[0-9.]*|pipx|pnpm|rpm|snap|tdnf|uv|yarn|yum|zypper)\Z"
)
_NO_PROGRAMS = ("/etc/", "/usr/share/")  # scripts that are named after the package they belong to
_PIP = re.compile(r"/(?:site|dist)-packages/pip/__main__\.py\Z")  # run as `python -m pip`
_RPM = re.compile(r"/(?:var/lib|usr/lib/sysimage|usr/share)/rpm/(?:Packages|Packages\.db|rpmdb\.sqlite)\Z")
_PACMAN = re.compile(r"/var/lib/pacman/local/[^/]+/desc\Z")
_DPKG_PART = re.compile(r"/var/lib/dpkg/status\.d/[^/]+(?<!\.md5sums)\Z")
_SECRET_FILES = re.compile(
    r"/(?:id_(?:rsa|dsa|ecdsa|ed25519)|\.netrc|\.git-credentials|\.pgpass|\.pypirc|\.docker/config\.json"
    r"|\.dockercfg|\.aws/credentials|\.kube/config|\.vault-token)\Z"
    r"|\A/etc/ssl/private/[^/]+\Z|\A/etc/ssh/ssh_host_[a-z0-9]+_key\Z|\A/run/secrets/.+\Z"
)
# The kernel's numbers; the last ones came with Linux 5.8 and 5.9.
_CAPABILITIES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE"
    " NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT"
    " SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP"
    " MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()


@dataclass(frozen=True)
class Privileged:
    """A file that runs with more rights than those of who starts it."""

    path: str
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True)
class Program:
    """A program by one of its names; target is the file that is run."""

    name: str
    path: str
    target: str


@dataclass
class Content:
    """What was found. packages: the number by manager, None where its database cannot be counted."""

    setuid: list[Privileged] = field(default_factory=list)
    setgid: list[Privileged] = field(default_factory=list)
    capabilities: dict[str, tuple[str, ...]] = field(default_factory=dict)
    world_writable: int = 0
    world_writable_sample: list[str] = field(default_factory=list)
    packages: dict[str, int | None] = field(default_factory=dict)
    shells: list[Program] = field(default_factory=list)
    package_managers: list[Program] = field(default_factory=list)
    secret_files: list[str] = field(default_factory=list)
    users: dict[str, int] = field(default_factory=dict)


def survey(archive: t.Iterable[Entry]) -> Content:
    """The content of the file system whose entries these are."""
    found = _Survey()
    for entry, read in archive:
        path = posixpath.normpath(f"/{entry.name}").replace("//", "/")
        if entry.issym():
            found.links[path] = entry.linkname
        elif entry.isdir():
            found.writable(path, entry.mode, sticky=bool(entry.mode & 0o1000))
        elif entry.isreg() or entry.islnk():
            found.writable(path, entry.mode)
            found.file(path, entry.mode, entry.uid, entry.gid)
            found.attributes(path, entry.pax_headers)
            if entry.size:
                found.read(path, read)
    return found.finish()


class _Survey:
    """What is kept while the entries pass."""

    def __init__(self) -> None:
        self.links: dict[str, str] = {}
        self._programs: set[str] = set()
        self._content = Content()

    def writable(self, path: str, mode: int, *, sticky: bool = False) -> None:
        if mode & 0o002 and not sticky:
            self._content.world_writable += 1
            if len(self._content.world_writable_sample) < SAMPLE:
                self._content.world_writable_sample.append(path)

    def file(self, path: str, mode: int, uid: int, gid: int) -> None:
        if mode & 0o111:
            self._programs.add(path)
        for bit, found in ((0o4000, self._content.setuid), (0o2000, self._content.setgid)):
            if mode & bit:
                found.append(Privileged(path, mode & 0o7777, uid, gid))

    def attributes(self, path: str, headers: t.Mapping[str, str]) -> None:
        given = headers.get("SCHILY.xattr.security.capability")
        if given:
            self._content.capabilities[path] = file_capabilities(given.encode("utf-8", "surrogateescape"))

    def read(self, path: str, read: t.Callable[[int], bytes | None]) -> None:
        """What is in the file, where it is one of those whose content counts."""
        packages = self._content.packages
        if path == "/etc/passwd":
            self._content.users = users(read(MOST_DATABASE) or b"")
        elif path == "/var/lib/dpkg/status" or _DPKG_PART.match(path):
            self._count("dpkg", dpkg_packages, read)
        elif path in ("/lib/apk/db/installed", "/usr/lib/apk/db/installed"):
            self._count("apk", apk_packages, read)
        elif _PACMAN.match(path):
            packages["pacman"] = (packages.get("pacman") or 0) + 1
        elif _RPM.match(path):
            packages["rpm"] = None  # a database that only rpm itself reads
        elif _PIP.search(path):
            self._content.package_managers.append(Program("pip", path, path))
        elif _SECRET_FILES.search(path):
            self._content.secret_files.append(path)

    def _count(self, manager: str, count: t.Callable[[bytes], int], read: t.Callable[[int], bytes | None]) -> None:
        data = read(MOST_DATABASE)
        so_far = self._content.packages.get(manager, 0)
        self._content.packages[manager] = None if data is None or so_far is None else so_far + count(data)

    def finish(self) -> Content:
        content = self._content
        for path in sorted(self._programs | set(self.links)):
            name = posixpath.basename(path)
            shell, manager = name in SHELLS, bool(_MANAGERS.match(name))
            if (shell or manager) and not path.startswith(_NO_PROGRAMS):
                target = resolve(path, self.links)
                if target in self._programs:
                    (content.shells if shell else content.package_managers).append(Program(name, path, target))
        content.package_managers.sort(key=lambda each: each.path)
        content.setuid.sort(key=lambda each: each.path)
        content.setgid.sort(key=lambda each: each.path)
        content.world_writable_sample.sort()
        content.secret_files.sort()
        return content


def resolve(path: str, links: t.Mapping[str, str]) -> str:
    """Where the path leads, each link followed inside the image; empty where it leads in a circle."""
    pending = [part for part in reversed(path.split("/")) if part]
    at, followed = "/", 0
    while pending:
        part = pending.pop()
        if part == "..":
            at = posixpath.dirname(at)
            continue
        step = posixpath.join(at, part)
        if step not in links:
            at = step
            continue
        followed += 1
        if followed > MOST_LINKS:
            return ""
        target = links[step]
        if target.startswith("/"):
            at = "/"
        pending += [one for one in reversed(target.split("/")) if one not in ("", ".")]
    return at


def dpkg_packages(database: bytes) -> int:
    """The packages whose files are there, in a dpkg database or a part of one (where the state may be missing)."""
    number = 0
    for stanza in re.split(rb"\n[ \t\r]*\n", database):
        fields = {
            name.strip().lower(): value.split()
            for name, colon, value in (line.partition(b":") for line in stanza.split(b"\n") if line[:1] not in b" \t")
            if colon
        }
        state = fields.get(b"status", [b"installed"])[-1:]
        number += b"package" in fields and state not in ([b"not-installed"], [b"config-files"], [])
    return number


def apk_packages(database: bytes) -> int:
    """The packages in an apk database; each has one line with its name."""
    return sum(line.startswith(b"P:") for line in database.split(b"\n"))


def users(passwd: bytes) -> dict[str, int]:
    """The user numbers by name; of a name given twice the first counts, as for the C library."""
    found: dict[str, int] = {}
    for line in passwd.decode(errors="replace").split("\n"):
        parts = line.split(":")
        if len(parts) > 2 and re.match(r"\A[0-9]{1,10}\Z", parts[2], re.ASCII):
            found.setdefault(parts[0], int(parts[2]))
    return found


def file_capabilities(attribute: bytes) -> tuple[str, ...]:
    """The names in the kernel's attribute ``security.capability``, permitted and inheritable ones together."""
    words = struct.unpack(f"<{len(attribute) // 4}I", attribute[: len(attribute) // 4 * 4])
    low = (words[1] | words[2]) if len(words) > 2 else 0
    high = (words[3] | words[4]) if len(words) > 4 else 0
    bits = low | high << 32
    names = [name for number, name in enumerate(_CAPABILITIES) if bits >> number & 1]
    return tuple(names + [f"CAP_{number}" for number in range(len(_CAPABILITIES), 64) if bits >> number & 1])
