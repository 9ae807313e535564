# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Process and thread limits: what the user wants. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ..errors import Fault, InputError
from ..host import moment
from ..host.container import UNWRITABLE
from ..kernel.spec import ABSENT, FAIL, PRESENT

AUTO, KEEP = "auto", "keep"
LIMITS, CORE_DUMPS = "limits", "core_dumps"

WHERE = "process_limits"
_NAME = re.compile(r"^@?[A-Za-z_][A-Za-z0-9_.-]*\$?\Z")
# The characters of systemd.unit(5), without those that would lead to another directory.
_SERVICE = re.compile(r"^[A-Za-z0-9:_.\\@-]+\Z")
_OTHER_UNIT = re.compile(r"\.(socket|device|mount|automount|swap|target|path|timer|slice|scope)\Z")
LARGEST_PID = 4194304
# Docker's word for no limit, as 0 is.
UNLIMITED = "-1"
# The least and the greatest explicit number for each option.
_RANGES = {
    "threads_max": (1000, 2**30 - 1),
    "pid_max": (1000, LARGEST_PID),
    "container_pids": (0, LARGEST_PID),
    "user_processes": (256, LARGEST_PID),
    "user_tasks_max": (256, LARGEST_PID),
    "tasks_max": (256, LARGEST_PID),
    "service_processes": (256, LARGEST_PID),
    "docker_tasks_max": (256, LARGEST_PID),
}
SIZES = tuple(_RANGES)
_NAMES: dict[str, t.Any] = {"type": "list", "elements": "str", "default": []}
ARGUMENTS: dict[str, dict[str, t.Any]] = {
    **{name: {"type": "str", "default": AUTO} for name in SIZES},
    "declared_containers": {"type": "dict", "default": {}},
    "exempt": _NAMES,
    "exempt_services": _NAMES,
    "core_dumps": {"type": "bool", "default": False},
    "parts": {**_NAMES, "choices": [LIMITS, CORE_DUMPS]},
    "unwritable": {"type": "str", "choices": list(UNWRITABLE), "default": FAIL},
    "state": {"type": "str", "choices": [PRESENT, ABSENT], "default": PRESENT},
    **moment.ARGUMENT,
}


@dataclass(frozen=True)
class ConfigFile:
    """A configuration file of somebody else's: its path and text."""

    path: str
    text: str


@dataclass(frozen=True)
class LimitsSpec:
    """The options of the ``process_limits`` module; a size is a number, ``auto`` or ``keep``.

    declared: the PID limit of each container that is to run, without those that have none.
    parts: those whose controls are judged.
    """

    threads_max: str = AUTO
    pid_max: str = AUTO
    container_pids: str = AUTO
    user_processes: str = AUTO
    user_tasks_max: str = AUTO
    tasks_max: str = AUTO
    service_processes: str = AUTO
    docker_tasks_max: str = AUTO
    declared: t.Mapping[str, int] = field(default_factory=dict)
    exempt: tuple[str, ...] = ()
    exempt_services: tuple[str, ...] = ()
    core_dumps: bool = False
    parts: tuple[str, ...] = (LIMITS, CORE_DUMPS)
    unwritable: str = FAIL
    state: str = PRESENT


def parse(
    *,
    declared_containers: t.Mapping[str, t.Any] | None = None,
    exempt: t.Sequence[t.Any] = (),
    exempt_services: t.Sequence[t.Any] = (),
    core_dumps: bool = False,
    parts: t.Sequence[str] = (),
    unwritable: str = FAIL,
    state: str = PRESENT,
    **sizes: t.Any,
) -> LimitsSpec:
    """The spec of the options, *sizes* by their names; InputError with every fault where they are wrong."""
    given = {option: str(sizes.pop(option, AUTO)).strip() for option in _RANGES}
    if sizes:
        raise TypeError(f"no options: {', '.join(sorted(sizes))}")
    faults = [fault for option, value in given.items() for fault in _size_faults(option, value)]
    declared = {str(name): str(limit).strip() for name, limit in (declared_containers or {}).items()}
    faults += [
        Fault(WHERE, f"declared_containers.{name}", limit, "is no PID limit", f"write a number up to {LARGEST_PID}")
        for name, limit in declared.items()
        if limit != UNLIMITED and not (limit.isascii() and limit.isdigit() and int(limit) <= LARGEST_PID)
    ]
    faults += [
        Fault(WHERE, "exempt", name, "is no user or group name", "write a user like deploy or a group like @batch")
        for name in exempt
        if not _NAME.match(str(name))
    ]
    faults += [
        Fault(WHERE, "exempt_services", name, "is no service", "write the name of a service like ci-runner.service")
        for name in exempt_services
        if not _SERVICE.match(str(name)) or _OTHER_UNIT.search(str(name)) or str(name).startswith(".")
    ]
    if faults:
        raise InputError(faults)
    return LimitsSpec(
        **given,
        declared={name: int(limit) for name, limit in declared.items() if limit not in (UNLIMITED, "0")},
        exempt=tuple(sorted({str(name) for name in exempt})),
        exempt_services=tuple(sorted({_service(str(name)) for name in exempt_services})),
        core_dumps=core_dumps,
        parts=tuple(parts) or LimitsSpec.parts,
        unwritable=unwritable,
        state=state,
    )


def _service(name: str) -> str:
    return name if name.endswith(".service") else f"{name}.service"


def _size_faults(option: str, value: str) -> list[Fault]:
    least, greatest = _RANGES[option]
    words = (AUTO,) if option == "container_pids" else (AUTO, KEEP)
    if value in words:
        return []
    remedy = f"write {', '.join(words)} or a number from {least} to {greatest}"
    if not (value.isascii() and value.isdigit()):
        return [Fault(WHERE, option, value, "is no size", remedy)]
    if not least <= int(value) <= greatest:
        return [Fault(WHERE, option, int(value), "is out of range", remedy)]
    return []
