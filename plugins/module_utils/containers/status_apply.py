# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: look how an engine and its containers fare, again and again until all is well or the time is over."""

from __future__ import annotations

import time
import typing as t

from ..errors import CaissonError
from .engine import Engine, connect
from .state import Daemon
from .status import Fare, given, read, waiting, worse

POLL = 0.5


def look(params: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any], str]:
    """The module's result, and what is wrong, empty if nothing is."""
    deadline = time.monotonic() + params["wait_timeout"]
    before = None if params["before"] is None else given(params["before"])
    while True:
        found, wrong, unsettled = _once(params, before)
        if not wrong and not unsettled:
            return found, ""
        if time.monotonic() >= deadline:
            late = [f"{name} is not healthy again" for name in unsettled]
            return found, "; ".join([wrong, *late] if wrong else late)
        time.sleep(POLL)


def survey(params: t.Mapping[str, t.Any]) -> tuple[Daemon, list[Fare]]:
    """The engine that the parameters name, and how its containers fare; CaissonError where none answers."""
    engine = connect(params, 4, Engine)
    try:
        return engine.daemon(), read(engine.containers())
    finally:
        engine.close()


def _once(params: t.Mapping[str, t.Any], before: list[Fare] | None) -> tuple[dict[str, t.Any], str, list[str]]:
    try:
        daemon, fares = survey(params)
    except CaissonError as error:
        nothing = {"engine": False, "version": "", "containers": []}
        return nothing, f"the engine does not answer: {error}" if params["required"] else "", []
    found = {"engine": True, "version": daemon.version, "containers": [vars(fare) for fare in fares]}
    if before is None:
        return found, "", []
    return found, "; ".join(worse(before, fares, params["ignore"])), waiting(fares, before, params["ignore"])
