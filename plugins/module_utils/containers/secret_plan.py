# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a container's plan does about its secrets beside replacing it. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .plan import settle
from .secrets import Seen
from .spec import Spec
from .steps import Action, Existing, Plan

# What comes first: it puts in order what is there.
_REPAIRS = ("remove_leftover", "restore_name", "keep_leftover", "stop_leftover", "hold", "pull")


def completed(made: Plan, spec: Spec, existing: Existing, seen: Seen) -> Plan:
    """The plan with the steps ``write_secrets``, ``signal`` and ``remove_secrets`` where they belong."""
    actions = list(made.actions)
    fresh = made.has("create") or made.has("recreate")
    written = False
    if spec.secrets and spec.wants_container and not fresh:
        reasons = [str(each) for each in made.differences if each.field.startswith("secrets.")]
        if seen.loose:
            reasons.append("secrets: their directory is open to others -> for root only")
        written = bool(reasons)
        if written:
            place = sum(action.kind in _REPAIRS for action in actions)
            actions.insert(place, Action("write_secrets", "", tuple(reasons)))
    signalled = _signal(made, spec, existing, seen, fresh)
    actions += signalled
    if seen.leftovers or (seen.unfinished and not written and not signalled):
        actions.append(Action("remove_secrets", "", ("an earlier run left some that no container uses",)))
    return replace(made, actions=tuple(actions))


def _signal(made: Plan, spec: Spec, existing: Existing, seen: Seen, fresh: bool) -> list[Action]:
    changed = any(each.field.startswith("secrets.") for each in made.differences)
    if not spec.secrets_signal or not spec.secrets or fresh or made.has("stop") or not (changed or seen.unfinished):
        return []
    current = settle(spec, existing)[1].current
    state: t.Mapping[str, t.Any] = current["State"] if current is not None else {}
    if not state.get("Running") or state.get("Restarting") or (state.get("Paused") and not made.has("unpause")):
        return []
    return [Action("signal", str(spec.secrets_signal), ("its secrets are other ones",))]
