# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the settings that a daemon has from its file and its command line."""

from __future__ import annotations

from pathlib import Path

from ..errors import CaissonError
from ..host.files import read_file
from . import flags, process
from .merge import Config, parse

DATA_ROOT = "/var/lib/docker"


def settings(path: str, pidfile: str, forgiving: bool = False) -> Config:
    """What the file and the running daemon's command line say together.

    CaissonError for a file that is no JSON object; forgiving: it counts as empty, as nothing of it is needed to undo.
    """
    state = read_file(path)
    config: Config = {}
    try:
        config = parse(state.content, path) if state else {}
    except CaissonError:
        if not forgiving:
            raise
    try:
        pid = int(Path(pidfile).read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return config
    return {**config, **flags.parse(process.command_line(pid))} if process.alive(pid) else config


def data_root(config: Config) -> str:
    """Where the daemon keeps its data."""
    return str(config.get("data-root") or DATA_ROOT)
