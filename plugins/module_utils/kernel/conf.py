# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The text of sysctl.conf(5) files: its lines as the tools read them, and our own file. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ..errors import CaissonError
from ..host.changes import HEADER
from ..host.sysctl_names import canonical_value
from .interfaces import is_interface_key

# White space and line ends to systemd-sysctl, and to the sysctl of procps.
_BLANKS, _PROCPS_BLANKS = " \t\n\r", " \t\n\r\v\f"
_LINE, _PROCPS_LINE = re.compile(r"[^\n\r\0]*(?:\r\n|\n|\r|\0|$)"), re.compile(r"[^\n]*(?:\n|$)")
_SWAP = str.maketrans("./", "/.")
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Line:
    """One line that says something of a key.

    key: canonical, or a pattern in the same dotted form.
    value: None for an exclusion, ``-key`` without a value, which keeps patterns off the key.
    number, start: the line's number from 1, and where in the text it begins.
    """

    key: str
    value: str | None
    number: int = 0
    start: int = 0

    @property
    def pattern(self) -> bool:
        return bool(_GLOB.search(self.key))


def lines(text: str, procps: bool = False) -> list[Line]:
    """The assignments and exclusions of the text in their order, as systemd-sysctl or the sysctl of procps reads them.

    All that the tool skips is left out.
    """
    found = []
    blanks, split = (_PROCPS_BLANKS, _PROCPS_LINE) if procps else (_BLANKS, _LINE)
    for number, match in enumerate(split.finditer(text), 1):
        line = match.group().split("\0")[0].strip(blanks)
        name, equals, value = line.partition("=")
        dash = name.startswith("-")
        if not line or line[0] in "#;" or not (equals or dash):
            continue
        # The dash before an assignment lets a failure pass; the assignment is none the weaker.
        if dash and procps:
            name = name.lstrip("-")
            name = "" if name[:1] in blanks else name
        elif dash:
            name = name[1:]
        key = _key(name.strip(blanks))
        if key:
            found.append(Line(key, value.strip(blanks) if equals else None, number, match.start()))
    return found


def assignments(text: str) -> dict[str, str]:
    """Each key that the text sets by its full name, with its last value."""
    return {
        line.key: canonical_value(line.value)
        for line in lines(text)
        if line.value is not None and canonical_value(line.value) and not line.pattern
    }


def _key(path: str) -> str:
    """The key or pattern in dotted form; empty where it is none, or would lead out of /proc/sys."""
    first = re.search(r"[./]", path)
    if first and first.group() == ".":
        path = path.translate(_SWAP)
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return "" if ".." in parts else "/".join(parts).translate(_SWAP)


def render(values: t.Mapping[str, str]) -> str:
    """Our file: the same values give the same bytes, in an order in which no line undoes an earlier one.

    CaissonError where it would not be read as it is meant.
    """
    # An interface may be gone at the next boot, or not be there yet; the dash makes that no error.
    lines = [f"{'-' if is_interface_key(key) else ''}{key} = {values[key]}\n" for key in ordered(values)]
    text = HEADER + "".join(lines)
    if assignments(text) != dict(values):
        wrong = sorted(set(assignments(text).items()) ^ set(values.items()))
        raise CaissonError(f"Failed to write the settings as a file that is read back the same: {wrong}")
    return text


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
