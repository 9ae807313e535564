# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: taking flags off the daemon's command line, because its file has the settings now, and putting them back."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ..errors import CaissonError
from ..host.files import FileState, make_directories, missing_directories, remove_file, write_file
from ..host.systemd import daemon_reload
from . import dropin, flags, process, record
from .observe import Host
from .plan import TAKE_OVER


@dataclass(frozen=True)
class CommandLine:
    """How the daemon's command line changes. sentence: what is done; empty where it stays."""

    sentence: str = ""
    path: str = ""
    before: FileState | None = None
    after: FileState | None = None
    words: t.Tuple[str, ...] = ()  # noqa: UP006  evaluated by dataclasses on Python 3.8
    former_words: t.Tuple[str, ...] = ()  # noqa: UP006

    def apply(self, host: Host) -> None:
        self._set(host, self.after, self.words)

    def take_back(self, host: Host) -> None:
        self._set(host, self.before, self.former_words)

    def remember(self, host: Host) -> None:
        """What undo needs."""
        if self.path:
            host.store.record_file(self.path, self.before)
            host.store.record_directories(missing_directories(Path(self.path).parent))
        elif self.words:
            record.keep_command(host.store, host.options.pidfile, self.former_words)

    def _set(self, host: Host, state: FileState | None, words: tuple[str, ...]) -> None:
        if self.path:
            if state is None:
                remove_file(self.path)
            else:
                make_directories(Path(self.path).parent)
                write_file(self.path, state)
            daemon_reload()
        elif words and isinstance(host.service, process.PlainDaemon):
            host.service.use(words)


def decide(host: Host, taken: t.Sequence[str]) -> CommandLine:
    """What becomes of the command line where the file now has the settings *taken*."""
    if host.options.state == "present" and host.options.request.flags != TAKE_OVER:
        return CommandLine()
    if host.unit is not None:
        return _of_unit(host, taken)
    if isinstance(host.service, process.PlainDaemon):
        return _of_plain(host, host.service, taken)
    return CommandLine()


def _of_unit(host: Host, taken: t.Sequence[str]) -> CommandLine:
    unit = host.unit
    if unit is None:
        return CommandLine()
    after = None
    if host.options.state == "absent":
        recorded = host.store.files()
        if unit.path not in recorded:
            return CommandLine()
        after = recorded[unit.path]
    elif taken:
        after = FileState(dropin.render(unit.command, unit.environment, taken).encode())
    if after == unit.standing:
        return CommandLine()
    verb = f"write {unit.path}: take {', '.join(taken)} off dockerd's command line" if after else f"remove {unit.path}"
    return CommandLine(verb, unit.path, unit.standing, after)


def _of_plain(host: Host, daemon: process.PlainDaemon, taken: t.Sequence[str]) -> CommandLine:
    now = list(daemon.recipe()["command"])
    base = record.command(host.store, host.options.pidfile) or now
    wanted = flags.without(base, taken)
    if wanted == now:
        return CommandLine()
    verb = f"take {', '.join(taken)} off dockerd's command line" if taken else "give dockerd its former command line"
    return CommandLine(verb, words=tuple(wanted), former_words=tuple(now))


def refuse_flags(host: Host, taken: t.Sequence[str]) -> None:
    """CaissonError where the running daemon still has one of the flags that were taken off."""
    given = flags.parse(host.service.command_line()) if host.service else {}
    left = [name for name in taken if name in given]
    if left:
        raise CaissonError(
            f"the daemon's command line still sets {', '.join(left)}: another drop-in of its unit has the last word"
        )
