# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docker compose for the benchmarks: the machine's own, or the program of a later Debian's package, unpacked."""

from __future__ import annotations

import shutil
import subprocess
import typing as t
from pathlib import Path

from . import images
from .shell import CACHE, logged

FOLDER = CACHE / "compose"
SUITE = "trixie"  # the first Debian that packages version 2
PROGRAM = FOLDER / "root" / "usr" / "libexec" / "docker" / "cli-plugins" / "docker-compose"


def command() -> list[str] | None:
    """The words that stand for `docker compose`, or None where it can be had in no way."""
    if shutil.which("docker"):
        own = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if own.returncode == 0:
            return ["docker", "compose"]
    return [str(PROGRAM)] if PROGRAM.is_file() or _unpack() else None


def _unpack() -> bool:
    """Get the package from the mirror that the machine's own apt sources name; apt's own state stays as it is."""
    found = [line.split() for line in images.sources().splitlines() if line.split()[2] == images.SUITE]
    if not found or not shutil.which("apt-get"):
        return False
    state, cache = FOLDER / "state", FOLDER / "cache"
    for folder in (state / "lists" / "partial", cache / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    (FOLDER / "status").touch()
    (FOLDER / "sources.list").write_text(f"deb {found[0][1]} {SUITE} main\n", encoding="utf-8")
    options = {
        "Dir::Etc::SourceList": FOLDER / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State": state,
        "Dir::State::status": FOLDER / "status",
        "Dir::Cache": cache,
        "APT::Sandbox::User": "root",
    }
    apt: list[t.Any] = ["apt-get", "-q", *(word for key, value in options.items() for word in ("-o", f"{key}={value}"))]
    if logged("compose", [*apt, "update"]) != 0 or logged("compose", [*apt, "download", "docker-compose"], cwd=cache):
        return False
    package = next(iter(sorted(cache.glob("docker-compose_*.deb"))), None)
    return package is not None and _extract(package)


def _extract(package: Path) -> bool:
    return logged("compose", ["dpkg-deb", "-x", package, FOLDER / "root"]) == 0 and PROGRAM.is_file()
