# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the benchmarks compare with: community.docker in a virtual environment of its own, and docker compose."""

from __future__ import annotations

import sys
from pathlib import Path

from . import compose
from .shell import CACHE, ROOT, TestSetupError, logged

VENV = CACHE / "bench-venv"
REQUIREMENTS = ROOT / "tests" / "benchmarks" / "requirements.txt"


def venv() -> Path:
    """The folder of the virtual environment's programs; it is made if it is not there."""
    marker, wanted = VENV / "complete", REQUIREMENTS.read_text(encoding="utf-8")
    if not marker.is_file() or marker.read_text(encoding="utf-8") != wanted:
        commands = ([sys.executable, "-m", "venv", VENV], [VENV / "bin" / "pip", "install", "-q", "-r", REQUIREMENTS])
        if any(logged("bench-venv", command) for command in commands):
            raise TestSetupError("Failed to install the other side; see .cache/logs/bench-venv.log")
        marker.write_text(wanted, encoding="utf-8")
    return VENV / "bin"


def prepare() -> None:
    """Get what needs a network, before commands run beside an engine that has none."""
    venv()
    compose.command()
