# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: a process that ends a plain daemon and becomes the next one.

Nobody but the module would start such a daemon again. So whoever ends it is already on the way to be the next one, in a
session of its own: when the module is killed meanwhile, the host still gets its daemon.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

from ..errors import CaissonError

UNENDED = 75
# Beside the pid file: the process that is about to be named there.
NOTE = ".caisson-next"
_RUN = f"""
import json, os, signal, sys, time
try:
    job = json.loads(sys.stdin.buffer.read())
except ValueError:
    sys.exit({UNENDED})
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

def runs():
    try:
        with open("/proc/%d/stat" % job["pid"]) as stream:
            fields = stream.read().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] not in "ZX" and "%d:%s" % (job["pid"], fields[19]) == job["identity"]

def end(number):
    try:
        if runs():
            os.kill(job["pid"], number)
    except ProcessLookupError:
        pass
    deadline = time.monotonic() + job["seconds"]
    while runs() and time.monotonic() < deadline:
        time.sleep(0.05)

with open(job["note"], "w") as stream:
    stream.write("%d\\n" % os.getpid())
if job["pid"]:
    end(signal.SIGTERM)
    if runs() and job["kill"]:
        end(signal.SIGKILL)
    if runs():
        sys.exit({UNENDED})
try:
    os.unlink(job["pidfile"])
except OSError:
    pass
os.execve(job["words"][0], job["words"], job["environment"])
"""


def is_one(command_line: bytes) -> bool:
    """Whether that is the command line of such a process, which has yet to be the daemon."""
    return _RUN.encode() in command_line


def start(
    words: t.Sequence[str],
    environment: t.Mapping[str, str],
    log_file: str,
    pidfile: str,
    *,
    former: tuple[int, str] = (0, ""),
    seconds: float = 0,
    kill: bool = False,
) -> subprocess.Popen[bytes]:
    """Start it. former: process id and identity of the daemon to end first; kill: by force after the *seconds* too."""
    job = {
        "words": list(words),
        "environment": dict(environment),
        "pidfile": pidfile,
        "note": pidfile + NOTE,
        "pid": former[0],
        "identity": former[1],
        "seconds": seconds,
        "kill": kill,
    }
    # Not as an argument, which every user can read: the environment may hold the password of a proxy.
    Path(log_file).parent.mkdir(parents=True, exist_ok=True)
    try:
        with Path(log_file).open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-c", _RUN],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, "PYTHONPATH": ""},
                start_new_session=True,
            )
        with contextlib.suppress(BrokenPipeError), t.cast(t.IO[bytes], child.stdin) as given:
            given.write(json.dumps(job).encode())
        Path(pidfile + NOTE).write_text(f"{child.pid}\n", encoding="ascii")
        return child
    except OSError as error:
        raise CaissonError(f"Failed to start {words[0]}: {error.strerror}") from error
