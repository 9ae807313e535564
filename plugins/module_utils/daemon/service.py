# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: who runs the daemon on this host. The same few verbs for systemd, a plain daemon and nobody."""

from __future__ import annotations

import typing as t

from ..errors import CaissonError
from ..host import systemd
from . import process, unit_files

MANAGERS = ("auto", "systemd", "pidfile", "none")
LOG_LINES = 10


class Service(t.Protocol):
    """How the daemon is started, told and asked."""

    name: str

    def pid(self) -> int: ...

    def command_line(self) -> list[str]: ...

    def alive(self) -> bool: ...

    def start(self, config_path: str) -> None: ...

    def restart(self, config_path: str) -> None: ...

    def replace(self, config_path: str) -> None: ...

    def reload(self) -> None: ...

    def stop(self) -> None: ...

    def log_tail(self) -> list[str]: ...


class SystemdDaemon:
    """The daemon as a service of systemd."""

    name = "systemd"

    def __init__(self, unit: systemd.Unit) -> None:
        self._unit = unit

    def pid(self) -> int:
        return self._unit.pid()

    def command_line(self) -> list[str]:
        """The running process's, in which variables are expanded, else the unit's."""
        pid = self.pid()
        return (process.command_line(pid) if pid else []) or self._unit.exec_start()

    def configured_command_line(self) -> list[str]:
        """The unit's, with all its drop-ins; what systemd takes from variables is not expanded."""
        return self._unit.exec_start()

    def files(self) -> unit_files.UnitFiles:
        return unit_files.read(self._unit)

    def alive(self) -> bool:
        return self._unit.alive()

    def start(self, config_path: str) -> None:
        self._heed_files()
        self._unit.start()

    def restart(self, config_path: str) -> None:
        self._heed_files()
        self._unit.restart()

    def replace(self, config_path: str) -> None:
        """Restart it, also where its start hangs."""
        self.stop()
        self.start(config_path)

    def _heed_files(self) -> None:
        """A run that was killed may have left systemd with what the unit's files no longer say."""
        if systemd.needs_reload(self._unit.unit):
            systemd.daemon_reload()

    def reload(self) -> None:
        self._unit.reload()

    def stop(self) -> None:
        try:
            self._unit.stop()
        except CaissonError:
            # A daemon that hangs on its start does not hear the request either.
            self._unit.kill()
            self._unit.stop()

    def log_tail(self) -> list[str]:
        return self._unit.journal_tail()


class Unmanaged:
    """A daemon that this run must not touch."""

    name = "none"

    def __init__(self, pidfile: str) -> None:
        self._plain = process.PlainDaemon(pidfile, 0, process.recipe([], ""))

    def pid(self) -> int:
        return self._plain.pid()

    def command_line(self) -> list[str]:
        return self._plain.command_line()

    def alive(self) -> bool:
        return True

    def start(self, config_path: str) -> None:
        self.reload()

    def restart(self, config_path: str) -> None:
        self.reload()

    def replace(self, config_path: str) -> None:
        self.reload()

    def reload(self) -> None:
        raise CaissonError("service_manager is none, so the daemon is not touched")

    def stop(self) -> None:
        """Nothing."""

    def log_tail(self) -> list[str]:
        return []


def choose(
    manager: str, unit_name: str, pidfile: str, recipe: t.Mapping[str, t.Any], timeout: float
) -> tuple[Service, str]:
    """The service, and a sentence for the user where there is something to say about the choice."""
    if manager == "none":
        return Unmanaged(pidfile), "service_manager is none: the daemon is left alone"
    if manager == "systemd" and not systemd.is_running():
        raise CaissonError(
            "service_manager is systemd, but systemd does not run on this host: set it to pidfile or auto"
        )
    if manager in ("auto", "systemd") and systemd.is_running():
        unit = systemd.Unit(unit_name, timeout)
        if unit.exists():
            return SystemdDaemon(unit), ""
        if manager == "systemd":
            raise CaissonError(f"systemd does not know the service {unit_name}: install the engine or name its service")
    plain = process.PlainDaemon(pidfile, timeout, recipe)
    why = "" if manager == "pidfile" else "systemd does not run the daemon on this host: a plain dockerd is used"
    return plain, why
