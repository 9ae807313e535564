# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: observe the mounts, plan, and carry the plan out unless this is a check."""

from __future__ import annotations

import contextlib
import typing as t

from ..errors import Fault, InputError
from ..host.files import read_file
from ..host.lock import host_lock
from ..host.procsys import require_root
from ..host.result import HostResult, Work
from ..host.systemd import is_running, needs_reload
from ..host.transaction import Transaction, to_text
from ..host.undo import ROOT, UndoStore
from . import fstab
from .catalogue import MOUNTS
from .findings import findings, predicted
from .keep import DROPIN, LOGIND_FILE, LOGIND_UNIT, Records, unit_file
from .live import UNPERMITTED, Mounts, permitted, require_host_mounts
from .plan import RELOAD_LOGIND, MountPlan, Observed, make_plan
from .spec import PRESENT, REPORT, MountSpec
from .units import group_number, heed, mount_units, polkit_is_there
from .users import warnings_of_use

SUBJECT = "mount_options"
LOCK = "mount_options"


def run(spec: MountSpec, check: bool = False, undo_root: str = ROOT) -> HostResult:
    """Bring the host to the spec; CaissonError, with nothing changed, where that fails."""
    with prepared(spec, check, undo_root) as carry_out:
        return carry_out()


@contextlib.contextmanager
def prepared(spec: MountSpec, check: bool = False, undo_root: str = ROOT) -> t.Iterator[Work]:
    """What brings the host to the spec, planned under the lock; CaissonError where it is refused."""
    require_root(SUBJECT)
    require_host_mounts()
    mounts = Mounts()
    with contextlib.nullcontext() if check else host_lock(LOCK):
        store = UndoStore(SUBJECT, undo_root)
        observed = _observe(spec, mounts, store)
        plan = make_plan(spec, observed)
        yield lambda: _carry_out(spec, mounts, store, observed, plan, check)


def _carry_out(
    spec: MountSpec, mounts: Mounts, store: UndoStore, observed: Observed, plan: MountPlan, check: bool
) -> HostResult:
    uses = warnings_of_use(plan.changes.values)
    refused = dict(plan.refused)
    if plan.changes and not check:
        transaction = Transaction(store, mounts, _settle(plan), tolerant=spec.unwritable == REPORT)
        refused.update(transaction.run(plan.changes))
    after = predicted(observed, plan.changes) if check or not plan.changes else _observe(spec, mounts, store)
    return HostResult.of(
        plan.changes,
        store.path,
        findings(spec, observed),
        findings(spec, after),
        warnings=[*plan.warnings, *uses, *(f"{path} was left: {reason}" for path, reason in refused.items())],
        skipped=refused,
        forgets=bool(plan.changes.forget_values or plan.changes.forget_files),
        extra={
            "mounts": {path: view.value for path, view in after.views.items()},
            "refused": refused,
        },
    )


def _observe(spec: MountSpec, mounts: Mounts, store: UndoStore) -> Observed:
    systemd = is_running()
    dropins = [*map(unit_file, MOUNTS), LOGIND_FILE]
    names = [entry.unit for entry in MOUNTS.values() if not entry.api]
    gid = _group(spec)
    return Observed(
        views={path: mounts.view(path) for path in MOUNTS},
        units=mount_units(names, DROPIN, fstab.PATH) if systemd else {},
        fstab=to_text(read_file(fstab.PATH)),
        files={path: to_text(read_file(path)) for path in dropins},
        records=Records(
            {name: str(value) for name, value in store.values().items()},
            {path: to_text(state) for path, state in store.files().items()},
        ),
        systemd=systemd,
        stale=bool(systemd and gid and needs_reload(LOGIND_UNIT)),
        forbidden="" if permitted() else UNPERMITTED,
        polkit=polkit_is_there(),
        gid=gid,
    )


def _group(spec: MountSpec) -> str:
    if not spec.gid:
        return ""
    number = group_number(spec.gid)
    if number is None and spec.state == PRESENT:
        remedy = "make the group first, or write gid=0 for the group root"
        raise InputError([Fault(SUBJECT, "options./proc", f"gid={spec.gid}", "names no group of this host", remedy)])
    return number or ""


def _settle(plan: MountPlan) -> t.Callable[[], None]:
    return lambda: heed([LOGIND_UNIT] if plan.changes.reload == RELOAD_LOGIND else [])
