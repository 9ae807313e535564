# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: systemd itself and one of its services."""

from __future__ import annotations

import re
import subprocess
import typing as t
from pathlib import Path

from ..errors import CaissonError

_MANAGER_TIMEOUT = 120.0


def is_running() -> bool:
    """Whether systemd is this host's service manager; the test that sd_booted(3) makes."""
    return Path("/run/systemd/system").is_dir()


def systemctl(*arguments: str) -> str:
    """What systemctl prints; CaissonError where it fails."""
    done = _run(arguments, _MANAGER_TIMEOUT)
    if done.returncode:
        raise CaissonError(f"Failed to run systemctl {' '.join(arguments)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def daemon_reload() -> None:
    """Have systemd read its configuration again; CaissonError where it does not."""
    systemctl("daemon-reload")


def needs_reload(unit: str) -> bool:
    """Whether the unit's files changed since systemd read them."""
    return systemctl("show", "--property=NeedDaemonReload", "--value", unit).strip() == "yes"


class Unit:
    """A service of systemd."""

    name = "systemd"

    def __init__(self, unit: str, timeout: float) -> None:
        self.unit = unit if "." in unit else f"{unit}.service"
        self.timeout = timeout

    def show(self, *properties: str) -> dict[str, str]:
        out = self._systemctl("show", self.unit, f"--property={','.join(properties)}").stdout
        return {name: value for name, _separator, value in (line.partition("=") for line in out.splitlines())}

    def exists(self) -> bool:
        return self.show("LoadState").get("LoadState") == "loaded"

    def pid(self) -> int:
        """The main process of the running service, or 0."""
        return int(self.show("MainPID").get("MainPID") or 0)

    def exec_start(self) -> list[str]:
        """The command line in the unit and its drop-ins; what systemd takes from variables is not expanded."""
        found = re.search(r"argv\[\]=(.*?) ;", self.show("ExecStart").get("ExecStart", ""))
        return found.group(1).split() if found else []

    def alive(self) -> bool:
        return self.show("ActiveState").get("ActiveState") in ("active", "activating", "reloading")

    def start(self) -> None:
        # A service that failed too often is refused by systemd until it is told to forget.
        self._systemctl("reset-failed", self.unit)
        self._must("start")

    def restart(self) -> None:
        self._systemctl("reset-failed", self.unit)
        self._must("restart")

    def reload(self) -> None:
        self._must("reload")

    def stop(self) -> None:
        """End it, and with it a start that hangs or that systemd is about to try again."""
        self._must("stop")

    def kill(self) -> None:
        """End its main process at once, which hears no other request."""
        self._systemctl("kill", "--kill-who=main", "--signal=KILL", self.unit)

    def journal_tail(self, lines: int = 20) -> list[str]:
        command = ["journalctl", f"--unit={self.unit}", f"--lines={lines}", "--no-pager", "--output=cat"]
        try:
            return subprocess.run(command, capture_output=True, text=True, timeout=15, check=False).stdout.splitlines()
        except (OSError, subprocess.TimeoutExpired):
            return []

    def _must(self, verb: str) -> None:
        done = self._systemctl(verb, self.unit)
        if done.returncode:
            reason = done.stderr.strip().splitlines()
            raise CaissonError(f"Failed to {verb} {self.unit}: {reason[0] if reason else done.returncode}")

    def _systemctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return _run(arguments, self.timeout)


def _run(arguments: t.Sequence[str], timeout: float) -> subprocess.CompletedProcess[str]:
    command = ["systemctl", "--no-pager", *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except OSError as error:
        raise CaissonError(f"Failed to run systemctl: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise CaissonError(f"systemctl {' '.join(arguments)} did not end within {timeout:g} s") from error
