# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the running kernel, the distribution, and GRUB's generator."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from ..errors import CaissonError
from ..host.distributions import parse_os_release
from ..host.files import read_file
from .judge import Kernel

GENERATOR = "grub-mkconfig"
TIMEOUT = 300


def command_line() -> str:
    """The running kernel's command line."""
    found = read_file("/proc/cmdline")
    return found.text.strip() if found else ""


def kernel() -> Kernel:
    """The running kernel; its build configuration is empty where the host does not tell it."""
    system = os.uname()
    found = re.match(r"(\d+)\.(\d+)", system.release)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    return Kernel(version, system.machine, _config(system.release))


def os_release() -> dict[str, str]:
    """The fields of os-release(5); empty where there is none."""
    found = read_file("/etc/os-release") or read_file("/usr/lib/os-release")
    return parse_os_release(found.text) if found else {}


def has_generator() -> bool:
    return shutil.which(GENERATOR) is not None


def generate() -> str:
    """The menu that GRUB's generator makes now, which also checks its syntax; nothing of the host is changed."""
    with tempfile.TemporaryDirectory(prefix="caisson-grub-") as scratch:
        target = Path(scratch) / "grub.cfg"
        command = [GENERATOR, "-o", str(target)]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT,
                check=False,
                env=_environment(),
            )
        except OSError as error:
            raise CaissonError(f"Failed to run {GENERATOR}: {error.strerror}") from error
        except subprocess.TimeoutExpired as error:
            raise CaissonError(f"{GENERATOR} did not end within {TIMEOUT} s") from error
        made = read_file(target)
    if done.returncode or made is None:
        said = " ".join(done.stderr.split())[-400:]
        raise CaissonError(f"Failed to generate GRUB's menu: {GENERATOR} ended with {done.returncode} and said: {said}")
    return made.content.decode("utf-8", "surrogateescape")


def _environment() -> dict[str, str]:
    """With the host's own language: the titles of the entries are translated, and GRUB_DEFAULT may name one."""
    given = {name: value for name, value in os.environ.items() if name != "LANGUAGE" and not name.startswith("LC_")}
    found = read_file("/etc/default/locale")
    chosen = parse_os_release(found.text) if found else {}
    return {**given, "LANG": "C", **{name: value for name, value in chosen.items() if name.startswith(("LANG", "LC_"))}}


def _config(release: str) -> str:
    found = read_file(f"/boot/config-{release}")
    if found:
        return found.text
    try:
        with gzip.open("/proc/config.gz", "rt", encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except (OSError, EOFError):
        return ""
