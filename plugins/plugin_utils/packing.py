# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes Ansible's packing of a module and its files quicker."""

from __future__ import annotations

import contextlib
import gc
import typing as t


@contextlib.contextmanager
def uncollected() -> t.Iterator[None]:
    """Without Python's garbage collector in the block or the function.

    Ansible parses each file that it packs, and all the new nodes make the collector go through everything that the
    process holds, again and again: half the time of a module of a hundred files. The process is a worker of one task.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
