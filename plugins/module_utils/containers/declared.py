# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What networks and volumes have in common: how a list of them is read, and one of them through a run. Pure."""

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
    entries: list[Found] = []
    faults: list[Fault] = []
    for number, entry in enumerate(given, 1):
        if not isinstance(entry, dict):
            faults.append(Fault(f"{kind} {number}", option, HIDDEN, "is not a dictionary", "begin with name:"))
            continue
        where = f"{kind} {entry.get('name') or number!r}"
        found, wrong = _entry(entry, where, kind, readers, secret)
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


def _entry(
    entry: Found,
    where: str,
    kind: str,
    readers: t.Mapping[str, t.Callable[[t.Any], t.Any]],
    secret: t.Collection[str],
) -> tuple[Found, list[Fault]]:
    found: Found = {}
    faults: list[Fault] = []
    for option, value in entry.items():
        reader = readers.get(option)
        if reader is None:
            remedy = f"remove it{nearest(named(option), readers)}"
            faults.append(Fault(where, named(option), HIDDEN, f"is not an option of a {kind}", remedy))
        elif value is not None:
            try:
                found[option] = reader(value)
            except Wrong as wrong:
                shown = HIDDEN if option in secret else value
                faults.append(Fault(where, option, shown, wrong.problem, wrong.remedy))
    if entry.get("name") is None:
        faults.append(Fault(where, "name", None, "is missing", f"name the {kind}"))
    return found, faults
