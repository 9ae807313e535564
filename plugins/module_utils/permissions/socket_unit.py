# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How systemd makes the engine's socket, by the files of its unit in the order in which they are read. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from pathlib import PurePath

from ..daemon.dropin import directives

USER, GROUP, MODE = "SocketUser", "SocketGroup", "SocketMode"
_SECTION = "[Socket]"
_DEFAULT_MODE = "0666"
_OCTAL = re.compile("[0-7]+")


@dataclass(frozen=True)
class SocketUnit:
    """How systemd makes the engine's socket the next time.

    files: the unit's file and its drop-ins with their texts, the one that is read last at the end.
    """

    user: str
    group: str
    mode: int
    files: tuple[tuple[str, str], ...] = ()

    def with_file(self, path: str, text: str | None) -> SocketUnit:
        """The same unit with that drop-in, or without it where text is None."""
        others = [each for each in self.files if each[0] != path]
        head, drop_ins = others[:1], others[1:]
        if text is not None:
            # Of the directories of drop-ins systemd makes one list, by the names of the files alone.
            drop_ins = sorted([*drop_ins, (path, text)], key=lambda each: PurePath(each[0]).name)
        files = (*head, *drop_ins)
        # systemd passes over a mode that is no number.
        modes = [value for value in _values(files, MODE) if _OCTAL.fullmatch(value)]
        user, group = ("".join(_values(files, name)[-1:]) for name in (USER, GROUP))
        return SocketUnit(user, group, int((modes or [_DEFAULT_MODE])[-1], 8), files)

    def decided_by(self, name: str) -> str:
        """The file whose value of that setting counts, or the empty string where none sets it."""
        setting = [path for path, text in self.files if directives([text], name, _SECTION)]
        return setting[-1] if setting else ""

    def faults(self, group: str, most: int) -> dict[str, str]:
        """The settings that let somebody else than root and that group in, or these to more, with their values."""
        found = {}
        if self.user not in ("", "root"):
            found[USER] = self.user
        if (self.group or "root") != group:
            found[GROUP] = self.group or "root"
        if self.mode & ~most:
            found[MODE] = f"{self.mode:04o}"
        return found


def _values(files: t.Iterable[tuple[str, str]], name: str) -> list[str]:
    return directives((text for _path, text in files), name, _SECTION)
