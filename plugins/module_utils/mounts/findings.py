# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controls of the mount options judged by the live mounts and by what the next boot will make of them. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..controls.model import FAIL, NOT_APPLICABLE, PASS, Finding
from ..host.changes import ChangeSet
from . import fstab
from .catalogue import MOUNTS
from .keep import unit_file
from .options import Options, join, missing, split
from .plan import Observed, with_group
from .spec import MountSpec
from .view import DIRECTORY, LINK, MISSING, PLAIN, SELF


def findings(spec: MountSpec, observed: Observed) -> list[Finding]:
    """One finding for each mount point."""
    intended = with_group(spec.intended(), observed.gid)
    return [Finding(MOUNTS[path].control, path, *_judge(path, options, observed)) for path, options in intended.items()]


def predicted(observed: Observed, changes: ChangeSet) -> Observed:
    """The host as the changes will leave it."""
    views = dict(observed.views)
    for change in changes.values:
        view = views[change.key]
        if change.after == PLAIN:
            views[change.key] = replace(view, kind=DIRECTORY, options=())
        else:
            kind = SELF if view.kind == DIRECTORY else view.kind
            views[change.key] = replace(view, kind=kind, options=split(change.after))
    files = {**observed.files, **{change.path: change.after for change in changes.files}}
    return replace(observed, views=views, files=files, fstab=files.pop(fstab.PATH, observed.fstab))


def _judge(path: str, wanted: Options, observed: Observed) -> tuple[str, str]:
    view = observed.views[path]
    if not wanted:
        return NOT_APPLICABLE, "left alone"
    if view.kind == LINK:
        return NOT_APPLICABLE, f"a link to {view.source}"
    if view.kind == MISSING:
        return NOT_APPLICABLE, "no such directory"
    live = (
        f"live {join(view.effective)}" if view.mounted else f"a plain directory in a mount with {join(view.inherited)}"
    )
    lacks = missing(view.effective, wanted)
    if lacks:
        return FAIL, f"{live}; {join(lacks)} is missing"
    where, kept = _kept(path, observed)
    if missing(kept, wanted):
        return FAIL, f"{live}, but not after the next boot: {where} has {join(kept) or 'nothing'}"
    return PASS, f"{live}; kept by {where}"


def _kept(path: str, observed: Observed) -> tuple[str, t.Sequence[str]]:
    """What decides about the path at the next boot, and the options that it gives."""
    view, unit = observed.views[path], observed.units.get(MOUNTS[path].unit)
    if unit and unit.rules:
        ours = observed.files.get(unit_file(path))
        field = next((line for line in (ours.text if ours else "").splitlines() if line.startswith("Options=")), "")
        return unit.name, split(field.partition("=")[2]) or unit.options
    entry = fstab.find(observed.fstab.text, path) if observed.fstab else None
    if entry is None and view.kind == DIRECTORY:
        return "the mount around it", view.inherited
    return fstab.PATH, entry.options if entry else ()
