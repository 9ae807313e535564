# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Process limits to plan: the files, the kernel's keys, and the reload. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ..host.changes import HEADER, ChangeSet, FileChange, FileText, file_change
from ..kernel.plan import Observed, SysctlPlan, make_plan
from ..kernel.spec import PRESENT, SysctlSpec
from . import services
from .core_dumps import CORE_PATTERN, STORE_NOTHING, pattern_before, told_otherwise, wanted_pattern
from .core_dumps import warnings as core_warnings
from .pam import Override, PamObserved, inactive, overrides
from .services import SYSTEM_FILE, SystemdObserved
from .sizes import Sizes
from .spec import ConfigFile, LimitsSpec

SYSCTL_FILE = "/etc/sysctl.d/99-security-caisson-limits.conf"
PAM_FILE = "/etc/security/limits.d/60-caisson-hardening.conf"
COREDUMP_FILE = "/etc/systemd/coredump.conf.d/60-caisson-hardening.conf"
FILES = (PAM_FILE, SYSTEM_FILE, COREDUMP_FILE)

RELOAD = "reload systemd"


@dataclass(frozen=True)
class LimitsObserved:
    """The host: the kernel's part, our other files as they stand and as they were, systemd, and what PAM reads.

    systemd is None where none runs. exempt_ids: the user numbers of the exempt. unknown: those that are not known here.
    coredump: the drop-ins that systemd-coredump reads after ours.
    """

    kernel: Observed
    files: t.Mapping[str, FileText | None] = field(default_factory=dict)
    originals: t.Mapping[str, FileText | None] = field(default_factory=dict)
    recorded: bool = False
    systemd: SystemdObserved | None = None
    pam: PamObserved = field(default_factory=PamObserved)
    exempt_ids: t.Mapping[int, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    coredump: tuple[ConfigFile, ...] = ()


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
    pattern = None if spec.core_dumps else wanted_pattern(before, observed.systemd is not None)
    kernel = make_plan(sysctl_spec(spec, sizes, pattern), observed.kernel)
    wanted = contents(spec, sizes, observed) if spec.state == PRESENT else {}
    skipped = [path for path in wanted if _of_systemd(path) and observed.systemd is None]
    for path in skipped:
        # One that an earlier run wrote under a running systemd stays ours.
        if path not in observed.originals:
            del wanted[path]
    changes = tuple(change for path in _paths(wanted, observed) for change in _file(path, wanted.get(path), observed))
    originals = {path: _original(path, observed) for path in wanted}
    ours = bool(kernel.desired or wanted)
    return LimitsPlan(
        changes=replace(
            kernel.changes,
            files=(*kernel.changes.files, *changes),
            originals={**kernel.changes.originals, **originals} if ours else {},
            forget_values=tuple(sorted(set(observed.kernel.originals) - set(kernel.desired))) if ours else (),
            forget_files=tuple(sorted(path for path in observed.originals if path not in wanted)) if ours else (),
            reload=_reload(sizes, changes, wanted, observed),
            clear=observed.recorded and not ours,
        ),
        kernel=kernel,
        wanted=wanted,
        warnings=(
            *kernel.warnings,
            *(_no_systemd() if skipped else ()),
            *(core_warnings(before) if CORE_PATTERN in kernel.desired else ()),
            *(_warnings(spec, sizes, observed) if spec.state == PRESENT else ()),
        ),
    )


def sysctl_spec(spec: LimitsSpec, sizes: Sizes, core_pattern: str | None = None) -> SysctlSpec:
    """The kernel's part as a spec of its own."""
    keys = {"kernel.threads-max": sizes.threads_max, "kernel.pid_max": sizes.pid_max}
    settings = {key: str(value) for key, value in keys.items() if value is not None}
    if core_pattern is not None and spec.state == PRESENT:
        settings[CORE_PATTERN] = core_pattern
    return SysctlSpec(settings=settings, path=SYSCTL_FILE, unwritable=spec.unwritable, state=spec.state)


def contents(spec: LimitsSpec, sizes: Sizes, observed: LimitsObserved) -> dict[str, FileText]:
    """Each file that is ours with the state in which it has to be."""
    texts = {
        PAM_FILE: _pam(spec, sizes),
        **services.contents(
            sizes, observed.systemd, spec.core_dumps, sorted(observed.exempt_ids), spec.exempt_services
        ),
        COREDUMP_FILE: "" if spec.core_dumps else _coredump(),
    }
    return {path: FileText(HEADER + text) for path, text in texts.items() if text}


def pam_overrides(spec: LimitsSpec, sizes: Sizes, observed: LimitsObserved, item: str) -> tuple[Override, ...]:
    """The lines of other files that give login sessions more than we mean them to have."""
    return overrides(ConfigFile(PAM_FILE, _pam(spec, sizes)), observed.pam.limits, spec.exempt, item)


def _coredump() -> str:
    return "[Coredump]\n" + "".join(f"{name}={value}\n" for name, value in STORE_NOTHING.items())


def _pam(spec: LimitsSpec, sizes: Sizes) -> str:
    text = ""
    if sizes.user_processes is not None:
        text += f"* soft nproc {sizes.user_processes // 2}\n* hard nproc {sizes.user_processes}\n"
        text += "".join(f"{name} - nproc unlimited\n" for name in spec.exempt)
    return text if spec.core_dumps else f"{text}* - core 0\nroot - core 0\n"


def _paths(wanted: t.Iterable[str], observed: LimitsObserved) -> list[str]:
    """All files that are ours, were ours, or look as if a run whose record is lost had made them."""
    drop_ins = observed.systemd.drop_ins if observed.systemd else ()
    rest = {*wanted, *observed.originals, *drop_ins} - {*FILES, SYSCTL_FILE}
    return [*FILES, *sorted(rest)]


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


def _of_systemd(path: str) -> bool:
    return path.startswith("/etc/systemd/")


def _reload(sizes: Sizes, changes: t.Sequence[FileChange], wanted: t.Container[str], observed: LimitsObserved) -> str:
    """Also where a killed run may have left systemd with what its files no longer say."""
    if observed.systemd is None:
        return ""
    shows = services.manager_wanted(sizes)
    stale = observed.systemd.stale or any(observed.systemd.manager.get(name) != shows[name] for name in shows)
    paths = [change.path for change in changes] + [path for path in observed.originals if path not in wanted]
    return RELOAD if stale or any(_of_systemd(path) and path != COREDUMP_FILE for path in paths) else ""


def _warnings(spec: LimitsSpec, sizes: Sizes, observed: LimitsObserved) -> list[str]:
    found = [f"exempt names {name}, but no user or group here has that name" for name in observed.unknown]
    lines = [line for item in ("nproc", "core") for line in pam_overrides(spec, sizes, observed, item)]
    if lines:
        found.append(
            f"Other limits for login sessions win over {PAM_FILE}: {'; '.join(map(str, lines))}. "
            "Take the lines out, or name in exempt who may have more processes"
        )
    if sizes.user_processes is not None or not spec.core_dumps:
        found += [
            f"Sessions of {service} do not get the limits of {PAM_FILE}: {remedy}"
            for service, remedy in sorted(inactive(observed.pam).items())
        ]
    systemd = observed.systemd
    if systemd:
        if not spec.core_dumps:
            found += [f"{text}; take the line out of it" for text in told_otherwise(observed.coredump)]
        found += [
            f"exempt_services names {unit}, but there is no such service here; it will be exempt when there is"
            for unit in spec.exempt_services
            if unit in systemd.units and not systemd.has(unit)
        ]
        beaten = {unit: services.override(unit, systemd) for unit in _limited(spec, sizes, systemd)}
        found += [
            f"{won[0]} is read after our file and sets TasksMax={won[1]}; take the line out of it"
            for won in beaten.values()
            if won
        ]
    return found


def _limited(spec: LimitsSpec, sizes: Sizes, systemd: SystemdObserved) -> t.Iterable[str]:
    return services.tasks_wanted(sizes, systemd, spec.exempt_services)


def _no_systemd() -> tuple[str, ...]:
    return ("No systemd runs here: its limits for services and core dumps were left out, all others hold",)
