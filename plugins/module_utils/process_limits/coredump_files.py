# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the drop-ins that systemd-coredump reads."""

from __future__ import annotations

from pathlib import Path

from ..host.files import conf_files, read_file
from .spec import ConfigFile

# A file hides those of the same name in later directories; one that is empty or a link to /dev/null hides them too.
_DIRECTORIES = tuple(
    f"{parent}/systemd/coredump.conf.d" for parent in ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
)


def later_files(ours: str, root: str = "") -> tuple[ConfigFile, ...]:
    """Those that are read after *ours*, by name from all directories; coredump.conf itself is read before them all."""
    paths = [path for path in conf_files(root + each for each in _DIRECTORIES) if path.name > Path(ours).name]
    states = ((str(path), read_file(path)) for path in paths if path.is_file())
    return tuple(ConfigFile(path, state.text) for path, state in states if state)
