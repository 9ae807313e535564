# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""auditctl from Debian's package, unpacked and not installed: installing it would start a daemon on the machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .app_images import AppRecipe
from .images import root_file_system

TOOLS = AppRecipe("audit-tools", ("auditd",), ('rm -rf "$1"/usr/share/doc "$1"/usr/share/man "$1"/usr/share/locale',))
# The paths of rules are looked up from the program's root, so it must run below the real one, with its own libraries.
_WRAPPER = """#!/bin/sh
libraries="$(echo {root}/lib/*-linux-gnu):$(echo {root}/usr/lib/*-linux-gnu)"
exec {root}/lib*/ld-linux-*.so.* --library-path "$libraries" {root}/sbin/auditctl "$@"
"""


def auditctl(folder: Path) -> Path:
    """The program, unpacked below *folder*."""
    root = folder / "audit-tools"
    root.mkdir()
    subprocess.run(["tar", "--extract", "--file", root_file_system(TOOLS), "--directory", root], check=True)
    program = folder / "auditctl"
    program.write_text(_WRAPPER.format(root=root), encoding="utf-8")
    program.chmod(0o755)
    return program
