# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host of a molecule scenario, seen from outside: by ssh, and by the network."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import typing as t
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import docker

from . import guest_state, images
from .kernel_guard import NOT_SETTINGS
from .shell import CACHE

SSH = (
    "-o",
    "StrictHostKeyChecking=no",
    "-o",
    "UserKnownHostsFile=/dev/null",
    "-o",
    "LogLevel=ERROR",
    "-o",
    "BatchMode=yes",
)
# A login takes seconds of an emulated processor, so a user's later commands go through the first one's connection. It
# ends by itself; the path of its socket has to be short.
_CONNECTIONS = tempfile.TemporaryDirectory(prefix="ssh-")
_SHARED = ("-o", "ControlMaster=auto", "-o", "ControlPersist=15", "-o", f"ControlPath={_CONNECTIONS.name}/%C")
# Every kernel setting that root can write; the others only report.
_SETTINGS = b"""
import json, os, pathlib
found, root = {}, pathlib.Path("/proc/sys")
for path in (pathlib.Path(folder) / each for folder, _folders, files in os.walk(root) for each in files):
    try:
        if path.stat().st_mode & 0o600 == 0o600 and path.is_file():
            found[str(path.relative_to(root))] = path.read_text(errors="replace")
    except OSError:
        pass
print(json.dumps(found))
"""
STATE = CACHE / "molecule" / "state"
# Actions that run on the controller alone.
CONTROLLERS = (
    "assert",
    "debug",
    "fail",
    "include_role",
    "include_tasks",
    "meta",
    "set_fact",
    "set_stats",
    "validate_argument_spec",
)


@dataclass(frozen=True)
class Outside:
    """One host: its name, address and the key for ssh, and where its ports 22 and 8000 are reached."""

    name: str
    address: str
    key: str
    port: int = 22
    web: int = 8000

    def run(self, command: str, *, user: str = "root", stdin: bytes | None = None) -> tuple[int, str]:
        """Exit status and output of a shell command on the host."""
        argv = ["ssh", *SSH, *_SHARED, "-i", self.key, "-p", str(self.port), f"{user}@{self.address}", command]
        # Never the input of the tests themselves: ssh makes it non-blocking, and leaves it so if it is killed.
        done = subprocess.run(
            argv, input=stdin or b"", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, check=False
        )
        return done.returncode, done.stdout.decode(errors="replace").strip()

    def said(self, command: str, *, user: str = "root") -> str:
        """The output of a command that has to succeed."""
        status, text = self.run(command, user=user)
        assert status == 0, f"{self.name}: {command!r} ended with {status}:\n{text}"
        return text

    def disconnect(self, user: str) -> None:
        """End the shared connection, for one whose other end was killed says so before it makes way for the next."""
        argv = ["ssh", *SSH, *_SHARED, "-O", "exit", "-p", str(self.port), f"{user}@{self.address}"]
        subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=600, check=False)

    def json(self, command: str) -> t.Any:
        return json.loads(self.said(command))

    def get(self, port: int) -> str:
        """The body that a published port of the host answers with."""
        with urllib.request.urlopen(f"http://{self.address}:{port}/", timeout=10) as answer:
            return str(answer.read().decode())

    def sysctls(self, names: t.Iterable[str]) -> dict[str, str]:
        """Live values, white space normalised; keys that this kernel lacks are left out."""
        text = self.said("sysctl -e " + " ".join(names))
        pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
        return {name.strip(): " ".join(value.split()) for name, _equals, value in pairs}

    def state(self) -> dict[str, str]:
        """What hardening may touch: kernel settings that are settings, and files with their mode and hash."""
        status, values = self.run("python3 -", stdin=_SETTINGS)
        assert status == 0, values
        # Empty directories count, so the listing has every path; the hashes those of files.
        listing = self.said("find /etc /var/lib/caisson -printf '%p %y %m %U:%G\\n' 2>/dev/null | sort; true")
        hashes = self.said("find /etc /var/lib/caisson -type f -exec sha256sum {} + 2>/dev/null; true")
        mounts = self.said("cut -d ' ' -f 4-6 /proc/self/mountinfo | grep -E ' /(tmp|var/tmp|dev/shm|proc) '")
        settings = {name: value for name, value in json.loads(values).items() if not NOT_SETTINGS.fullmatch(name)}
        pairs = [*settings.items(), ("mounts", mounts)]
        pairs += [line.partition(" ")[::2] for line in listing.splitlines()]
        pairs += [(f"{path} content", digest) for digest, path in (line.split(None, 1) for line in hashes.splitlines())]
        return {name: " ".join(value.split()) for name, value in pairs}

    def whole_state(self) -> dict[str, str]:
        """All that a host with a kernel of its own is like; see guest_state for what is looked at."""
        status, text = self.run("python3 -", stdin=Path(guest_state.__file__).read_bytes())
        assert status == 0, text
        return t.cast(t.Dict[str, str], json.loads(text))


def hosts() -> list[Outside]:
    """The hosts of the scenario, or the one that CAISSON_HOST names."""
    instances = json.loads(Path(os.environ["MOLECULE_INSTANCE_CONFIG"]).read_text(encoding="utf-8"))
    return [
        Outside(entry["instance"], entry["address"], entry["identity_file"], entry["port"], entry.get("web", 8000))
        for entry in instances
        if os.environ.get("CAISSON_HOST", entry["instance"]) == entry["instance"]
    ]


def load_busybox(host: Outside) -> str:
    """Bring the busybox image into the host's own engine; its reference."""
    client = docker.APIClient(base_url=os.environ["DOCKER_HOST"], timeout=120)
    reference = images.ensure_busybox(client)
    content = b"".join(client.get_image(reference))
    status, text = host.run("docker load", stdin=content)
    assert status == 0, text
    return reference


def records(playbook: str) -> list[dict[str, t.Any]]:
    """The recorded runs of a playbook of the scenario, in order."""
    folder = Path(os.environ["CAISSON_RECORDS"])
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob(f"*-{playbook}-*.json"))]


def on_hosts(record: dict[str, t.Any]) -> list[str]:
    """The tasks of a run that a module did on a host, one of a loop for each item; what the controller does by itself
    costs the host nothing."""
    theirs = [task for task in record["tasks"] if task["action"].rpartition(".")[2] not in CONTROLLERS]
    return [task["task"] for task in theirs for _run in range(task["runs"])]


def changed(record: dict[str, t.Any]) -> list[str]:
    """The tasks of a run that changed something, with their hosts."""
    return [f"{task['host']}: {task['task']}" for task in record["tasks"] if task["outcome"] == "changed"]
