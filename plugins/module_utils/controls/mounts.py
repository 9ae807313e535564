# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controls of the mount options: one for each mount point of the catalogue. Pure data."""

from __future__ import annotations

from ..mounts.catalogue import MOUNTS, MountPoint
from .model import Control


def _control(entry: MountPoint) -> Control:
    options = ", ".join(entry.wanted(entry.profile))
    return Control(
        id=entry.control,
        title=f"{entry.path} is mounted with {options}",
        reason=entry.reason,
        references=entry.references,
        profile=entry.profile,
    )


CONTROLS: tuple[Control, ...] = tuple(_control(entry) for entry in MOUNTS.values())
