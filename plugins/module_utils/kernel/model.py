# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a sysctl key is: its names, its values, how strict a value is. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ..controls.model import BASELINE, STRICT

# What the kernel makes of conf.all and of an interface's own value; AND and MIN are the lesser, OR and MAX the greater.
AND, OR, MAX, MIN, INTERFACE = "AND", "OR", "MAX", "MIN", "INTERFACE"

_INTEGER = re.compile(r"^[+-]?(0[xX][0-9a-fA-F]+|[0-9]+)$")


@dataclass(frozen=True)
class SysctlKey:
    """One key of the catalogue.

    values: the value for each profile; strict takes the baseline's where it names none of its own.
    reason: why, in a sentence. breaks: what may stop working.
    docker, rootless, ipv6: what the engine, one that an ordinary user runs, and IPv6 networks need of the key.
    ladder: the values from weakest to strictest, or ``more_is_stricter``: a host's stricter value is left standing.
    one_way: values that the kernel takes back only at a reboot; none of them is in a profile.
    combine: for a key of network interfaces, how ``conf.all`` and the interface's own value work together.
    """

    key: str
    values: t.Mapping[str, str]
    reason: str
    references: tuple[str, ...] = ()
    breaks: str = ""
    docker: str = ""
    rootless: str = ""
    ipv6: str = ""
    ladder: tuple[str, ...] = ()
    more_is_stricter: bool = False
    one_way: tuple[str, ...] = ()
    combine: str = ""

    def value(self, profile: str) -> str | None:
        """The value that *profile* demands, or None where it demands none."""
        if profile == STRICT:
            return self.values.get(STRICT, self.values.get(BASELINE))
        return self.values.get(profile)

    def strictness(self, value: str) -> int | None:
        """The place of *value* among the key's values, or None where they have no order."""
        if value in self.ladder:
            return self.ladder.index(value)
        return int(value) if self.more_is_stricter and value.lstrip("-").isdigit() else None

    def at_least(self, live: str, wanted: str) -> bool:
        """Whether *live* is *wanted* or stricter."""
        if live == wanted:
            return True
        found, needed = self.strictness(live), self.strictness(wanted)
        return found is not None and needed is not None and found >= needed


@dataclass(frozen=True)
class LeftAlone:
    """A key that the field names and no profile sets. asked: who asks for what; docker: the engine's constraint.

    one_way: the value that is set only by name, and that the kernel takes back only at a reboot.
    """

    key: str
    reason: str
    asked: str
    breaks: str = ""
    docker: str = ""
    one_way: str = ""


def plain_integers(value: str) -> str:
    """The value as the kernel shows it: ``0x10`` and ``010`` are 16 and 8 to it, ``+1`` is 1."""
    return " ".join(_plain(word) for word in value.split())


def _plain(word: str) -> str:
    if not _INTEGER.match(word):
        return word
    digits = word.lstrip("+-")
    base = 16 if digits[:2].lower() == "0x" else 8 if digits.startswith("0") and len(digits) > 1 else 10
    try:
        number = int(digits, base)
    except ValueError:
        return word
    return str(-number if word.startswith("-") else number)
