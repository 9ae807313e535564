# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a plan is made of: differences, actions with their reasons, and what an engine has under a name. Pure."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field

from ..errors import printable

Inspect = t.Mapping[str, t.Any]

# The two bookkeeping names of a container, after its own.
NEXT = ".caisson-next"
PREVIOUS = ".caisson-previous"


def own_name(name: str) -> str:
    """The name of the container, out of its own or a bookkeeping one."""
    return next((name[: -len(end)] for end in (NEXT, PREVIOUS) if name.endswith(end)), name)


@dataclass(frozen=True)
class Difference:
    """One field in which the container is not what it should be; the values are texts fit to be shown."""

    field: str
    before: str
    after: str

    def __str__(self) -> str:
        # Labels and the like come from images, and images from anywhere.
        return printable(f"{self.field}: {self.before} -> {self.after}")


@dataclass(frozen=True)
class Action:
    """One step. kind: restore_name, remove_leftover, stop_leftover, pull, create_network, create, recreate, roll_back,
    update, connect, disconnect, start, unpause, stop, remove, snapshot, keep_leftover, hold, write_secrets, signal,
    remove_secrets."""

    kind: str
    target: str = ""
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        target = f" {self.target}" if self.target else ""
        return f"{self.kind}{target}" + (f" ({'; '.join(self.reasons)})" if self.reasons else "")


@dataclass(frozen=True)
class Existing:
    """What the engine has under a container's name and its two bookkeeping names; each an inspect, or None."""

    current: Inspect | None = None
    successor: Inspect | None = None
    previous: Inspect | None = None


@dataclass(frozen=True)
class Plan:
    """The actions on one container, in order. order: stop-first or start-first where it is replaced; exclusive: why.

    holds: whether the engine can be told that a generation which is kept is never to be started by the engine itself.
    """

    name: str
    actions: tuple[Action, ...] = ()
    differences: tuple[Difference, ...] = ()
    order: str = ""
    exclusive: tuple[str, ...] = ()
    holds: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.actions)

    def has(self, kind: str) -> bool:
        return any(action.kind == kind for action in self.actions)


@dataclass
class Draft:
    """A plan under way. holds: see :class:`Plan`."""

    holds: bool = False
    actions: list[Action] = field(default_factory=list)

    def add(self, kind: str, target: str = "", *reasons: str) -> None:
        self.actions.append(Action(kind, target, reasons))

    def has(self, kind: str) -> bool:
        return any(action.kind == kind for action in self.actions)

    def plan(
        self, name: str, found: tuple[Difference, ...] = (), order: str = "", exclusive: tuple[str, ...] = ()
    ) -> Plan:
        return Plan(name, tuple(self.actions), found, order, exclusive, self.holds)


def instant(given: t.Any) -> datetime.datetime:
    """A time as the engine writes it, to the microsecond; the earliest one where it cannot be read."""
    head, _point, fraction = str(given or "").partition(".")
    digits = "".join(char for char in fraction[:6] if char.isdigit()).ljust(6, "0")
    try:
        return datetime.datetime.fromisoformat(head[:19]).replace(microsecond=int(digits))
    except ValueError:
        return datetime.datetime.min


def running(inspect: Inspect | None) -> bool:
    return inspect is not None and bool((inspect.get("State") or {}).get("Running"))


def restart_policy(inspect: Inspect) -> dict[str, t.Any]:
    """By what rule the engine starts the container itself, as its update call takes it."""
    found = (inspect.get("HostConfig") or {}).get("RestartPolicy") or {}
    return {"Name": found.get("Name") or "no", "MaximumRetryCount": found.get("MaximumRetryCount") or 0}


def starts_itself(inspect: Inspect) -> bool:
    """Whether the engine may start it, as it does with one that was stopped and has ``on-failure``."""
    return bool(restart_policy(inspect)["Name"] != "no")
