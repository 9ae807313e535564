# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may go wrong, as values and exceptions. Pure: imports nothing of the project.

Lower layers raise; only a module's entry turns an exception into ``fail_json``.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


class _Hidden:
    """Stands in a message for a value that may be a secret."""

    def __repr__(self) -> str:
        return "(value not shown)"


HIDDEN = _Hidden()


@dataclass(frozen=True)
class Fault:
    """One thing wrong with the input.

    where: the object, in the words of the user (``container 'web'``, ``sysctl``).
    option: the option's name as the user writes it, dotted below the top (``ulimits.nofile``).
    value: what was given; it is shown, so a secret must be masked before it gets here.
    problem: what is wrong, as the end of the sentence "<option> ...".
    remedy: what to write instead, as an imperative sentence without the full stop.
    """

    where: str
    option: str
    value: t.Any
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.option}: {shown(self.value)} {self.problem}; {self.remedy}"


class CaissonError(Exception):
    """Something failed; the message says what, on which object, and what to do."""


class InputError(CaissonError):
    """The input is refused; nothing was touched. Carries every fault, not just the first."""

    def __init__(self, faults: t.Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(numbered("refused", [str(fault) for fault in self.faults]))


def numbered(what: str, items: t.Sequence[str]) -> str:
    """One sentence for one item, a counted list for more."""
    if len(items) == 1:
        return items[0]
    lines = [f"  {number}. {item}" for number, item in enumerate(items, 1)]
    return "\n".join([f"{len(items)} faults, {what} before anything was changed:", *lines])


def shown(value: t.Any, limit: int = 80) -> str:
    """A value for a message: its repr, on one line, cut at *limit* characters."""
    try:
        text = repr(str(value)) if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):  # a number of more digits than Python writes; a structure that is too deep
        text = f"this {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def printable(text: str) -> str:
    """The text with what would move a cursor, change a colour or turn the direction written as its escape."""
    return text if text.isprintable() else "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def named(key: t.Any) -> str:
    """A name that somebody wrote, for a message: as it is where that is safe to print, else as `shown` has it."""
    plain = isinstance(key, str) and 0 < len(key) <= 80 and key.isprintable()
    return str(key) if plain else shown(key)


def nearest(name: str, known: t.Iterable[str]) -> str:
    """A hint ``; did you mean 'x'?`` for a name that is unknown, or the empty string."""
    import difflib  # noqa: PLC0415  needed only where something is misspelt

    found = difflib.get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
