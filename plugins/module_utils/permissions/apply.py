# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: observe an engine's files, plan, and carry the plan out unless this is a check."""

from __future__ import annotations

import contextlib

from ..host.lock import host_lock
from ..host.procsys import ProcSys, require_root
from ..host.result import HostResult
from ..host.systemd import daemon_reload
from ..host.transaction import Transaction
from ..host.undo import ROOT, UndoStore
from .findings import findings, offenders
from .observe import look
from .plan import ABSENT, PermissionsSpec, make_plan, predicted

SUBJECT = "docker_permissions"


def run(spec: PermissionsSpec, path: str, pidfile: str, check: bool = False, undo_root: str = ROOT) -> HostResult:
    """Bring the host to the spec; CaissonError, with nothing changed, where that fails."""
    require_root("docker_permissions", "an engine's files")
    with contextlib.nullcontext() if check else host_lock(SUBJECT):
        store = UndoStore(SUBJECT, undo_root)
        undoing = spec.state == ABSENT
        observed = look(path, pidfile, store, undoing)
        plan = make_plan(spec, observed)
        if plan.changes and not check:
            Transaction(store, ProcSys(), daemon_reload).run(plan.changes)
        after = predicted(observed, plan) if check else look(path, pidfile, UndoStore(SUBJECT, undo_root), undoing)
    return HostResult.of(
        plan.changes,
        store.path,
        findings(spec, observed),
        findings(spec, after),
        warnings=plan.warnings,
        extra={"group": observed.group, "untrusted": offenders(spec, observed)},
    )
