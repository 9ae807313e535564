# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: this host's process table, for an engine that runs here.

Asked for a container's processes, an engine runs `ps` over the whole host, one container after the other; read once,
the table serves them all.
"""

from __future__ import annotations

import contextlib
import os
import typing as t
from pathlib import Path

from .programs import Process
from .wire import SCHEME

PROC = "/proc"
_FIRST_FIELDS = 2  # of stat, after the name: the state and the parent


class ProcessTable:
    """All processes of this host at one moment, as far as they are looked at. May be used by several threads."""

    def __init__(self, proc: str = PROC) -> None:
        self._proc = Path(proc)
        self._children: dict[int, list[int]] = {}
        self._stats: dict[int, tuple[str, str, int]] = {}  # the kernel's name, the state, the parent
        with os.scandir(proc) as entries:
            pids = sorted(int(entry.name) for entry in entries if entry.name.isdigit())
        for pid in pids:
            stat = self._stat(pid)
            if stat is not None:
                self._stats[pid] = stat
                self._children.setdefault(stat[2], []).append(pid)

    def of(self, inspect: t.Mapping[str, t.Any]) -> list[Process] | None:
        """The first process of a container and all below it; None where it is not found under its number here.

        inspect: the container's, of now or of before; its process is known by the cgroup, which has the container's id.
        """
        container, root = str(inspect.get("Id") or ""), int((inspect.get("State") or {}).get("Pid") or 0)
        if not container or root not in self._stats:
            return None
        # Where processes have other numbers than the engine's, this may be any process of the container.
        if not self._belongs(root, container) or self._belongs(self._stats[root][2], container):
            return None
        found = [root]
        for pid in found:  # grows while it is walked
            found += self._children.get(pid, ())
        return [self._process(pid) for pid in found]

    def _belongs(self, pid: int, container: str) -> bool:
        return container in self._read(pid, "cgroup")

    def _process(self, pid: int) -> Process:
        """As ps shows it."""
        comm, state, parent = self._stats[pid]
        args = " ".join(self._read(pid, "cmdline").replace("\0", " ").split()) or f"[{comm}]"
        return Process(pid, parent, f"[{comm}] <defunct>" if state in "ZX" else args, comm)

    def _stat(self, pid: int) -> tuple[str, str, int] | None:
        head, _bracket, rest = self._read(pid, "stat").rpartition(")")
        fields = rest.split(maxsplit=_FIRST_FIELDS)
        return (head.partition("(")[2], fields[0], int(fields[1])) if len(fields) > _FIRST_FIELDS else None

    def _read(self, pid: int, name: str) -> str:
        """The empty string for one that has ended."""
        with contextlib.suppress(OSError):
            return (self._proc / str(pid) / name).read_text(encoding="utf-8", errors="replace")
        return ""


def process_table(url: str) -> ProcessTable | None:
    """The table, for an engine behind a socket of this host; None where it is another's, or may not be seen whole."""
    if not url.startswith(SCHEME) or os.geteuid() != 0:
        return None
    try:
        return ProcessTable()
    except OSError:
        return None
