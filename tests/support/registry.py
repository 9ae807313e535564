# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real image registry on loopback, for the time of a test. Engines take one there without TLS.

The program is taken out of Debian's package, which is not installed: that would start a service.
"""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import time
import typing as t
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from .shell import CACHE, TestSetupError, as_root, logged, tail

FOLDER = CACHE / "registry"
PACKAGE = "docker-registry"
PROGRAM = FOLDER / "usr" / "bin" / PACKAGE


@dataclass(frozen=True)
class Registry:
    """A registry that answers at an address."""

    address: str

    def reference(self, name: str) -> str:
        return f"{self.address}/{name}"

    def push(self, api: t.Any, image: str, name: str) -> str:
        """Put the engine's image there under a name with a tag; its digest. The engine knows it by that name, too."""
        repository, _colon, tag = self.reference(name).rpartition(":")
        api.tag(image, repository, tag)
        lines = [json.loads(line) for line in api.push(repository, tag=tag).splitlines() if line.strip()]
        errors = [line["error"] for line in lines if "error" in line]
        assert not errors, errors
        return str(next(line["aux"]["Digest"] for line in lines if "aux" in line))


def prepare() -> None:
    """Fetch the program, which needs a network."""
    if PROGRAM.is_file():
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    download = ["apt-get", "-q", "download", PACKAGE]
    if logged("registry", download, cwd=FOLDER) != 0:
        logged("registry", as_root(["apt-get", "-q", "update"]))  # its lists may be missing or old
        logged("registry", download, cwd=FOLDER)
    if not list(FOLDER.glob(f"{PACKAGE}_*.deb")):
        raise TestSetupError(f"Failed to download the package {PACKAGE}; see .cache/logs/registry.log")
    package = max(FOLDER.glob(f"{PACKAGE}_*.deb"))
    if logged("registry", ["dpkg-deb", "--extract", package, FOLDER]) != 0:
        raise TestSetupError(f"Failed to unpack {package.name}; see .cache/logs/registry.log")
    package.unlink()


@contextlib.contextmanager
def registry(folder: Path, port: int = 0) -> t.Iterator[Registry]:
    """A registry that keeps its images below *folder*; it ends with the block. port: a free one where it is 0."""
    prepare()
    address = f"127.0.0.1:{port or _free_port()}"
    config = folder / "registry.json"  # JSON is YAML
    storage = {"filesystem": {"rootdirectory": str(folder / "images")}, "delete": {"enabled": True}}
    log = {"accesslog": {"disabled": True}, "level": "warn"}
    config.write_text(json.dumps({"version": 0.1, "log": log, "storage": storage, "http": {"addr": address}}))
    with (folder / "log").open("wb") as stream:
        argv = ["setpriv", "--pdeathsig", "TERM", str(PROGRAM), "serve", str(config)]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT)
    try:
        _wait(process, address, folder / "log")
        yield Registry(address)
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], address: str, log: Path, timeout: float = 30) -> None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{address}/v2/", timeout=5):
            return
        time.sleep(0.1)
    raise TestSetupError(f"The registry did not come up:\n{tail(log.read_text(encoding='utf-8', errors='replace'))}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
