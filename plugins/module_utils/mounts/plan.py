# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mount options to plan: the live mounts, /etc/fstab or systemd's units, and what stands in the way. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..errors import CaissonError
from ..host.changes import ChangeSet, FileChange, FileText, ValueChange, file_change
from . import fstab
from .catalogue import MOUNTS
from .keep import LOGIND_FILE, LOGIND_UNIT, Records, dropin_text, fstab_text, original_fstab, unit_file
from .options import HIDDEN, PROC, Options, as_shown, join, merge, missing, rebase, split, value
from .spec import FAIL, MountSpec
from .view import DIRECTORY, LINK, MISSING, PLAIN, SELF, MountView, UnitView

RELOAD = "reload systemd"
RELOAD_LOGIND = f"reload systemd and restart {LOGIND_UNIT}"
_POLKIT = (
    "polkit cannot look at the processes that ask it for rights, so it refuses what users ask of it (pkexec, systemctl "
    "without root); root and sudo are not touched. Put its user polkitd into a group and name that as gid= beside "
    "hidepid=2 in options./proc"
)


@dataclass(frozen=True)
class Observed:
    """The host.

    units: by name; empty where no systemd runs. files: our drop-ins as they stand. records: what undo returns to.
    gid: the number of the group that the options name. permitted: what forbids this process to mount, or empty.
    """

    views: t.Mapping[str, MountView]
    units: t.Mapping[str, UnitView] = field(default_factory=dict)
    fstab: FileText | None = None
    files: t.Mapping[str, FileText | None] = field(default_factory=dict)
    records: Records = field(default_factory=Records)
    systemd: bool = False
    stale: bool = False
    forbidden: str = ""
    polkit: bool = False
    gid: str = ""


@dataclass(frozen=True)
class MountPlan:
    """What will be done; *refused* are the paths that are left, each with the reason."""

    changes: ChangeSet
    refused: t.Mapping[str, str]
    warnings: tuple[str, ...] = ()


def make_plan(spec: MountSpec, observed: Observed) -> MountPlan:
    """The plan; CaissonError where this host cannot be brought there and that is not tolerated."""
    wanted = with_group(spec.wanted(), observed.gid)
    forbidden = {
        path: observed.forbidden for path in wanted if observed.forbidden and _concerns(path, wanted, observed)
    }
    if forbidden and spec.unwritable == FAIL:
        raise CaissonError(
            f"Failed to change the mounts of {', '.join(forbidden)}: {observed.forbidden}; "
            "run it on the host itself, or give 'unwritable: report' to leave them"
        )
    obstacles = {path: _obstacle(path, observed) for path in wanted if wanted[path] and path not in forbidden}
    refused = {**forbidden, **{path: reason for path, reason in obstacles.items() if reason}}
    idle = {path for path in wanted if path in refused or _idle(path, wanted[path], observed)}
    goals = {path: options for path, options in wanted.items() if path not in idle}
    changes = _changes(goals, observed)
    return MountPlan(changes, refused, _warnings(changes, observed))


def with_group(wanted: t.Mapping[str, Options], gid: str) -> dict[str, Options]:
    """The options with the group's number in place of its name."""
    return {
        path: tuple(f"gid={gid or 0}" if path == PROC and option.startswith("gid=") else option for option in options)
        for path, options in wanted.items()
    }


def _changes(goals: t.Mapping[str, Options], observed: Observed) -> ChangeSet:
    records = observed.records
    active = {path: options for path, options in goals.items() if options}
    values = tuple(change for path, options in goals.items() for change in _live(path, options, observed))
    table = _table(goals, observed)
    files = (*table, *(change for path in goals for change in _dropin(path, goals[path], observed)))
    files += _logind(goals, observed)
    left = {path for path in MOUNTS if path in active or (path not in goals and records.has(path))}
    gone = [name for path in goals if path not in left for name in (path, fstab_key(path)) if name in records.values]
    kept = {change.path for change in files if change.after is not None and change.path != fstab.PATH}
    return ChangeSet(
        files=files,
        values=values,
        originals={
            **{path: records.files.get(path, observed.files.get(path)) for path in sorted(kept)},
            **({fstab.PATH: observed.fstab} if active and table else {}),
        },
        remember={name: text for path in active for name, text in _remembered(path, observed).items()},
        forget_values=tuple(gone) if left else (),
        forget_files=_dropped(files, records) if left else (),
        reload=_reload(goals, files, observed),
        clear=bool(records) and not left,
    )


def fstab_key(path: str) -> str:
    """The name under which the options of the path's own line are recorded; an empty text where it had none."""
    return f"fstab {path}"


def _live(path: str, wanted: Options, observed: Observed) -> tuple[ValueChange, ...]:
    view = observed.views[path]
    goal = _goal(path, wanted, view, observed.records.values.get(path))
    if goal == PLAIN and view.below:
        raise CaissonError(
            f"Failed to undo the options of {path}: {', '.join(view.below)} is mounted below it and would be cut off; "
            "unmount it, then run again"
        )
    return () if goal in (None, view.value) else (ValueChange(path, view.value, str(goal)),)


def _goal(path: str, wanted: Options, view: MountView, original: str | None) -> str | None:
    """The live value to bring about; None leaves what is there."""
    if wanted:
        return join(as_shown(merge(_base(path, view, original), wanted)))
    if original is None or not view.mounted:
        return None
    if original == PLAIN:
        return PLAIN if view.kind == SELF else None
    return join(as_shown(rebase(view.options, split(original), path)))


def _base(path: str, view: MountView, original: str | None) -> Options:
    """The options that the path has, or would have, without us."""
    if view.kind == DIRECTORY:
        return view.inherited
    if original == PLAIN:
        return rebase(view.options, view.inherited, path) if view.kind == SELF else view.options
    return view.options if original is None else rebase(view.options, split(original), path)


def _table(goals: t.Mapping[str, Options], observed: Observed) -> tuple[FileChange, ...]:
    """The change of /etc/fstab."""
    now = observed.fstab
    text = before = now.text if now else ""
    for path, wanted in goals.items():
        unit = observed.units.get(MOUNTS[path].unit)
        here = () if unit and unit.rules else wanted
        live = observed.records.values.get(path, observed.views[path].value)
        text = fstab_text(text, path, here, observed.records.values.get(fstab_key(path)), live)
    if text == before:
        return ()
    return file_change(fstab.PATH, now, original_fstab(text, now, observed.records))


def _dropin(path: str, wanted: Options, observed: Observed) -> tuple[FileChange, ...]:
    """The change of our file beside the path's mount unit."""
    name, unit = unit_file(path), observed.units.get(MOUNTS[path].unit)
    needed = bool(wanted and unit and unit.rules and missing(unit.options, wanted))
    after = FileText(dropin_text(merge(unit.options, wanted))) if needed and unit else observed.records.files.get(name)
    if not needed and name not in observed.records.files:
        return ()
    return file_change(name, observed.files.get(name), after)


def _logind(goals: t.Mapping[str, Options], observed: Observed) -> tuple[FileChange, ...]:
    """logind has no right to look into /proc but that of its group, and the group is another one then."""
    wanted = goals.get(PROC)
    if wanted is None:
        return ()
    needed = observed.systemd and bool(observed.gid) and f"gid={observed.gid}" in wanted
    if not needed and LOGIND_FILE not in observed.records.files:
        return ()
    after = observed.records.files.get(LOGIND_FILE)
    if needed:
        after = FileText(dropin_text((observed.gid,), "Service", "SupplementaryGroups"))
    return file_change(LOGIND_FILE, observed.files.get(LOGIND_FILE), after)


def _remembered(path: str, observed: Observed) -> dict[str, str]:
    entry = fstab.find(observed.fstab.text, path) if observed.fstab else None
    return {path: observed.views[path].value, fstab_key(path): entry.field if entry and not entry.ours else ""}


def _dropped(files: t.Iterable[FileChange], records: Records) -> tuple[str, ...]:
    """The drop-ins that went back to what they were before us."""
    return tuple(
        change.path
        for change in files
        if change.path in records.files and change.path != fstab.PATH and change.after == records.files[change.path]
    )


def _reload(goals: t.Mapping[str, Options], files: t.Sequence[FileChange], observed: Observed) -> str:
    if not observed.systemd:
        return ""
    grouped = bool(observed.gid) and f"gid={observed.gid}" in goals.get(PROC, ())
    if any(change.path == LOGIND_FILE for change in files) or (grouped and observed.stale):
        return RELOAD_LOGIND
    return RELOAD if files else ""


def _concerns(path: str, wanted: t.Mapping[str, Options], observed: Observed) -> bool:
    """Whether there is anything to do at the path."""
    return bool(wanted[path] or observed.records.has(path)) and observed.views[path].kind not in (LINK, MISSING)


def _idle(path: str, wanted: Options, observed: Observed) -> bool:
    """Whether nothing is to be done: no such directory, or what is around it has the options for good."""
    view, recorded = observed.views[path], observed.records.has(path)
    if view.kind in (LINK, MISSING):
        return not recorded or bool(wanted)
    entry = fstab.find(observed.fstab.text, path) if observed.fstab else None
    if recorded or (entry and entry.ours):
        return False
    return not wanted or (view.kind == DIRECTORY and not missing(view.inherited, wanted))


def _obstacle(path: str, observed: Observed) -> str:
    """Why the options cannot be given to the path, or an empty text."""
    view, unit = observed.views[path], observed.units.get(MOUNTS[path].unit)
    if view.kind == DIRECTORY and view.below:
        return (
            f"{', '.join(view.below)} is mounted below it and would be hidden by a mount over it; "
            "unmount it, or let it be mounted later"
        )
    if unit and unit.in_the_way:
        what = "is masked" if unit.masked else f"stands in {unit.fragment} and is not in use"
        return f"{unit.name} {what}, and goes before /etc/fstab at the next boot; {_way(unit)}"
    return ""


def _way(unit: UnitView) -> str:
    command = "unmask" if unit.masked else "enable --now"
    return f"run 'systemctl {command} {unit.name}', or give the path no options"


def _warnings(changes: ChangeSet, observed: Observed) -> tuple[str, ...]:
    after = [split(change.after) for change in changes.values if change.key == PROC]
    hides = any(value(options, "hidepid") in HIDDEN for options in after)
    return (_POLKIT,) if hides and observed.polkit and not observed.gid else ()
