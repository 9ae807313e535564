# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The limits that systemd keeps: its defaults, the slices of users, the engine's services, exempt services. Pure.

The engine puts containers beside its own services (``/docker/<id>`` or ``system.slice/docker-<id>.scope``), so the
limit of a service counts the daemon, its shims and its proxies, and no container.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .sizes import Sizes
from .spec import ConfigFile

NAME = "60-caisson-limits.conf"
SYSTEM_FILE = "/etc/systemd/system.conf.d/60-caisson-hardening.conf"
ENGINES = ("docker.service", "containerd.service")
USERS = "user-.slice"
# A slice of nobody, to ask what a user's gets, and all that are there, to ask whether they are up to date.
ANY_USER, ALL_USERS = "user-65533.slice", "user-*.slice"

_TASKS_MAX = re.compile(r"^\s*TasksMax\s*=\s*(\S*)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class SystemdObserved:
    """systemd's own properties, those of the units in question, and what lies beside ours.

    later: for each unit its drop-ins that come after ours. running: the hard limit of processes that the main process
    of an engine's service has now. drop_ins: the paths of ours that are there.
    """

    manager: t.Mapping[str, str]
    units: t.Mapping[str, t.Mapping[str, str]] = field(default_factory=dict)
    later: t.Mapping[str, tuple[ConfigFile, ...]] = field(default_factory=dict)
    running: t.Mapping[str, int] = field(default_factory=dict)
    drop_ins: tuple[str, ...] = ()

    def has(self, unit: str) -> bool:
        return self.units.get(unit, {}).get("LoadState") == "loaded"

    @property
    def stale(self) -> bool:
        """Whether a unit was loaded before its files changed; so a killed run leaves it."""
        return any(unit.get("NeedDaemonReload") == "yes" for unit in self.units.values())


def drop_in(unit: str) -> str:
    return f"/etc/systemd/system/{unit}.d/{NAME}"


def engines(observed: SystemdObserved | None, exempt: t.Container[str]) -> list[str]:
    """The services of the engine that are there and not exempt."""
    return [unit for unit in ENGINES if observed and observed.has(unit) and unit not in exempt]


def manager_wanted(sizes: Sizes) -> dict[str, str]:
    """The properties that systemd has to show."""
    wanted = {}
    if sizes.tasks_max is not None:
        wanted["DefaultTasksMax"] = str(sizes.tasks_max)
    if sizes.service_processes is not None:
        wanted["DefaultLimitNPROC"] = wanted["DefaultLimitNPROCSoft"] = str(sizes.service_processes)
    return wanted


def tasks_wanted(sizes: Sizes, observed: SystemdObserved | None, exempt: t.Container[str]) -> dict[str, str]:
    """The TasksMax that each unit has to show, but for units with an override."""
    if observed is None:
        return {}
    wanted = {}
    if sizes.user_tasks_max is not None:
        wanted[ANY_USER] = str(sizes.user_tasks_max)
    if sizes.docker_tasks_max is not None:
        wanted.update(dict.fromkeys(engines(observed, exempt), str(sizes.docker_tasks_max)))
    return wanted


def override(unit: str, observed: SystemdObserved) -> tuple[str, str] | None:
    """The drop-in after ours that sets another TasksMax last, and its value."""
    found = [(file.path, value) for file in observed.later.get(unit, ()) for value in _TASKS_MAX.findall(file.text)]
    return found[-1] if found else None


def contents(
    sizes: Sizes,
    observed: SystemdObserved | None,
    core_dumps: bool,
    exempt_ids: t.Iterable[int],
    exempt_services: t.Sequence[str],
) -> dict[str, str]:
    """The text of each file, without a header."""
    texts = {SYSTEM_FILE: _manager(sizes, core_dumps)}
    if sizes.user_tasks_max is not None:
        texts[drop_in(USERS)] = f"[Slice]\nTasksMax={sizes.user_tasks_max}\n"
        # A file of the same name for one user hides the one for all: root keeps what the distribution gives.
        texts[drop_in("user-0.slice")] = "[Slice]\n"
        texts.update({drop_in(f"user-{each}.slice"): "[Slice]\nTasksMax=infinity\n" for each in exempt_ids})
    if sizes.docker_tasks_max is not None:
        limits = f"[Service]\nTasksMax={sizes.docker_tasks_max}\nLimitNPROC={sizes.docker_tasks_max}\n"
        texts.update({drop_in(unit): limits for unit in engines(observed, exempt_services)})
    texts.update({drop_in(unit): "[Service]\nTasksMax=infinity\nLimitNPROC=infinity\n" for unit in exempt_services})
    return {path: text for path, text in texts.items() if text}


def pending(sizes: Sizes, observed: SystemdObserved | None) -> list[str]:
    """What holds only after a service's next start, for a running process keeps its limit of processes."""
    limit = sizes.docker_tasks_max
    running = observed.running if observed and limit is not None else {}
    return [
        f"{unit}: LimitNPROC={limit} is effective after its next restart, until then it is {_shown(now)}"
        for unit, now in sorted(running.items())
        if now < 0 or now > (limit or 0)
    ]


def _manager(sizes: Sizes, core_dumps: bool) -> str:
    lines = "" if core_dumps else "DefaultLimitCORE=0\n"
    if sizes.service_processes is not None:
        lines += f"DefaultLimitNPROC={sizes.service_processes}\n"
    if sizes.tasks_max is not None:
        lines += f"DefaultTasksMax={sizes.tasks_max}\n"
    return f"[Manager]\n{lines}" if lines else ""


def _shown(limit: int) -> str:
    return "unlimited" if limit < 0 else str(limit)
