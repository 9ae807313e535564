# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: carry the plan of the process limits out unless this is a check, and read back what became of it."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace
from pathlib import Path

from ..errors import CaissonError
from ..host.lock import host_lock
from ..host.procsys import ProcSys, require_root
from ..host.result import HostResult
from ..host.systemd import daemon_reload
from ..host.transaction import Transaction
from ..host.undo import ROOT, UndoStore
from ..host.units import manager_properties, unit_properties
from ..kernel.apply import LOCK
from ..kernel.plan import by_reason
from ..kernel.precedence import as_dicts
from ..kernel.spec import PRESENT, REPORT
from . import services
from .judge import findings
from .observe import look_again, observe, observe_host
from .plan import LimitsObserved, LimitsPlan, make_limits_plan
from .services import SystemdObserved
from .sizes import Host, Sizes, room_warnings, size
from .spec import LimitsSpec

SUBJECT = "process_limits"


def run(spec: LimitsSpec, check: bool = False, proc: ProcSys | None = None, undo_root: str = ROOT) -> HostResult:
    """Bring the host to the spec; CaissonError, with nothing changed, where that fails."""
    require_root("process_limits")
    kernel = proc or ProcSys()
    with contextlib.nullcontext() if check else host_lock(LOCK):
        store = UndoStore(SUBJECT, undo_root)
        observed = observe(spec, kernel, store)
        host = observe_host(spec, observed)
        sizes = size(spec, host)
        plan = make_limits_plan(spec, sizes, observed)
        refused = dict(plan.kernel.refused)
        if plan.changes and not check:
            settle = _settle(spec, sizes, observed.systemd)
            transaction = Transaction(store, kernel, settle, tolerant=spec.unwritable == REPORT)
            refused.update(transaction.run(plan.changes))
        after = _predicted(spec, sizes, plan, observed) if check else look_again(spec, observed, plan, kernel, store)
    return _result(spec, sizes, host, plan, refused, observed, after, store.path)


def _result(
    spec: LimitsSpec,
    sizes: Sizes,
    host: Host,
    plan: LimitsPlan,
    refused: dict[str, str],
    observed: LimitsObserved,
    after: LimitsObserved,
    undo: Path,
) -> HostResult:
    present = spec.state == PRESENT
    earlier, later = findings(spec, host, observed), findings(spec, host, after, undone=not present)
    warnings = [*plan.warnings, *(room_warnings(spec, host, sizes) if present else [])]
    return HostResult.of(
        plan.changes,
        undo,
        earlier,
        later,
        warnings=[*warnings, *([f"Not set: {by_reason(refused)}"] if refused else [])],
        skipped=refused,
        extra={
            "sizes": {name: value for name, value in vars(sizes).items() if value is not None},
            "container_pids": {
                "sum": host.containers.allowed,
                "unlimited": list(host.containers.unlimited),
            },
            "pending": services.pending(sizes, observed.systemd) if present else [],
            "refused": refused,
            "overridden": as_dicts(plan.kernel.overridden),
        },
    )


def _settle(spec: LimitsSpec, sizes: Sizes, systemd: SystemdObserved | None) -> t.Callable[[], None]:
    def settle() -> None:
        daemon_reload()
        wanted = services.manager_wanted(sizes)
        shown = manager_properties(*wanted) if wanted else {}
        for name, value in wanted.items():
            if shown.get(name) != value:
                raise CaissonError(
                    f"Failed to set systemd's {name} to {value}: it shows {shown.get(name)}; "
                    "look for a later file with 'systemd-analyze cat-config systemd/system.conf'"
                )
        tasks = services.tasks_wanted(sizes, systemd, spec.exempt_services)
        units = unit_properties(list(tasks), "TasksMax") if tasks else {}
        for unit, value in tasks.items():
            live = units.get(unit, {}).get("TasksMax")
            if live != value and not (systemd and services.override(unit, systemd)):
                raise CaissonError(
                    f"Failed to set TasksMax of {unit} to {value}: systemd shows {live}; "
                    f"look for what wins with 'systemctl cat {unit}'"
                )

    return settle


def _predicted(spec: LimitsSpec, sizes: Sizes, plan: LimitsPlan, observed: LimitsObserved) -> LimitsObserved:
    """The host as the plan will leave it; what systemd falls back to without our files is not known before."""
    values = {**observed.kernel.values, **{change.key: change.after for change in plan.changes.values}}
    systemd = observed.systemd
    if systemd is not None and plan.changes.reload:
        tasks = services.tasks_wanted(sizes, systemd, spec.exempt_services)
        units = {
            unit: {**properties, "TasksMax": _task_limit(unit, tasks, systemd)} if unit in tasks else properties
            for unit, properties in systemd.units.items()
        }
        systemd = replace(systemd, manager={**systemd.manager, **services.manager_wanted(sizes)}, units=units)
    return replace(
        observed,
        kernel=replace(observed.kernel, values=values),
        files={**observed.files, **{change.path: change.after for change in plan.changes.files}},
        systemd=systemd,
    )


def _task_limit(unit: str, tasks: t.Mapping[str, str], systemd: SystemdObserved) -> str:
    won = services.override(unit, systemd)
    return won[1] if won else tasks[unit]
