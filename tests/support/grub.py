# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Debian root in which GRUB's own programs generate its menu: a chroot with mounts of its own, on a real device.

The kernels in its /boot are only names. grub-probe is the real one, unless the folder lies on a file system that it
cannot name a device of (overlayfs, tmpfs): there a script that names /dev/sda stands for it, and for nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import typing as t
from pathlib import Path

from .ansiballz import package
from .images import Recipe, root_file_system

MODULE = "caisson.hardening.boot_parameters"
KERNELS = ("6.1.0-10-amd64", "6.1.0-20-amd64")
CMDLINE = "BOOT_IMAGE=/boot/vmlinuz-6.1.0-20-amd64 root=/dev/sda1 ro quiet"
DEFAULTS = """GRUB_DEFAULT=0
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT="{}"
GRUB_CMDLINE_LINUX="{}"
"""

_SETUP = """
set -e
mount --bind {root} {root}
cd {root}
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs dev
mount -t tmpfs tmpfs run
mkdir run/lock
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/urandom c 1 9
device=$(stat -c %Hd:%Ld .)
name=$(sed -n 's/^DEVNAME=//p' /sys/dev/block/$device/uevent 2>/dev/null || true)
[ -z "$name" ] || mknod dev/$name b ${{device%:*}} ${{device#*:}}
if ! chroot . grub-probe --target=device / > /dev/null 2>&1; then
  printf '#!/bin/sh\\ncase "$*" in *uuid*) exit 1 ;; *=fs*) echo ext2 ;; *) echo /dev/sda ;; esac\\n' > run/probe
  chmod 755 run/probe
  mount --bind run/probe usr/sbin/grub-probe
fi
touch run/cmdline
mount --bind run/cmdline proc/cmdline
exec chroot . sh -c 'echo ready; exec sleep infinity'
"""


class GrubPlace:
    """The root, and what a test does in it."""

    def __init__(self, scratch: Path, recipe: Recipe) -> None:
        self._root, self._package, self._recipe = scratch / "root", scratch / "package", recipe

    def start(self) -> None:
        self._root.mkdir()
        subprocess.run(["tar", "xf", root_file_system(self._recipe), "-C", self._root], check=True)
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _SETUP.format(root=self._root)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line == "ready\n", line
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        self._first = children.read_text(encoding="ascii").split()[0]

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def fresh(self, default: str = "quiet", always: str = "") -> None:
        """As installed: two kernels, GRUB's defaults with these command lines, and the menu made of them."""
        self.sh("rm -rf /boot/* /etc/default/grub.d /etc/default/grub /var/lib/caisson; mkdir -p /boot/grub")
        self.write("/etc/default/grub", DEFAULTS.format(default, always))
        for kernel in KERNELS:
            self.install(kernel)
        self.sh("update-grub 2>&1")
        self.boot_with(CMDLINE)

    def install(self, kernel: str) -> None:
        self.sh(f"touch /boot/vmlinuz-{kernel} /boot/initrd.img-{kernel}")

    def boot_with(self, line: str) -> None:
        """From now on the kernel shows this command line."""
        self.write("/run/cmdline", f"{line}\n")

    def reboot(self) -> None:
        """Go on as if the first entry of the menu had been started."""
        path, _blank, line = self.entries()[0].partition(" ")
        self.boot_with(f"BOOT_IMAGE={path} {line}")

    def entries(self) -> list[str]:
        """The menu's entries as GRUB reads them: kernel and command line."""
        return self.sh("sed -n 's/^[[:blank:]]*linux[[:blank:]]*//p' /boot/grub/grub.cfg").splitlines()

    def run(self, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """The module's result inside."""
        given = {**options, "_ansible_check_mode": check, "_ansible_diff": True}
        program = package(MODULE, given, self._package).read_bytes()
        (self._root / "run").mkdir(exist_ok=True)
        done = subprocess.run(
            [*self._enter(), "sh", "-c", "cat > /run/module; exec python3 /run/module"],
            input=program, capture_output=True, check=False,
        )  # fmt: skip
        lines = [line for line in done.stdout.decode().splitlines() if line.startswith("{")]
        assert lines, done.stdout.decode() + done.stderr.decode()
        return t.cast("dict[str, t.Any]", json.loads(lines[-1]))

    def killed(self, **options: t.Any) -> bool:
        """Whether the module died of what kills the process that /run/victim names: the one that runs it."""
        program = package(MODULE, options, self._package).read_bytes()
        script = "cat > /run/module; echo $$ > /run/victim; exec python3 /run/module"
        done = subprocess.run([*self._enter(), "sh", "-c", script], input=program, capture_output=True, check=False)
        return done.returncode in (-9, 137)

    def sh(self, script: str) -> str:
        """What the shell script prints inside; AssertionError where it fails."""
        done = subprocess.run([*self._enter(), "sh", "-ec", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def write(self, path: str, text: str) -> None:
        subprocess.run([*self._enter(), "sh", "-c", f'cat > "{path}"'], input=text, text=True, check=True)

    def state(self) -> str:
        """Every file that may be touched with its mode, owner and content."""
        return self.sh(
            "find /boot /etc /var/lib/caisson -printf '%p %y %m %U:%G\\n' 2>/dev/null | sort;"
            "find /boot /etc /var/lib/caisson /tmp /run -type f ! -name module -exec md5sum {} + 2>/dev/null"
            " | grep -v -e /run/lock -e /run/cmdline | sort -k 2"
        )

    def _enter(self) -> list[str]:
        path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
        enter = ["nsenter", f"--target={self._first}", "--mount", "--pid", "--root", "--wd"]
        return [*enter, "env", "-i", path, "LC_ALL=C.UTF-8"]


@contextlib.contextmanager
def grub_place(scratch: Path, recipe: Recipe) -> t.Iterator[GrubPlace]:
    """The place, for the tests of one file."""
    made = GrubPlace(scratch, recipe)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        assert not os.path.ismount(scratch / "root")
        subprocess.run(["rm", "-rf", "--one-file-system", scratch / "root"], check=True)
