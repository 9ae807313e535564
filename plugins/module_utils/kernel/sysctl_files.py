# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the configuration files that set the kernel's values at boot."""

from __future__ import annotations

import os
from pathlib import Path

from ..host.files import read_file
from .conf import DIRECTORIES, LAST, ConfigFile, comes_after


def later_files(path: str) -> tuple[ConfigFile, ...]:
    """The files that are read after *path* at boot, in their order, as sysctl and systemd-sysctl read them."""
    found: dict[str, Path] = {}
    for directory in DIRECTORIES:
        for candidate in sorted(Path(directory).glob("*.conf")):
            found.setdefault(candidate.name, candidate)
    paths = [str(found[name]) for name in sorted(found)] + [LAST]
    return tuple(_config_file(each) for each in paths if each != path and comes_after(each, path))


def _config_file(path: str) -> ConfigFile:
    if os.path.realpath(path) == os.devnull:
        return ConfigFile(path, "")
    state = read_file(path)
    return ConfigFile(path, state.text if state else "")
