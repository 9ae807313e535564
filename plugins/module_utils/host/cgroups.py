# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the pids controller's cgroups of the running containers, version 1 and 2, and the containers' names.

The cgroups tell what is in force, whichever engine made the containers and also while it is down.
"""

from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path

Reading = t.Tuple[t.Optional[int], int]


def pids_cgroups(is_container: t.Callable[[str], object]) -> dict[str, Reading]:
    """Limit (None: no limit) and tasks of each cgroup whose name is a container's, and of each above one with a limit.

    By path below the controller's root; nothing where there is no such controller. What is below a container is its
    own.
    """
    root = _root()
    found: dict[str, Reading] = {}
    if root is None:
        return found
    for folder, folders, files in os.walk(root):
        name = os.path.relpath(folder, root)
        reading = _reading(Path(folder)) if "pids.max" in files else None
        if is_container(Path(folder).name):
            folders.clear()
            if reading:
                found[name] = reading
        elif reading and reading[0] is not None and name != ".":
            # The root has a limit where the host is a container itself; its own containers can still take all of it.
            found[name] = reading
    return found


def container_names(ids: t.Sequence[str]) -> dict[str, str]:
    """The names that Docker's command line gives the ids; without it, or without an answer, none."""
    if not ids:
        return {}
    command = ["docker", "inspect", "--type=container", "--format={{.Id}} {{.Name}}", *ids]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    pairs = (line.partition(" ") for line in done.stdout.splitlines())
    return {identity: name.strip().lstrip("/") for identity, _space, name in pairs if name.strip()}


def _root() -> Path | None:
    """Where the pids controller is mounted."""
    unified = None
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    for words in (line.split() for line in lines):
        if words[2] == "cgroup" and "pids" in words[3].split(","):
            return Path(words[1])
        if words[2] == "cgroup2":
            unified = unified or Path(words[1])
    try:
        controllers = (unified / "cgroup.controllers").read_text(encoding="ascii").split() if unified else []
    except OSError:
        return None
    return unified if "pids" in controllers else None


def _reading(folder: Path) -> Reading | None:
    try:
        limit = (folder / "pids.max").read_text(encoding="ascii").strip()
        tasks = int((folder / "pids.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        # It ended between the listing and the look.
        return None
    return (int(limit) if limit.isdigit() else None), tasks
