# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The policy: each control's finding on a container, and what of it is refused. Pure.

It judges a state and not a spec, so the same rules serve what is asked for, what runs, and an audit of any container.
"""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass

from ..controls import container as catalogue
from ..controls import model
from .records import Waiver
from .rules import Context, Evidence, NotJudged, judge
from .state import State

CONTROLS = {control.id: control for control in catalogue.CONTROLS}


@dataclass(frozen=True)
class Violation:
    """One control that a container's spec breaks without a waiver."""

    container: str
    control: model.Control
    evidence: str

    def __str__(self) -> str:
        return (
            f"container {self.container!r} breaks {self.control.id}: {self.evidence}. {self.control.reason}"
            f" To allow it, add to its waivers: {{control: {self.control.id}, reason: why, expires: YYYY-MM-DD}}"
        )


def findings(
    name: str,
    state: State,
    context: Context,
    profile: str,
    waivers: t.Sequence[Waiver],
    today: datetime.date,
) -> list[model.Finding]:
    """A finding for each control that the profile demands, in the catalogue's order."""
    evidence = judge(state, context)
    waived = {waiver.control: waiver for waiver in waivers if not waiver.expired(today)}
    return [
        outcome(control, name, evidence[control.id], waived.get(control.id))
        for control in CONTROLS.values()
        if control.demanded_by(profile)
    ]


def outcome(control: model.Control, name: str, against: Evidence, waiver: Waiver | None) -> model.Finding:
    """The finding that follows from the evidence; waiver: one that is in force, or None."""
    if against is None:
        return model.Finding(control.id, name, model.PASS)
    if isinstance(against, NotJudged):
        return model.Finding(control.id, name, model.NOT_APPLICABLE, str(against))
    if waiver is None:
        return model.Finding(control.id, name, model.FAIL, against)
    return model.Finding(control.id, name, model.WAIVED, waiver.covering(against))


def violations(found: t.Iterable[model.Finding]) -> list[Violation]:
    return [
        Violation(finding.object, CONTROLS[finding.control], finding.evidence)
        for finding in found
        if finding.outcome == model.FAIL
    ]


def waiver_warnings(
    name: str, waivers: t.Sequence[Waiver], found: t.Iterable[model.Finding], today: datetime.date
) -> list[str]:
    """What is to be said of waivers that have expired or that nothing needs."""
    return [f"container {name!r}: {note}" for note in model.waiver_notes(waivers, found, today)]
