# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays by the ansible-playbook of the tests' own environment, with the collection as it stands in the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

from .run_module import COLLECTIONS


def command(*words: t.Any) -> list[str]:
    return [str(Path(sys.executable).with_name("ansible-playbook")), *map(str, words)]


def variables(home: Path | None = None) -> dict[str, str]:
    """The environment variables that make the output the same everywhere; home: for what Ansible keeps between runs."""
    found = {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}
    return {**found, "ANSIBLE_HOME": str(home)} if home else found


def run(*words: t.Any, home: Path | None = None, timeout: float = 120) -> tuple[int, str]:
    """Exit status and output."""
    done = subprocess.run(
        command(*words),
        env={**os.environ, **variables(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    return done.returncode, done.stdout + done.stderr
