# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the service manager's own limits."""

from __future__ import annotations

import subprocess

from ..errors import CaissonError


def reload_systemd() -> None:
    """Have systemd read its configuration again."""
    _systemctl("daemon-reload")


def _systemctl(*arguments: str) -> None:
    command = ["systemctl", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CaissonError(f"Failed to run {' '.join(command)}: {error}") from error
    if done.returncode != 0:
        raise CaissonError(f"Failed to run {' '.join(command)}: {done.stderr.strip() or done.returncode}")
