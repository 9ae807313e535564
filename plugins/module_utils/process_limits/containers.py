# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How many tasks the containers may have together, from the limits of their cgroups and of those to come. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

# ``docker/<id>`` of the cgroupfs driver, ``docker-<id>.scope`` of the systemd driver, ``libpod-<id>.scope`` and such;
# what Podman calls ``libpod-conmon-<id>.scope`` is its monitor, not a container.
_CONTAINER = re.compile(r"^(?:(?!.*conmon)[a-z-]+-)?([0-9a-f]{64})(?:\.scope)?$")


@dataclass(frozen=True)
class Cgroup:
    """What the pids controller says of one cgroup: its limit (None: no limit) and the tasks in it and below."""

    limit: int | None
    tasks: int


@dataclass(frozen=True)
class Containers:
    """The running containers: what their limits allow together, the tasks of the limited ones, who has no limit.

    declared: what the containers that are to run will add to that. new: how many of those do not run yet.
    """

    limits: int = 0
    tasks: int = 0
    unlimited: tuple[str, ...] = ()
    declared: int = 0
    new: int = 0

    @property
    def allowed(self) -> int:
        """What they may have together when all that are to run do."""
        return self.limits + self.declared


def container_id(name: str) -> str:
    """The id of the container whose cgroup has that name; empty where it is none."""
    found = _CONTAINER.match(name)
    return found.group(1) if found else ""


def summed(groups: t.Mapping[str, Cgroup]) -> Containers:
    """The sum over the containers among the cgroups, which are named by their path below the controller's root.

    A parent whose limit is below the sum of its containers bounds them all, those without a limit too.
    """
    limits, tasks, unlimited = _below("", groups, _children(groups))
    return Containers(limits, tasks, tuple(sorted(unlimited)))


def with_declared(
    running: Containers, declared: t.Mapping[str, int], limits: t.Mapping[str, int | None], names: t.Mapping[str, str]
) -> Containers:
    """The running ones, and what the declared ones add, so that the sum is the same before their deployment and after.

    declared: limits by name. limits: those of the running ones by id. names: their names by id. Where the engine names
    no running one, each may be a declared one, and the greater sum counts.
    """
    known = {names[identity]: limit or 0 for identity, limit in limits.items() if identity in names}
    unnamed = [limit or 0 for identity, limit in limits.items() if identity not in names]
    missing = [limit for name, limit in declared.items() if name not in known]
    raised = sum(max(limit - known[name], 0) for name, limit in declared.items() if name in known)
    return replace(
        running,
        declared=raised + max(sum(missing) - sum(unnamed), 0),
        new=max(len(missing) - len(unnamed), 0),
    )


def _children(groups: t.Mapping[str, Cgroup]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in groups:
        names = [path, *(str(parent) for parent in PurePosixPath(path).parents)]
        for child, parent in zip(names, names[1:]):
            found.setdefault("" if parent == "." else parent, set()).add(child)
    return found


def _below(path: str, groups: t.Mapping[str, Cgroup], children: t.Mapping[str, set[str]]) -> tuple[int, int, list[str]]:
    group = groups.get(path)
    identity = container_id(PurePosixPath(path).name)
    if identity and group:
        return (group.limit, group.tasks, []) if group.limit is not None else (0, 0, [identity])
    parts = [_below(child, groups, children) for child in children.get(path, ()) if child]
    limits, tasks = sum(part[0] for part in parts), sum(part[1] for part in parts)
    unlimited = [identity for part in parts for identity in part[2]]
    if group and group.limit is not None and (unlimited or limits > group.limit) and parts:
        return group.limit, min(group.tasks, group.limit), []
    return limits, tasks, unlimited
