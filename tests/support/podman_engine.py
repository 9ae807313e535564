# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Podman with the socket that speaks Docker's API, in network and mount namespaces of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

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
# Netavark keeps its state in /run, which two namespaces of networks must not share.
START = """
ip link set lo up
mkdir -p /run/containers /run/netns /run/libpod
for path in /run/containers /run/netns /run/libpod; do mount -t tmpfs tmpfs $path; done
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
        deadline = time.monotonic() + 60
        while not answers(self.host):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise TestSetupError(f"Podman did not come up:\n{tail(self._log.read_text(encoding='utf-8'), 15)}")
            time.sleep(0.1)
        return self

    def options(self) -> list[str]:
        """What every command of this Podman's is given, to find its own data."""
        root = self.directory
        places = {"--root": root / "data", "--runroot": root / "run", "--tmpdir": root / "tmp"}
        return [*(str(word) for pair in places.items() for word in pair), "--network-config-dir", str(root / "net")]

    def __exit__(self, *_what: object) -> None:
        end_all(self._process, self.host, self.directory)
        shutil.rmtree(self.directory, ignore_errors=True)
