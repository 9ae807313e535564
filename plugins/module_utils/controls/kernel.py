# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controls of the kernel's settings: one for each key of the catalogue that a profile sets. Pure data."""

from __future__ import annotations

from ..kernel.keys import KEYS
from ..kernel.model import SysctlKey
from .model import BASELINE, STRICT, Control


def control_id(key: str) -> str:
    """The id of the control for a sysctl key."""
    return key if key.startswith("kernel.") else f"kernel.{key}"


def _control(entry: SysctlKey) -> Control:
    profile = BASELINE if BASELINE in entry.values else STRICT
    return Control(
        id=control_id(entry.key),
        title=f"{entry.key} is {entry.values[profile]}{' or stricter' if _ordered(entry) else ''}",
        reason=entry.reason,
        references=entry.references,
        profile=profile,
    )


def _ordered(entry: SysctlKey) -> bool:
    weakest_accepted = entry.ladder.index(next(iter(entry.values.values()))) if entry.ladder else 0
    return entry.more_is_stricter or weakest_accepted < len(entry.ladder) - 1


CONTROLS: tuple[Control, ...] = tuple(_control(entry) for entry in KEYS.values())
