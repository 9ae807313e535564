# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change that outlives the process that makes it is taken back, and no other."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# Holds a lock and writes a file below its guard, which removes the file; then it ends as its second word says.
PROGRAM = """
import fcntl, os, pathlib, signal, sys, time
from ansible_collections.caisson.hardening.plugins.module_utils.host.guard import guarded
folder, end = pathlib.Path(sys.argv[1]), sys.argv[2]
lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
fcntl.flock(lock, fcntl.LOCK_EX)
def take_back():
    time.sleep(0.3)
    (folder / "file").unlink()
    (folder / "taken back").touch()
    if end == "twice":
        raise ValueError("for the log")
    return "all is as it was"
with guarded("a test", take_back):
    (folder / "file").touch()
    print("written", flush=True)
    if end in ("killed", "twice"):
        os.kill(os.getpid(), signal.SIGKILL)
    if end == "failed":
        raise SystemExit(3)
"""


def run(folder: Path, end: str) -> int:
    """Exit status; the guard has ended as well then."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), end], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout == "written\n", done.stderr
    with (folder / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    return done.returncode


@pytest.mark.parametrize("end", ["killed", "twice"])
def test_what_a_killed_process_did_is_taken_back_under_its_lock(tmp_path: Path, end: str) -> None:
    assert run(tmp_path, end) == -signal.SIGKILL
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "taken back"]


@pytest.mark.parametrize(("end", "status"), [("well", 0), ("failed", 3)])
def test_a_process_that_ends_its_block_is_left_alone(tmp_path: Path, end: str, status: int) -> None:
    assert run(tmp_path, end) == status
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "lock"]
