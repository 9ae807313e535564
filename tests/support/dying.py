# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a run dies in the tests: like a machine without power, before the step that its first argument counts."""

from __future__ import annotations

# Begins a program; `step` makes a step of a function, and what then runs the core of a module dies.
STEP = """
import os, signal, sys
from ansible_collections.caisson.hardening.plugins.module_utils.host import transaction
left = int(sys.argv[1])
def step(function):
    def dying(*arguments):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return function(*arguments)
    return dying
"""
