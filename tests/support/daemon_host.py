# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host with systemd and an engine of its own, on which docker_daemon_config runs, and its runs die: a container
here, or a machine that is reached by ssh."""

from __future__ import annotations

import abc
import contextlib
import io
import json
import shlex
import tarfile
import time
import typing as t
import uuid

from . import hosts, images, kernel_guard
from .daemon_runs import DIED, DYING, DYING_ALONE, FREE, RUN
from .outside import Outside
from .run_module import COLLECTIONS

CORE = "ansible_collections/caisson/hardening/plugins/module_utils"
# Two programs of the same code at the same moment, each with words of its own; their outputs, one after the other.
BOTH = """
import json, subprocess, sys
code, *each = sys.argv[1:]
runs = [subprocess.Popen([sys.executable, "-c", code, *json.loads(words)], stdout=subprocess.PIPE) for words in each]
for run in runs:
    sys.stdout.write(run.communicate()[0].decode())
sys.exit(max(run.returncode for run in runs))
"""
WATCHED = "/etc/docker /etc/systemd /var/lib/caisson"
STATE = (
    f"find {WATCHED} ! -name key.json -printf '%p %y %m %U:%G %l\\n' 2>/dev/null | sort; "
    f"find {WATCHED} -type f ! -name key.json -exec sha256sum {{}} + 2>/dev/null | sort -k 2; "
    "systemctl show docker --property=ExecStart,DropInPaths | sed 's/start_time=.*//'"
)


class DaemonHost(abc.ABC):
    """The host, and what a test does on it."""

    # Seconds that the module waits for the daemon, and the least in which one that comes up has come up.
    timeout, starts_within = 40, 5

    @abc.abstractmethod
    def tried(self, script: str) -> tuple[int, str]:
        """Exit status and output of a shell script."""

    @abc.abstractmethod
    def put(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Write a file of root's."""

    @abc.abstractmethod
    def program(self, code: str, *arguments: str) -> tuple[int, str]:
        """Exit status and output of a Python program that finds the module's core."""

    def sh(self, script: str) -> str:
        status, text = self.tried(script)
        assert status == 0, f"{script!r} ended with {status}:\n{text}"
        return text

    def module(self, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """The module's result."""
        status, text = self.program(RUN, "check" if check else "run", self._given(options))
        assert status == 0, text
        return t.cast("dict[str, t.Any]", json.loads(text.splitlines()[-1]))

    def done(self, **options: t.Any) -> dict[str, t.Any]:
        """The result of a run that has to succeed."""
        result = self.module(**options)
        assert "failed" not in result, result["msg"]
        return result

    def dies(self, steps: int, alone: bool = False, **options: t.Any) -> bool:
        """Whether a run was killed after that many steps, or came to its end before. alone: its guard was not."""
        status, text = self.program((DYING_ALONE if alone else DYING) + RUN, str(steps), self._given(options))
        assert status in (0, DIED), text
        self.sh(FREE)
        return status == DIED

    def both(self, *wishes: dict[str, t.Any]) -> list[dict[str, t.Any]]:
        """The results of runs at the same moment."""
        status, text = self.program(BOTH, RUN, *(json.dumps(["run", self._given(wish)]) for wish in wishes))
        assert status == 0, text
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def _given(self, options: dict[str, t.Any]) -> str:
        return json.dumps({"timeout": self.timeout, **options})

    def engine_pid(self) -> int:
        return int(self.sh("systemctl show docker --property=MainPID --value"))

    def container(self, name: str, image: str) -> int:
        """Start a container, unless it is there; its process."""
        self.sh(f"docker container inspect {name} || docker run -d --restart=always --name {name} {image} sleep 30000")
        return self.process(name)

    def process(self, name: str) -> int:
        return int(self.sh(f"docker inspect -f '{{{{.State.Pid}}}}' {name}"))

    def serves(self) -> None:
        """Wait until the engine answers."""
        deadline = time.monotonic() + self.timeout
        while self.tried("docker version")[0] != 0:
            assert time.monotonic() < deadline, self.tried("systemctl status docker; journalctl -u docker -n 20")[1]
            time.sleep(0.3)

    def state(self) -> str:
        return self.sh(STATE)


class ContainerHost(DaemonHost):
    """A container of the tests' engine that runs systemd."""

    def __init__(self, client: t.Any, name: str) -> None:
        self.client, self.name = client, name

    def tried(self, script: str) -> tuple[int, str]:
        status, text = hosts.execute(self.client, self.name, ["sh", "-c", script])
        return status, text.strip()

    def put(self, path: str, content: bytes, mode: int = 0o644) -> None:
        hosts.put(self.client, self.name, path, content, mode)

    def program(self, code: str, *arguments: str) -> tuple[int, str]:
        return hosts.execute(self.client, self.name, ["python3", "-c", code, *arguments], env={"PYTHONPATH": "/srv"})


class SshHost(DaemonHost):
    """A host with a kernel of its own; its processor may be an emulated one."""

    # The second is less than the minute after which an engine gives up waiting for containerd.
    timeout, starts_within = 240, 50

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        status, text = outside.run("tar -xf - -C /srv", stdin=_core())
        assert status == 0, text

    def tried(self, script: str) -> tuple[int, str]:
        return self.outside.run(script)

    def put(self, path: str, content: bytes, mode: int = 0o644) -> None:
        status, text = self.outside.run(f"umask 077; cat > {path} && chmod {mode:o} {path}", stdin=content)
        assert status == 0, text

    def program(self, code: str, *arguments: str) -> tuple[int, str]:
        # The shell stays, for ssh does not tell by which signal a command ended.
        return self.outside.run(f"PYTHONPATH=/srv {shlex.join(['python3', '-c', code, *arguments])}; exit $?")


@contextlib.contextmanager
def daemon_host(client: t.Any, recipe: images.Recipe, prefix: str = "caisson-daemon") -> t.Iterator[ContainerHost]:
    """The host for the time of the block, with the module's core on it."""
    name = f"{prefix}-{uuid.uuid4().hex[:8]}"
    with kernel_guard.boot_noted():
        hosts.start(client, name, images.ensure_debian(client, recipe))
        try:
            client.put_archive(name, "/srv", _core())
            yield ContainerHost(client, name)
        finally:
            hosts.remove(client, name)


def load(host: ContainerHost, reference: str) -> None:
    """Bring an image of the tests' engine into the host's own."""
    host.put("/root/image", b"".join(host.client.get_image(reference)))
    host.sh("docker load -q < /root/image; rm /root/image")


def _core() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted((COLLECTIONS / CORE).rglob("*.py")):
            archive.add(path.resolve(), str(path.relative_to(COLLECTIONS)))
    return buffer.getvalue()
