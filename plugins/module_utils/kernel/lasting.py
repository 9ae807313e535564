# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether our values last beside the files of others, and what is done where they do not. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..errors import CaissonError, numbered
from ..host.changes import FileChange, FileText
from .conf import render
from .precedence import PROCPS, UFW, BootFiles, Override, Winner, overrides, unread
from .spec import FAIL, TAKE_OVER, SysctlSpec
from .takeover import file_changes, released, take


@dataclass(frozen=True)
class Lasting:
    """What becomes of the files of others, and of our values at the next boot.

    overridden: keys that end in another value all the same. taken: lines that are out of force for our sake.
    changes: from the files as they stand. originals: those that hold marks of ours, as they are without them.
    """

    overridden: t.Mapping[str, Override] = field(default_factory=dict)
    taken: tuple[Winner, ...] = ()
    changes: tuple[FileChange, ...] = ()
    originals: t.Mapping[str, FileText | None] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def lasting(spec: SysctlSpec, desired: t.Mapping[str, str], boot: BootFiles) -> Lasting:
    """What is to be done for *desired* to last; CaissonError where it would not and the spec wants a failure."""
    base = released(boot, spec.path)
    if not desired:
        return Lasting(changes=file_changes(boot, base, spec.path))
    base = base.having(spec.path, FileText(render(desired)))
    problems = _problems(spec, base, overrides(base, spec.path, desired))
    if problems and spec.overridden == FAIL:
        raise CaissonError(
            numbered("settings that would not last", problems)
            + ". Nothing was changed; 'overridden: take_over' takes such lines out of force, "
            "'overridden: report' leaves it at a warning"
        )
    then, taken = take(base, spec.path, desired, boot) if spec.overridden == TAKE_OVER else (base, ())
    overridden = overrides(then, spec.path, desired)
    return Lasting(
        overridden=overridden,
        taken=taken,
        changes=file_changes(boot, then, spec.path),
        originals={change.path: change.before for change in file_changes(base, then, spec.path)},
        warnings=tuple(_problems(spec, then, overridden)),
    )


def _problems(spec: SysctlSpec, files: BootFiles, overridden: t.Mapping[str, Override]) -> list[str]:
    """One sentence for each thing that keeps a value from lasting."""
    readers = unread(files, spec.path)
    found = []
    if readers:
        found.append(
            f"{spec.path} is not read by {' and '.join(readers)}, so its values are gone after the next boot; "
            "choose a name of its own in /etc/sysctl.d"
        )
    for key, override in overridden.items():
        lines: dict[tuple[str, int], list[str]] = {}
        for reader, winner in override.by.items():
            lines.setdefault((winner.path, winner.line.number), []).append(reader)
        for (path, number), by in lines.items():
            winner = next(each for each in override.by.values() if (each.path, each.line.number) == (path, number))
            when = " and ".join(_when(reader, files) for reader in by)
            found.append(f"{winner.file}, line {number}, {_effect(key, winner)} {when}; {_remedy(spec, winner)}")
    return found


def _when(reader: str, files: BootFiles) -> str:
    if reader == UFW:
        return "whenever ufw starts, as at boot"
    return "at the next boot" if reader == files.readers[0] else f"when {PROCPS!r} is run"


def _effect(key: str, winner: Winner) -> str:
    if winner.line.pattern:
        return f"sets {winner.line.key} = {winner.value} for interfaces, against {key},"
    return f"sets {key} = {winner.value}" if winner.line.value is not None else f"keeps {key} from being set"


def _remedy(spec: SysctlSpec, winner: Winner) -> str:
    if spec.overridden != TAKE_OVER:
        return "take the line out, give the value in settings, or choose 'overridden: take_over'"
    if winner.line.pattern:
        return "it sets other keys too and was left; write what of it is needed key by key"
    return f"{winner.target} is not ours to change; take the line out there"
