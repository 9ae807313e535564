# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Docker engine without root, as Docker's own script starts it, for a user that only its mount namespace knows."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .engine import answers, end_all
from .shell import TestSetupError, tail

SCRIPT = "/usr/share/docker.io/contrib/dockerd-rootless.sh"
# The devices are open to everybody on ordinary machines, and /tmp may have some; that must not depend on the machine.
START = f"""
cd "$1"
mkdir -p dev home run
mount -t tmpfs -o mode=755,dev tmpfs dev
mknod -m 666 dev/tun c 10 200
mknod -m 666 dev/fuse c 10 229
cat /etc/passwd - > passwd <<END
person:x:4242:4242::$1/home:/bin/sh
END
cat /etc/group - > group <<END
person:x:4242:
END
echo person:1000000:65536 | tee subuid > subgid
touch /etc/subuid /etc/subgid
for file in passwd group subuid subgid; do mount --bind $file /etc/$file; done
mount --bind dev/tun /dev/net/tun
test ! -e /dev/fuse || mount --bind dev/fuse /dev/fuse
chown 4242:4242 home run
export HOME=$1/home XDG_RUNTIME_DIR=$1/run PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec setpriv --pdeathsig TERM --reuid 4242 --regid 4242 --init-groups sh {SCRIPT} --data-root $1/home/data \\
  --exec-root $1/run/docker --pidfile $1/run/docker.pid -H unix://$1/run/docker.sock
"""


class RootlessEngine:
    """The engine, with all that it keeps in a directory of its own, for the time of the block."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="caisson-rootless-"))
        self.directory.chmod(0o755)
        self.host = f"unix://{self.directory}/run/docker.sock"

    def __enter__(self) -> RootlessEngine:
        with (self.directory / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "slave", "sh", "-ec", START, "sh", str(self.directory)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while not answers(self.host):
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self.directory / "log").read_text(encoding="utf-8", errors="replace")
                self.__exit__()
                raise TestSetupError(f"The engine without root did not come up:\n{tail(said, 15)}")
            time.sleep(0.2)
        return self

    def __exit__(self, *_what: object) -> None:
        end_all(self._process, self.host, self.directory)
        shutil.rmtree(self.directory, ignore_errors=True)
