# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan: what is to be done to one container, in order, each step with its reasons. Pure.

Check mode shows the plan and a run applies it; there is no second place where something is decided.
"""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field

from ..errors import printable
from .records import Network
from .spec import Spec
from .state import ANY, AtLeast, State
from .units import format_cpus, format_duration, format_size

NEXT = ".caisson-next"
PREVIOUS = ".caisson-previous"

# Changed on the living container by the engine's update call, unless the limit is to be taken away altogether,
# for there 0 means "leave as it is".
LIVE = frozenset({"memory", "memory_swap", "cpus", "pids_limit", "restart_policy", "restart_retries"})
_MAPS = frozenset({"env", "labels", "log_options", "mounts", "networks", "storage_opts", "sysctls", "tmpfs", "ulimits"})
_SIZES = frozenset({"memory", "memory_reservation", "memory_swap", "shm_size"})


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
    """One step. kind: remove_leftover, restore_name, pull, create_network, create, recreate, update, connect,
    disconnect, start, unpause, stop, remove."""

    kind: str
    target: str = ""
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        target = f" {self.target}" if self.target else ""
        return f"{self.kind}{target}" + (f" ({'; '.join(self.reasons)})" if self.reasons else "")


@dataclass(frozen=True)
class Existing:
    """What the engine has under a container's name and its two bookkeeping names; each an inspect, or None."""

    current: t.Mapping[str, t.Any] | None = None
    successor: t.Mapping[str, t.Any] | None = None
    previous: t.Mapping[str, t.Any] | None = None


@dataclass(frozen=True)
class Plan:
    name: str
    actions: tuple[Action, ...] = ()
    differences: tuple[Difference, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.actions)

    def has(self, kind: str) -> bool:
        return any(action.kind == kind for action in self.actions)


@dataclass
class _Draft:
    actions: list[Action] = field(default_factory=list)

    def add(self, kind: str, target: str = "", *reasons: str) -> None:
        self.actions.append(Action(kind, target, reasons))


def recover(name: str, existing: Existing) -> tuple[tuple[Action, ...], Existing]:
    """What a killed run left behind, put in order; and what then stands.

    The order of a replacement is: create the successor, stop the old, start the successor and wait for its health,
    rename the old away, rename the successor, remove the old. So the names alone tell how far it came.
    """
    draft = _Draft()
    current, successor, previous = existing.current, existing.successor, existing.previous
    if current is None and successor is not None and previous is not None:
        draft.add("restore_name", name + NEXT, "its replacement was complete but for the name")
        current, successor = successor, None
    elif current is None and previous is not None:
        draft.add("restore_name", name + PREVIOUS, "its replacement was not completed")
        current, previous = previous, None
    if successor is not None:
        draft.add("remove_leftover", name + NEXT, "an earlier run was interrupted")
    if previous is not None:
        draft.add("remove_leftover", name + PREVIOUS, "an earlier run was interrupted")
    return tuple(draft.actions), Existing(current)


def interrupted_while_serving(existing: Existing) -> bool:
    """Whether a killed run stopped the container for a replacement, so that it has to serve again."""
    current, successor = existing.current, existing.successor
    if current is None or successor is None or current["State"].get("Running"):
        return False
    return _instant(current["State"].get("FinishedAt")) >= _instant(successor.get("Created"))


def _instant(given: t.Any) -> datetime.datetime:
    # The engine gives nanoseconds; Python reads microseconds.
    head = str(given or "")[:19]
    try:
        return datetime.datetime.fromisoformat(head)
    except ValueError:
        return datetime.datetime.min


def plan(
    spec: Spec,
    existing: Existing,
    wanted: State | None,
    observed: State | None,
    *,
    pull_reason: str = "",
    missing_network: str = "",
) -> Plan:
    """The plan for one container.

    wanted is None while the image is not on the host; observed is the state of `recover`'s current container.
    """
    draft = _Draft()
    repair, settled = recover(spec.name, existing)
    draft.actions += repair
    if not spec.wants_container:
        if settled.current is not None:
            draft.add("remove", "", "state is absent")
        return Plan(spec.name, tuple(draft.actions))
    if pull_reason:
        draft.add("pull", str(spec.image), pull_reason)
    if missing_network:
        draft.add("create_network", missing_network, "it does not exist")
    if settled.current is None or observed is None:
        draft.add("create", "", "it does not exist")
        if spec.state == "started":
            draft.add("start")
        return Plan(spec.name, tuple(draft.actions))
    found = differences(wanted, observed) if wanted is not None else ()
    if pull_reason and wanted is not None and all(each.field != "image" for each in found):
        found = (*found, Difference("image", show("image", observed["image"]), "what the registry has now"))
    _converge(draft, settled.current["State"], wanted, observed, found)
    _run(draft, spec, settled.current["State"], interrupted_while_serving(existing))
    return Plan(spec.name, tuple(draft.actions), found)


def _converge(
    draft: _Draft, engine: t.Mapping[str, t.Any], wanted: State | None, observed: State, found: tuple[Difference, ...]
) -> None:
    """From what is different to the least that mends it."""
    if wanted is None:
        draft.add("recreate", "", "image: it is another one")
        return
    heavy = [each for each in found if not _is_live(each.field.partition(".")[0], wanted, observed)]
    if engine.get("Dead"):
        draft.add("recreate", "", "the engine could not remove it earlier")
    elif heavy:
        draft.add("recreate", "", *map(str, heavy))
    else:
        limits = [str(each) for each in found if each.field in LIVE]
        if limits:
            draft.add("update", "", *limits)
        networks = [each for each in found if each.field.startswith("networks.")]
        # A network that goes away goes last, so that the container is never without one.
        for each in sorted(networks, key=lambda one: one.field.partition(".")[2] not in wanted["networks"]):
            name = each.field.partition(".")[2]
            if name in observed["networks"]:
                draft.add("disconnect", name, str(each))
            if name in wanted["networks"]:
                draft.add("connect", name, str(each))


def _is_live(name: str, wanted: State, observed: State) -> bool:
    if name == "networks":
        # Between none or host and a network of its own there is no way on a living container.
        return wanted["network_mode"] == observed["network_mode"] == "user" and bool(wanted["networks"])
    return name in LIVE and (name in ("restart_policy", "restart_retries", "pids_limit") or wanted[name] != 0)


def _run(draft: _Draft, spec: Spec, engine: t.Mapping[str, t.Any], interrupted: bool) -> None:
    """The running state, after the configuration."""
    recreated = any(action.kind == "recreate" for action in draft.actions)
    running, paused = bool(engine.get("Running")), bool(engine.get("Paused"))
    if spec.state == "started":
        if paused and not recreated:
            draft.add("unpause", "", "it is paused")
        if not running:
            draft.add("start", "", f"it is {engine.get('Status', 'not running')}")
    elif spec.state == "stopped" and running and not recreated:
        draft.add("stop", "", "state is stopped")
    elif spec.state == "present" and interrupted and not recreated:
        draft.add("start", "", "an interrupted run had stopped it")


def differences(wanted: State, observed: State) -> tuple[Difference, ...]:
    """Every field in which the two states differ, in the fields' order; of maps, each key."""
    found: list[Difference] = []
    for name in sorted(set(wanted) | set(observed)):
        before, after = observed.get(name), wanted.get(name)
        if after is ANY or before is ANY or before == after:
            continue
        if name in _MAPS:
            found += _map_differences(name, before or {}, after or {})
        else:
            found.append(Difference(name, show(name, before), show(name, after)))
    return tuple(found)


def _map_differences(name: str, before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]) -> t.Iterator[Difference]:
    for key in sorted(set(after) if isinstance(after, AtLeast) else set(before) | set(after)):
        if before.get(key) != after.get(key):
            old, new = (show(name, each[key]) if key in each else "absent" for each in (before, after))
            # A value of the environment may be a secret; that it is another one must do.
            if name == "env" and key in before and key in after:
                old, new = "another value", "the value given"
            yield Difference(f"{name}.{key}", old, new)


def show(name: str, value: t.Any) -> str:
    """The value of a field as a text; of the environment, only that there is one."""
    if name == "env":
        return "present"
    if value is None:
        return "none"
    if name in _SIZES:
        return format_size(value)
    if name == "cpus":
        return format_cpus(value)
    if name == "pids_limit":
        return str(value or "unlimited")
    if name == "published_ports":
        return ", ".join(sorted(f"{host or '*'}:{outer or '?'}:{inner}" for inner, host, outer in value)) or "none"
    if name == "mounts":
        _target, kind, source, read_only, propagation = value
        rest = f" ({propagation})" if propagation not in ("", "rprivate") else ""
        return f"{kind} {source or 'anonymous'}{' read-only' if read_only else ''}{rest}"
    if name == "healthcheck":
        times = {key: format_duration(value[key]) for key in ("interval", "timeout", "start_period")}
        return f"{' '.join(value['test'])} {times} retries={value['retries']}"
    return _show_plain(value)


def _show_plain(value: t.Any) -> str:
    if isinstance(value, Network):
        parts = [*sorted(value.aliases), value.ipv4_address, value.ipv6_address]
        return "attached" + (f" as {', '.join(filter(None, parts))}" if any(parts) else "")
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" if item else key for key, item in sorted(value.items())) or "none"
    if isinstance(value, (tuple, list)):
        return " ".join(map(str, value)) or "none"
    if isinstance(value, frozenset):
        return ", ".join(sorted(map(str, value))) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if str(value) else "none"
