# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controls before and after a run, and the containers that the new defaults have not reached."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, replace

from ..controls.model import Finding, waiver_notes
from . import outdated, plan, refusals, state, surroundings, waivers
from .judge import findings
from .observe import Host


@dataclass(frozen=True)
class Verdict:
    before: list[Finding]
    after: list[Finding]
    outdated: list[dict[str, t.Any]]
    warnings: list[str]


def judged(host: Host, decided: plan.Plan, live: state.Live | None, untold: bool) -> Verdict:
    """untold: the file is written and nobody tells the daemon."""
    observed, request = host.observed, host.options.request
    leave, _faults = waivers.read(request.waivers)
    configured = configured_after(host, decided)

    def of(config: t.Any, view: state.Live | None, deferred: t.Sequence[str], in_effect: bool) -> list[Finding]:
        found = findings(config, view, request.profile, deferred, in_effect, observed.version)
        if request.controls:
            found = [finding for finding in found if finding.control in request.controls]
        return waivers.applied(found, leave, observed.today)

    before = of(refusals.former(observed), observed.live, (), observed.live is not None)
    after = of(configured, live, decided.deferred, not untold)
    old = outdated.outdated(_left(host, decided), configured, since(host, decided))
    warnings = waiver_notes(leave, after, observed.today)
    return Verdict(before, after, old, [*warnings, *filter(None, [outdated.warning(old)])])


def configured_after(host: Host, decided: plan.Plan) -> dict[str, t.Any]:
    """File and command line together, once the plan is carried out."""
    given = host.observed.given
    return {**decided.after, **{name: value for name, value in given.items() if name not in decided.taken}}


def _keeps(host: Host, decided: plan.Plan) -> bool:
    return configured_after(host, decided).get("live-restore") is True


def _left(host: Host, decided: plan.Plan) -> list[outdated.Container]:
    """The containers that run afterwards: a restart without live-restore ends them, and starts some anew."""
    if decided.stop:
        return []
    if decided.need not in (plan.RESTART, plan.START) or decided.carried or _keeps(host, decided):
        return list(host.containers)
    return [replace(each, started=None) for each in host.containers if each.comes_back]


def since(host: Host, decided: plan.Plan) -> dict[str, list[t.Any]]:
    """Since when each default that containers take along is in force, once the plan is carried out."""
    configured = configured_after(host, decided)
    stood = surroundings.changed_at(host.options.path) if host.file is not None else 0.0
    found = outdated.since_when(host.since, refusals.former(host.observed), configured, stood, time.time())
    for each in decided.companions:
        if each.key in found:
            found[each.key] = [found[each.key][0], time.time()]
    return found
