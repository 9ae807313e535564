# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: what the first process of a container really has, where it runs on this host."""

from __future__ import annotations

import contextlib
import re
import typing as t
from dataclasses import replace
from pathlib import Path

from ..host.load import hard_limits
from . import process
from .outdated import Container


def seen(containers: t.Iterable[Container]) -> list[Container]:
    """The containers, with what /proc says of those that run."""
    return [_seen(container) if container.running and container.pid else container for container in containers]


def _seen(container: Container) -> Container:
    folder = Path(f"/proc/{container.pid}")
    with contextlib.suppress(OSError, ValueError, IndexError):
        limits = hard_limits(container.pid)
        status = (folder / "status").read_text(encoding="ascii", errors="replace")
        gains = re.search(r"^NoNewPrivs:\s*(\d)", status, re.MULTILINE)
        return replace(
            container,
            started=process.start_time(container.pid),
            no_new_privileges=None if gains is None else gains.group(1) == "1",
            nofile=limits.get("Max open files"),
            core=limits.get("Max core file size"),
        )
    return container
