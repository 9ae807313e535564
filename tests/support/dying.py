# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a run dies in the tests before the step that its first argument counts: like a machine without power or alone."""

from __future__ import annotations

# Begins a program; `step` makes a step of a function, and what then runs the core of a module dies. A child that it
# forked as its guard dies with it, unless `spared` is set.
STEP = """
import os, pathlib, signal, sys
from ansible_collections.caisson.hardening.plugins.module_utils.host import transaction
left, spared, home = int(sys.argv[1]), False, os.getpid()
def guards():
    mine = pathlib.Path("/proc/self/cmdline").read_bytes()
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parent = (path / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
            if int(parent) == home and (path / "cmdline").read_bytes() == mine:
                yield int(path.name)
        except OSError:
            pass
def step(function):
    def dying(*arguments):
        global left
        if os.getpid() == home:
            if left == 0:
                for child in () if spared else guards():
                    os.kill(child, signal.SIGKILL)
                os.kill(home, signal.SIGKILL)
            left -= 1
        return function(*arguments)
    return dying
"""
