# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The text of modprobe.d(5) files: which command stands for a module, and our own file. Pure.

Tried on kmod 30: of several ``install`` lines for a module the first one counts, patterns included, and files are read
in the order of their names whatever their directory. ``install`` stops the module by name, by alias and as what another
one needs. ``blacklist`` stops it by alias only, but in silence: what the kernel itself and udev ask for then leaves no
error in the log. So both are written.

Tried on kmod 30 and 34: an ``install`` line is passed over for a module that names soft dependencies (btrfs, ksmbd),
and counts again where a ``softdep`` line says that there are none. So that is written too.
"""

from __future__ import annotations

import fnmatch
import typing as t
from dataclasses import dataclass
from pathlib import PurePath

from ..host.changes import HEADER
from .catalogue import MODULES, canonical

# First in the order of names, so that no other file's install line comes before ours.
PATH = "/etc/modprobe.d/00-caisson-hardening.conf"
# Where a file of the same name stands in several directories, the first one counts.
DIRECTORIES = (
    *("/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d"),
    *("/usr/lib/modprobe.d", "/lib/modprobe.d"),
)
DENIAL = "/bin/false"
_DENIALS = frozenset({"false", "true", "nologin", ":"})


@dataclass(frozen=True)
class Rule:
    """An ``install`` line: the pattern of names, its command, and the file that has it."""

    pattern: str
    command: str
    path: str

    @property
    def denies(self) -> bool:
        """Whether the command only ends, so that nothing is loaded."""
        words = self.command.split()
        return bool(words) and PurePath(words[0]).name in _DENIALS and ";" not in self.command


def install_rules(path: str, text: str) -> tuple[Rule, ...]:
    """The ``install`` lines of one file, in their order."""
    found = []
    for line in text.replace("\\\n", "").splitlines():
        words = line.split(None, 2)
        if len(words) == 3 and words[0] == "install":
            found.append(Rule(canonical(words[1]), words[2].strip(), path))
    return tuple(found)


def in_force(module: str, rules: t.Sequence[Rule]) -> Rule | None:
    """The rule that modprobe heeds for the module, of all *rules* in the order in which they are read."""
    return next((rule for rule in rules if fnmatch.fnmatchcase(module, rule.pattern)), None)


def with_ours(others: t.Sequence[Rule], text: str | None) -> tuple[Rule, ...]:
    """All rules in the order in which they are read, when our file has that text (None: there is none)."""
    ours = install_rules(PATH, text) if text else ()
    name = PurePath(PATH).name
    before = [rule for rule in others if PurePath(rule.path).name < name]
    after = [rule for rule in others if PurePath(rule.path).name > name]
    return (*before, *ours, *after)


def render(modules: t.Iterable[str]) -> str:
    """Our file: the modules under what they are, in the order of the catalogue."""
    names = sorted(modules)
    order = {module: number for number, module in enumerate(MODULES)}
    lines: list[str] = []
    title = ""
    for module in sorted(names, key=lambda name: (order.get(name, len(order)), name)):
        entry = MODULES.get(module)
        heading = f"# {entry.title}: {entry.reason}" if entry else "# by the administrator's choice"
        if heading != title:
            lines.append(heading)
            title = heading
        lines += [f"install {module} {DENIAL}", f"blacklist {module}", f"softdep {module} pre:"]
    return HEADER + "".join(f"{line}\n" for line in lines)
