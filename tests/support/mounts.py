# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A place where mounts can be changed for real: a copy of this machine's root with mounts and processes of its own.

Nothing of it is seen outside, and all of it ends with it. /tmp and /var/tmp are plain directories there, and no systemd
runs.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import typing as t
from pathlib import Path

from .dying import STEP
from .run_module import COLLECTIONS, run_module
from .shell import ROOT

FSTAB = "# static file systems\nUUID=1-2  /  ext4\terrors=remount-ro 0 1\n"

_SETUP = """
set -e
mount -t tmpfs -o mode=755 tmpfs {scratch}
cd {scratch}
mkdir -p upper/var/lib/docker work root
# A whiteout, so that what other tests have there is not seen, now and later.
mknod upper/var/lib/caisson c 0 0
mkdir -m 1777 upper/tmp upper/var/tmp
for folder in tmp var/tmp var/lib/docker; do
  {python} -c "import os; os.setxattr('upper/$folder', 'trusted.overlay.opaque', b'y')"
done
mount -t overlay -o lowerdir=/,upperdir={scratch}/upper,workdir={scratch}/work overlay {scratch}/root
cd {scratch}/root
# These may be file systems of their own, which lie below the root's and are not seen through the overlay.
for folder in {needed}; do mkdir -p .$folder; mount --bind $folder .$folder; done
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t tmpfs -o mode=755,nosuid tmpfs dev
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/urandom c 1 9
mkdir -m 1777 dev/shm
mount -t tmpfs -o nosuid,nodev tmpfs dev/shm
mount -t tmpfs tmpfs run
mkdir run/lock
printf '%s' "$1" > etc/fstab
exec chroot . sh -c 'echo ready; exec sleep infinity'
"""

DYING = f"""{STEP}
from ansible_collections.caisson.hardening.plugins.module_utils.mounts import apply, live, spec
live._call = step(live._call)
transaction.write_file = step(transaction.write_file)
transaction.Transaction._forget = step(transaction.Transaction._forget)
apply.run(spec.parse(profile=sys.argv[2], state=sys.argv[3]))
"""


class MountPlace:
    """The place, and what a test does in it."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self.python = str(scratch / "python")

    def start(self) -> None:
        private = self._scratch / "private"
        private.mkdir()
        needed = f"{ROOT} {sys.base_prefix}"
        command = [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            _SETUP.format(scratch=private, python=sys.executable, needed=needed),
        ]
        self._process = subprocess.Popen(
            [*command, "sh", FSTAB], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line == "ready\n", line
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        self._first = children.read_text(encoding="ascii").split()[0]
        wrapper = Path(self.python)
        wrapper.write_text(f'#!/bin/sh\nexec {" ".join(self._enter())} {sys.executable} "$@"\n', encoding="utf-8")
        wrapper.chmod(0o755)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def run(self, check: bool = False, module: str = "mount_options", **options: t.Any) -> dict[str, t.Any]:
        """The result of the module inside."""
        return run_module(module, options, check=check, python=self.python)

    def sh(self, script: str) -> str:
        """What the shell script prints inside; AssertionError where it fails."""
        status, text = self.tried(script)
        assert status == 0, f"{script}\n{text}"
        return text

    def tried(self, script: str, *prefix: str) -> tuple[int, str]:
        """Exit status and output of the shell script inside."""
        done = subprocess.run(
            [*self._enter(), *prefix, "sh", "-ec", script],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    def as_nobody(self, script: str, groups: str = "--clear-groups") -> tuple[int, str]:
        """The same by a user without rights."""
        return self.tried(script, "setpriv", "--reuid=65534", "--regid=65534", *groups.split(), "--")

    def script(self, code: str, *arguments: str, prefix: t.Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run Python code inside."""
        return subprocess.run(
            [*self._enter(), *prefix, sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        )

    def mounts(self) -> str:
        """Every mount with all its options, as the kernel shows them; their numbers and order aside."""
        return self.sh("cut -d ' ' -f 3- /proc/self/mountinfo | sort")

    def fstab(self) -> str:
        return self.sh("cat /etc/fstab")

    def state(self) -> str:
        """The mounts, and each file that may be touched with its content, mode and owner."""
        files = "/etc/fstab /etc/systemd /var/lib/caisson"
        listing = f"find {files} -printf '%p %y %m %U:%G\\n' 2>/dev/null | sort"
        return self.mounts() + self.sh(f"{listing}; md5sum /etc/fstab 2>&1 || true")

    def _enter(self) -> list[str]:
        return ["nsenter", f"--target={self._first}", "--mount", "--pid", "--root", "--wd"]


@contextlib.contextmanager
def mount_place(scratch: Path) -> t.Iterator[MountPlace]:
    """A place for one test."""
    made = MountPlace(scratch)
    made.start()
    try:
        yield made
    finally:
        made.stop()
