# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: observe the host's process limits, plan, and carry the plan out unless this is a check."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace

from ..controls.model import Finding, score
from ..errors import CaissonError
from ..host.files import read_file
from ..host.lock import host_lock
from ..host.procsys import ProcSys, require_root
from ..host.result import HostResult
from ..host.systemd import daemon_reload, is_running, manager_property
from ..host.transaction import Transaction, to_text
from ..host.undo import ROOT, UndoStore
from .apply import LOCK
from .conf import assignments
from .limits import Host, LimitsSpec, Sizes, intended, size
from .limits_plan import FILES, SYSCTL_FILE, LimitsObserved, LimitsPlan, findings, make_limits_plan
from .manager import memory_kib, threads_in_use
from .plan import Observed, by_reason
from .precedence import as_dicts
from .spec import REPORT
from .sysctl_files import boot_files

SUBJECT = "process_limits"
TASKS_MAX = "DefaultTasksMax"
_KEYS = ("kernel.threads-max", "kernel.pid_max")


def run(spec: LimitsSpec, check: bool = False, proc: ProcSys | None = None, undo_root: str = ROOT) -> HostResult:
    """Bring the host to the spec; CaissonError, with nothing changed, where that fails."""
    require_root("process_limits")
    kernel = proc or ProcSys()
    with contextlib.nullcontext() if check else host_lock(LOCK):
        store = UndoStore(SUBJECT, undo_root)
        observed = _observe(kernel, store)
        host = _host(observed)
        sizes = size(spec, host)
        plan = make_limits_plan(spec, sizes, observed)
        refused = dict(plan.kernel.refused)
        before = _findings(spec, host, observed)
        if plan.changes and not check:
            transaction = Transaction(store, kernel, _settle(sizes), tolerant=spec.unwritable == REPORT)
            refused.update(transaction.run(plan.changes))
        after = _findings(spec, host, _predicted(sizes, plan, observed) if check else _observe(kernel, store))
    actions = plan.changes.actions(refused)
    return HostResult(
        changed=bool(actions),
        actions=actions,
        diff=plan.changes.diff(refused),
        undo=str(store.path),
        findings=after,
        score=score(before, after),
        warnings=[*plan.warnings, *([f"Not set: {by_reason(refused)}"] if refused else [])],
        extra={
            "sizes": {name: value for name, value in vars(sizes).items() if value is not None},
            "refused": refused,
            "overridden": as_dicts(plan.kernel.overridden),
        },
    )


def _observe(kernel: ProcSys, store: UndoStore) -> LimitsObserved:
    values, unreadable = kernel.read(_KEYS)
    recorded = store.files()
    return LimitsObserved(
        kernel=Observed(
            values=values,
            unreadable=unreadable,
            unwritable=kernel.unwritable(_KEYS),
            file=to_text(read_file(SYSCTL_FILE)),
            recorded=SYSCTL_FILE in recorded,
            originals={key: str(value) for key, value in store.values().items()},
            original_file=to_text(recorded.get(SYSCTL_FILE)),
            boot=boot_files(),
        ),
        files={path: to_text(read_file(path)) for path in FILES},
        originals={path: to_text(recorded[path]) for path in FILES if path in recorded},
        recorded=bool(recorded or store.values()),
        default_tasks_max=manager_property(TASKS_MAX) if is_running() else None,
    )


def _host(observed: LimitsObserved) -> Host:
    before = {key: int(observed.kernel.originals.get(key, observed.kernel.values.get(key, "0"))) for key in _KEYS}
    ours = assignments(observed.kernel.file.text) if observed.kernel.file else {}
    threads = ours.get("kernel.threads-max", "")
    return Host(
        memory_kib=memory_kib(),
        threads_in_use=threads_in_use(),
        threads_max=before["kernel.threads-max"],
        pid_max=before["kernel.pid_max"],
        ours=int(threads) if threads.isdigit() else None,
    )


def _settle(sizes: Sizes) -> t.Callable[[], None]:
    def settle() -> None:
        daemon_reload()
        shown = manager_property(TASKS_MAX)
        if sizes.tasks_max is not None and shown != str(sizes.tasks_max):
            raise CaissonError(
                f"Failed to set systemd's DefaultTasksMax to {sizes.tasks_max}: it shows {shown}; "
                "look for a later file with 'systemd-analyze cat-config systemd/system.conf'"
            )

    return settle


def _findings(spec: LimitsSpec, host: Host, observed: LimitsObserved) -> list[Finding]:
    return findings(
        spec,
        intended(spec, host),
        values=observed.kernel.values,
        files=observed.files,
        default_tasks_max=observed.default_tasks_max,
    )


def _predicted(sizes: Sizes, plan: LimitsPlan, observed: LimitsObserved) -> LimitsObserved:
    """The host as the plan will leave it; what systemd falls back to without our file is not known before."""
    values = {**observed.kernel.values, **{change.key: change.after for change in plan.changes.values}}
    tasks = observed.default_tasks_max
    if tasks is not None and plan.changes.reload:
        tasks = str(sizes.tasks_max)
    return replace(
        observed,
        kernel=replace(observed.kernel, values=values),
        files={**observed.files, **{change.path: change.after for change in plan.changes.files}},
        default_tasks_max=tasks,
    )
