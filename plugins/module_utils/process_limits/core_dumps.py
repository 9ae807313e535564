# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the kernel puts the memory of a program that crashed, and how to have it put nowhere. Pure.

The limits of sessions and services do not reach everything: Docker's own unit lifts the limit for its containers, and a
program may be given one by its parent. ``kernel.core_pattern`` stands above the limits. A pipe to a program that only
ends drops every dump (core(5): the program runs on the host, whichever container crashed).
"""

from __future__ import annotations

import re
import typing as t

from .spec import ConfigFile

CORE_PATTERN = "kernel.core_pattern"
DROPPED = "|/bin/false"
_DROPS = frozenset({DROPPED, "|/bin/true", "|/usr/bin/false", "|/usr/bin/true"})

# What systemd-coredump is told: neither keep a dump nor read one.
STORE_NOTHING = {"Storage": "none", "ProcessSizeMax": "0"}
_SECTION, _SETTING = re.compile(r"\[(.*)\]\Z"), re.compile(r"(\w+)\s*=\s*(.*)\Z")


def wanted_pattern(before: str | None, systemd: bool) -> str | None:
    """The pattern to set where the host had *before*; None leaves it alone.

    systemd-coredump is left in place: told to store nothing it still logs that something crashed.
    """
    return None if before is None or (systemd and _coredump(before)) else DROPPED


def judge(pattern: str | None, told: bool) -> tuple[bool, str]:
    """Whether the pattern leaves no dump, and what was seen; *told*: systemd-coredump stores nothing."""
    if pattern is None:
        return True, "this kernel has no core dumps"
    return pattern in _DROPS or (_coredump(pattern) and told), f"live {pattern!r}"


def warnings(before: str | None) -> tuple[str, ...]:
    """What takes the pattern back behind our back."""
    if before and "/apport" in before:
        return (f"apport sets {CORE_PATTERN} again whenever it starts; disable apport.service on this host",)
    return ()


def told_otherwise(later: t.Iterable[ConfigFile]) -> list[str]:
    """What the files that systemd-coredump reads after ours set last to another value, each with its file."""
    last: dict[str, tuple[str, str]] = {}
    for file in later:
        section = ""
        for line in map(str.strip, file.text.splitlines()):
            header, setting = _SECTION.match(line), _SETTING.match(line)
            if header:
                section = header.group(1)
            elif setting and section == "Coredump" and setting.group(1) in STORE_NOTHING:
                last[setting.group(1)] = (setting.group(2), file.path)
    return [
        f"{path} is read after our file and sets {name}={value}"
        for name, (value, path) in sorted(last.items())
        if value != STORE_NOTHING[name]
    ]


def pattern_before(originals: t.Mapping[str, str], values: t.Mapping[str, str]) -> str | None:
    """The host's own pattern: the one on record, else the live one."""
    return originals.get(CORE_PATTERN, values.get(CORE_PATTERN))


def _coredump(pattern: str) -> bool:
    return pattern.startswith("|") and "/systemd-coredump" in pattern.split(maxsplit=1)[0]
