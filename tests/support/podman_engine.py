# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Podman with the socket that speaks Docker's API, in network and mount namespaces of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path

from . import hosts, images
from .engine import answers, end_all
from .shell import TestSetupError, tail

# crun refuses this kind of cgroups on some machines, and limits above the machine's own cannot be given out there.
CONTAINERS = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
network_backend = "netavark"
"""
# Where the state of the networks is kept, which two namespaces of networks must not share.
STATE = ("/run/containers", "/run/netns", "/run/libpod")
START = f"""
ip link set lo up
for path in {" ".join(STATE)}; do mkdir -p $path; mount -t tmpfs tmpfs $path; done
mount --make-shared /run/netns
exec setpriv --pdeathsig TERM podman "$@"
"""


class PodmanEngine:
    """The service, with all that it keeps in a directory of its own, for the time of the block."""

    def __init__(self) -> None:
        # A socket's path has a length limit that a deep directory would break.
        self.directory = directory = Path(tempfile.mkdtemp(prefix="caisson-podman-"))
        self.host = f"unix://{directory}/podman.sock"
        self._log = directory / "log"
        self._made = [path for path in map(Path, STATE) if not path.exists()]
        self._environment = {**os.environ, "CONTAINERS_CONF": str(directory / "containers.conf")}

    def __enter__(self) -> PodmanEngine:
        (self.directory / "containers.conf").write_text(CONTAINERS, encoding="utf-8")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["unshare", "--net", "--mount", "--propagation", "slave", "sh", "-ec", START, "podman",
                 *self.options(), "system", "service", "--time", "0", self.host],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=self._environment, cwd=self.directory,  # its monitors leave files where they run
            )  # fmt: skip
        if not _answers_soon(self.host, lambda: self._process.poll() is None):
            said = self._log.read_text(encoding="utf-8", errors="replace")
            self.__exit__()
            raise TestSetupError(f"Podman did not come up:\n{tail(said, 15)}")
        return self

    def options(self) -> list[str]:
        """What every command of this Podman's is given, to find its own data."""
        root = self.directory
        places = {"--root": root / "data", "--runroot": root / "run", "--tmpdir": root / "tmp"}
        return [*(str(word) for pair in places.items() for word in pair), "--network-config-dir", str(root / "net")]

    def __exit__(self, *_what: object) -> None:
        end_all(self._process, self.host, self.directory)
        for path in self._made:
            with contextlib.suppress(OSError):
                path.rmdir()
        shutil.rmtree(self.directory, ignore_errors=True)


# Beside the cgroups, which an engine without --privileged mounts read-only.
SERVE = f"""
{images.WRITABLE_CGROUPS}
echo 0 > /proc/sys/net/ipv6/conf/lo/disable_ipv6  # in the container's own network; engines switch it off
export PODMAN_IGNORE_CGROUPSV1_WARNING=1 CONTAINERS_CONF=$1/containers.conf
cd "$1"
exec podman --root $1/data system service --time 0 unix://$1/podman.sock
"""


class HostedPodman:
    """Debian 13's Podman in a container of the engine, with its data where they are outside too."""

    def __init__(self, client: t.Any) -> None:
        self._client = client
        self.directory = Path(tempfile.mkdtemp(prefix="caisson-podman-"))
        self.host = f"unix://{self.directory}/podman.sock"

    def __enter__(self) -> HostedPodman:
        place = str(self.directory)
        (self.directory / "containers.conf").write_text(CONTAINERS, encoding="utf-8")
        image = images.ensure_debian(self._client, images.PODMAN)
        hosts.start(
            self._client,
            self.directory.name,
            image,
            command=["sh", "-c", SERVE, "sh", place],
            binds=[f"{place}:{place}"],
        )
        if not _answers_soon(self.host):
            said = self._client.logs(self.directory.name).decode(errors="replace")
            self.__exit__()
            raise TestSetupError(f"Podman did not come up:\n{tail(said, 15)}")
        return self

    def __exit__(self, *_what: object) -> None:
        hosts.remove(self._client, self.directory.name)
        shutil.rmtree(self.directory, ignore_errors=True)


def _answers_soon(host: str, alive: t.Callable[[], bool] = lambda: True, timeout: float = 60) -> bool:
    deadline = time.monotonic() + timeout
    while alive() and time.monotonic() < deadline:
        if answers(host):
            return True
        time.sleep(0.1)
    return False
