# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: look at the kernel's security modules and judge them; nothing is ever changed."""

from __future__ import annotations

import typing as t

from ..controls.model import BASELINE, PROFILES, score
from .findings import findings
from .observe import observe

ARGUMENTS: dict[str, dict[str, t.Any]] = {"profile": {"type": "str", "choices": list(PROFILES), "default": BASELINE}}


def look(profile: str = BASELINE) -> dict[str, t.Any]:
    """What the kernel shows, with the outcome of the profile's controls."""
    seen = observe()
    found = findings(seen, profile)
    return {
        "changed": False,
        "security": seen.as_dict(),
        "findings": [finding.as_dict() for finding in found],
        "score": score(found, found),
    }
