# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which running containers still have what the daemon gave before its defaults were changed. Pure.

A container keeps what it was made with. What it was given by name is its own choice and not old; of the log driver and
the cgroup namespace nobody can tell that from a default, so there the time decides at which the default was changed.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .merge import Config

# The defaults that a container takes along, and of each how long it has been in force.
TRACKED = (
    "log-driver",
    "default-ulimits",
    "no-new-privileges",
    "default-cgroupns-mode",
    "seccomp-profile",
    "ip",
)


@dataclass(frozen=True)
class Container:
    """A container as its engine and its process show it.

    security: what was asked for by name. ulimits: the hard limits that the engine holds for it; after a restart of the
    daemon these have the new defaults too. open_ports: published on every address. comes_back: started again with the
    daemon.
    started, no_new_privileges, nofile, core: of its first process; None where that cannot be seen.
    """

    name: str
    running: bool = True
    pid: int = 0
    created: float = 0
    started: float | None = None
    log_driver: str = ""
    cgroupns: str = ""
    security: tuple[str, ...] = ()
    privileged: bool = False
    ulimits: tuple[tuple[str, int], ...] = ()
    open_ports: tuple[str, ...] = ()
    comes_back: bool = False
    no_new_privileges: bool | None = None
    nofile: int | None = None
    core: int | None = None


def since_when(
    known: t.Mapping[str, t.Any], former: Config | None, after: Config, fallback: float, now: float
) -> dict[str, list[t.Any]]:
    """For each tracked default its value and since when it is in force.

    known: what the last run noted. former: what the daemon has in effect. fallback: for what nobody noted.
    """
    found: dict[str, list[t.Any]] = {}
    for key in TRACKED:
        value = after.get(key)
        noted = known.get(key)
        if isinstance(noted, list) and len(noted) == 2 and noted[0] == value:
            found[key] = noted
        else:
            stood = former is not None and former.get(key) == value
            found[key] = [value, fallback if stood else now]
    return found


def outdated(
    containers: t.Iterable[Container], configured: Config, since: t.Mapping[str, t.Sequence[t.Any]]
) -> list[dict[str, t.Any]]:
    """Each running container with old settings, as an entry of the result: its name and what is old."""
    found = []
    for container in sorted(containers, key=lambda each: each.name):
        old = _old(container, configured, since) if container.running else []
        if old:
            found.append({"name": container.name, "outdated": old})
    return found


def warning(found: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """One sentence for them all, or none."""
    if not found:
        return ""
    each = "; ".join(f"{entry['name']} ({', '.join(entry['outdated'])})" for entry in found)
    return f"{len(found)} running containers have settings from before, until they are made anew: {each}"


def _old(container: Container, configured: Config, since: t.Mapping[str, t.Sequence[t.Any]]) -> list[str]:
    def before(key: str) -> bool:
        return container.created < float(since.get(key, (None, 0.0))[1])

    old = []
    driver = configured.get("log-driver")
    if driver and before("log-driver") and container.log_driver not in ("", driver):
        old.append(f"log driver {container.log_driver}, now {driver}")
    named = any(option.startswith("no-new-privileges") for option in container.security)
    if configured.get("no-new-privileges") is True and container.no_new_privileges is False and not named:
        old.append("may gain new privileges")
    old += _old_limits(container, configured)
    mode = configured.get("default-cgroupns-mode")
    if mode == "private" and container.cgroupns == "host" and before("default-cgroupns-mode"):
        old.append("the host's cgroup namespace")
    profile = configured.get("seccomp-profile")
    confined = not container.privileged and not any(option.startswith("seccomp") for option in container.security)
    late = container.started is not None and container.started < float(since.get("seccomp-profile", (None, 0.0))[1])
    if profile and confined and late:
        old.append(f"started before the seccomp profile {profile}")
    if configured.get("ip", "0.0.0.0") != "0.0.0.0" and container.open_ports and before("ip"):
        old.append(f"publishes {', '.join(container.open_ports)} on every address")
    return old


def _old_limits(container: Container, configured: Config) -> list[str]:
    """Limits of the process above the daemon's defaults; one that was asked for by name is not old."""
    old = []
    for name, actual in (("nofile", container.nofile), ("core", container.core)):
        limit = (configured.get("default-ulimits") or {}).get(name)
        hard = _hard(limit)
        own = dict(container.ulimits).get(name) == actual
        if hard is not None and actual is not None and not own and _more(actual, hard):
            old.append(f"ulimit {name} {'unlimited' if actual < 0 else actual}, now {hard}")
    return old


def _hard(limit: t.Any) -> int | None:
    if isinstance(limit, dict):
        hard = limit.get("Hard")
        return hard if isinstance(hard, int) and hard >= 0 else None
    text = str(limit).rpartition(":")[2]
    return int(text) if text.isdigit() else None


def _more(actual: int, hard: int) -> bool:
    return actual < 0 or actual > hard
