# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: what a host carries and what runs on it."""

from __future__ import annotations

from pathlib import Path

from ..errors import CaissonError


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


def process_limit(pid: int) -> int:
    """The hard limit of processes that a running process has; -1 where it has none, 0 where it is gone."""
    try:
        for line in Path(f"/proc/{pid}/limits").read_text(encoding="ascii").splitlines():
            if line.startswith("Max processes"):
                hard = line.split()[3]
                return int(hard) if hard.isdigit() else -1
    except (OSError, IndexError):
        return 0
    return 0
