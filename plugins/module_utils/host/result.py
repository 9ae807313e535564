# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a module that changes the host returns. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..controls.model import Finding


@dataclass(frozen=True)
class HostResult:
    """What a run did, or in check mode would have done."""

    changed: bool
    actions: list[str]
    diff: dict[str, str]
    undo: str
    findings: list[Finding] = field(default_factory=list)
    score: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    extra: dict[str, t.Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, t.Any]:
        """The result of the module; the warnings go their own way."""
        return {
            "changed": self.changed,
            "actions": self.actions,
            "diff": self.diff,
            "undo": self.undo,
            "findings": [finding.as_dict() for finding in self.findings],
            "score": self.score,
            **self.extra,
        }
