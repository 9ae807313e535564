# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Spec and observed state to plan: what to write where, and what to tell the user. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ..errors import CaissonError, Fault, InputError, nearest
from ..host.changes import HEADER, ChangeSet, FileText, ValueChange, file_change
from .conf import assignments, ordered, render
from .interfaces import after_switches, default_of, given_back, is_interface_key
from .keys import KNOWN, is_one_way, stricter
from .lasting import Lasting, lasting
from .precedence import BootFiles, Override, Winner
from .spec import FAIL, SysctlSpec


@dataclass(frozen=True)
class Observed:
    """What a host shows of its kernel settings and of ours.

    values: live values by key; a key that is missing here and in unreadable is one that the kernel lacks.
    unreadable, unwritable: why a key cannot be read or written.
    names: all keys of the kernel, to find what a misspelt one was meant to be.
    file: our file as it stands. recorded: an undo record exists, with the originals of the values and of the file.
    inherited: what single interfaces had, whose values are not ours, before new ones were to follow ours.
    boot: all files that set values at boot, ours among them.
    taken: files other than ours of which an undo record exists.
    """

    values: t.Mapping[str, str]
    unreadable: t.Mapping[str, str] = field(default_factory=dict)
    unwritable: t.Mapping[str, str] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    file: FileText | None = None
    recorded: bool = False
    originals: t.Mapping[str, str] = field(default_factory=dict)
    original_file: FileText | None = None
    inherited: t.Mapping[str, str] = field(default_factory=dict)
    boot: BootFiles = field(default_factory=BootFiles)
    taken: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SysctlPlan:
    """What will be done.

    desired: each managed key with its value. absent: wanted keys that the kernel lacks.
    refused: keys that cannot be written, with the reason. overridden: keys that another file sets to another value.
    taken_over: lines of other files that are out of force for our sake.
    """

    changes: ChangeSet
    desired: t.Mapping[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    refused: t.Mapping[str, str] = field(default_factory=dict)
    overridden: t.Mapping[str, Override] = field(default_factory=dict)
    taken_over: tuple[Winner, ...] = ()
    warnings: tuple[str, ...] = ()


def make_plan(spec: SysctlSpec, observed: Observed) -> SysctlPlan:
    """The plan; InputError where a key is unknown, CaissonError where one cannot be written and must be."""
    wanted = spec.wanted()
    _check(spec, wanted, observed)
    desired = {key: _desired(spec, key, value, observed) for key, value in wanted.items() if key in observed.values}
    away = {key: value for key, value in wanted.items() if key in spec.interfaces and key not in observed.values}
    absent = tuple(sorted(key for key in wanted if key not in observed.values and key not in away))
    # A switch of forwarding comes first and resets others, so those are judged by what they will be then.
    live = after_switches(observed.values, {**observed.originals, **desired})
    kept = {key for key, value in desired.items() if _stands(spec, key, live[key], value)}
    goals = {key: value for key, value in desired.items() if key not in kept}
    restored, warnings = _restored(desired, observed, live)
    goals.update(restored)
    refused = {key: reason for key in goals for reason in [_unwritable(key, observed)] if reason}
    if refused and spec.unwritable == FAIL:
        raise CaissonError(unwritable_error(refused))
    last = lasting(spec, desired, observed.boot)
    goals = {key: goals[key] for key in ordered(goals) if key not in refused}
    own = _changes(spec, observed, desired, {key: (live[key], value) for key, value in goals.items()}, away)
    changes = _with_others(own, last, observed, bool(desired))
    return SysctlPlan(
        changes=changes,
        desired=desired,
        absent=absent,
        refused=refused,
        overridden=last.overridden,
        taken_over=last.taken,
        warnings=(*warnings, *last.warnings, *_one_way(changes)),
    )


def unwritable_error(refused: t.Mapping[str, str]) -> str:
    """The error for keys that cannot be written, each with its reason."""
    return (
        f"Failed to set {by_reason(refused)}. Nothing was changed; leave the keys out, "
        "or choose 'unwritable: report' where the kernel belongs to another host, as in a container"
    )


def by_reason(refused: t.Mapping[str, str]) -> str:
    """The refused keys, those with the same reason together."""
    keys: dict[str, list[str]] = {}
    for key, reason in sorted(refused.items()):
        keys.setdefault(reason, []).append(key)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in keys.items())


def _check(spec: SysctlSpec, wanted: t.Mapping[str, str], observed: Observed) -> None:
    faults = list(spec.faults)
    for key in wanted:
        option = f"settings.{key}"
        if key in observed.unreadable:
            problem = f"cannot be read back ({observed.unreadable[key]})"
            faults.append(Fault("sysctl", option, wanted[key], problem, "drop the key; it is an action, not a setting"))
        elif key in spec.settings and not _known(key, observed):
            hint = nearest(key, KNOWN | observed.names)
            remedy = f"correct the name{hint}" if hint else "correct the name, or drop the key"
            problem = "is for a key that neither the catalogue nor this kernel knows"
            faults.append(Fault("sysctl", option, wanted[key], problem, remedy))
    if faults:
        raise InputError(faults)


def _known(key: str, observed: Observed) -> bool:
    parts = key.split(".")
    if len(parts) == 5 and parts[2] in ("conf", "neigh"):
        # A key of an interface that may appear later is as good as the one for all of them.
        parts[3] = "default"
    return key in observed.values or key in KNOWN or ".".join(parts) in observed.names


def _desired(spec: SysctlSpec, key: str, value: str, observed: Observed) -> str:
    """The user's value as given; the profile's, unless the host's own was stricter before us."""
    original = observed.originals.get(key, observed.values[key])
    return original if key not in spec.settings and stricter(key, original, value) else value


def _stands(spec: SysctlSpec, key: str, live: str, value: str) -> bool:
    return live == value or (key not in spec.settings and stricter(key, live, value))


def _restored(
    desired: t.Mapping[str, str], observed: Observed, values: t.Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """The originals of the keys that are no longer ours, and what is odd about them."""
    ours = assignments(observed.file.text) if observed.file else {}
    found: dict[str, str] = {}
    warnings = []
    if not desired and _orphaned(observed):
        warnings.append("There is no undo record, so the live values stay as they are until the next boot")
    for key, original in sorted(observed.originals.items()):
        live = values.get(key)
        if key in desired or live == original:
            continue
        if live is None and is_interface_key(key):
            continue  # it went with its interface, and its value with it
        if live is None:
            warnings.append(f"{key} is gone from the kernel; its original value {original!r} was not brought back")
        elif is_one_way(key, live):
            warnings.append(f"{key} stays {live!r} until the next boot; the kernel takes that value back no sooner")
        else:
            found[key] = original
            if live != ours.get(key, live):
                warnings.append(f"{key} was changed to {live!r} by somebody else; its original {original!r} is back")
    free = {
        key: value
        for key, value in observed.inherited.items()
        if key not in observed.originals and desired.keys().isdisjoint((key, default_of(key)))
    }
    found.update(given_back(free, values, ours))
    return found, warnings


def _unwritable(key: str, observed: Observed) -> str:
    if is_one_way(key, observed.values[key]):
        return f"it is locked at {observed.values[key]!r} until the next boot"
    return observed.unwritable.get(key, "")


def _changes(
    spec: SysctlSpec,
    observed: Observed,
    desired: t.Mapping[str, str],
    goals: t.Mapping[str, tuple[str, str]],
    away: t.Mapping[str, str],
) -> ChangeSet:
    # An interface that went and may come back keeps its lines and its record: its going is no change of ours.
    original = observed.original_file if observed.recorded or _orphaned(observed) else observed.file
    text = FileText(render({**desired, **away})) if desired else original
    inherited = {
        key: each for key, each in observed.values.items() if is_interface_key(key) and default_of(key) in desired
    }
    gone = {key for key in observed.originals if key not in {**desired, **away}}
    gone.update(key for key in observed.inherited if default_of(key) not in desired)
    return ChangeSet(
        files=file_change(spec.path, observed.file, text),
        values=tuple(ValueChange(key, before, after) for key, (before, after) in goals.items()),
        originals={spec.path: original},
        remember={key: observed.values[key] for key in desired},
        inherited=inherited,
        forget_values=tuple(sorted(gone)) if desired else (),
        clear=observed.recorded and not desired,
    )


def _orphaned(observed: Observed) -> bool:
    """Whether our file stands without its record: what was there before is unknown, and ours is no original."""
    return observed.file is not None and observed.file.text.startswith(HEADER) and not observed.recorded


def _with_others(changes: ChangeSet, last: Lasting, observed: Observed, managed: bool) -> ChangeSet:
    """With what becomes of the files of others."""
    return replace(
        changes,
        files=(*changes.files, *last.changes),
        originals={**changes.originals, **last.originals},
        forget_files=tuple(sorted(observed.taken - set(last.originals))) if managed else (),
    )


def _one_way(changes: ChangeSet) -> list[str]:
    return [
        f"{change.key} = {change.after} can be taken back only by a reboot"
        for change in changes.values
        if is_one_way(change.key, change.after)
    ]
