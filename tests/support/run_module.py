# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run one module in a process of its own, as Ansible would, and return its JSON result.

Far quicker than a playbook, and the module is the real one: real argument parsing, real edges, real exit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

COLLECTIONS = Path(__file__).parents[5]
PREFIX = "ansible_collections.caisson.hardening.plugins.modules."


def run_module(
    name: str,
    args: dict[str, t.Any],
    *,
    check: bool = False,
    env: dict[str, str] | None = None,
    timeout: float = 180,
    python: str = sys.executable,
) -> dict[str, t.Any]:
    """The module's result; ``rc`` is its exit status. AssertionError where it printed no result (a traceback)."""
    process = start_module(name, args, check=check, env=env, python=python)
    out, err = process.communicate(timeout=timeout)
    lines = [line for line in out.splitlines() if line.startswith("{")]
    assert lines, f"{name} printed no result (exit {process.returncode}):\n{out}\n{err}"
    return {**json.loads(lines[-1]), "rc": process.returncode}


def start_module(
    name: str,
    args: dict[str, t.Any],
    *,
    check: bool = False,
    env: dict[str, str] | None = None,
    python: str = sys.executable,
) -> subprocess.Popen[str]:
    """The module's running process, for tests that kill it."""
    return subprocess.Popen(
        module_command(name, args, check=check, python=python),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS), **(env or {})},
    )


def module_command(
    name: str, args: dict[str, t.Any], *, check: bool = False, python: str = sys.executable
) -> list[str]:
    """The words of the command; it needs COLLECTIONS in PYTHONPATH."""
    given = {**args, "_ansible_check_mode": check, "_ansible_diff": True, "_ansible_remote_tmp": "/tmp"}
    # As Ansible's wrapper does. Its module for tests would load unittest first, which no host does.
    code = (
        "import sys, runpy\n"
        "from ansible.module_utils import basic\n"
        "basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = sys.argv[1].encode(), 'legacy'\n"
        f"runpy.run_module({PREFIX + name!r}, run_name='__main__')\n"
    )
    return [python, "-c", code, json.dumps({"ANSIBLE_MODULE_ARGS": given})]
