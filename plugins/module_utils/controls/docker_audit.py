# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controls of the audit rules on an engine's files. Pure data."""

from __future__ import annotations

from ..auditd.catalogue import WATCHES, control_id
from .model import Control

CONTROLS: tuple[Control, ...] = tuple(
    Control(
        control_id(watch.name),
        f"The kernel's audit watches {watch.what}",
        "Whoever changes it, or runs it by hand, can be root on this host; the audit log tells who it was.",
        (f"CIS Docker 1.8 {watch.item}",),
    )
    for watch in WATCHES
)
