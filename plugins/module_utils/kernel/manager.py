# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the service manager's own limits, and the load that sizes must respect."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ..errors import CaissonError


def default_tasks_max() -> str:
    """The limit of tasks that a unit gets by default, as systemd applies it."""
    return _systemctl("show", "--property=DefaultTasksMax", "--value")


def reload_systemd() -> None:
    """Have systemd read its configuration again."""
    _systemctl("daemon-reload")


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


def _systemctl(*arguments: str) -> str:
    command = ["systemctl", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CaissonError(f"Failed to run {' '.join(command)}: {error}") from error
    if done.returncode != 0:
        raise CaissonError(f"Failed to run {' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return done.stdout.strip()
