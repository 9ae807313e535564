# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a module that changes the host returns. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ..controls.model import Finding, score
from .changes import ChangeSet


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

    @classmethod
    def of(
        cls,
        changes: ChangeSet,
        undo: Path,
        before: t.Sequence[Finding],
        after: t.Sequence[Finding],
        *,
        warnings: t.Iterable[str] = (),
        skipped: t.Container[str] = (),
        forgets: bool = False,
        extra: t.Mapping[str, t.Any],
    ) -> HostResult:
        """The result of a run of *changes* without the *skipped* keys, with the findings before and after it.

        undo: where the record lies. forgets: a record is forgotten, which is a change though none that is told.
        """
        actions = changes.actions(skipped)
        return cls(
            changed=bool(actions) or forgets,
            actions=actions,
            diff=changes.diff(skipped),
            undo=str(undo),
            findings=list(after),
            score=score(before, after),
            warnings=list(warnings),
            extra=dict(extra),
        )

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


# What carries a plan out, or in check mode predicts it; CaissonError, with nothing changed, where that fails.
Work = t.Callable[[], HostResult]
