# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks into running containers for the programs that run there."""

from __future__ import annotations

import contextlib
import time
import typing as t

from ..errors import CaissonError
from . import programs
from .engine import Engine
from .process_table import ProcessTable, process_table
from .steps import Inspect

AGAIN = 0.5  # seconds; a program that ends sooner was a helper of another


def look(
    engine: Engine, container: str, known: Inspect | None = None, table: ProcessTable | None = None
) -> programs.Programs | None:
    """The distinct programs of a container; None where they cannot be told, as for one that does not run.

    Where there seem to be several, a second look counts only those that last. known: its inspect of a moment ago;
    table: this host's processes. Where they do not lead to the container's first process, the engine is asked.
    """
    with contextlib.suppress(CaissonError):
        inspect: t.Mapping[str, t.Any] = known or {}
        first = table.of(inspect) if table is not None else None
        here = first is not None
        if first is None:
            inspect = engine.inspect(container) or {}
            if not _root(inspect):
                return None
            # The command line comes last, for it is the only column with spaces; the kernel's names may have some too.
            first = programs.read(engine.processes(container, "pid,ppid,args"), "args")
        found = programs.judge(first, _root(inspect))
        if found is None or found.evidence() is None:
            return found
        time.sleep(AGAIN)
        again = process_table(engine.url) if here else None
        second = again.of(inspect) if again is not None else None
        if second is None:
            second = programs.read(engine.processes(container, "pid,ppid,comm"), "comm")
        return programs.judge(programs.lasting(first, second), _root(inspect))
    return None


def _root(inspect: t.Mapping[str, t.Any]) -> int:
    return int((inspect.get("State") or {}).get("Pid") or 0)
