# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a control, a waiver and a finding are. Pure data."""

from __future__ import annotations

import datetime
import re
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

_DAY = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


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
class Waiver:
    """The leave to weaken one control, with its reason and its last day (inclusive)."""

    control: str
    reason: str
    expires: str

    def expired(self, today: datetime.date) -> bool:
        return datetime.date.fromisoformat(self.expires) < today

    def covering(self, evidence: str) -> str:
        """The evidence of a finding that is waived by it."""
        return f"{evidence}; waived until {self.expires}: {self.reason}"

    def as_dict(self) -> dict[str, str]:
        return {"control": self.control, "reason": self.reason, "expires": self.expires}


@dataclass(frozen=True)
class Finding:
    """The outcome of one control on one object, with the evidence for it."""

    control: str
    object: str
    outcome: str
    evidence: str = ""

    def as_dict(self) -> dict[str, str]:
        return {"control": self.control, "object": self.object, "outcome": self.outcome, "evidence": self.evidence}


def day(written: str) -> datetime.date:
    """The day of a waiver, YYYY-MM-DD and nothing else; ValueError for what is none."""
    # A later Python reads other forms too; the oldest one decides.
    if not _DAY.match(written):
        raise ValueError(written)
    return datetime.date.fromisoformat(written)


def waiver_notes(waivers: t.Iterable[Waiver], found: t.Iterable[Finding], today: datetime.date) -> list[str]:
    """What is to be said of waivers that have expired or that nothing needs."""
    # Where nobody has looked, nobody can say that it is not needed.
    used = {finding.control for finding in found if finding.outcome in (WAIVED, NOT_APPLICABLE)}
    said = []
    for waiver in waivers:
        if waiver.expired(today):
            said.append(f"the waiver of {waiver.control} expired on {waiver.expires}")
        elif waiver.control not in used:
            said.append(f"the waiver of {waiver.control} is not needed; remove it")
    return said


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
