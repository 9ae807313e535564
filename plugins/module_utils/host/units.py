# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: properties of systemd and of many units in one question, and the drop-ins of ours that lie there."""

from __future__ import annotations

import typing as t
from pathlib import Path

from .systemd import systemctl

Properties = t.Dict[str, str]


def manager_properties(*names: str) -> Properties:
    """Properties of systemd itself."""
    return _parsed(systemctl("show", f"--property={','.join(names)}"))


def unit_properties(units: t.Sequence[str], *names: str) -> dict[str, Properties]:
    """Properties of the units by their names, and of the loaded ones that a pattern matches."""
    shown = systemctl("show", f"--property=Id,{','.join(names)}", "--", *units)
    blocks = map(_parsed, shown.split("\n\n"))
    return {block["Id"]: block for block in blocks if "Id" in block}


def drop_ins(name: str) -> list[str]:
    """The drop-ins of that name in the administrator's directory."""
    return sorted(str(path) for path in Path("/etc/systemd/system").glob(f"*.d/{name}"))


def _parsed(block: str) -> Properties:
    return {name: value for name, equals, value in (line.partition("=") for line in block.splitlines()) if equals}
