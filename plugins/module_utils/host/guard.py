# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: a change that is taken back also where the process that makes it is killed."""

from __future__ import annotations

import contextlib
import os
import syslog
import typing as t


@contextlib.contextmanager
def guarded(what: str, take_back: t.Callable[[], str]) -> t.Iterator[None]:
    """Run the block; where this process is killed in it, a child of its takes back what was done so far.

    what: the name of the work, for the system's log, which is all that hears of it. take_back: returns what came of it;
    an exception where it failed. The child has this process's locks until it has ended, so the next run waits for it. A
    block that ends, be it by an exception, needs no help.
    """
    reader, writer = os.pipe()
    try:
        child = os.fork()
    except OSError:  # no further process is to be had, and the work may be there to help
        os.close(reader)
        os.close(writer)
        yield
        return
    if not child:
        os.close(writer)
        _watch(reader, what, take_back)
    os.close(reader)
    try:
        yield
    finally:
        os.write(writer, b".")
        os.close(writer)
        os.waitpid(child, 0)


def _watch(reader: int, what: str, take_back: t.Callable[[], str]) -> t.NoReturn:
    """Wait for a word of the parent, or for its end without one. The process ends here, whatever happens."""
    try:
        # A session of its own outlives the terminal; whoever waits for the parent's output must not wait for the child.
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        if not os.read(reader, 1):
            try:
                outcome = take_back()
            except Exception as error:  # the log is the last that anybody hears of it
                outcome = f"what it had done could not be taken back: {error}"
            syslog.syslog(syslog.LOG_DAEMON | syslog.LOG_WARNING, f"{what} was killed; {outcome}")
    finally:
        os._exit(0)
