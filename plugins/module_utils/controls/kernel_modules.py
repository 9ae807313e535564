# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controls of the kernel's modules: one for each entry of their catalogue. Pure data."""

from __future__ import annotations

from ..kernel_modules.catalogue import CHOICE, ENTRIES
from .model import STRICT, Control


def control_id(entry: str) -> str:
    """The id of the control for an entry of the catalogue."""
    return f"kernel.module_{entry}"


CONTROLS: tuple[Control, ...] = tuple(
    Control(
        id=control_id(entry.name),
        title=f"No module is loaded for {entry.title}",
        reason=entry.reason,
        references=entry.references,
        profile=STRICT if entry.profile == CHOICE else entry.profile,
    )
    for entry in ENTRIES.values()
)
