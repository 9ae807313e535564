# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: take a host for a rollout, or give it back."""

from __future__ import annotations

import contextlib
import datetime
import typing as t
from pathlib import Path

from ..host.files import FileState, make_directories, read_file, remove_empty_directories, remove_file, write_file
from ..host.lock import host_lock
from ..host.procsys import require_root
from ..host.undo import ROOT, subjects
from .lock import LockSpec, decide, read, render

LOCK = "rollout"


def run(spec: LockSpec, path: str, check: bool = False, undo_root: str = ROOT) -> dict[str, t.Any]:
    """Do, or predict, what the spec asks for; HeldError where another run has the host. The module's result."""
    require_root("rollout_lock", "the host's lock")
    recorded = subjects(undo_root)
    with contextlib.nullcontext() if check else host_lock(LOCK):
        state = read_file(path)
        held = read(state.text, path) if state else None
        decided = decide(spec, held, _boot(), datetime.datetime.now(datetime.timezone.utc))
        if not check:
            if decided.write:
                make_directories(Path(path).parent, mode=0o700)
                write_file(path, FileState(render(decided.write).encode(), mode=0o600))
            elif decided.remove:
                remove_file(path)
                remove_empty_directories([str(Path(path).parent)])
    holder = decided.write or (None if decided.remove else held)
    return {
        "holder": vars(holder) if holder else {},
        "took_over": decided.took_over,
        "undo_records": recorded,
    }


def _boot() -> str:
    """This start of the host. A container shares the kernel's boot with others, but not its first process."""
    identity = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    started = Path("/proc/1/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    return f"{identity} {started}"
