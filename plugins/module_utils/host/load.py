# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: what a host carries and what runs on it."""

from __future__ import annotations

from pathlib import Path

from ..errors import CaissonError

_NAME_WIDTH = 26  # of a name in /proc/PID/limits, with the blank behind it


def memory_kib() -> int:
    """The host's memory."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemTotal:"):
                return int(line.split()[1])
    except (OSError, ValueError, IndexError) as error:
        raise CaissonError(f"Failed to read the size of the memory from /proc/meminfo: {error}") from error
    raise CaissonError("Failed to find MemTotal in /proc/meminfo; give threads_max as a number")


def threads_in_use() -> int:
    """The threads of the whole host."""
    try:
        return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].split("/")[1])
    except (OSError, ValueError, IndexError) as error:
        raise CaissonError(f"Failed to read the number of threads from /proc/loadavg: {error}") from error


def hard_limits(pid: int | str) -> dict[str, int]:
    """The hard limits of a running process by the kernel's names, such as "Max processes"; -1 for no limit.

    Empty where the process is gone.
    """
    try:
        lines = Path(f"/proc/{pid}/limits").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return {}
    rows = [(line[:_NAME_WIDTH].strip(), line[_NAME_WIDTH:].split()) for line in lines]
    return {name: int(row[1]) if row[1].isdigit() else -1 for name, row in rows if len(row) > 1}


def process_limit(pid: int) -> int:
    """The hard limit of processes that a running process has; -1 where it has none, 0 where it is gone."""
    return hard_limits(pid).get("Max processes", 0)
