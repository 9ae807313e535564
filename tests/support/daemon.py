# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Docker daemon to break: in network and mount namespaces of its own, so that the host's engine never notices."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import tarfile
import time
import typing as t
from pathlib import Path

from ansible_collections.caisson.hardening.plugins.module_utils.daemon import process

from .run_module import run_module, start_module

IMAGE = "caisson-daemon-test:busybox"
# What the module and dockerd use by their default paths gets a place of its own inside; dockerd leaves its key in
# /etc/docker. What is mounted on a directory is gone when somebody outside removes the directory, as other tests do
# with that of the undo data: it stands in an overlay.
_SETUP = """
set -e
ip link set lo up 2> /dev/null || true
mkdir private
mount -t tmpfs tmpfs private
mkdir private/upper private/work
mknod private/upper/caisson c 0 0
mount -t overlay -o lowerdir=/var/lib,upperdir=private/upper,workdir=private/work overlay /var/lib
mkdir /var/lib/caisson
mkdir -p /etc/docker
mount -t tmpfs -o mode=755 tmpfs /etc/docker
for path in /var/lib/caisson /run/lock; do mount -t tmpfs tmpfs $path; done
echo ready
exec sleep infinity
"""


class SandboxedDaemon:
    """A plain dockerd below *directory*, the module run beside it, and containers in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.config = directory / "daemon.json"
        self.socket = directory / "docker.sock"
        self.pidfile = directory / "docker.pid"
        self.log = directory / "dockerd.log"
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", _SETUP],
            stdout=subprocess.PIPE,
            cwd=directory,
            text=True,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "ready\n"
        self.python = directory / "python"
        self.wrap(self.python, sys.executable)

    def wrap(self, script: Path, python: str, before: str = "") -> Path:
        """A program that runs *python* inside."""
        words = shlex.join([*self._enter(), *before.split(), python])
        script.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
        return script

    def _enter(self) -> list[str]:
        return ["nsenter", f"--target={self._holder.pid}", "--mount", "--net", f"--wd={self.directory}"]

    def inside(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self._enter(), *command], capture_output=True, text=True, check=check, timeout=120)

    def flags(self, *more: str) -> list[str]:
        root = self.directory
        places = ["--data-root", f"{root}/data", "--exec-root", f"{root}/exec", "--pidfile", str(self.pidfile)]
        return ["dockerd", "--config-file", str(self.config), "-H", f"unix://{self.socket}", *places, *more]

    def start(self, *more: str) -> None:
        """Start the daemon as an admin would by hand."""
        self._spawn(*more)
        # The module tells a file that changed after the daemon's start from one before by their times.
        time.sleep(1.5)

    def _spawn(self, *more: str) -> None:
        with self.log.open("ab") as log:
            self._daemon = subprocess.Popen(
                [*self._enter(), *self.flags(*more)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.wait()

    def kill(self) -> None:
        """End the daemon and its containerd at once, and leave what they run."""
        containerd = self.directory / "exec" / "containerd" / "containerd.pid"
        for pid in (self.pid(), int(containerd.read_text(encoding="ascii"))):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        containerd.unlink()

    def revive(self) -> None:
        """Start the daemon that was killed, as a service manager does."""
        self._daemon.wait(30)
        self.pidfile.unlink()
        self._spawn()

    def wait(self) -> None:
        for _attempt in range(300):
            with contextlib.suppress(Exception):
                self.api().close()
                return
            time.sleep(0.1)
        raise AssertionError(
            "dockerd does not answer:\n" + self.log.read_text(encoding="utf-8", errors="replace")[-3000:]
        )

    def api(self) -> t.Any:
        import docker

        return docker.APIClient(base_url=f"unix://{self.socket}", version="auto", timeout=30)

    def pid(self) -> int:
        return int(self.pidfile.read_text(encoding="ascii"))

    def info(self) -> dict[str, t.Any]:
        return dict(self.api().info())

    def container(self, name: str, command: str, **host: t.Any) -> str:
        """Start a busybox container; its id."""
        api = self.api()
        if not api.images(IMAGE):
            self._import(api)
        ports = [int(port) for port in host.get("port_bindings", {})]
        made = api.create_container(
            IMAGE,
            ["/bin/busybox", "sh", "-c", command],
            name=name,
            ports=ports,
            host_config=api.create_host_config(**host),
        )
        api.start(made["Id"])
        return str(made["Id"])

    def run(self, container: str, command: str) -> tuple[int, str]:
        api = self.api()
        started = api.exec_create(container, ["/bin/busybox", "sh", "-c", command])
        out = api.exec_start(started["Id"])
        return api.exec_inspect(started["Id"])["ExitCode"], out.decode()

    def container_pid(self, name: str) -> int:
        return int(self.api().inspect_container(name)["State"]["Pid"])

    def fetch(self, one: str, other: str, network: str = "bridge") -> str:
        """The page that *one* gets from *other*'s address on *network*; empty where it cannot reach it."""
        address = self.api().inspect_container(other)["NetworkSettings"]["Networks"][network]["IPAddress"]
        get = ["curl", "-sS", "-m", "3", "--retry", "2", "--retry-connrefused", f"http://{address}/"]
        command = ["nsenter", f"--target={self.container_pid(one)}", "--net", *get]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout

    def remove_containers(self) -> None:
        api = self.api()
        for found in api.containers(all=True):
            api.remove_container(found["Id"], force=True)

    def arguments(self, **more: t.Any) -> dict[str, t.Any]:
        return {
            "path": str(self.config),
            "docker_host": f"unix://{self.socket}",
            "service_manager": "pidfile",
            "pidfile": str(self.pidfile),
            "log_file": str(self.log),
            "timeout": 40,
            **more,
        }

    def module(self, *, check: bool = False, python: Path | None = None, **more: t.Any) -> dict[str, t.Any]:
        return run_module(
            "docker_daemon_config",
            self.arguments(**more),
            check=check,
            python=str(python or self.python),
            env=_environment(),
        )

    def done(self, **more: t.Any) -> dict[str, t.Any]:
        """The result of a run that has to succeed."""
        result = self.module(**more)
        assert result["rc"] == 0, result["msg"]
        return result

    def dies(self, code: str, *words: str, **more: t.Any) -> int:
        """The exit status of a program that runs the module's core inside, as the shell tells it."""
        given = json.dumps(self.arguments(**more))
        done = subprocess.run(
            [str(self.python), "-c", code, *words, given],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, **_environment()},
        )
        assert done.returncode in (0, -signal.SIGKILL, 128 + signal.SIGKILL), done.stderr
        return 0 if done.returncode == 0 else 128 + signal.SIGKILL

    def command(self) -> list[str]:
        return process.command_line(self.pid())

    def runs(self) -> bool:
        """Whether a daemon runs."""
        with contextlib.suppress(OSError, ValueError):
            return process.alive(self.pid())
        return False

    def comes_back(self) -> None:
        """Wait until no start or end of a daemon is under way any more, and the one that runs answers."""
        self.settles()
        self.wait()

    def settles(self, seconds: float = 20) -> None:
        """Wait until the daemon is the same, or none, for a while."""
        seen, since = -1, time.monotonic()
        deadline = since + seconds
        while time.monotonic() < deadline and time.monotonic() - since < 0.7:
            pid = self.pid() if self.runs() else 0
            if pid != seen:
                seen, since = pid, time.monotonic()
            time.sleep(0.05)

    def holds_port(self, port: int) -> subprocess.Popen[str]:
        """A program inside that has the port of the loopback."""
        code = f"import socket; s = socket.create_server(('127.0.0.1', {port})); print('ready', flush=True); s.accept()"
        held = subprocess.Popen([str(self.python), "-c", code], stdout=subprocess.PIPE, text=True)
        assert held.stdout is not None and held.stdout.readline() == "ready\n"
        return held

    def start_module(self, **more: t.Any) -> subprocess.Popen[str]:
        return start_module("docker_daemon_config", self.arguments(**more), python=str(self.python), env=_environment())

    def close(self) -> None:
        self.close_daemon()
        self._holder.kill()
        self._holder.wait()

    def close_daemon(self) -> None:
        """End the daemon and its containers."""
        with contextlib.suppress(Exception):
            self.remove_containers()
        with contextlib.suppress(OSError, ValueError):
            pid = self.pid()
            os.kill(pid, signal.SIGTERM)
            for _attempt in range(200):
                if not process.alive(pid):
                    break
                time.sleep(0.1)

    @staticmethod
    def _import(api: t.Any) -> None:
        busybox = next(path for path in ("/bin/busybox", "/usr/bin/busybox") if Path(path).exists())
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(Path(busybox).resolve(), "bin/busybox")
        repository, _colon, tag = IMAGE.partition(":")
        api.import_image_from_data(archive.getvalue(), repository=repository, tag=tag)


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def as_json(path: Path) -> t.Any:
    return json.loads(path.read_text(encoding="utf-8"))
