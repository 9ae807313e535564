# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the settings that a daemon has from its file and its command line."""

from __future__ import annotations

from pathlib import Path

from ..host.files import read_file
from . import flags, process
from .merge import Config, parse

DATA_ROOT = "/var/lib/docker"


def settings(path: str, pidfile: str) -> Config:
    """What the file and the running daemon's command line say together."""
    state = read_file(path)
    config = parse(state.content, path) if state else {}
    try:
        pid = int(Path(pidfile).read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return config
    return {**config, **flags.parse(process.command_line(pid))} if process.alive(pid) else config


def data_root(config: Config) -> str:
    """Where the daemon keeps its data."""
    return str(config.get("data-root") or DATA_ROOT)
