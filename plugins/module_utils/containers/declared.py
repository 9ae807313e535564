# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is declared: how the options of an entry are read, how a list of networks or volumes, and one of these through a
run. Pure.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..errors import HIDDEN, Fault, named, nearest
from .steps import Action, Difference
from .units import Wrong

Json = t.Mapping[str, t.Any]
Found = t.Dict[str, t.Any]
Conflict = t.Tuple[str, t.Any, str, str]  # option, value, problem, remedy


@dataclass
class Item:
    """One network or volume through the run: what differs, what is to be done and what became of it."""

    kind: str  # network or volume
    name: str
    exists: bool = False
    actions: tuple[Action, ...] = ()
    differences: tuple[Difference, ...] = ()
    done: list[Action] = field(default_factory=list)
    error: str = ""

    @property
    def label(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Judged:
    """What follows from comparing what is declared with what is there."""

    item: Item
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()


def read(
    given: t.Any,
    kind: str,
    readers: t.Mapping[str, t.Callable[[t.Any], t.Any]],
    conflicts: t.Callable[[Found], t.Iterator[Conflict]],
    secret: t.Collection[str] = (),
) -> tuple[list[Found], list[Fault]]:
    """The entries of a list, option by option, and every fault of every one. secret: options that are not shown."""
    option = f"{kind}s"
    if given is None:
        return [], []
    if not isinstance(given, (list, tuple)):
        return [], [Fault(option, option, HIDDEN, "is not a list", f"write one entry a {kind}")]

    def unknown(name: str) -> tuple[str, str]:
        return f"is not an option of a {kind}", f"remove it{nearest(name, readers)}"

    entries: list[Found] = []
    faults: list[Fault] = []
    for number, entry in enumerate(given, 1):
        if not isinstance(entry, dict):
            faults.append(Fault(f"{kind} {number}", option, HIDDEN, "is not a dictionary", "begin with name:"))
            continue
        where = f"{kind} {entry.get('name') or number!r}"
        found, wrong = read_options(entry, where, readers, secret, unknown)
        if entry.get("name") is None:
            wrong.append(Fault(where, "name", None, "is missing", f"name the {kind}"))
        if not wrong:
            wrong = [Fault(where, *fault) for fault in conflicts(found)]
        faults += wrong
        if not wrong:
            entries.append(found)
        name = entry.get("name")
        if name is not None and any(
            name == other.get("name") for other in given[: number - 1] if isinstance(other, dict)
        ):
            faults.append(Fault(where, "name", name, "is given twice", f"give each {kind} a name of its own"))
    return entries, faults


def read_options(
    entry: Json,
    where: str,
    readers: t.Mapping[str, t.Callable[[t.Any], t.Any]],
    secret: t.Collection[str],
    unknown: t.Callable[[str], tuple[str, str]],
) -> tuple[Found, list[Fault]]:
    """What the readers make of an entry, without what is null, and every fault of its options.

    unknown: says of an option without a reader what is wrong with it and what to do.
    """
    found: Found = {}
    faults: list[Fault] = []
    for option, value in entry.items():
        reader = readers.get(option)
        if reader is None:
            # Its value is not shown: it may be a misspelt env.
            faults.append(Fault(where, named(option), HIDDEN, *unknown(named(option))))
        elif value is not None:
            try:
                found[option] = reader(value)
            except Wrong as wrong:
                shown = HIDDEN if option in secret else value
                faults.append(Fault(where, option, shown, wrong.problem, wrong.remedy))
    return found, faults
