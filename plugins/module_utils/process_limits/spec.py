# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Process and thread limits: what the user wants, sized to the host. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ..errors import Fault, InputError
from ..kernel.spec import FAIL, PRESENT

AUTO, KEEP = "auto", "keep"

_WHERE = "process_limits"
_NAME = re.compile(r"^@?[A-Za-z_][A-Za-z0-9_.-]*\$?$")
LARGEST_PID = 4194304
# The least and the greatest explicit number for each option.
_RANGES = {
    "threads_max": (1000, 2**30 - 1),
    "pid_max": (1000, LARGEST_PID),
    "user_processes": (256, LARGEST_PID),
    "tasks_max": (256, LARGEST_PID),
}


@dataclass(frozen=True)
class LimitsSpec:
    """The options of the ``process_limits`` module; a size is a number, ``auto`` or ``keep``."""

    threads_max: str = AUTO
    pid_max: str = AUTO
    user_processes: str = AUTO
    tasks_max: str = AUTO
    exempt: tuple[str, ...] = ()
    core_dumps: bool = False
    unwritable: str = FAIL
    state: str = PRESENT


@dataclass(frozen=True)
class Host:
    """What sizes depend on: memory, the threads that run now, the values before us and the one that we set."""

    memory_kib: int
    threads_in_use: int
    threads_max: int
    pid_max: int
    ours: int | None = None


@dataclass(frozen=True)
class Sizes:
    """The limits in numbers; None is left alone."""

    threads_max: int | None
    pid_max: int | None
    user_processes: int | None
    tasks_max: int | None


def parse(
    *,
    threads_max: str = AUTO,
    pid_max: str = AUTO,
    user_processes: str = AUTO,
    tasks_max: str = AUTO,
    exempt: t.Sequence[t.Any] = (),
    core_dumps: bool = False,
    unwritable: str = FAIL,
    state: str = PRESENT,
) -> LimitsSpec:
    """The spec of the options; InputError with every fault where they are wrong."""
    given = {
        "threads_max": threads_max,
        "pid_max": pid_max,
        "user_processes": user_processes,
        "tasks_max": tasks_max,
    }
    faults = [fault for option, value in given.items() for fault in _size_faults(option, str(value).strip())]
    faults += [
        Fault(_WHERE, "exempt", name, "is no user or group name", "write a user like deploy or a group like @batch")
        for name in exempt
        if not _NAME.match(str(name))
    ]
    if faults:
        raise InputError(faults)
    sizes = {option: str(value).strip() for option, value in given.items()}
    return LimitsSpec(
        **sizes,
        exempt=tuple(sorted({str(name) for name in exempt})),
        core_dumps=core_dumps,
        unwritable=unwritable,
        state=state,
    )


def size(spec: LimitsSpec, host: Host) -> Sizes:
    """The limits to set on this host; InputError where an explicit one is less than what is in use."""
    if spec.state != PRESENT:
        return Sizes(None, None, None, None)
    _check_use(spec, host)
    return intended(spec, host)


def intended(spec: LimitsSpec, host: Host) -> Sizes:
    """The limits that this host should have, by which it is judged whether they are set or undone."""
    threads = _number(spec.threads_max, _auto_threads(host))
    effective_threads = threads or host.threads_max
    pids = _number(spec.pid_max, _auto_pids(host, effective_threads))
    bound = min(effective_threads, pids or host.pid_max)
    return Sizes(
        threads,
        pids,
        # A quarter of what the host can carry for one user, as much as a desktop or a build needs at the most.
        _number(spec.user_processes, min(max(bound // 4, 1024), 16384)),
        # systemd's own rule, in a number that can be compared with what it shows.
        _number(spec.tasks_max, max(bound * 15 // 100, 512)),
    )


def _auto_threads(host: Host) -> int:
    """One thread for each 256 KiB, so that kernel stacks take a sixteenth of the memory at most; never raised.

    Where that leaves less than twice what is in use, the host's own limit stays. A limit that we have set already
    stays as long as it is not reached, so that a load that goes up and down does not move it.
    """
    sized = max(host.memory_kib // 256, 4096)
    needed = host.threads_in_use if host.ours == sized else 2 * host.threads_in_use
    return host.threads_max if sized < needed else min(sized, host.threads_max)


def _auto_pids(host: Host, threads: int) -> int:
    """Room for every thread, and never less than the host has: a small space reuses numbers quickly."""
    return min(max(host.pid_max, 1 << (threads - 1).bit_length(), 32768), LARGEST_PID)


def _number(option: str, automatic: int) -> int | None:
    if option == KEEP:
        return None
    return automatic if option == AUTO else int(option)


def _size_faults(option: str, value: str) -> list[Fault]:
    least, greatest = _RANGES[option]
    if value in (AUTO, KEEP):
        return []
    remedy = f"write auto, keep or a number from {least} to {greatest}"
    if not (value.isascii() and value.isdigit()):
        return [Fault(_WHERE, option, value, "is no size", remedy)]
    if not least <= int(value) <= greatest:
        return [Fault(_WHERE, option, int(value), "is out of range", remedy)]
    return []


def _check_use(spec: LimitsSpec, host: Host) -> None:
    faults = [
        Fault(
            _WHERE,
            option,
            int(value),
            f"is not above the {host.threads_in_use} threads that run now",
            f"write auto or at least {2 * host.threads_in_use}",
        )
        for option, value in (("threads_max", spec.threads_max), ("pid_max", spec.pid_max))
        if value.isdigit() and int(value) <= host.threads_in_use
    ]
    if faults:
        raise InputError(faults)
