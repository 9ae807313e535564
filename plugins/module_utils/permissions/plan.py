# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of an engine's files is owned or open otherwise than it should be, and what is done about it. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field, replace

from ..errors import Fault, InputError, nearest
from ..host.changes import HEADER, Access, AccessChange, ChangeSet, FileText, file_change
from .catalogue import BY_CONTROL, ENGINE_GROUP, Rule, mode_control
from .socket_unit import SocketUnit

PRESENT, ABSENT = "present", "absent"
# It has to be read after every other drop-in: `systemctl edit` writes override.conf.
DROP_IN = "/etc/systemd/system/docker.socket.d/zz-caisson-hardening.conf"
RELOAD = "reload systemd, so that the socket keeps owner and mode when it is made anew"
SOCKET_RULE = "socket"
_WHERE = "docker_permissions"
_MOST = BY_CONTROL[mode_control(SOCKET_RULE)].most
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?")


@dataclass(frozen=True)
class PermissionsSpec:
    """The options of ``docker_permissions``; omit holds the names of the rules that are left alone."""

    group_members: frozenset[str] = frozenset()
    omit: frozenset[str] = frozenset()
    state: str = PRESENT


@dataclass(frozen=True)
class Seen:
    """One path that is there, with the rule that it falls under."""

    path: str
    rule: Rule
    access: Access


@dataclass(frozen=True)
class Observed:
    """The host: the paths that are there, the engine's group, and what earlier runs recorded.

    group, gid: of the engine; root's where the host has no such group, as dockerd itself falls back to it.
    data_root: None where there is none yet. socket_unit: None where no unit of systemd makes the socket.
    drop_in: our file for that unit as it stands. drop_in_recorded: an earlier run wrote it, over drop_in_original.
    recorded: the accesses to bring back; now: those of the same paths today, without those that are gone.
    """

    seen: tuple[Seen, ...] = ()
    group: str = "root"
    gid: int = 0
    members: tuple[str, ...] = ()
    data_root: str | None = None
    own_partition: bool = False
    socket_unit: SocketUnit | None = None
    drop_in: FileText | None = None
    drop_in_recorded: bool = False
    drop_in_original: FileText | None = None
    recorded: t.Mapping[str, Access] = field(default_factory=dict)
    now: t.Mapping[str, Access] = field(default_factory=dict)

    def wanted(self, rule: Rule, access: Access) -> Access:
        """What the rule makes of an access: its owner, and of the mode what is allowed; it is never widened."""
        return Access(0, self.gid if rule.group == ENGINE_GROUP else 0, access.mode & rule.most)


@dataclass(frozen=True)
class PermissionsPlan:
    """What will be done, and what the user should know."""

    changes: ChangeSet
    warnings: tuple[str, ...] = ()


def parse(
    *, group_members: t.Sequence[t.Any] = (), omit: t.Sequence[t.Any] = (), state: str = PRESENT
) -> PermissionsSpec:
    """The spec of the options; InputError with every fault where they are wrong."""
    faults = [
        Fault(_WHERE, "group_members", name, "is no user's name", "write a user like deploy")
        for name in group_members
        if not _USER.fullmatch(str(name))
    ]
    faults += [
        Fault(_WHERE, "omit", name, f"is no control of owners and modes{nearest(name, BY_CONTROL)}", "correct the name")
        for name in omit
        if name not in BY_CONTROL
    ]
    if faults:
        raise InputError(faults)
    return PermissionsSpec(
        frozenset(str(name) for name in group_members), frozenset(BY_CONTROL[name].name for name in omit), state
    )


def make_plan(spec: PermissionsSpec, observed: Observed) -> PermissionsPlan:
    """The plan of a run."""
    ours = [seen for seen in observed.seen if spec.state == PRESENT and seen.rule.name not in spec.omit]
    wrong = {seen.path: seen for seen in ours if observed.wanted(seen.rule, seen.access) != seen.access}
    mended = [AccessChange(path, seen.access, observed.wanted(seen.rule, seen.access)) for path, seen in wrong.items()]
    restored, warnings = _restored({seen.path for seen in ours}, observed)
    dropped = _drop_in(spec, observed)
    files = file_change(DROP_IN, observed.drop_in, dropped)
    former = observed.drop_in_original if observed.drop_in_recorded else observed.drop_in
    ours_too = dropped != former
    kept = {seen.path for seen in ours} & set(observed.recorded)
    forgotten: tuple[str, ...] = (DROP_IN,) if observed.drop_in_recorded and not ours_too else ()
    clear = not (kept or wrong or ours_too) and bool(observed.recorded or forgotten)
    return PermissionsPlan(
        ChangeSet(
            files=files,
            accesses=(*mended, *restored),
            originals={DROP_IN: former} if ours_too else {},
            remember_access={path: seen.access for path, seen in wrong.items()},
            forget_access=() if clear else tuple(sorted(set(observed.recorded) - {seen.path for seen in ours})),
            forget_files=() if clear else forgotten,
            reload=RELOAD if files else "",
            clear=clear,
        ),
        tuple(warnings),
    )


def predicted(observed: Observed, plan: PermissionsPlan) -> Observed:
    """The host as the plan leaves it."""
    after = {change.path: change.after for change in plan.changes.accesses}
    seen = tuple(replace(each, access=after.get(each.path, each.access)) for each in observed.seen)
    unit = observed.socket_unit
    if unit:
        for file in plan.changes.files:
            unit = unit.with_file(file.path, file.after.text if file.after else None)
    return replace(observed, seen=seen, socket_unit=unit)


def _restored(ours: t.Container[str], observed: Observed) -> tuple[list[AccessChange], list[str]]:
    """The recorded accesses of paths that are no longer ours, and what is odd about them."""
    found, warnings = [], []
    rules = {seen.path: seen.rule for seen in observed.seen}
    for path, original in sorted(observed.recorded.items()):
        now = observed.now.get(path)
        if path in ours or now is None or now == original:
            continue
        if path in rules and now != observed.wanted(rules[path], original):
            warnings.append(f"{path} was changed to {now} by somebody else and stays so; it was {original} once")
        else:
            found.append(AccessChange(path, now, original))
    return found, warnings


def _drop_in(spec: PermissionsSpec, observed: Observed) -> FileText | None:
    """Our file for the socket's unit as it should stand; it stays once it is there, for by it the unit is right."""
    unit = observed.socket_unit
    asked = spec.state == PRESENT and SOCKET_RULE not in spec.omit
    if unit and asked and (observed.drop_in_recorded or unit.faults(observed.group, _MOST)):
        lines = f"SocketUser=root\nSocketGroup={observed.group}\nSocketMode={unit.mode & _MOST:04o}\n"
        return FileText(f"{HEADER}[Socket]\n{lines}")
    return observed.drop_in_original if observed.drop_in_recorded else observed.drop_in
