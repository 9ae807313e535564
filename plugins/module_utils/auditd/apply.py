# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: observe a host's audit rules, plan, and carry the plan out unless this is a check."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from ..daemon import effective, flags, process
from ..host.files import read_file
from ..host.lock import host_lock
from ..host.procsys import ProcSys, require_root
from ..host.result import HostResult
from ..host.transaction import Transaction, to_text
from ..host.undo import ROOT, UndoStore
from .auditctl import Auditctl
from .catalogue import WATCHES
from .plan import ABSENT, BOOT_FILE, FORMER_FILE, MERGED_FILE, RULES_FILE, Observed, findings, make_plan, predicted
from .rules import parse

SUBJECT = "docker_audit"


@dataclass(frozen=True)
class Place:
    """Where an engine is: its configuration file, its pid file, and its data root where these do not say it."""

    path: str = flags.DEFAULT_PATH
    pidfile: str = flags.DEFAULT_PIDFILE
    data_root: str | None = None


def run(state: str, place: Place, check: bool = False, undo_root: str = ROOT) -> HostResult:
    """Bring the host to the state; CaissonError, with nothing changed, where that fails."""
    require_root("docker_audit_rules", "the audit rules")
    with contextlib.nullcontext() if check else host_lock(SUBJECT):
        store = UndoStore(SUBJECT, undo_root)
        audit = Auditctl()
        undoing = state == ABSENT
        observed = look(place, audit, store, undoing)
        plan = make_plan(state, observed)
        if plan.changes and not check:
            Transaction(store, ProcSys(), lambda: _bring(audit)).run(plan.changes)
        after = predicted(observed, plan) if check else look(place, audit, UndoStore(SUBJECT, undo_root), undoing)
    return HostResult.of(
        plan.changes,
        store.path,
        findings(observed),
        findings(after),
        warnings=plan.warnings,
        extra={"rules": [rule.line for rule in plan.rules]},
    )


def look(place: Place, audit: Auditctl, store: UndoStore, undoing: bool = False) -> Observed:
    """The host."""
    data_root = place.data_root or effective.data_root(effective.settings(place.path, place.pidfile, undoing))
    candidates = [data_root, place.path, *(path for watch in WATCHES for path in watch.paths)]
    real = {path: Path(os.path.realpath(path)) for path in candidates}
    files = store.files()
    return Observed(
        engine=process.dockerd_path() is not None,
        # A unit that is masked is a link to /dev/null, which everybody writes to.
        paths={path: str(found) for path, found in real.items() if found.is_file() or found.is_dir()},
        data_root=data_root,
        daemon_json=place.path,
        unable=audit.unable,
        locked=audit.locked,
        loaded=() if audit.unable else audit.loaded(),
        file=to_text(read_file(RULES_FILE)),
        merged=to_text(read_file(MERGED_FILE)),
        recorded=RULES_FILE in files,
        original=to_text(files.get(RULES_FILE)),
        previous=to_text(read_file(FORMER_FILE)),
        previous_original=to_text(files.get(FORMER_FILE)),
        boot=to_text(read_file(BOOT_FILE)),
        boot_original=to_text(files.get(BOOT_FILE)),
    )


def _bring(audit: Auditctl) -> None:
    """Load what our file says now, so that the way back does the same as the way there."""
    file = read_file(RULES_FILE)
    audit.bring(parse(file.text) if file else ())
