# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the files that make up the daemon's service, read as systemd reads them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..host.files import FileState, read_file
from ..host.systemd import Unit
from . import dropin


@dataclass(frozen=True)
class UnitFiles:
    """The unit without our drop-in: its command line as written, its variables; and our drop-in as it stands."""

    command: str
    path: str
    standing: FileState | None = None
    environment: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> list[str]:
        """The command line as the daemon gets it."""
        return dropin.words(self.command, self.environment)


def read(unit: Unit) -> UnitFiles:
    shown = unit.show("FragmentPath", "DropInPaths")
    ours = f"/etc/systemd/system/{unit.unit}.d/{dropin.NAME}"
    paths = [shown.get("FragmentPath", ""), *shown.get("DropInPaths", "").split()]
    texts = [_text(path) for path in paths if path and path != ours]
    files = [_text(path) for path in dropin.environment_files(texts)]
    return UnitFiles(dropin.exec_start(texts), ours, read_file(ours), dropin.variables(texts, files))


def _text(path: str) -> str:
    found = read_file(path)
    return found.text if found else ""
