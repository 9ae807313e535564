# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan: what is to be done to one container, in order, each step with its reasons. Pure.

Check mode shows the plan and a run applies it; there is no second place where something is decided.
"""

from __future__ import annotations

import typing as t

from . import secrets
from .order import START_FIRST, STOP_FIRST, exclusive
from .recovery import interrupted_while_serving, newer, recover
from .rules_secrets import names_secret
from .shown import show
from .spec import Spec
from .state import ANY, AtLeast, State
from .steps import PREVIOUS, Action, Difference, Draft, Existing, Inspect, Plan, running, starts_itself

# Changed on the living container by the engine's update call, unless the limit is to be taken away altogether,
# for there 0 means "leave as it is".
LIVE = frozenset(
    "memory memory_swap memory_reservation cpus cpu_shares cpuset_cpus cpuset_mems pids_limit blkio_weight"
    " restart_policy restart_retries".split()
)
NEVER_LIVE: frozenset[str] = frozenset()  # of an engine without that call
_MAPS = frozenset("env etc_hosts labels log_options mounts networks secrets storage_opts sysctls tmpfs ulimits".split())


def settle(spec: Spec, existing: Existing) -> tuple[tuple[Action, ...], Existing]:
    """What an interrupted run left, put in order for what the spec asks; see `recovery.recover`."""
    return recover(spec.name, existing, keep=spec.keep_previous, going_back=spec.state == "rolled_back")


def plan(
    spec: Spec,
    existing: Existing,
    wanted: State | None,
    observed: State | None,
    *,
    former: State | None = None,
    pull_reason: str = "",
    removal: str = "state is absent",
    live: frozenset[str] = LIVE,
) -> Plan:
    """The plan for one container.

    wanted is None while the image is not on the host; observed and former are the states of `settle`'s current and
    previous container. live: the fields that change on a living container.
    """
    draft = Draft(holds="restart_policy" in live)
    repair, settled = settle(spec, existing)
    draft.actions += repair
    if spec.state == "rolled_back":
        return _way_back(spec, draft, settled, observed, former)
    if not spec.wants_container:
        if settled.current is not None:
            draft.add("remove", "", removal)
        return draft.plan(spec.name)
    _put_at_rest(draft, spec.name, settled.previous)
    if pull_reason:
        draft.add("pull", str(spec.image), pull_reason)
    if settled.current is None or observed is None:
        draft.add("create", "", "it does not exist")
        if spec.state == "started":
            draft.add("start")
        return draft.plan(spec.name)
    found = differences(wanted, observed) if wanted is not None else ()
    if pull_reason and wanted is not None and all(each.field != "image" for each in found):
        found = (*found, Difference("image", show("image", observed["image"]), "what the registry has now"))
    _converge(draft, settled.current["State"], wanted, observed, found, live)
    _run(draft, spec, settled.current["State"], interrupted_while_serving(existing))
    order, held = _order(spec, wanted, observed) if draft.has("recreate") else ("", ())
    return draft.plan(spec.name, found, order, held)


def _put_at_rest(draft: Draft, name: str, previous: Inspect | None) -> None:
    """A generation that is kept does not serve, and the engine never starts it."""
    if running(previous):
        draft.add("stop_leftover", name + PREVIOUS, "two generations must not serve at once")
    if draft.holds and previous is not None and starts_itself(previous):
        draft.add("hold", name + PREVIOUS, "the engine might start it")


def _order(spec: Spec, wanted: State | None, observed: State) -> tuple[str, tuple[str, ...]]:
    if wanted is None:
        return "", ()
    held = exclusive(wanted, observed)
    return (STOP_FIRST if held or spec.update_order == STOP_FIRST else START_FIRST), held


def _way_back(spec: Spec, draft: Draft, settled: Existing, observed: State | None, former: State | None) -> Plan:
    """Back to the former generation, or nothing where that is what serves."""
    current, previous = settled.current, settled.previous
    if current is not None and previous is not None and not newer(previous, current):
        found = differences(former, observed) if former is not None and observed is not None else ()
        draft.add("roll_back", "", f"to what was made on {str(previous.get('Created'))[:19]}")
        held = exclusive(former, observed) if former is not None and observed is not None else ("it is not known",)
        return draft.plan(spec.name, found, STOP_FIRST if held else START_FIRST, held)
    _put_at_rest(draft, spec.name, previous)
    if current is not None and not running(current):
        draft.add("start", "", f"it is {current['State'].get('Status', 'not running')}")
    return draft.plan(spec.name)


def has_way_back(spec: Spec, existing: Existing) -> bool:
    """Whether there is a former generation, or a way back that was taken already."""
    repair, settled = settle(spec, existing)
    return settled.previous is not None or any(action.kind == "restore_name" for action in repair)


def _converge(
    draft: Draft,
    engine: t.Mapping[str, t.Any],
    wanted: State | None,
    observed: State,
    found: tuple[Difference, ...],
    live: frozenset[str],
) -> None:
    """From what is different to the least that mends it."""
    if wanted is None:
        draft.add("recreate", "", "image: it is another one")
        return
    heavy = [each for each in found if not _is_live(each.field.partition(".")[0], wanted, observed, live)]
    if engine.get("Dead"):
        draft.add("recreate", "", "the engine could not remove it earlier")
    elif heavy:
        draft.add("recreate", "", *map(str, heavy))
    else:
        limits = [str(each) for each in found if each.field in live]
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


def _is_live(name: str, wanted: State, observed: State, live: frozenset[str]) -> bool:
    if name == "secrets":
        return isinstance(wanted["secrets"], secrets.InPlace)
    if name == "networks":
        # Between none or host and a network of its own there is no way on a living container.
        return wanted["network_mode"] == observed["network_mode"] == "user" and bool(wanted["networks"])
    return name in live and (name in ("restart_policy", "restart_retries", "pids_limit") or bool(wanted[name]))


def _run(draft: Draft, spec: Spec, engine: t.Mapping[str, t.Any], interrupted: bool) -> None:
    """The running state, after the configuration."""
    recreated = draft.has("recreate")
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
        if before.get(key) != after.get(key) and after.get(key) is not ANY:
            old, new = (show(name, each[key]) if key in each else "absent" for each in (before, after))
            # A value of the environment may be a secret; that it is another one must do.
            hidden = name == "env" or (name == "log_options" and names_secret(key))
            if hidden and key in before and key in after:
                old, new = "another value", "the value given"
            elif hidden:
                old, new = ("present" if key in each else "absent" for each in (before, after))
            elif name == "secrets":
                old, new = secrets.told(before.get(key), after.get(key))
            yield Difference(f"{name}.{key}", old, new)
