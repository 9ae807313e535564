# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks into running containers for the programs that run there."""

from __future__ import annotations

import contextlib
import time

from ..errors import CaissonError
from . import programs
from .engine import Engine

AGAIN = 0.5  # seconds; a program that ends sooner was a helper of another


def look(engine: Engine, container: str) -> programs.Programs | None:
    """The distinct programs of a container; None where they cannot be told, as for one that does not run.

    Where there seem to be several, a second look counts only those that last.
    """
    with contextlib.suppress(CaissonError):
        inspect = engine.inspect(container) or {}
        root = int((inspect.get("State") or {}).get("Pid") or 0)
        if not root:
            return None
        # The command line comes last, for it is the only column with spaces; the kernel's names may have some too.
        first = programs.read(engine.processes(container, "pid,ppid,args"), "args")
        found = programs.judge(first, root)
        if found is None or found.evidence() is None:
            return found
        time.sleep(AGAIN)
        second = programs.read(engine.processes(container, "pid,ppid,comm"), "comm")
        return programs.judge(programs.lasting(first, second), root)
    return None
