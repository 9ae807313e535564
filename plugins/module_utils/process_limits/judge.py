# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controls of the process limits, judged by what a host shows. Pure."""

from __future__ import annotations

import typing as t

from ..controls.model import FAIL, NOT_APPLICABLE, PASS, Finding
from ..host.changes import FileText
from . import core_dumps, services
from .pam import SESSIONS, inactive
from .plan import COREDUMP_FILE, PAM_FILE, LimitsObserved, contents, pam_overrides
from .sizes import Host, Sizes, allowed_in_containers, intended, least_room
from .spec import AUTO, CORE_DUMPS, LARGEST_PID, LIMITS, LimitsSpec

Outcome = t.Tuple[str, str]

# The controls of the core dumps; all others are the limits', and this one is for both.
_OF_CORE_DUMPS, _OF_BOTH = ("core_dumps", "core_pattern", "core_storage"), "pam"
_NO_SYSTEMD = (NOT_APPLICABLE, "no systemd runs here")


def findings(spec: LimitsSpec, host: Host, observed: LimitsObserved, undone: bool = False) -> list[Finding]:
    """One finding for each control of the parts that the run is for, by the sizes that this host should have.

    undone: the limits go, and systemd's own, which are not known before they are back, are in their place.
    """
    sizes = intended(spec, host)
    threads, pids = (int(observed.kernel.values.get(f"kernel.{key}", 0)) for key in ("threads-max", "pid_max"))
    judged = {
        "threads_max": _judge(sizes.threads_max, threads <= (sizes.threads_max or 0), f"live {threads}"),
        "pid_max": _judge(True, pids >= min(threads, LARGEST_PID), f"live {pids} for {threads} threads"),
        "container_room": _room(spec, host, min(threads, pids)),
        "container_pids": _unlimited(spec, host),
        "user_processes": _session(spec, sizes, observed, sizes.user_processes, "nproc"),
        "core_dumps": _session(spec, sizes, observed, not spec.core_dumps, "core"),
        "core_pattern": _judge(
            not spec.core_dumps,
            *core_dumps.judge(
                observed.kernel.values.get(core_dumps.CORE_PATTERN), _stores_nothing(spec, sizes, observed)[0]
            ),
        ),
        "pam": _pam(spec, sizes, observed),
        **_systemd(spec, sizes, observed, undone),
    }
    return [
        Finding(f"process_limits.{name}", "host", *outcome) for name, outcome in judged.items() if _judged(spec, name)
    ]


def _judged(spec: LimitsSpec, name: str) -> bool:
    return name == _OF_BOTH or (CORE_DUMPS if name in _OF_CORE_DUMPS else LIMITS) in spec.parts


def _systemd(spec: LimitsSpec, sizes: Sizes, observed: LimitsObserved, undone: bool) -> dict[str, Outcome]:
    systemd = observed.systemd
    managed = {
        "tasks_max": sizes.tasks_max,
        "service_processes": sizes.service_processes,
        "user_tasks": sizes.user_tasks_max,
        "docker_tasks": sizes.docker_tasks_max,
        "core_storage": not spec.core_dumps,
    }
    if systemd is None:
        return dict.fromkeys(managed, _NO_SYSTEMD)
    if undone:
        found = {name: _judge(value, False, "left to systemd") for name, value in managed.items()}
    else:
        shown = {name: systemd.manager.get(name) for name in ("DefaultTasksMax", "DefaultLimitNPROC")}
        wanted = services.manager_wanted(sizes)
        tasks, nproc = (
            _judge(name in wanted, value == wanted.get(name), f"systemd shows {value}") for name, value in shown.items()
        )
        found = {
            "tasks_max": tasks,
            "service_processes": nproc,
            "user_tasks": _units(sizes.user_tasks_max, [services.ANY_USER], systemd),
            "docker_tasks": _units(sizes.docker_tasks_max, services.engines(systemd, spec.exempt_services), systemd),
            "core_storage": _judge(not spec.core_dumps, *_stores_nothing(spec, sizes, observed)),
        }
    if not services.engines(systemd, spec.exempt_services):
        found["docker_tasks"] = (NOT_APPLICABLE, "there is no service of the engine, or it is exempt")
    return found


def _units(limit: int | None, units: t.Sequence[str], systemd: services.SystemdObserved) -> Outcome:
    shown = {unit: systemd.units.get(unit, {}).get("TasksMax", "nothing") for unit in units}
    won = {unit: services.override(unit, systemd) for unit in units}
    evidence = [
        f"{unit} {shown[unit]}" + (f" by {found[0]}" if found else "") for unit, found in won.items()
    ]  # fmt: skip
    holds = all(value.isdigit() and int(value) <= (limit or 0) for value in shown.values())
    return _judge(limit, holds, f"TasksMax: {', '.join(evidence)}")


def _room(spec: LimitsSpec, host: Host, live: int) -> Outcome:
    allowed = allowed_in_containers(spec, host)
    if not allowed:
        return NOT_APPLICABLE, "no container has a PID limit"
    holds = live >= least_room(spec, host)
    return (PASS if holds else FAIL), f"containers may have {allowed} together, the host {live}"


def _unlimited(spec: LimitsSpec, host: Host) -> Outcome:
    if spec.container_pids != AUTO:
        return NOT_APPLICABLE, f"a sum of {spec.container_pids} was given, containers were not looked at"
    if not (host.containers.limits or host.containers.unlimited):
        return NOT_APPLICABLE, "no container runs"
    names = host.containers.unlimited
    return (FAIL, f"without a limit: {', '.join(names)}") if names else (PASS, "every running container has one")


def _session(spec: LimitsSpec, sizes: Sizes, observed: LimitsObserved, managed: object, item: str) -> Outcome:
    wins = pam_overrides(spec, sizes, observed, item)
    evidence = f"{PAM_FILE}{', but ' if wins else ''}{'; '.join(map(str, wins))}"
    return _judge(managed, _holds(PAM_FILE, spec, sizes, observed) and not wins, evidence)


def _pam(spec: LimitsSpec, sizes: Sizes, observed: LimitsObserved) -> Outcome:
    there = [service for service in SESSIONS if service in observed.pam.services]
    without = inactive(observed.pam)
    if not (there or without):
        return NOT_APPLICABLE, "no service here opens sessions through PAM"
    if sizes.user_processes is None and spec.core_dumps:
        return NOT_APPLICABLE, "left alone"
    if without:
        return FAIL, "; ".join(f"{service}: {remedy}" for service, remedy in sorted(without.items()))
    return PASS, f"pam_limits is called by {', '.join(there)}"


def _stores_nothing(spec: LimitsSpec, sizes: Sizes, observed: LimitsObserved) -> tuple[bool, str]:
    """Whether systemd-coredump is told so, with no later file that says otherwise, and what was seen."""
    wins = core_dumps.told_otherwise(observed.coredump)
    evidence = f"{COREDUMP_FILE}{', but ' if wins else ''}{'; '.join(wins)}"
    return _holds(COREDUMP_FILE, spec, sizes, observed) and not wins, evidence


def _holds(path: str, spec: LimitsSpec, sizes: Sizes, observed: LimitsObserved) -> bool:
    wanted: t.Mapping[str, FileText] = contents(spec, sizes, observed)
    return path in wanted and observed.files.get(path) == wanted[path]


def _judge(managed: object, holds: bool, evidence: str) -> Outcome:
    if not managed:
        return NOT_APPLICABLE, "left alone"
    return (PASS if holds else FAIL), evidence
