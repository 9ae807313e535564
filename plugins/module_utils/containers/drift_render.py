# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the cases of a look for drift to the module's result. Pure."""

from __future__ import annotations

import typing as t

from ..controls import model
from ..errors import printable
from .drift import Drift
from .drift_plan import FAIL, Case, Settings, finding
from .steps import Action

MOST_PATHS = 10  # of one container in a message


def result(cases: t.Sequence[Case], executed: bool) -> dict[str, t.Any]:
    """The module's result for all containers, without ``warnings``."""
    before = [finding(case, case.drift) for case in cases]
    after = [finding(case, case.after) for case in cases]
    actions = [(case, action) for case in cases for action in _actions(case, executed)]
    return {
        "changed": bool(actions),
        "drift": any(case.drifted for case in cases),
        "containers": [_entry(case, _actions(case, executed)) for case in cases],
        "actions": [f"{case.name}: {action}" for case, action in actions],
        "diff": {"before": _side(cases, executed, "drift"), "after": _side(cases, executed, "after")},
        "findings": [each.as_dict() for each in after],
        "score": model.score(before, after),
    }


def failures(cases: t.Sequence[Case], settings: Settings) -> str:
    """The message of a run that has to fail, with each container and its paths; or the empty string."""
    failed = [case.error for case in cases if case.error]
    drifted = [case for case in cases if case.drifted and case.waiver is None and FAIL in settings.responses]
    if drifted:
        failed.append(f"{len(drifted)} of {len(cases)} containers drifted:")
        failed += [f"  {case.name}: {(case.drift or Drift()).evidence(MOST_PATHS)}" for case in drifted]
    return "\n".join(failed)


def _actions(case: Case, executed: bool) -> t.Sequence[Action]:
    return case.done if executed else case.plan.actions


def _entry(case: Case, actions: t.Sequence[Action]) -> dict[str, t.Any]:
    host = (case.current or {}).get("HostConfig") or {}
    return {
        "name": case.name,
        "project": case.project,
        "read_only": bool(host.get("ReadonlyRootfs")),
        "drift": (case.drift or Drift()).as_dict(),
        "ignored": case.drift.ignored if case.drift else 0,
        "action": _action(case, actions),
        "snapshot": case.snapshot,
        "error": case.error,
    }


def _action(case: Case, actions: t.Sequence[Action]) -> str:
    """What became of the container in one word."""
    kinds = [action.kind for action in actions]
    if case.error:
        return "failed"
    if case.drift is None:
        return "gone"
    for kind, name in (("recreate", "recreated"), ("start", "started"), ("snapshot", "snapshot")):
        if kind in kinds:
            return name
    if kinds:
        return "repaired"
    if not case.drifted:
        return "unchanged"
    return "waived" if case.waiver is not None else "reported"


def _side(cases: t.Sequence[Case], executed: bool, side: str) -> str:
    lines = []
    for case in cases:
        if any(action.kind == "recreate" for action in _actions(case, executed)):
            found: Drift = getattr(case, side) or Drift()
            lines += [f"{case.name}: {printable(line)}" for line in found.lines()]
    return "".join(f"{line}\n" for line in lines)
