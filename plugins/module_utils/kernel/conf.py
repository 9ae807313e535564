# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The text of sysctl.conf(5) files: what one assigns, which come after ours, and our own. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import PurePath

from ..host.sysctl_names import canonical_key, canonical_value
from .interfaces import is_interface_key

# Where a file of the same name stands in several directories, the first one counts.
DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")
LAST = "/etc/sysctl.conf"

HEADER = """\
# Managed by caisson.hardening; changes made here are lost at the next run.
# To undo, run the same module or role with state absent: it brings back file and live values.
"""

_GLOB = frozenset("*?[")


@dataclass(frozen=True)
class ConfigFile:
    """One sysctl.conf(5) file: the path under which it was found and its text."""

    path: str
    text: str


def assignments(text: str) -> dict[str, str]:
    """Each key that the text sets for certain, with its last value.

    Patterns are left out: a key that any file sets by its full name is never touched by a pattern.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        stripped = line.strip()
        name, equals, value = stripped.partition("=")
        if not equals or stripped[0] in "#;" or _GLOB & set(name):
            continue
        try:
            # The dash lets a failure pass; the assignment is none the weaker.
            found[canonical_key(name.strip().lstrip("-"))] = canonical_value(value)
        except ValueError:
            continue
    return found


def overrides(ours: str, later: t.Iterable[ConfigFile], wanted: t.Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The keys that end in another value at the next boot, with the file that comes last and its value."""
    found: dict[str, tuple[str, str]] = {}
    for file in later:
        for key, value in assignments(file.text).items():
            if key in wanted and file.path != ours:
                found[key] = (file.path, value)
    return {key: (path, value) for key, (path, value) in found.items() if value != wanted[key]}


def comes_after(path: str, ours: str) -> bool:
    """Whether *path* is read after *ours*: by name across all directories, and /etc/sysctl.conf at the end."""
    if LAST in (path, ours):
        return path == LAST != ours
    return PurePath(path).name > PurePath(ours).name


def render(values: t.Mapping[str, str]) -> str:
    """Our file: the same values give the same bytes, in an order in which no line undoes an earlier one."""
    # An interface may be gone at the next boot, or not be there yet; the dash makes that no error.
    lines = [f"{'-' if is_interface_key(key) else ''}{key} = {values[key]}\n" for key in ordered(values)]
    return HEADER + "".join(lines)


def ordered(keys: t.Iterable[str]) -> list[str]:
    """The keys in the order in which they are written."""
    return sorted(keys, key=_place)


def _place(key: str) -> tuple[int, str]:
    # A change of the global switch resets the forwarding of all interfaces, so it goes first;
    # "all" sorts before "default" and both before most interfaces, whose own values must come last.
    if key in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
        return 0, key
    if key.startswith(("net.ipv4.conf.", "net.ipv6.conf.")):
        scope = key.split(".")[3]
        return {"all": 2, "default": 3}.get(scope, 4), key
    return 1, key
