# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""GRUB's generated menu (grub.cfg): the command lines of its entries. Pure.

Only what /etc/grub.d/10_linux* made counts: other systems, memory tests and entries of the user's own do not take their
command line from GRUB's defaults.
"""

from __future__ import annotations

import re
import typing as t

from .catalogue import written
from .cmdline import effective, parse, words

PATH = "/boot/grub/grub.cfg"
LONGEST = 2047  # COMMAND_LINE_SIZE of x86 and arm64 without the end
_SECTION = re.compile(r"^### BEGIN \S*/10_linux\S* ###$(.*?)^### END ", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r"^[ \t]*linux(?:16|efi)?[ \t]+\S+[ \t]+(.*)$", re.MULTILINE)
_RECOVERY = {"single", "recovery"}


def command_lines(text: str) -> tuple[str, ...]:
    """The command line of each entry."""
    return tuple(line for section in _SECTION.findall(text) for line in _ENTRY.findall(section))


def next_boot(lines: t.Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The parameters of the first entry that is not for recovery."""
    ordinary = [line for line in lines if not _RECOVERY & set(words(line))]
    return parse([*ordinary, *lines, ""][0])


def problem(lines: t.Sequence[str], wanted: t.Mapping[str, str]) -> str:
    """What is wrong with the entries, as the end of a sentence; empty where each has all that is wanted."""
    if not lines:
        return "has no entry that boots a kernel of this system"
    lacking = [written(name, value) for name, value in wanted.items() if any(map(_lacks(name, value), lines))]
    if lacking:
        return f"has entries in which {', '.join(lacking)} does not win; look for what sets it later"
    too_long = max(map(len, lines))
    if wanted and too_long > LONGEST:
        return f"has a command line of {too_long} bytes, of which the kernel reads {LONGEST}; leave some out"
    return ""


def conflicts(lines: t.Sequence[str], wanted: t.Mapping[str, str]) -> dict[str, list[str]]:
    """The other values that entries have of what is wanted, by name."""
    parsed = [parse(line) for line in lines]
    found = {
        name: sorted({given for values in parsed for given in values.get(name.replace("-", "_"), ()) if given != value})
        for name, value in wanted.items()
    }
    return {name: values for name, values in found.items() if values}


def added(line: str, parameters: t.Mapping[str, str]) -> str:
    """The line with the parameters."""
    return " ".join([line, *(written(name, value) for name, value in parameters.items())])


def removed(line: str, parameters: t.Mapping[str, str]) -> str:
    """The line without those words."""
    ours = {written(name, value) for name, value in parameters.items()}
    return " ".join(word for word in words(line) if word not in ours)


def _lacks(name: str, value: str) -> t.Callable[[str], bool]:
    return lambda line: effective(parse(line), name) != value
