# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: what a host shows of its process limits, through the edges and for the pure layers."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from pathlib import PurePath, PurePosixPath

from ..host.cgroups import container_names, pids_cgroups
from ..host.files import read_file
from ..host.load import memory_kib, process_limit, threads_in_use
from ..host.procsys import ProcSys
from ..host.systemd import is_running
from ..host.transaction import to_text
from ..host.undo import UndoStore
from ..host.units import drop_ins, manager_properties, unit_properties
from ..kernel.conf import assignments
from ..kernel.plan import Observed
from ..kernel.spec import PRESENT
from ..kernel.sysctl_files import boot_files
from .accounts import user_ids
from .containers import Cgroup, Containers, container_id, summed, with_declared
from .core_dumps import CORE_PATTERN
from .coredump_files import later_files
from .pam_files import observe_pam
from .plan import COREDUMP_FILE, FILES, PAM_FILE, SYSCTL_FILE, LimitsObserved, LimitsPlan, contents
from .services import ALL_USERS, ANY_USER, ENGINES, NAME, SystemdObserved
from .sizes import Host, Sizes
from .spec import AUTO, ConfigFile, LimitsSpec

_KEYS = ("kernel.threads-max", "kernel.pid_max")
_OBSERVED = (*_KEYS, CORE_PATTERN)
_MANAGER = ("DefaultTasksMax", "DefaultLimitNPROC", "DefaultLimitNPROCSoft")
_UNIT = ("LoadState", "TasksMax", "NeedDaemonReload", "DropInPaths", "MainPID")


def observe(spec: LimitsSpec, kernel: ProcSys, store: UndoStore) -> LimitsObserved:
    """Everything that the plan looks at."""
    values, unreadable = kernel.read(_OBSERVED)
    recorded = store.files()
    systemd = _systemd(spec) if is_running() else None
    ids, unknown = user_ids(spec.exempt) if spec.state == PRESENT else ({}, ())
    observed = LimitsObserved(
        kernel=Observed(
            values=values,
            unreadable=unreadable,
            unwritable=kernel.unwritable(_OBSERVED),
            file=to_text(read_file(SYSCTL_FILE)),
            recorded=SYSCTL_FILE in recorded,
            originals={key: str(value) for key, value in store.values().items()},
            original_file=to_text(recorded.get(SYSCTL_FILE)),
            boot=boot_files(),
        ),
        originals={path: to_text(state) for path, state in recorded.items() if path != SYSCTL_FILE},
        recorded=bool(recorded or store.values()),
        systemd=systemd,
        pam=observe_pam(PAM_FILE),
        exempt_ids=ids,
        unknown=unknown,
        coredump=later_files(COREDUMP_FILE),
    )
    # The files that may be wanted do not depend on the numbers in them.
    any_sizes = Sizes(*[1] * len(vars(Sizes())))
    paths = {*FILES, *observed.originals, *(systemd.drop_ins if systemd else ()), *contents(spec, any_sizes, observed)}
    return replace(observed, files={path: to_text(read_file(path)) for path in sorted(paths)})


def look_again(
    spec: LimitsSpec, observed: LimitsObserved, plan: LimitsPlan, kernel: ProcSys, store: UndoStore
) -> LimitsObserved:
    """The host after the run; where nothing was done, as it was seen before."""
    return observe(spec, kernel, store) if plan.changes else observed


def observe_host(spec: LimitsSpec, observed: LimitsObserved) -> Host:
    """What the sizes depend on."""
    before = {key: int(observed.kernel.originals.get(key, observed.kernel.values.get(key, "0"))) for key in _KEYS}
    ours = assignments(observed.kernel.file.text) if observed.kernel.file else {}
    threads, pids = (_integer(ours.get(key, "")) for key in _KEYS)
    summed_up = spec.container_pids == AUTO and spec.state == PRESENT
    return Host(
        memory_kib=memory_kib(),
        threads_in_use=threads_in_use(),
        threads_max=before["kernel.threads-max"],
        pid_max=before["kernel.pid_max"],
        ours=threads,
        our_pids=pids,
        containers=_containers(spec.declared) if summed_up else Containers(),
    )


def _containers(declared: t.Mapping[str, int]) -> Containers:
    groups = {path: Cgroup(*reading) for path, reading in pids_cgroups(container_id).items()}
    limits = {
        identity: group.limit for path, group in groups.items() if (identity := container_id(PurePosixPath(path).name))
    }
    found = summed(groups)
    names = container_names(tuple(limits) if declared else found.unlimited)
    found = with_declared(found, declared, limits, names)
    return replace(found, unlimited=tuple(sorted(names.get(each, each[:12]) for each in found.unlimited)))


def _systemd(spec: LimitsSpec) -> SystemdObserved:
    asked = [*ENGINES, ANY_USER, ALL_USERS, *(unit for unit in spec.exempt_services if "@." not in unit)]
    units = unit_properties(list(dict.fromkeys(asked)), *_UNIT)
    return SystemdObserved(
        manager=manager_properties(*_MANAGER),
        units=units,
        later={unit: _later(units.get(unit, {})) for unit in (*ENGINES, ANY_USER)},
        running=_running(units),
        drop_ins=tuple(drop_ins(NAME)),
    )


def _later(unit: t.Mapping[str, str]) -> tuple[ConfigFile, ...]:
    paths = [path for path in unit.get("DropInPaths", "").split() if PurePath(path).name > NAME]
    states = ((path, read_file(path)) for path in paths)
    return tuple(ConfigFile(path, state.text) for path, state in states if state)


def _running(units: t.Mapping[str, t.Mapping[str, str]]) -> dict[str, int]:
    pids = {unit: _integer(units.get(unit, {}).get("MainPID", "")) for unit in ENGINES}
    return {unit: process_limit(pid) for unit, pid in pids.items() if pid}


def _integer(text: str) -> int | None:
    return int(text) if text.isdigit() else None
