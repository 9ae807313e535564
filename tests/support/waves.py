# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""harden.yml over three hosts that are all this machine, without a role, so that nothing is changed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from . import playbook

HOSTS = ("canary", "second", "third")
PLAYBOOKS = Path(__file__).parents[2] / "playbooks"


def roll_out(
    folder: Path,
    *arguments: str,
    canary: str = "",
    environment: dict[str, str] | None = None,
    playbook_name: str = "harden.yml",
) -> tuple[int, str]:
    """Exit status and output of the play over three hosts, all this machine; no role runs, so nothing is changed."""
    process = begin(folder, *arguments, canary=canary, environment=environment, playbook_name=playbook_name)
    output, _nothing = process.communicate(timeout=120)
    return process.returncode, output


def begin(
    folder: Path,
    *arguments: str,
    canary: str = "",
    environment: dict[str, str] | None = None,
    playbook_name: str = "harden.yml",
) -> subprocess.Popen[str]:
    """The running play, for tests that kill it."""
    variables = "ansible_connection=local ansible_python_interpreter=" + sys.executable
    lines = [f"{name} {variables} {canary if name == 'canary' else ''}" for name in HOSTS]
    (folder / "hosts").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return subprocess.Popen(
        playbook.command("--inventory", folder / "hosts", "--tags", "no_role", *arguments, PLAYBOOKS / playbook_name),
        env={**os.environ, **playbook.variables(folder / "home"), **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def waves(output: str) -> list[set[str]]:
    """The hosts of each wave, from the play's own headings."""
    return [set(re.findall(r"^ok: \[(\w+)\]", part, re.MULTILINE)) for part in output.split("PLAY [Harden")[1:]]
