# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Readers: each turns what a user wrote for one option into its one canonical form. Pure.

A reader takes the value as Ansible hands it over (a string may stand for any scalar) and raises
:class:`~.units.Wrong` for what the option does not take. The engine's answers go through the same
canonical forms (``observe``), so that comparing is comparing values.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
import shlex
import signal
import typing as t

from .units import Wrong, parse_size

NAME = re.compile(r"\A[a-zA-Z0-9][a-zA-Z0-9_.-]*\Z")
IMAGE = re.compile(
    r"\A(?:[a-zA-Z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:(?:[._]|__|-+|/)[a-z0-9]+)*"
    r"(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?\Z",
    re.ASCII,
)
IMAGE_ID = re.compile(r"\A(?:sha256:)?[0-9a-f]{64}\Z")
_HOSTNAME = re.compile(r"\A(?=.{1,253}\Z)[a-zA-Z0-9]([a-zA-Z0-9-]{0,62}\.?)*\Z", re.ASCII)
_USER = re.compile(r"\A[\w][\w.-]*(?::[\w][\w.-]*)?\Z", re.ASCII)
_CAPABILITY = re.compile(r"\A(?:CAP_)?([A-Z_]+)\Z")
_SYSCTL = re.compile(r"\A[a-z0-9_]+(?:[./][a-zA-Z0-9_-]+)+\Z")
_DRIVER = re.compile(r"\A[a-zA-Z0-9][\w./:-]*\Z", re.ASCII)
_RANGE = re.compile(r"\A(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?\Z")
ULIMITS = frozenset(
    "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split()
)
TMPFS_FLAGS = frozenset(
    "rw ro exec noexec suid nosuid dev nodev sync async dirsync atime noatime diratime nodiratime"
    " relatime norelatime strictatime nostrictatime remount mand nomand".split()
)
TMPFS_VALUES = frozenset("size mode uid gid nr_inodes nr_blocks mpol".split())

Mount = t.Tuple[str, str, str, bool, str]  # target, type, source, read_only, propagation
Port = t.Tuple[str, str, str]  # container port with protocol, host address, host port ('' = chosen by the engine)


def text(value: t.Any) -> str:
    """A non-empty string on one line, without control characters."""
    if isinstance(value, (bool, float)) or not isinstance(value, (str, int)):
        raise Wrong("is not a string", "write a string, in quotes if YAML reads it as something else")
    found = str(value)
    if not found.strip():
        raise Wrong("is empty", "write a value or leave the option out")
    if any(ord(char) < 32 or ord(char) == 127 for char in found):
        raise Wrong("has a control character in it", "write it on one line")
    return found


def _matching(pattern: t.Pattern[str], what: str, remedy: str) -> t.Callable[[t.Any], str]:
    def reader(value: t.Any) -> str:
        found = text(value)
        if not pattern.match(found):
            raise Wrong(f"is not {what}", remedy)
        return found

    return reader


name = _matching(NAME, "a container name", "begin with a letter or digit and use letters, digits, '_', '.' and '-'")
network_name = _matching(NAME, "a network name", "use letters, digits, '_', '.' and '-'")
user = _matching(_USER, "a user", "write UID, UID:GID, or names that the image knows")
hostname = _matching(_HOSTNAME, "a host name", "use letters, digits, '-' and '.'")
log_driver = _matching(_DRIVER, "a log driver", "name one, such as local, syslog or journald")


def image(value: t.Any) -> str:
    found = text(value)
    if not IMAGE.match(found) and not IMAGE_ID.match(found):
        raise Wrong("is not an image reference", "write [REGISTRY/]NAME:TAG or NAME@sha256:DIGEST, in lower case")
    return found


def boolean(value: t.Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
    found = known.get(str(value).strip().lower()) if isinstance(value, (str, int)) else None
    if found is None:
        raise Wrong("is neither true nor false", "write true or false")
    return found


def integer(least: int, most: int, what: str) -> t.Callable[[t.Any], int]:
    remedy = f"write a whole number from {least} to {most}"

    def reader(value: t.Any) -> int:
        if isinstance(value, (bool, float)) or not re.match(r"\A-?[0-9]{1,20}\Z", str(value).strip()):
            raise Wrong(f"is not {what}", remedy)
        if not least <= int(value) <= most:
            raise Wrong(f"is out of range for {what}", remedy)
        return int(value)

    return reader


def choice(*allowed: str) -> t.Callable[[t.Any], str]:
    def reader(value: t.Any) -> str:
        # YAML 1.1 reads a bare `no` as false, and `no` is a restart policy.
        found = "no" if value is False and "no" in allowed else value
        if found not in allowed:
            raise Wrong("is not one of its values", f"write one of {', '.join(allowed)}")
        return str(found)

    return reader


def words(value: t.Any) -> list[str]:
    """A list of strings; a lone string is split at commas, as Ansible does."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    if not isinstance(value, (list, tuple)):
        raise Wrong("is not a list", "write a list of strings")
    return [text(item) for item in value]


def argv(value: t.Any) -> list[str]:
    """A command: a list as it is, a string split as a shell would."""
    if isinstance(value, str):
        try:
            return shlex.split(value)
        except ValueError as error:
            raise Wrong(f"cannot be split into words ({error})", "write it as a list, one argument an item") from None
    if not isinstance(value, (list, tuple)):
        raise Wrong("is not a command", "write a string, or a list with one argument an item")
    for item in value:
        if isinstance(item, (bool, float)) or not isinstance(item, (str, int)):
            raise Wrong(f"has {item!r} in it, which is not a string", "put each argument in quotes")
        if "\0" in str(item):
            raise Wrong("has a NUL in it", "take it out")
    return [str(item) for item in value]


def text_map(value: t.Any, key: t.Pattern[str], key_remedy: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Wrong("is not a dictionary", "write one KEY: VALUE a line")
    found = {}
    for given, item in value.items():
        if not isinstance(given, str) or not key.match(given):
            raise Wrong(f"has the key {given!r}, which is not possible", key_remedy)
        if isinstance(item, (bool, float)) or not isinstance(item, (str, int)):
            # The value is not shown: in env it may be a secret.
            raise Wrong(f"has no string at {given!r}", f"put the value of {given} in quotes")
        if "\0" in str(item):
            raise Wrong(f"has a NUL in the value of {given!r}", "take it out")
        found[given] = str(item)
    return found


def env(value: t.Any) -> dict[str, str]:
    return text_map(value, re.compile(r"\A[^=\0\s][^=\0\n]*\Z"), "a name has no '=', space or control character")


def labels(value: t.Any) -> dict[str, str]:
    found = text_map(value, re.compile(r"\A[^\s\0=]+\Z"), "write a key without spaces, such as com.example.team")
    for key in found:
        if key.startswith(LABEL_PREFIX):
            raise Wrong(f"has the key {key!r}, which belongs to the collection", "use another prefix")
    return found


LABEL_PREFIX = "caisson.hardening."


def log_options(value: t.Any) -> dict[str, str]:
    return text_map(value, re.compile(r"\A[a-zA-Z][\w.-]*\Z"), "write the driver's option names, such as max-size")


def sysctls(value: t.Any) -> dict[str, str]:
    found = text_map(value, _SYSCTL, "write dotted names, such as net.core.somaxconn")
    namespaced = ("net.", "fs.mqueue.", "kernel.msg", "kernel.sem", "kernel.shm")
    for key in found:
        if not key.startswith(namespaced):
            raise Wrong(f"has {key!r}, which is not namespaced", "set it on the host, with the sysctl module")
    return found


def path(value: t.Any) -> str:
    """An absolute path inside the container, normalised."""
    found = text(value)
    if not found.startswith("/"):
        raise Wrong("is not an absolute path", "begin with '/'")
    return posixpath.normpath("/" + found.lstrip("/"))


def capability(value: t.Any) -> str:
    match = _CAPABILITY.match(text(value).strip().upper())
    if not match:
        raise Wrong("is not a capability", "write a name such as NET_BIND_SERVICE")
    return match[1]


def capabilities(value: t.Any) -> frozenset[str]:
    return frozenset(capability(item) for item in words(value))


def security_opt(value: t.Any) -> str:
    """One security option as ``key=value``; a bare ``no-new-privileges`` means true."""
    key, separator, given = text(value).partition("=")
    if not separator:
        key, separator, given = text(value).partition(":")
    key = key.strip()
    if key not in ("no-new-privileges", "seccomp", "apparmor", "label"):
        raise Wrong("is not a security option of the engine", "use no-new-privileges, seccomp, apparmor or label")
    if key == "no-new-privileges":
        return f"{key}={str(boolean(given) if separator else True).lower()}"
    if not given:
        raise Wrong("has no value", f"write {key}=VALUE")
    if key == "seccomp" and given not in ("unconfined", "builtin") and not given.lstrip().startswith("{"):
        raise Wrong(
            "names a file, but the engine takes a profile's content",
            "write seccomp={{ lookup('file', 'profile.json') }}",
        )
    return f"{key}={given}"


def security_opts(value: t.Any) -> frozenset[str]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, (list, tuple)):
        raise Wrong("is not a list", "write a list of strings")
    return frozenset(security_opt(item) for item in value)


def ulimits(value: t.Any) -> dict[str, tuple[int, int]]:
    """``name:soft[:hard]`` each; -1 is unlimited."""
    found: dict[str, tuple[int, int]] = {}
    for item in words(value):
        parts = item.split(":")
        remedy = "write NAME:SOFT or NAME:SOFT:HARD, such as nofile:1024:4096"
        if len(parts) not in (2, 3) or parts[0] not in ULIMITS:
            raise Wrong(f"has {item!r}, which is not a limit that the kernel has", remedy)
        numbers = [-1 if part == "unlimited" else part for part in parts[1:]]
        if not all(re.match(r"\A(-1|\d{1,18})\Z", str(number)) for number in numbers):
            raise Wrong(f"has {item!r}, where a limit is not a number", remedy)
        soft, hard = int(numbers[0]), int(numbers[-1])
        if hard != -1 and (soft == -1 or soft > hard):
            raise Wrong(f"has {item!r}, where the soft limit is above the hard one", remedy)
        if parts[0] in found:
            raise Wrong(f"has {parts[0]!r} twice", "keep one")
        found[parts[0]] = (soft, hard)
    return found


def tmpfs_options(given: str) -> dict[str, str]:
    """The options of one tmpfs by name; a flag has the empty string. Sizes are in bytes, modes without leading 0."""
    found: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in given.split(","))):
        key, separator, value = item.partition("=")
        if not separator and key in TMPFS_FLAGS:
            opposite = key[2:] if key.startswith("no") else f"no{key}"
            found.pop({"rw": "ro", "ro": "rw"}.get(key, opposite), None)
            found[key] = ""
        elif separator and key in TMPFS_VALUES:
            found[key] = _tmpfs_value(key, value)
        else:
            raise Wrong(f"has {item!r}, which tmpfs does not know", "write options such as size=64m,mode=1777")
    found.pop("rw", None)  # what a tmpfs is anyway
    return found


def _tmpfs_value(key: str, value: str) -> str:
    if key == "size" and not value.endswith("%"):
        return str(parse_size(value))
    if key == "mode":
        if not re.match(r"\A[0-7]{1,5}\Z", value):
            raise Wrong(f"has the mode {value!r}", "write an octal mode, such as mode=1777")
        return format(int(value, 8), "o")
    return value


def tmpfs(value: t.Any) -> dict[str, dict[str, str]]:
    """``path[:options]`` each, by path."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, (list, tuple)):
        raise Wrong("is not a list", "write a list such as ['/tmp:size=64m']")
    found = {}
    for item in value:
        target, _, options = text(item).partition(":")
        if path(target) in found:
            raise Wrong(f"has {target!r} twice", "keep one")
        if path(target) == "/":
            raise Wrong("would cover the root", "name a directory below it")
        found[path(target)] = tmpfs_options(options)
    return found


def address(value: str) -> str:
    """An IP address in its shortest form, the IPv6 brackets taken off."""
    try:
        return str(ipaddress.ip_address(value.strip("[]")))
    except ValueError:
        raise Wrong(f"has {value!r}, which is not an IP address", "write an address of the host") from None


def published_ports(value: t.Any) -> frozenset[Port]:
    """``[address:][host_port:]container_port[/protocol]`` each; ranges of the same length are paired."""
    found: set[Port] = set()
    for item in [str(value)] if isinstance(value, int) else words(value):
        for port in _published(item):
            if any(port[1:] == other[1:] and port[2] and port[0][-3:] == other[0][-3:] for other in found):
                raise Wrong(f"has the host port {port[2]} twice", "publish each host port once")
            found.add(port)
    return frozenset(found)


def _published(item: str) -> list[Port]:
    remedy = "write ADDRESS:HOST_PORT:CONTAINER_PORT, such as 127.0.0.1:8080:80"
    match = re.match(r"\A(?:(\[[^\]]+\]|[^:\[\]]*):)?(?:([\d-]*):)?([^:]+)\Z", item)
    host, outer, inner = match.groups() if match else ("", "", "")
    if host and outer is None and not (host.startswith("[") or "." in host):
        host, outer = "", host  # HOST_PORT:CONTAINER_PORT
    inside = _port_range(inner or "", item, remedy)
    outside = _port_range(outer, item, remedy) if outer else None
    if match is None or (outside and len(outside[0]) != len(inside[0])):
        raise Wrong(f"has {item!r}, which is not a port mapping", remedy)
    numbers = [str(number) for number in outside[0]] if outside else [""] * len(inside[0])
    bound = address(host) if host else ""
    return [(f"{port}/{inside[1]}", bound, number) for port, number in zip(inside[0], numbers)]


def _port_range(given: str, item: str, remedy: str) -> tuple[range, str]:
    match = _RANGE.match(given)
    if not match:
        raise Wrong(f"has {item!r}, where {given!r} is not a port", remedy)
    first, last = int(match[1]), int(match[2] or match[1])
    if not (0 < first <= last <= 65535):
        raise Wrong(f"has {item!r}, where {given!r} is not a port from 1 to 65535", remedy)
    return range(first, last + 1), match[3] or "tcp"


def stop_signal(value: t.Any) -> str:
    found = str(value).strip().upper()
    if found.isdigit():
        try:
            return signal.Signals(int(found)).name
        except ValueError:
            raise Wrong("is not a signal", "write a name such as SIGTERM") from None
    found = found if found.startswith("SIG") else f"SIG{found}"
    if found not in signal.Signals.__members__ and not re.match(r"\ASIGRTM(IN\+|AX-)\d{1,2}\Z", found):
        raise Wrong("is not a signal", "write a name such as SIGTERM")
    return found
