# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Process limits to plan: the files, the kernel's keys, the reload, and the controls. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ..controls.model import FAIL, NOT_APPLICABLE, PASS, Finding
from ..host.changes import ChangeSet, FileChange, FileText, file_change
from .conf import HEADER
from .core_dumps import CORE_PATTERN, judge, pattern_before, wanted_pattern
from .core_dumps import warnings as core_warnings
from .limits import LARGEST_PID, LimitsSpec, Sizes
from .plan import Observed, SysctlPlan, make_plan
from .spec import PRESENT, SysctlSpec

SYSCTL_FILE = "/etc/sysctl.d/99-security-caisson-limits.conf"
PAM_FILE = "/etc/security/limits.d/60-caisson-hardening.conf"
SYSTEM_FILE = "/etc/systemd/system.conf.d/60-caisson-hardening.conf"
COREDUMP_FILE = "/etc/systemd/coredump.conf.d/60-caisson-hardening.conf"
SYSTEMD_FILES = (SYSTEM_FILE, COREDUMP_FILE)
FILES = (PAM_FILE, *SYSTEMD_FILES)

RELOAD = "reload systemd"


@dataclass(frozen=True)
class LimitsObserved:
    """The host: the kernel's part, our other files as they stand and as they were, and systemd's effective limit.

    default_tasks_max is None where no systemd runs.
    """

    kernel: Observed
    files: t.Mapping[str, FileText | None] = field(default_factory=dict)
    originals: t.Mapping[str, FileText | None] = field(default_factory=dict)
    recorded: bool = False
    default_tasks_max: str | None = None

    @property
    def systemd(self) -> bool:
        return self.default_tasks_max is not None


@dataclass(frozen=True)
class LimitsPlan:
    """What will be done, and the whole wanted files by path."""

    changes: ChangeSet
    kernel: SysctlPlan
    wanted: t.Mapping[str, FileText]
    warnings: tuple[str, ...] = ()


def make_limits_plan(spec: LimitsSpec, sizes: Sizes, observed: LimitsObserved) -> LimitsPlan:
    """The plan; what is wrong with the kernel's part is raised as for the ``sysctl`` module."""
    before = pattern_before(observed.kernel.originals, observed.kernel.values)
    pattern = None if spec.core_dumps else wanted_pattern(before, observed.systemd)
    kernel = make_plan(sysctl_spec(spec, sizes, pattern), observed.kernel)
    wanted = _contents(spec, sizes) if spec.state == PRESENT else {}
    skipped = [path for path in SYSTEMD_FILES if path in wanted and not observed.systemd]
    for path in skipped:
        # One that an earlier run wrote under a running systemd stays ours.
        if path not in observed.originals:
            del wanted[path]
    changes = tuple(change for path in FILES for change in _file(path, wanted.get(path), observed))
    originals = {path: _original(path, observed) for path in wanted}
    ours = bool(kernel.desired or wanted)
    return LimitsPlan(
        changes=replace(
            kernel.changes,
            files=(*kernel.changes.files, *changes),
            originals={**kernel.changes.originals, **originals} if ours else {},
            forget_values=tuple(sorted(set(observed.kernel.originals) - set(kernel.desired))) if ours else (),
            forget_files=tuple(sorted(path for path in observed.originals if path not in wanted)) if ours else (),
            reload=_reload(sizes, changes, observed),
            clear=observed.recorded and not ours,
        ),
        kernel=kernel,
        wanted=wanted,
        warnings=kernel.warnings
        + (_no_systemd() if skipped else ())
        + (core_warnings(before) if CORE_PATTERN in kernel.desired else ()),
    )


def sysctl_spec(spec: LimitsSpec, sizes: Sizes, core_pattern: str | None = None) -> SysctlSpec:
    """The kernel's part as a spec of its own."""
    keys = {"kernel.threads-max": sizes.threads_max, "kernel.pid_max": sizes.pid_max}
    settings = {key: str(value) for key, value in keys.items() if value is not None}
    if core_pattern is not None and spec.state == PRESENT:
        settings[CORE_PATTERN] = core_pattern
    return SysctlSpec(settings=settings, path=SYSCTL_FILE, unwritable=spec.unwritable, state=spec.state)


def findings(
    spec: LimitsSpec,
    sizes: Sizes,
    *,
    values: t.Mapping[str, str],
    files: t.Mapping[str, FileText | None],
    default_tasks_max: str | None,
) -> list[Finding]:
    """One finding for each control of the process limits, judged by the intended *sizes*."""
    threads = int(values.get("kernel.threads-max", 0))
    pids = int(values.get("kernel.pid_max", 0))
    wanted = _contents(spec, sizes)
    in_pam, in_coredump = (_holds(path, wanted, files) for path in (PAM_FILE, COREDUMP_FILE))
    judged = {
        "threads_max": _judge(sizes.threads_max, threads <= (sizes.threads_max or 0), f"live {threads}"),
        "pid_max": _judge(True, pids >= min(threads, LARGEST_PID), f"live {pids} for {threads} threads"),
        "user_processes": _judge(sizes.user_processes, in_pam, PAM_FILE),
        "tasks_max": _judge(
            sizes.tasks_max, default_tasks_max == str(sizes.tasks_max), f"systemd shows {default_tasks_max}"
        ),
        "core_dumps": _judge(not spec.core_dumps, in_pam, PAM_FILE),
        "core_storage": _judge(not spec.core_dumps, in_coredump, COREDUMP_FILE),
        "core_pattern": _judge(not spec.core_dumps, *judge(values.get(CORE_PATTERN), in_coredump)),
    }
    if default_tasks_max is None:
        no_systemd = (NOT_APPLICABLE, "no systemd runs here")
        judged.update(tasks_max=no_systemd, core_storage=no_systemd)
    return [Finding(f"process_limits.{name}", "host", *outcome) for name, outcome in judged.items()]


def _contents(spec: LimitsSpec, sizes: Sizes) -> dict[str, FileText]:
    pam, manager = "", ""
    if sizes.user_processes is not None:
        pam += f"* soft nproc {sizes.user_processes // 2}\n* hard nproc {sizes.user_processes}\n"
        pam += "".join(f"{name} - nproc unlimited\n" for name in spec.exempt)
    if not spec.core_dumps:
        pam += "* - core 0\nroot - core 0\n"
        manager += "DefaultLimitCORE=0\n"
    if sizes.tasks_max is not None:
        manager += f"DefaultTasksMax={sizes.tasks_max}\n"
    found = {
        PAM_FILE: pam,
        SYSTEM_FILE: f"[Manager]\n{manager}" if manager else "",
        COREDUMP_FILE: "" if spec.core_dumps else "[Coredump]\nStorage=none\nProcessSizeMax=0\n",
    }
    return {path: FileText(HEADER + text) for path, text in found.items() if text}


def _file(path: str, wanted: FileText | None, observed: LimitsObserved) -> tuple[FileChange, ...]:
    now = observed.files.get(path)
    if wanted is None and path not in observed.originals and not _managed(now):
        return ()
    return file_change(path, now, wanted or _original(path, observed))


def _original(path: str, observed: LimitsObserved) -> FileText | None:
    now = observed.files.get(path)
    return observed.originals.get(path, None if _managed(now) else now)


def _managed(file: FileText | None) -> bool:
    return file is not None and file.text.startswith(HEADER)


def _reload(sizes: Sizes, changes: t.Sequence[FileChange], observed: LimitsObserved) -> str:
    if not observed.systemd:
        return ""
    stale = sizes.tasks_max is not None and observed.default_tasks_max != str(sizes.tasks_max)
    return RELOAD if stale or any(change.path == SYSTEM_FILE for change in changes) else ""


def _no_systemd() -> tuple[str, ...]:
    return ("No systemd runs here: its limits for services and core dumps were left out, all others hold",)


def _judge(managed: object, holds: bool, evidence: str) -> tuple[str, str]:
    if not managed:
        return NOT_APPLICABLE, "left alone"
    return (PASS if holds else FAIL), evidence


def _holds(path: str, wanted: t.Mapping[str, FileText], files: t.Mapping[str, FileText | None]) -> bool:
    return path in wanted and files.get(path) == wanted[path]
