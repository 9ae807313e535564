# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a control, a waiver and a finding are. Pure data."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

BASELINE = "baseline"
STRICT = "strict"
PROFILES = (BASELINE, STRICT)

PASS = "pass"
FAIL = "fail"
WAIVED = "waived"
NOT_APPLICABLE = "not_applicable"
ERROR = "error"
OUTCOMES = (PASS, FAIL, WAIVED, NOT_APPLICABLE, ERROR)


@dataclass(frozen=True)
class Control:
    """One hardening rule.

    id: stable, ``<subject>.<name>``; the subject is kernel, process_limits, daemon, docker_files,
    docker_audit, container or image.
    title: what holds when the control passes, one line.
    reason: why it matters, one or two sentences.
    references: where the field asks for it (``CIS Docker 1.8 5.13``, ``KSPP``, ...).
    profile: the lowest profile that demands it.
    """

    id: str
    title: str
    reason: str
    references: tuple[str, ...] = ()
    profile: str = BASELINE

    @property
    def subject(self) -> str:
        return self.id.partition(".")[0]

    def demanded_by(self, profile: str) -> bool:
        """Whether *profile* demands this control; ``strict`` contains ``baseline``."""
        return PROFILES.index(self.profile) <= PROFILES.index(profile)


@dataclass(frozen=True)
class Finding:
    """The outcome of one control on one object, with the evidence for it."""

    control: str
    object: str
    outcome: str
    evidence: str = ""

    def as_dict(self) -> dict[str, str]:
        return {"control": self.control, "object": self.object, "outcome": self.outcome, "evidence": self.evidence}


def score(before: t.Iterable[Finding], after: t.Iterable[Finding]) -> dict[str, int]:
    """Counts for the summary table, ``{total, before, after}``; waived and not applicable ones are left out."""

    def passed(findings: t.Sequence[Finding]) -> int:
        return sum(finding.outcome == PASS for finding in findings)

    earlier, later = list(before), list(after)
    return {
        "total": sum(finding.outcome in (PASS, FAIL, ERROR) for finding in later),
        "before": passed(earlier),
        "after": passed(later),
    }
