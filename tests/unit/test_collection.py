# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The collection as the project's own commands install it."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / ".cache" / "installed"
MODULE = INSTALLED / "ansible_collections" / "caisson" / "hardening" / "plugins" / "modules" / "kernel.py"


def installed() -> tuple[int, int]:
    """Which file the module is, after the collection was brought up to date."""
    subprocess.run([ROOT / "tools" / "collection.sh"], check=True, timeout=120)
    status = MODULE.stat()
    return status.st_ino, status.st_mtime_ns


def test_what_is_installed_and_the_same_is_not_taken_away_from_whoever_runs_it() -> None:
    first = installed()
    assert installed() == first
    (INSTALLED / "complete").unlink()  # as after an installation that was killed
    assert installed() != first
    assert MODULE.read_bytes() == (ROOT / "plugins" / "modules" / "kernel.py").read_bytes()
