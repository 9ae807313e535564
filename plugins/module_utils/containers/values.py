# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Readers: each turns what a user wrote for one option into its one canonical form. Pure.

A reader takes the value as Ansible hands it over (a string may stand for any scalar) and raises
:class:`~.units.Wrong` for what the option does not take. The engine's answers go through the same
canonical forms (``observe``), so that comparing is comparing values.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
import signal
import typing as t

from ..errors import nearest, shown
from .units import Wrong

NAME = re.compile(r"\A[a-zA-Z0-9][a-zA-Z0-9_.-]{1,199}\Z")  # the engine takes no shorter one
ALIAS = re.compile(r"\A[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,251}[a-zA-Z0-9_])?\Z")
SUFFIX = ".caisson-"  # ends the bookkeeping names of a replacement
IMAGE = re.compile(
    r"\A(?:[a-zA-Z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:(?:[._]|__|-+|/)[a-z0-9]+)*"
    r"(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?\Z",
    re.ASCII,
)
IMAGE_ID = re.compile(r"\A(?:sha256:)?[0-9a-f]{64}\Z")
# A seccomp profile's content, which a file gives on several lines.
_PROFILE = re.compile(r"\s*seccomp\s*[=:]\s*(?=\{)")
_HOSTNAME = re.compile(r"\A(?=.{1,64}\Z)[a-zA-Z0-9][a-zA-Z0-9-]*(?:\.[a-zA-Z0-9][a-zA-Z0-9-]*)*\Z")
_USER = re.compile(r"\A[\w][\w.-]*(?::[\w][\w.-]*)?\Z", re.ASCII)
CAPABILITIES = frozenset(
    "ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH"
    " FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN"
    " NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT"
    " SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG"
    " WAKE_ALARM".split()
)
_SYSCTL = re.compile(r"\A[a-z0-9_]+(?:\.[a-zA-Z0-9_-]+)+\Z")
_DRIVER = re.compile(r"\A[a-zA-Z0-9][\w./:-]*\Z", re.ASCII)
_KEY = re.compile(r"\A[^=\s\0-\x1f\x7f]+\Z")
ULIMITS = frozenset(
    "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split()
)
_SIGNALS = {int(each): each.name for each in signal.Signals}
MOST_BYTES = 128 * 1024 - 1  # what the kernel takes as one argument or variable

Mount = t.Tuple[str, str, str, bool, str]  # target, type, source, read_only, propagation


def text(value: t.Any) -> str:
    """A non-empty string on one line, without control characters."""
    if isinstance(value, (bool, float)) or not isinstance(value, (str, int)):
        raise Wrong("is not a string", "write a string, in quotes if YAML reads it as something else")
    found = _plain(value)
    if not found.strip():
        raise Wrong("is empty", "write a value or leave the option out")
    if any(ord(char) < 32 or ord(char) == 127 for char in found):
        raise Wrong("has a control character in it", "write it on one line")
    return found


def _plain(value: t.Any) -> str:
    """The text of a scalar, which the engine takes and gives back as it is; it is not shown, it may be a secret."""
    if isinstance(value, int) and abs(value) > 10**30:
        raise Wrong("is a number that is too large", "write a smaller one")
    found = str(value)
    if "\0" in found:
        raise Wrong("has a NUL in it", "take it out")
    try:
        size = len(found.encode())
    except UnicodeEncodeError:
        raise Wrong("is not valid Unicode", "write it in UTF-8") from None
    if size > MOST_BYTES:
        raise Wrong("is longer than the kernel takes", "put it into a file that is mounted")
    return found


def _matching(pattern: t.Pattern[str], what: str, remedy: str) -> t.Callable[[t.Any], str]:
    def reader(value: t.Any) -> str:
        found = text(value)
        if not pattern.match(found):
            raise Wrong(f"is not {what}", remedy)
        return found

    return reader


_name = _matching(
    NAME, "a container name", "write 2 to 200 letters, digits, '_', '.' and '-', the first a letter or digit"
)
network_name = _matching(NAME, "a network name", "write 2 to 200 letters, digits, '_', '.' and '-'")
alias = _matching(ALIAS, "a network alias", "use letters, digits, '_', '.' and '-'")
user = _matching(_USER, "a user", "write UID, UID:GID, or names that the image knows")
hostname = _matching(_HOSTNAME, "a host name", "use at most 64 letters, digits, '-' and '.'")
log_driver = _matching(_DRIVER, "a log driver", "name one, such as local, syslog or journald")


def name(value: t.Any) -> str:
    found = _name(value)
    if SUFFIX in found:
        raise Wrong(f"has {SUFFIX!r} in it, which marks a replacement under way", "choose another name")
    return found


def image(value: t.Any) -> str:
    found = text(value)
    if len(found) > 512 or not (IMAGE.match(found) or IMAGE_ID.match(found)):
        raise Wrong("is not an image reference", "write [REGISTRY/]NAME:TAG or NAME@sha256:DIGEST, in lower case")
    return found


def boolean(value: t.Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
    found = known.get(_plain(value).strip().lower()) if isinstance(value, (str, int)) else None
    if found is None:
        raise Wrong("is neither true nor false", "write true or false")
    return found


def integer(least: int, most: int, what: str) -> t.Callable[[t.Any], int]:
    remedy = f"write a whole number from {least} to {most}"

    def reader(value: t.Any) -> int:
        written = _plain(value).strip() if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
        if not re.match(r"\A-?[0-9]{1,20}\Z", written):
            raise Wrong(f"is not {what}", remedy)
        if not least <= int(written) <= most:
            raise Wrong(f"is out of range for {what}", remedy)
        return int(written)

    return reader


def choice(*allowed: str) -> t.Callable[[t.Any], str]:
    def reader(value: t.Any) -> str:
        # YAML 1.1 reads a bare `no` as false, and `no` is a restart policy.
        found = "no" if value is False and "no" in allowed else value
        if not isinstance(found, str) or found not in allowed:
            raise Wrong("is not one of its values", f"write one of {', '.join(allowed)}")
        return str(found)

    return reader


def words(value: t.Any) -> list[str]:
    """A list of strings without spaces around them; a lone string is split at commas.

    Ansible splits it too, and leaves the spaces.
    """
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)):
        raise Wrong("is not a list", "write a list of strings")
    return [text(item).strip() for item in value]


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
            raise Wrong(f"has {shown(item)} in it, which is not a string", "put each argument in quotes")
    return [_plain(item) for item in value]


def text_map(value: t.Any, key: t.Pattern[str], key_remedy: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Wrong("is not a dictionary", "write one KEY: VALUE a line")
    found = {}
    for given, item in value.items():
        if not isinstance(given, str) or not key.match(_plain(given)):
            raise Wrong(f"has the key {shown(given)}, which is not possible", key_remedy)
        if isinstance(item, (bool, float)) or not isinstance(item, (str, int)):
            # The value is not shown: in env it may be a secret.
            raise Wrong(f"has no string at {shown(given)}", f"put the value of {shown(given)} in quotes")
        try:
            found[given] = _plain(item)
        except Wrong as wrong:
            raise Wrong(f"has at {shown(given)} a value that {wrong.problem}", wrong.remedy) from None
    return found


def env(value: t.Any) -> dict[str, str]:
    found = text_map(value, _KEY, "a name has no '=', space or control character")
    for key, item in found.items():
        if len(f"{key}={item}".encode()) > MOST_BYTES:
            raise Wrong(
                f"has at {shown(key)} a value that is longer than the kernel takes", "put it into a mounted file"
            )
    return found


def labels(value: t.Any) -> dict[str, str]:
    found = text_map(value, _KEY, "write a key without spaces, such as com.example.team")
    for key in found:
        if key.startswith(LABEL_PREFIX):
            raise Wrong(f"has the key {shown(key)}, which belongs to the collection", "use another prefix")
    return found


LABEL_PREFIX = "caisson.hardening."


def log_options(value: t.Any) -> dict[str, str]:
    return text_map(value, re.compile(r"\A[a-zA-Z][\w.-]*\Z"), "write the driver's option names, such as max-size")


def sysctls(value: t.Any) -> dict[str, str]:
    found = text_map(value, _SYSCTL, "write dotted names, such as net.core.somaxconn")
    namespaced = ("net.", "fs.mqueue.", "kernel.msg", "kernel.sem", "kernel.shm")
    for key in found:
        if not key.startswith(namespaced):
            raise Wrong(f"has {shown(key)}, which is not namespaced", "set it on the host, with the sysctl module")
    return found


def path(value: t.Any) -> str:
    """An absolute path inside the container, normalised."""
    found = text(value)
    if not found.startswith("/"):
        raise Wrong("is not an absolute path", "begin with '/'")
    return posixpath.normpath("/" + found.lstrip("/"))


def _upper(value: t.Any) -> str:
    """In upper case; what is not ASCII stays as it is, for some of it would turn into ASCII."""
    found = text(value).strip()
    return found.upper() if found.isascii() else found


def capability(value: t.Any) -> str:
    found = _upper(value)
    found = found[4:] if found.startswith("CAP_") else found
    if found not in CAPABILITIES:
        hint = nearest(found, CAPABILITIES)
        raise Wrong(f"has {shown(value)}, which is not a capability{hint}", "write a name such as NET_BIND_SERVICE")
    return found


def capabilities(value: t.Any) -> frozenset[str]:
    return frozenset(capability(item) for item in words(value))


def security_opt(value: t.Any) -> str:
    """One security option as ``key=value``; a bare ``no-new-privileges`` means true."""
    profile = _PROFILE.match(value) if isinstance(value, str) else None
    if profile:
        return f"seccomp={_profile(_plain(value)[profile.end() :])}"
    key, separator, given = text(value).partition("=")
    if not separator:
        key, separator, given = text(value).partition(":")
    key, given = key.strip(), given.strip()  # the kernel takes the spaces off as well
    if key not in ("no-new-privileges", "seccomp", "apparmor", "label", "systempaths"):
        remedy = "use no-new-privileges, seccomp, apparmor, label or systempaths"
        raise Wrong("is not a security option of the engine", remedy)
    if key == "no-new-privileges":
        return f"{key}={str(boolean(given) if separator else True).lower()}"
    if not given:
        raise Wrong("has no value", f"write {key}=VALUE")
    if key == "systempaths" and given != "unconfined":
        raise Wrong("is not a security option of the engine", "write systempaths=unconfined, or leave it out")
    if key == "seccomp" and given not in ("unconfined", "builtin") and not given.startswith("{"):
        raise Wrong(
            "names a file, but the engine takes a profile's content",
            "write seccomp={{ lookup('file', 'profile.json') }}",
        )
    return f"{key}={given}"


def _profile(content: str) -> str:
    """A seccomp profile on one line with its keys in order: it counts by what it says and not by how it is laid out."""
    try:
        return json.dumps(json.loads(content), sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError) as error:
        raise Wrong(f"has a seccomp profile that is not JSON: {error}", "mend the file that it comes from") from None


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
            raise Wrong(f"has {shown(item)}, which is not a limit that the kernel has", remedy)
        numbers = [-1 if part == "unlimited" else part for part in parts[1:]]
        if not all(re.match(r"\A(-1|[0-9]{1,18})\Z", str(number)) for number in numbers):
            raise Wrong(f"has {shown(item)}, where a limit is not a number", remedy)
        soft, hard = int(numbers[0]), int(numbers[-1])
        if hard != -1 and (soft == -1 or soft > hard):
            raise Wrong(f"has {shown(item)}, where the soft limit is above the hard one", remedy)
        if parts[0] in found:
            raise Wrong(f"has {shown(parts[0])} twice", "keep one")
        found[parts[0]] = (soft, hard)
    return found


def stop_signal(value: t.Any) -> str:
    """The signal's name; those without one of their own are SIGRTMIN+N."""
    found = _upper(value)
    if re.match(r"\A[0-9]{1,2}\Z", found):
        number = int(found)
        if number in _SIGNALS:
            return _SIGNALS[number]
        found = f"RTMIN+{number - 34}"
    found = found if found.startswith("SIG") else f"SIG{found}"
    real_time = re.match(r"\ASIGRTM(IN\+|AX-)([0-9]|[12][0-9]|30)\Z", found)
    if found not in _SIGNALS.values() and not real_time:
        raise Wrong("is not a signal", "write a name such as SIGTERM")
    return found
