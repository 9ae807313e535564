# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of AWX need besides: the collection awx.awx, ansible-builder, an execution environment's files."""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

from . import execution_environment
from .images import root_file_system
from .shell import CACHE, TestSetupError, logged

BUNDLE = "ansible==12.0.0"  # brings awx.awx 24.6.1
BUILDER = "ansible-builder==3.2.0"
FOLDER = CACHE / "awx"
COLLECTIONS = FOLDER / "collections"
_MEMBERS = "ansible_collections/awx/awx/"


def prepare() -> None:
    """Get what needs a network, before commands run beside an engine that has none."""
    collection()
    builder()
    root_file_system(execution_environment.recipe())


def collection() -> Path:
    """A folder for collections with awx.awx in it."""
    marker = FOLDER / "collection"
    if not (marker.is_file() and marker.read_text(encoding="utf-8") == BUNDLE):
        shutil.rmtree(COLLECTIONS, ignore_errors=True)
        FOLDER.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--dest", FOLDER]
        if logged("awx", [*argv, BUNDLE]) != 0:
            raise TestSetupError(f"Failed to download {BUNDLE}; see .cache/logs/awx.log")
        wheel = next(FOLDER.glob("ansible-*.whl"))
        with zipfile.ZipFile(wheel) as bundle:
            bundle.extractall(COLLECTIONS, [name for name in bundle.namelist() if name.startswith(_MEMBERS)])
        wheel.unlink()
        marker.write_text(BUNDLE, encoding="utf-8")
    return COLLECTIONS


def builder() -> Path:
    """The program ansible-builder, in a virtual environment of its own."""
    venv = FOLDER / "builder"
    marker = venv / "complete"
    if not (marker.is_file() and marker.read_text(encoding="utf-8") == BUILDER):
        commands = ([sys.executable, "-m", "venv", venv], [venv / "bin" / "pip", "install", "-q", BUILDER])
        if any(logged("awx", command) for command in commands):
            raise TestSetupError(f"Failed to install {BUILDER}; see .cache/logs/awx.log")
        marker.write_text(BUILDER, encoding="utf-8")
    return venv / "bin" / "ansible-builder"
