# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: whether this host is a container, whose kernel is that of another host and often read-only."""

from __future__ import annotations

import contextlib
import re
import typing as t
from pathlib import Path

AUTO, FAIL, REPORT = "auto", "fail", "report"
UNWRITABLE = (AUTO, FAIL, REPORT)

# Left by systemd (nspawn, LXC and whatever tells it), Docker, Podman, and OpenVZ inside a container.
_MARKS = ("run/systemd/container", ".dockerenv", "run/.containerenv")
_TOLD = re.compile(rb"(?:^|\0)container=[^\0]")
# An engine without one, as under Kubernetes, where the control group's path can be seen.
_GROUP = re.compile(
    r"^[^:]*:[^:]*:.*/(?:(?:docker|lxc|containerd|libpod|kubepods(?:\.slice)?)(?:/|$)"
    r"|(?:docker|libpod|cri-containerd)-[0-9a-f]{12,})",
    re.MULTILINE,
)


def is_container(root: str = "/") -> bool:
    """Whether processes here live in a container. *root* is where to look for it."""
    top = Path(root)
    if any((top / mark).exists() for mark in _MARKS):
        return True
    if (top / "proc/vz").exists() and not (top / "proc/bc").exists():
        return True
    return bool(_TOLD.search(_content(top / "proc/1/environ"))) or bool(
        _GROUP.search(_content(top / "proc/1/cgroup").decode(errors="replace"))
    )


def on_unwritable(chosen: str) -> str:
    """What is done about what cannot be written: ``auto`` reports it inside a container and fails elsewhere."""
    if chosen != AUTO:
        return chosen
    return REPORT if is_container() else FAIL


def decided(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """A module's options with its ``unwritable`` decided for this host."""
    return {**options, "unwritable": on_unwritable(options["unwritable"])}


def _content(path: Path) -> bytes:
    with contextlib.suppress(OSError):
        return path.read_bytes()
    return b""
