# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Process and thread limits in numbers, from the host's memory, its load and its containers. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import Fault, InputError
from ..kernel.spec import PRESENT
from .containers import Containers
from .spec import AUTO, KEEP, LARGEST_PID, WHERE, LimitsSpec

# The kernel's own rule for threads-max: the stacks of all threads (16 KiB each) fill an eighth of the memory at most.
_KIB_EACH_AT_MOST = 128
_KIB_EACH = 256
_LEAST_PIDS = 32768
# The threads of the engine, of the shim and of the proxies of one container's ports.
_ENGINE_EACH = 16


@dataclass(frozen=True)
class Host:
    """What sizes depend on.

    threads_max, pid_max: the values before us. ours, our_pids: those that our file sets.
    """

    memory_kib: int
    threads_in_use: int
    threads_max: int
    pid_max: int
    ours: int | None = None
    our_pids: int | None = None
    containers: Containers = field(default_factory=Containers)


@dataclass(frozen=True)
class Sizes:
    """The limits in numbers; None is left alone."""

    threads_max: int | None = None
    pid_max: int | None = None
    user_processes: int | None = None
    user_tasks_max: int | None = None
    tasks_max: int | None = None
    service_processes: int | None = None
    docker_tasks_max: int | None = None


def size(spec: LimitsSpec, host: Host) -> Sizes:
    """The limits to set on this host; InputError where an explicit one is less than what is in use."""
    if spec.state != PRESENT:
        return Sizes()
    _check_use(spec, host)
    return intended(spec, host)


def intended(spec: LimitsSpec, host: Host) -> Sizes:
    """The limits that this host should have, by which it is judged whether they are set or undone."""
    threads = _number(spec.threads_max, _auto_threads(spec, host))
    effective_threads = threads or host.threads_max
    pids = _number(spec.pid_max, _auto_pids(spec, host, effective_threads))
    bound = min(effective_threads, pids or host.pid_max)
    # A quarter of what the host can carry for one user, as much as a desktop or a build needs at the most.
    user = min(max(bound // 4, 1024), 16384)
    return Sizes(
        threads_max=threads,
        pid_max=pids,
        user_processes=_number(spec.user_processes, user),
        user_tasks_max=_number(spec.user_tasks_max, user),
        # systemd's own rule, in a number that can be compared with what it shows.
        tasks_max=_number(spec.tasks_max, max(bound * 15 // 100, 512)),
        # The kernel's own rule for its first process, by the limit as it is now and not as it was at boot.
        service_processes=_number(spec.service_processes, max(bound // 2, 1024)),
        # Ten or so threads for each container and each published port; half of all is never reached by these.
        docker_tasks_max=_number(spec.docker_tasks_max, max(bound // 2, 2048)),
    )


def allowed_in_containers(spec: LimitsSpec, host: Host) -> int:
    """The tasks that the containers may have together."""
    return host.containers.allowed if spec.container_pids == AUTO else int(spec.container_pids)


def least_room(spec: LimitsSpec, host: Host) -> int:
    """The threads that all containers at their limits, what else runs now, and one user at a quarter come to."""
    return _with_user(allowed_in_containers(spec, host) + _own(host))


def room_warnings(spec: LimitsSpec, host: Host, sizes: Sizes) -> list[str]:
    """What the containers may have beyond what the host has room for, with the numbers; who has no limit at all."""
    found = []
    allowed, needed = allowed_in_containers(spec, host), least_room(spec, host)
    for key, value, option in (
        ("kernel.threads-max", sizes.threads_max or host.threads_max, spec.threads_max),
        ("kernel.pid_max", sizes.pid_max or host.pid_max, spec.pid_max),
    ):
        if allowed and value < needed:
            carried = f"; {host.memory_kib // 1024} MiB of memory carry no more" if option == AUTO else ""
            remedy = (
                "add memory, or lower pids_limit"
                if option == AUTO
                else "write auto or a greater number, or lower pids_limit"
            )
            found.append(
                f"The containers may have {allowed} tasks together; with the host's own and a quarter for one user "
                f"that takes {needed}, but {key} is {value}{carried}: {remedy} of the containers"
            )
    if host.containers.unlimited and spec.container_pids == AUTO:
        found.append(
            f"Without a PID limit, and so in no sum: {', '.join(host.containers.unlimited)}; "
            "set pids_limit, or 'docker update --pids-limit'"
        )
    return found


def _own(host: Host) -> int:
    """The threads outside of limited containers, with those that the engine will have for the ones to come."""
    return max(host.threads_in_use - host.containers.tasks, 0) + host.containers.new * _ENGINE_EACH


def _with_user(threads: int) -> int:
    return max(-(-threads * 4 // 3), threads + 1024)


def _auto_threads(spec: LimitsSpec, host: Host) -> int:
    """One thread for each 256 KiB, so that kernel stacks take a sixteenth of the memory at most.

    More only where that leaves no room for the containers at their limits, twice what else runs now, and a user: then
    the next step up, for the containers' sake even above the former limit as far as the memory carries. A limit that
    we have set already stays as long as there is room under it, so containers and load that come and go do not move it:
    it goes up in steps and not down.
    """
    allowed, carried = allowed_in_containers(spec, host), host.memory_kib // _KIB_EACH_AT_MOST
    base = min(max(host.memory_kib // _KIB_EACH, 4096), host.threads_max)
    needed = max(_with_user(allowed + 2 * _own(host)), 2 * host.threads_in_use)
    top = max(host.threads_max, carried) if allowed and needed > host.threads_max else host.threads_max
    sized = base if needed <= base else min(step(needed), top)
    ours = host.ours
    if ours is None or not base <= ours <= max(host.threads_max, carried):
        return sized
    if ours not in (base, host.threads_max, carried, step(ours)):
        # The user's own number, of an earlier run.
        return sized
    return ours if least_room(spec, host) <= ours else max(ours, sized)


def _auto_pids(spec: LimitsSpec, host: Host, threads: int) -> int:
    """Room for every thread, and never less than the host has: a small space reuses numbers quickly."""
    allowed = allowed_in_containers(spec, host)
    least = max(host.pid_max, threads, least_room(spec, host) if allowed else 0, _LEAST_PIDS)
    ours = host.our_pids
    if ours is not None and least <= ours == 1 << (ours.bit_length() - 1):
        return ours
    return min(max(host.pid_max, 1 << (least - 1).bit_length() if least > host.pid_max else 0), LARGEST_PID)


def step(number: int) -> int:
    """The least of 4096, 6144, 8192, 12288, 16384, ... that is not less than *number*."""
    power = max(1 << max(number - 1, 1).bit_length(), 4096)
    return power // 4 * 3 if power > 4096 and number <= power // 4 * 3 else power


def _number(option: str, automatic: int) -> int | None:
    if option == KEEP:
        return None
    return automatic if option == AUTO else int(option)


def _check_use(spec: LimitsSpec, host: Host) -> None:
    faults = [
        Fault(
            WHERE,
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
