# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Docker engine that the tests use: one that answers, or one of our own.

Our own daemon lives in network and mount namespaces of its own, so its bridge, its firewall chains, its mounts and
``ip_forward`` are gone with it and no other engine of the machine is disturbed. Commands that talk to its containers
over the network run inside that network namespace: prepend ``Engine.prefix``.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

import docker

from .shell import CACHE, TestSetupError, as_root, output, tail

FOLDER = CACHE / "engine"
DEFAULT = "unix:///var/run/docker.sock"
# What an engine of our own makes outside its namespaces: its places, and the source of a bind that is not there.
OUTSIDE = ("/etc/docker", "/run/containerd", "/run/docker.sock")
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET of sched.h

# /run/containerd is hidden so that dockerd starts a containerd of its own inside the namespaces;
# /etc/docker so that it neither reads the machine's settings nor leaves its key there.
START = """
ip link set lo up
mkdir -p /run/containerd /etc/docker
mount -t tmpfs tmpfs /run/containerd
mount -t tmpfs tmpfs /etc/docker
exec setpriv --pdeathsig TERM dockerd "$@"
"""


@dataclass(frozen=True)
class Engine:
    """An answering engine: its address, and what to prepend to commands that reach its containers by network.

    network: the file of its network namespace, for one of our own.
    """

    host: str
    prefix: tuple[str, ...] = ()
    network: str = ""

    def client(self) -> t.Any:
        return docker.APIClient(base_url=self.host, timeout=300)


def answers(host: str) -> bool:
    try:
        client = docker.APIClient(base_url=host, timeout=5)
    except docker.errors.DockerException:
        return False
    try:
        return bool(client.ping())
    except (docker.errors.DockerException, OSError):
        return False
    finally:
        client.close()


@contextlib.contextmanager
def test_engine() -> t.Iterator[Engine]:
    """An engine for the time of the block; one that we started is stopped with all it holds but its images."""
    given = os.environ.get("DOCKER_HOST")
    if given:
        if not answers(given):
            raise TestSetupError(f"DOCKER_HOST is {given} and no engine answers there; start it, or unset DOCKER_HOST")
        yield Engine(given)
    elif answers(DEFAULT):
        yield Engine(DEFAULT)
    else:
        with own_engine() as engine:
            yield engine


def join_network(path: str) -> None:
    """Move this thread, and what it starts, to the network namespace of that file."""
    with open(path, "rb") as handle:  # noqa: PTH123
        if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), _NEW_NETWORK) != 0:
            raise OSError(ctypes.get_errno(), f"cannot join the network namespace {path}")


test_engine.__test__ = False  # type: ignore[attr-defined]


@contextlib.contextmanager
def own_engine(folder: Path = FOLDER) -> t.Iterator[Engine]:
    """An engine of our own, whose data stays in *folder* for the next run."""
    if not shutil.which("dockerd"):
        raise TestSetupError("There is no Docker engine; apt-get install --no-install-recommends docker.io iptables")
    folder.mkdir(parents=True, exist_ok=True)
    made = [path for path in map(Path, OUTSIDE) if not path.exists()]
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise TestSetupError("Another test run of this checkout uses its engine; wait for it to end") from error
        # A socket's path has a length limit that a deep checkout would break.
        run = Path(tempfile.mkdtemp(prefix="caisson-engine-"))
        process = _start(run, folder)
        try:
            yield _wait(process, run, folder)
        finally:
            _stop(process, run, made)


def _start(run: Path, folder: Path) -> subprocess.Popen[bytes]:
    (run / "daemon.json").write_text("{}\n", encoding="utf-8")
    options = {
        "--config-file": run / "daemon.json",
        "--data-root": folder / "data",
        "--exec-root": run / "exec",
        "--pidfile": run / "pid",
        "-H": f"unix://{run}/docker.sock",
        "--cgroup-parent": f"/{run.name}",
    }
    argv = ["unshare", "--net", "--mount", "--propagation", "slave", "sh", "-ec", START, "dockerd"]
    argv += [str(word) for pair in options.items() for word in pair]
    with (folder / "log").open("wb") as log:
        # A session of its own: Ctrl-C at the terminal reaches us, and we stop it in order.
        return subprocess.Popen(
            as_root(argv), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )


def _wait(process: subprocess.Popen[bytes], run: Path, folder: Path, timeout: float = 60) -> Engine:
    host = f"unix://{run}/docker.sock"
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and process.poll() is None:
        if (run / "docker.sock").exists() and answers(host):
            pid = (run / "pid").read_text(encoding="utf-8").strip()
            network = f"/proc/{pid}/ns/net"
            return Engine(host, tuple(as_root(["nsenter", f"--net={network}", "--"])), network)
        time.sleep(0.2)
    log = (folder / "log").read_text(encoding="utf-8", errors="replace")
    raise TestSetupError(f"The test engine did not come up within {timeout:.0f} s. Its last lines:\n{tail(log, 15)}")


def _stop(process: subprocess.Popen[bytes], run: Path, made: list[Path]) -> None:
    with contextlib.suppress(docker.errors.DockerException, OSError):
        _empty(docker.APIClient(base_url=f"unix://{run}/docker.sock", timeout=60))
    _end(process)
    for pid in _processes_of(run):
        _signal(pid, signal.SIGKILL)
    # Cgroups of others come and go meanwhile; os.walk passes over what has vanished.
    for folder, _folders, _files in os.walk("/sys/fs/cgroup", topdown=False):
        if run.name in Path(folder).parts:
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
    output(as_root(["rm", "-rf", str(run)]))
    for path in made:
        subprocess.run(as_root(["rmdir", str(path)]), check=False, stderr=subprocess.DEVNULL)


def end_all(process: subprocess.Popen[bytes], host: str, directory: Path) -> None:
    """Stop an engine that keeps everything in *directory*, with all it holds and every process that names it."""
    with contextlib.suppress(docker.errors.DockerException, OSError):
        _empty(docker.APIClient(base_url=host, timeout=60))
    _end(process)
    for pid in _processes_of(directory):
        _signal(pid, signal.SIGKILL)


def _empty(client: t.Any) -> None:
    """Remove the containers, networks and volumes; images stay for the next run."""
    for container in client.containers(all=True):
        client.remove_container(container["Id"], force=True, v=True)
    client.prune_networks()
    for volume in client.volumes().get("Volumes") or ():
        client.remove_volume(volume["Name"], force=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            _signal(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)


def _processes_of(run: Path) -> list[int]:
    """What is left of the daemon (container shims): processes whose command line names its directory."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(run).encode() in path.read_bytes() and int(path.parent.name) != os.getpid():
                found.append(int(path.parent.name))
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    subprocess.run(as_root(["kill", f"-{number.value}", str(pid)]), check=False, stderr=subprocess.DEVNULL)
