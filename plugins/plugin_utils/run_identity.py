# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tells a run of Ansible from all others, and whether an earlier one of this control node still lives."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
from pathlib import Path

PROC = Path("/proc")


def identity() -> str:
    """The run that this worker process belongs to: the control node, and the process that began the worker."""
    parent = os.getppid()
    return f"{_node()}/{parent}/{_started(parent)}"


def user() -> str:
    """Who runs Ansible; through sudo, who asked for it."""
    with contextlib.suppress(OSError, KeyError, ImportError):
        return os.environ.get("SUDO_USER") or getpass.getuser()
    return str(os.getuid())


def origin() -> str:
    return socket.gethostname()


def has_died(run: str) -> bool:
    """Whether that run was on this control node and its process is gone; False where that cannot be known."""
    node, _slash, process = run.rpartition("/")[0].rpartition("/")
    if node != _node() or not node.count("/") or not process.isdigit():
        return False
    return _started(int(process)) != run.rpartition("/")[2]


def _node() -> str:
    """The control node with its boot and its process table, for containers of one name may run side by side."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        table = os.readlink(PROC / "self/ns/pid")
    except OSError:
        return socket.gethostname()  # not Linux: nothing is known of its processes
    return f"{socket.gethostname()}/{boot} {table}"


def _started(pid: int) -> str:
    """When the process began, by the kernel's clock; empty where there is none."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]
