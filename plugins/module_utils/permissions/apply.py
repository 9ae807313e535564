# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: observe an engine's files, plan, and carry the plan out unless this is a check."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..controls.model import score
from ..errors import CaissonError
from ..host.lock import host_lock
from ..host.procsys import ProcSys
from ..host.result import HostResult
from ..host.systemd import daemon_reload
from ..host.transaction import Transaction
from ..host.undo import ROOT, UndoStore
from .findings import findings, offenders
from .observe import look
from .plan import PermissionsSpec, make_plan, predicted

SUBJECT = "docker_permissions"


def run(spec: PermissionsSpec, path: str, pidfile: str, check: bool = False, undo_root: str = ROOT) -> HostResult:
    """Bring the host to the spec; CaissonError, with nothing changed, where that fails."""
    if os.geteuid() != 0:
        raise CaissonError("docker_permissions needs root to see and to change an engine's files; add 'become: true'")
    lock: t.ContextManager[None] = contextlib.nullcontext() if check else host_lock(SUBJECT)
    with lock:
        store = UndoStore(SUBJECT, undo_root)
        observed = look(path, pidfile, store)
        plan = make_plan(spec, observed)
        if plan.changes and not check:
            Transaction(store, ProcSys(), daemon_reload).run(plan.changes)
        after = predicted(observed, plan) if check else look(path, pidfile, UndoStore(SUBJECT, undo_root))
    before_findings, after_findings = findings(spec, observed), findings(spec, after)
    actions = plan.changes.actions()
    return HostResult(
        changed=bool(actions),
        actions=actions,
        diff=plan.changes.diff(),
        undo=str(store.path),
        findings=after_findings,
        score=score(before_findings, after_findings),
        warnings=list(plan.warnings),
        extra={"group": observed.group, "untrusted": offenders(spec, observed)},
    )
