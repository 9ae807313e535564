# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the outcome of a run to a module's result. Pure; no value of the environment gets here."""

from __future__ import annotations

import typing as t

from ..controls import model
from ..errors import printable
from . import options
from .cases import Case, Outcome
from .deploy import MASK
from .plan import Action

_KNOWN = frozenset({*options.container_options(), *options.run_options(), "containers"})
_NAMES = {
    "create": "created",
    "recreate": "recreated",
    "remove": "removed",
    "update": "updated",
    "connect": "updated",
    "disconnect": "updated",
    "stop": "stopped",
    "start": "started",
    "unpause": "started",
}


def result(outcome: Outcome) -> dict[str, t.Any]:
    """The module's result for all containers, without ``warnings``."""
    findings = [finding for case in outcome.cases for finding in case.findings]
    earlier = [finding for case in outcome.cases for finding in case.before]
    return {
        "changed": outcome.changed,
        "containers": [entry(case, outcome.actions(case)) for case in outcome.cases],
        "actions": [f"{case.spec.name}: {action}" for case in outcome.cases for action in outcome.actions(case)],
        "diff": {"before": _side(outcome, "before"), "after": _side(outcome, "after")},
        "findings": [finding.as_dict() for finding in findings],
        "score": model.score(earlier, findings),
        "undo": "state: absent removes a container; its volumes stay",
    }


def entry(case: Case, actions: t.Sequence[Action]) -> dict[str, t.Any]:
    """One container's part of the result."""
    return {
        "name": case.spec.name,
        "state": case.spec.state,
        "action": "failed" if case.error else action(case),
        "reasons": [str(difference) for difference in case.plan.differences],
        "actions": [str(each) for each in actions],
        "image": {"reference": case.spec.image or "", "id": case.image.id if case.image else ""},
        "waivers": [waiver.as_dict() for waiver in case.spec.waivers],
        "seconds": round(case.seconds, 2),
        "error": case.error,
    }


def action(case: Case) -> str:
    """What became of the container in one word; the weightiest of its actions."""
    kinds = [each.kind for each in case.plan.actions]
    for kind, name in _NAMES.items():
        if kind in kinds:
            return name
    return "repaired" if kinds else "unchanged"


def failures(outcome: Outcome) -> str:
    """The message of a run in which containers failed, or the empty string."""
    failed = [case for case in outcome.cases if case.error]
    if not failed:
        return ""
    rest = len(outcome.cases) - len(failed)
    head = f"{len(failed)} of {len(outcome.cases)} containers failed; the other {rest} are as asked\n" if rest else ""
    return head + "\n".join(case.error for case in failed)


def masked(params: t.Any) -> t.Any:
    """The parameters with each value of an environment replaced, fit for logs and ``invocation``."""
    if isinstance(params, dict):
        return {key: _masked_option(key, value) for key, value in params.items()}
    return MASK


def _masked_option(key: t.Any, value: t.Any) -> t.Any:
    if value is None or str(key).startswith("_ansible"):
        return value
    if key == "env":
        return dict.fromkeys(value, MASK) if isinstance(value, dict) else MASK
    if key == "containers":
        return [masked(item) for item in value] if isinstance(value, (list, tuple)) else MASK
    return value if key in _KNOWN else MASK  # an unknown option may be a misspelt env


def _side(outcome: Outcome, side: str) -> str:
    lines = []
    for case in outcome.cases:
        if not case.plan.changed or case.error:
            continue
        exists = case.observed is not None
        if side == "before":
            lines.append(f"{case.spec.name}: {'exists' if exists else 'absent'}")
        else:
            lines.append(f"{case.spec.name}: {action(case)}")
        lines += [printable(f"  {each.field}: {getattr(each, side)}") for each in case.plan.differences]
        if side == "after":
            lines += [f"  # {each.kind}{' ' + each.target if each.target else ''}" for each in case.plan.actions]
    return "".join(f"{line}\n" for line in lines)
