# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controls of an engine's files judged by what was seen. Pure."""

from __future__ import annotations

import typing as t

from ..controls.model import FAIL, NOT_APPLICABLE, PASS, Finding
from .catalogue import BY_NAME, ENGINE_GROUP, GROUP_CONTROL, PARTITION_CONTROL, RULES, Rule, mode_control, owner_control
from .plan import SOCKET_RULE, Observed, PermissionsSpec, Seen
from .socket_unit import GROUP, MODE, USER

OBJECT = "docker engine"
_Outcome = t.Tuple[str, str]


def findings(spec: PermissionsSpec, observed: Observed) -> list[Finding]:
    """One finding for each control; every path and every user that is wrong is named."""
    judged: dict[str, _Outcome] = {}
    for rule in RULES:
        seen = [each for each in observed.seen if each.rule == rule]
        judged[owner_control(rule.name)] = _owner(rule, seen, observed)
        judged[mode_control(rule.name)] = _mode(rule, seen)
    socket = BY_NAME[SOCKET_RULE]
    for control, names in ((owner_control(socket.name), (USER, GROUP)), (mode_control(socket.name), (MODE,))):
        judged[control] = _lasting(judged[control], names, socket.most, observed)
    judged[GROUP_CONTROL] = _group(spec, observed)
    judged[PARTITION_CONTROL] = _partition(observed)
    return [Finding(control, OBJECT, *outcome) for control, outcome in judged.items()]


def offenders(spec: PermissionsSpec, observed: Observed) -> list[str]:
    """The members of the engine's group that nobody allowed."""
    return [name for name in observed.members if name not in spec.group_members]


def _owner(rule: Rule, seen: list[Seen], observed: Observed) -> _Outcome:
    gid = observed.gid if rule.group == ENGINE_GROUP else 0
    return _listed(seen, [each for each in seen if (each.access.uid, each.access.gid) != (0, gid)])


def _mode(rule: Rule, seen: list[Seen]) -> _Outcome:
    return _listed(seen, [each for each in seen if each.access.mode & ~rule.most])


def _listed(seen: list[Seen], wrong: list[Seen]) -> _Outcome:
    if not seen:
        return NOT_APPLICABLE, "there is none"
    shown = wrong or seen
    return (FAIL if wrong else PASS), ", ".join(f"{each.path} {each.access}" for each in shown)


def _lasting(outcome: _Outcome, names: t.Sequence[str], most: int, observed: Observed) -> _Outcome:
    """The socket is as it should be only if systemd makes it so again."""
    unit = observed.socket_unit
    faults = unit.faults(observed.group, most) if unit else {}
    told = [f"{name}={faults[name]}{_by(unit.decided_by(name))}" for name in names if name in faults] if unit else []
    if not told:
        return outcome
    shown = [] if outcome[0] == NOT_APPLICABLE else [outcome[1]]
    return FAIL, "; ".join([*shown, f"systemd makes it anew with {', '.join(told)}"])


def _by(path: str) -> str:
    return f" of {path}" if path else ""


def _group(spec: PermissionsSpec, observed: Observed) -> _Outcome:
    named = offenders(spec, observed)
    if named:
        return FAIL, f"in group {observed.group} and not in group_members: {', '.join(named)}"
    return PASS, f"in group {observed.group}: {', '.join(observed.members) or 'nobody'}"


def _partition(observed: Observed) -> _Outcome:
    if observed.data_root is None:
        return NOT_APPLICABLE, "there is no data root"
    if observed.own_partition:
        return PASS, f"{observed.data_root} is a mount point"
    return FAIL, f"{observed.data_root} lies on the file system of its parent"
