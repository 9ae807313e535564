# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: what systemd and the user database know that bears on mounts."""

from __future__ import annotations

import grp
import typing as t
from pathlib import Path

from ..host.files import read_file
from ..host.systemd import daemon_reload, systemctl
from ..host.units import unit_properties
from .options import Options, split
from .view import UnitView

_PROPERTIES = ("LoadState", "ActiveState", "FragmentPath", "SourcePath", "DropInPaths")
_POLKITD = ("/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd", "/usr/libexec/polkit-1/polkitd")


def mount_units(names: t.Sequence[str], ours: str, fstab: str) -> dict[str, UnitView]:
    """The units by name. *ours* names our drop-in, which does not count; *fstab* the source of generated units."""
    found = {}
    for name, values in unit_properties(names, *_PROPERTIES).items():
        fragment = values.get("FragmentPath", "")
        dropins = [path for path in values.get("DropInPaths", "").split() if Path(path).name != ours]
        found[name] = UnitView(
            name,
            load=values.get("LoadState", ""),
            active=values.get("ActiveState") in ("active", "activating", "reloading"),
            fragment=fragment,
            from_fstab=values.get("SourcePath") == fstab,
            options=_options([fragment, *dropins] if fragment else []),
        )
    return found


def heed(restart: t.Iterable[str] = ()) -> None:
    """Have systemd read its units and /etc/fstab again, and restart those of the services that run."""
    daemon_reload()
    for service in restart:
        systemctl("try-restart", service)


def group_number(group: str) -> str | None:
    """The number of the group that is given by name or number, or None where there is none."""
    try:
        return str((grp.getgrgid(int(group)) if group.isdigit() else grp.getgrnam(group)).gr_gid)
    except (KeyError, OverflowError):
        return None


def polkit_is_there() -> bool:
    return any(Path(path).exists() for path in _POLKITD)


def _options(paths: t.Iterable[str]) -> Options:
    """The last ``Options=`` of the unit's files, which replaces the others; see systemd.mount(5)."""
    field = ""
    for path in paths:
        state = read_file(path)
        for line in state.text.splitlines() if state else ():
            name, equals, given = line.partition("=")
            if equals and name.strip() == "Options":
                field = given.strip()
    return split(field)
