# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: what the undo records of a host would bring back, the runs to which it can go back, and what somebody else
has changed since."""

from __future__ import annotations

import json
import typing as t

from ..errors import CaissonError
from ..host import undo
from ..host.files import read_file
from ..host.history import HISTORY_FILE, History
from ..host.undo import ROOT, UndoStore, digest_of

DAEMON, APPLIED = "daemon", "applied"


def look(subjects: t.Sequence[str], root: str = ROOT) -> dict[str, t.Any]:
    """The module's result; subjects: names or beginnings of names, none for all."""
    records, changed = {}, []
    for subject in _asked_for(subjects, undo.subjects(root)):
        store = UndoStore(subject, root)
        records[subject] = {
            "files": sorted(store.files()),
            "accesses": sorted(store.accesses()),
            "values": [] if subject == DAEMON else sorted(store.values()),
        }
        changed += [f"{subject}: {each}" for each in _changed(subject, store)]
    return {"records": records, "changed_since": changed, "runs": _runs(subjects, root)}


def _runs(subjects: t.Sequence[str], root: str) -> list[dict[str, t.Any]]:
    """The runs that asked for something new, the oldest first, each with the subjects of which it did."""
    found: dict[tuple[str, str], list[str]] = {}
    for subject in _asked_for(subjects, undo.subjects(root, HISTORY_FILE)):
        for run in History(subject, root).runs:
            found.setdefault((run.time, run.by), []).append(subject)
    return [{"time": time, "by": by, "subjects": names} for (time, by), names in sorted(found.items())]


def _asked_for(beginnings: t.Sequence[str], names: t.Iterable[str]) -> list[str]:
    return [name for name in names if not beginnings or name.startswith(tuple(beginnings))]


def _changed(subject: str, store: UndoStore) -> list[str]:
    """A sentence for each file that is not as this collection left it."""
    said = []
    for path, digests in sorted(store.written().items()):
        state = read_file(path)
        if state is None:
            said.append(f"{path} was removed")
        elif digest_of(state.content) not in digests:
            said.append(f"{path} was changed")
    if subject == DAEMON:
        said += _daemon_changed(store)
    return said


def _daemon_changed(store: UndoStore) -> list[str]:
    """The daemon's file is merged and not wholly ours, so it is compared with what the daemon was last given."""
    applied = (store.values().get(APPLIED) or {}).get("config")
    files = [path for path in store.files() if path.endswith(".json")]
    if applied is None or len(files) != 1:
        return []
    state = read_file(files[0])
    try:
        stands = json.loads(state.content) if state else {}
    except ValueError as error:
        raise CaissonError(f"Failed to read {files[0]}: {error}; mend it, then restore") from error
    return [] if stands == applied else [f"{files[0]} was changed"]
