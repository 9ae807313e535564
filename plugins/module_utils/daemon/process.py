# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: a plain dockerd, without a service manager, known by its pid file; and what /proc tells of any dockerd."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import time
import typing as t
from pathlib import Path

from ..errors import CaissonError
from ..host.load import hard_limits
from . import successor
from .flags import CONFIG_FILE, without

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TAIL_BYTES = 16384


def dockerd_path() -> str | None:
    return shutil.which("dockerd", path=search_path())


def search_path() -> str:
    return os.environ.get("PATH", "") + ":" + SEARCH_PATH


def command_line(pid: int) -> list[str]:
    return [word.decode(errors="replace") for word in _proc(pid, "cmdline").split(b"\0")[:-1]]


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and only waits for its parent does not."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in ("Z", "X")


def identity(pid: int) -> str:
    """A name that no later process has, also when the kernel gives the number again."""
    fields = _stat(pid)
    return f"{pid}:{fields[19]}" if fields else ""


def start_time(pid: int) -> float:
    """When the process started, in seconds since the epoch."""
    uptime = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    return time.time() - uptime + int(_stat(pid)[19]) / os.sysconf("SC_CLK_TCK")


def open_files_limit(pid: int | str = "self") -> int:
    """The most open files that the process may allow its children."""
    hard = hard_limits(pid).get("Max open files", -1)
    return 1 << 30 if hard < 0 else hard


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command's name, which may itself hold spaces."""
    return _proc(pid, "stat").decode(errors="replace").rpartition(")")[2].split()


def _proc(pid: int | str, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _named_in(pidfile: str) -> int:
    """The running process that the file names, or 0."""
    with contextlib.suppress(OSError, ValueError):
        found = int(Path(pidfile).read_text(encoding="ascii").strip())
        return found if alive(found) else 0
    return 0


def _is_dockerd(pid: int) -> bool:
    return b"dockerd" in _proc(pid, "comm")


def recipe(command: t.Sequence[str], log_file: str) -> dict[str, t.Any]:
    """How to start a daemon of which no earlier run knows anything."""
    return {"command": list(command), "environment": None, "log_file": log_file}


class PlainDaemon:
    """A dockerd that nobody supervises."""

    name = "pidfile"

    def __init__(self, pidfile: str, timeout: float, recipe: t.Mapping[str, t.Any]) -> None:
        """recipe: how to start a daemon that does not run, as :meth:`recipe` gives it for one that does."""
        self.pidfile, self.timeout = pidfile, timeout
        self.log_file = str(recipe["log_file"])
        self._spawn = [str(word) for word in recipe["command"]]
        self._environment: dict[str, str] | None = recipe["environment"]
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._await_successor()
        pid = self.pid()
        if pid:
            self._remember(pid)

    def recipe(self) -> dict[str, t.Any]:
        """How this daemon is started, to be kept for a run that finds it down."""
        return {"command": self._spawn, "environment": self._environment, "log_file": self.log_file}

    def pid(self) -> int:
        """The running daemon's process id, or 0. One that has yet to name itself in the pid file counts."""
        found = _named_in(self.pidfile)
        if found and _is_dockerd(found):
            with contextlib.suppress(OSError):
                Path(self.pidfile + successor.NOTE).unlink()
            return found
        coming = _named_in(self.pidfile + successor.NOTE)
        return coming if coming and _is_dockerd(coming) else 0

    def _await_successor(self) -> None:
        """A run that was killed left a process that is about to be the daemon: wait until it is."""
        deadline = time.monotonic() + self.timeout
        while time.monotonic() < deadline:
            coming = _named_in(self.pidfile + successor.NOTE)
            if not coming or _is_dockerd(coming) or not successor.is_one(_proc(coming, "cmdline")):
                return
            time.sleep(0.05)

    def command_line(self) -> list[str]:
        pid = self.pid()
        return command_line(pid) if pid else list(self._spawn)

    def alive(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        return bool(self.pid())

    def reload(self) -> None:
        pid = self.pid()
        if not pid:
            raise CaissonError(f"Failed to reload dockerd: no process of it is named in {self.pidfile}")
        self._log_start = self._log_size()
        os.kill(pid, signal.SIGHUP)

    def restart(self, config_path: str) -> None:
        """End it and start it as it ran before; one that does not end is killed only if this run started it."""
        pid = self.pid()
        own = self._child is not None and self._child.poll() is None
        if own and self._child is not None:
            pid = self._child.pid
        self._spawn_next(config_path, pid, kill=own)
        if pid and not self._ended(pid, 2 * self.timeout + 1):
            raise CaissonError(f"dockerd (process {pid}) did not end within {self.timeout:g} s after SIGTERM")

    def replace(self, config_path: str) -> None:
        """Restart it, also where its start hangs."""
        self.restart(config_path)

    def start(self, config_path: str) -> None:
        """Start it detached, as it ran before."""
        self._spawn_next(config_path, 0)

    def use(self, command: t.Sequence[str]) -> None:
        """Start it by this command line from now on."""
        self._spawn = list(command)

    def stop(self) -> None:
        """End it; one that does not answer the request to end is killed only if this run started it."""
        pid = self._child.pid if self._child is not None and self._child.poll() is None else self.pid()
        if not pid:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        if self._ended(pid, self.timeout):
            return
        if self._child is None or self._child.pid != pid:
            raise CaissonError(f"dockerd (process {pid}) did not end within {self.timeout:g} s after SIGTERM")
        os.kill(pid, signal.SIGKILL)
        self._ended(pid, self.timeout)

    def _spawn_next(self, config_path: str, former: int, kill: bool = False) -> None:
        words = self._spawn if Path(config_path).exists() else without(self._spawn, (CONFIG_FILE,))
        if os.sep not in words[0]:
            words = [shutil.which(words[0], path=search_path()) or words[0], *words[1:]]
        self._log_start = self._log_size()
        self._child = successor.start(
            words,
            self._environment or {**os.environ, "PATH": search_path()},
            self.log_file,
            self.pidfile,
            former=(former, identity(former)) if former else (0, ""),
            seconds=self.timeout,
            kill=kill,
        )

    def log_tail(self) -> list[str]:
        """The daemon's last lines since this run last told it something."""
        with contextlib.suppress(OSError), Path(self.log_file).open("rb") as log:
            log.seek(max(self._log_start, self._log_size() - TAIL_BYTES))
            return log.read().decode(errors="replace").splitlines()
        return []

    def _ended(self, pid: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not alive(pid):
                return True
            if self._child is not None and self._child.poll() == successor.UNENDED:
                return False
            time.sleep(0.1)
        return False

    def _remember(self, pid: int) -> None:
        """How the running daemon was started, so that it is started again in the same way."""
        words = command_line(pid)
        # The daemon may have been started by a bare name that another PATH resolved.
        with contextlib.suppress(OSError):
            words[0] = os.readlink(f"/proc/{pid}/exe").replace(" (deleted)", "")
        self._spawn = words
        pairs = (pair.partition(b"=") for pair in _proc(pid, "environ").split(b"\0") if pair)
        self._environment = {
            name.decode(errors="replace"): value.decode(errors="replace") for name, _eq, value in pairs
        }
        for descriptor in (2, 1):
            with contextlib.suppress(OSError):
                target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
                if stat.S_ISREG(Path(target).stat().st_mode):
                    self.log_file = target
                    break

    def _log_size(self) -> int:
        with contextlib.suppress(OSError):
            return Path(self.log_file).stat().st_size
        return 0
