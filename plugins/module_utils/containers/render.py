# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the outcome of a run to a module's result. Pure; no value of the environment gets here."""

from __future__ import annotations

import typing as t

from ..controls import model
from ..errors import printable
from . import options, references
from .cases import Case, Outcome
from .declared import Item
from .hidden import MASK
from .rules_secrets import names_secret
from .secrets import SHOWN
from .steps import Action

_KNOWN = frozenset({*options.container_options(), *options.run_options(), *options.batch_options(), "containers"})
_KNOWN_OF_VOLUMES = frozenset({"name", "state", "driver", "labels", "exec", "suid", "dev"})
_NAMES = {
    "create": "created",
    "recreate": "recreated",
    "roll_back": "rolled_back",
    "remove": "removed",
    "update": "updated",
    "write_secrets": "updated",
    "connect": "updated",
    "disconnect": "updated",
    "stop": "stopped",
    "start": "started",
    "unpause": "started",
    "signal": "updated",
}


def result(outcome: Outcome) -> dict[str, t.Any]:
    """The module's result for all containers, without ``warnings``."""
    findings = [finding for case in outcome.cases for finding in case.findings]
    earlier = [finding for case in outcome.cases for finding in case.before]
    return {
        "changed": outcome.changed,
        "containers": [entry(case, outcome.actions(case)) for case in outcome.cases],
        "networks": [_item(item, outcome) for item in outcome.items if item.kind == "network"],
        "volumes": [_item(item, outcome) for item in outcome.items if item.kind == "volume"],
        "actions": _actions(outcome),
        "diff": {"before": _side(outcome, "before"), "after": _side(outcome, "after")},
        "findings": [finding.as_dict() for finding in findings if finding.outcome != model.PASS or finding.evidence],
        "passed": _passed(findings),
        "score": model.score(earlier, findings),
        "undo": "state: absent removes a container; its volumes stay",
    }


def _passed(findings: t.Iterable[model.Finding]) -> dict[str, int]:
    """For how many containers each control holds. One by one they would be most of what the controller has to read."""
    found: dict[str, int] = {}
    for finding in findings:
        found[finding.control] = found.get(finding.control, 0) + (finding.outcome == model.PASS)
    return found


def _actions(outcome: Outcome) -> list[str]:
    """Every step in its order: what containers need, the containers, and the networks that go away."""
    found = [(f"{item.kind} {item.name}", action) for item in outcome.items for action in outcome.item_actions(item)]
    first = [f"{name}: {action}" for name, action in found if action.kind != "remove"]
    last = [f"{name}: {action}" for name, action in found if action.kind == "remove"]
    return [*first, *(f"{case.spec.name}: {each}" for case in outcome.cases for each in outcome.actions(case)), *last]


def _item(item: Item, outcome: Outcome) -> dict[str, t.Any]:
    """One network's or volume's part of the result."""
    kinds = [action.kind for action in item.actions]
    return {
        "name": item.name,
        "action": "failed" if item.error else _NAMES[kinds[0]] if kinds else "unchanged",
        "reasons": [str(difference) for difference in item.differences],
        "actions": [str(each) for each in outcome.item_actions(item)],
        "error": item.error,
    }


def entry(case: Case, actions: t.Sequence[Action]) -> dict[str, t.Any]:
    """One container's part of the result."""
    return {
        "name": case.spec.name,
        "state": case.spec.state,
        "action": "failed" if case.error else action(case),
        "reasons": [str(difference) for difference in case.plan.differences],
        "actions": [str(each) for each in actions],
        "image": {
            "reference": case.spec.image or "",
            "id": case.image.id if case.image else "",
            "digest": references.digest(case.image.digests if case.image else (), case.spec.image or ""),
        },
        "waivers": [waiver.as_dict() for waiver in case.spec.waivers],
        "order": case.plan.order,
        "exclusive": list(case.plan.exclusive),
        "downtime": round(case.downtime, 2),
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
    before = "".join(f"{item.error}\n" for item in outcome.items if item.error)
    if not failed:
        return before.rstrip()
    rest = len(outcome.cases) - len(failed)
    head = f"{len(failed)} of {len(outcome.cases)} containers failed; the other {rest} are as asked\n" if rest else ""
    return before + head + "\n".join(case.error for case in failed)


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
    if key == "log_options" and isinstance(value, dict):
        return {name: MASK if names_secret(str(name)) else given for name, given in value.items()}
    if key == "secrets":
        return [_masked_secret(item) for item in value] if isinstance(value, (list, tuple)) else MASK
    if key == "containers":
        return [_masked_container(item) for item in value] if isinstance(value, (list, tuple)) else MASK
    if key == "volumes" and isinstance(value, (list, tuple)):
        return [_masked_volume(item) for item in value]
    return value if key in _KNOWN else MASK  # an unknown option may be a misspelt env


def _masked_container(item: t.Any) -> t.Any:
    """Without the options that are not given: they are most of them, and of each container."""
    found = masked(item)
    return {key: value for key, value in found.items() if value is not None} if isinstance(found, dict) else found


def _masked_volume(given: t.Any) -> t.Any:
    """A declared volume without its driver's options, which may hold a password; a container's is a plain text."""
    if not isinstance(given, dict):
        return given
    return {key: value if value is None or key in _KNOWN_OF_VOLUMES else MASK for key, value in given.items()}


def _masked_secret(item: t.Any) -> t.Any:
    if not isinstance(item, dict):
        return MASK
    return {key: value if key in SHOWN and isinstance(value, (str, int)) else MASK for key, value in item.items()}


def _side(outcome: Outcome, side: str) -> str:
    lines = []
    for item in (item for item in outcome.items if item.actions and not item.error):
        after = _NAMES[item.actions[0].kind]
        lines.append(f"{item.label}: {after if side == 'after' else 'exists' if item.exists else 'absent'}")
        lines += [f"  {each.field}: {getattr(each, side)}" for each in item.differences]
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
