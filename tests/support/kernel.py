# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A place where kernel settings can be changed for real: own network and mount namespaces on the real kernel.

``net.*`` keys, /etc, /run and /var/lib belong to the place and vanish with it. The other keys are the machine's, so
those that the tests may touch are noted at the start and put back at the end.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import typing as t
from pathlib import Path

from ansible_collections.caisson.hardening.plugins.module_utils.host.sysctl_names import key_path
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.keys import KNOWN
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.core_dumps import CORE_PATTERN

from .dying import STEP
from .run_module import COLLECTIONS, run_module

# Only what distributions ship and what the tests write is read at boot here, whatever this machine has.
_SETUP = """
set -e
mount -t tmpfs tmpfs {scratch}
# A whiteout, so that what other tests have there is not seen, now and later.
mkdir -p {scratch}/var/lib
mknod {scratch}/var/lib/caisson c 0 0
for directory in /etc /var/lib /run /usr/local/lib; do
  upper={scratch}$directory work={scratch}/work$directory
  mkdir -p $upper $work
  mount -t overlay -o lowerdir=$directory,upperdir=$upper,workdir=$work overlay $directory
done
rm -rf /etc/sysctl.d /etc/security/limits.d /etc/systemd/*.conf.d
mkdir /etc/sysctl.d /etc/security/limits.d
: > /etc/sysctl.conf
ln -s ../sysctl.conf /etc/sysctl.d/99-sysctl.conf
rm -rf /run/sysctl.d /usr/local/lib/sysctl.d
mkdir -p /usr/lib/sysctl.d
mount -t tmpfs tmpfs /usr/lib/sysctl.d
printf 'fs.protected_fifos = 1\\nfs.protected_regular = 2\\n' > /usr/lib/sysctl.d/99-protect-links.conf
echo ready
exec sleep infinity
"""

# What follows runs a module's core.
DYING = f"""{STEP}
from ansible_collections.caisson.hardening.plugins.module_utils.host import procsys
procsys.ProcSys.write = step(procsys.ProcSys.write)
transaction.write_file = step(transaction.write_file)
transaction.Transaction._forget = step(transaction.Transaction._forget)
"""

# Code for Place.script: the real module as a user without rights.
AS_NOBODY = """
import os, sys
from ansible.module_utils.testing import patch_module_args
from ansible_collections.caisson.hardening.plugins.modules import {module} as module
os.setgid(65534)
os.setuid(65534)
with patch_module_args({{**{options!r}, "_ansible_remote_tmp": "/tmp"}}):
    module.main()
"""

_WATCHED = "/etc/sysctl.d /etc/sysctl.conf /etc/security /etc/systemd /etc/modprobe.d /var/lib/caisson"
_TREE = (
    f"find {_WATCHED} -type f -exec sha256sum {{}} + 2>/dev/null | sort\n"
    f"find {_WATCHED} -printf '%p %y %m %U:%G %l\\n' 2>/dev/null | sort"
)


class Place:
    """The namespaces, and what a test does in them."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self.python = str(scratch / "python")

    def start(self) -> None:
        private = self._scratch / "private"
        private.mkdir()
        command = ["unshare", "--net", "--mount", "sh", "-c", _SETUP.format(scratch=private)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line == "ready\n", line
        wrapper = Path(self.python)
        wrapper.write_text(f'#!/bin/sh\nexec {" ".join(self._enter())} {sys.executable} "$@"\n', encoding="utf-8")
        wrapper.chmod(0o755)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def sh(self, script: str) -> str:
        """What the shell script prints inside; AssertionError where it fails."""
        done = subprocess.run([*self._enter(), "sh", "-ec", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def run(self, module: str, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """The result of the module inside."""
        return run_module(module, options, check=check, python=self.python)

    def script(self, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python code inside."""
        return subprocess.run(
            [self.python, "-c", code, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        )

    def inside(self, argv: t.Sequence[str]) -> list[str]:
        """The command line that runs *argv* inside."""
        return [*self._enter(), *argv]

    def get(self, key: str) -> str:
        return " ".join(self.sh(f"cat /proc/sys/{key_path(key)}").split())

    def set(self, key: str, value: str) -> None:
        self.sh(f"echo {value} > /proc/sys/{key_path(key)}")

    def values(self, *keys: str) -> dict[str, str]:
        """The live values of the keys, or of all those of the catalogue that belong to the place alone."""
        names = keys or sorted(key for key in KNOWN if key.startswith(("net.ipv4", "net.ipv6")))
        paths = {key: f"/proc/sys/{key_path(key)}" for key in names}
        lines = self.sh("".join(f"[ ! -e {path} ] || echo {key} $(cat {path})\n" for key, path in paths.items()))
        return dict(line.split(" ", 1) for line in lines.splitlines())

    def tree(self) -> str:
        """Every file that may be touched, with its content's hash, mode and owner."""
        return self.sh(_TREE)

    def _enter(self) -> list[str]:
        return ["nsenter", f"--target={self._process.pid}", "--net", "--mount"]


@contextlib.contextmanager
def place(scratch: Path) -> t.Iterator[Place]:
    """A place for one test; the machine's own values are as before when it ends."""
    paths = [Path("/proc/sys") / key_path(key) for key in sorted({*KNOWN, CORE_PATTERN})]
    before = {path: path.read_text(encoding="utf-8") for path in paths if path.exists()}
    made = Place(scratch)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        for path, value in before.items():
            if path.exists() and path.read_text(encoding="utf-8") != value:
                path.write_text(value, encoding="utf-8")
