# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run refuses although dockerd would take it. Pure."""

from __future__ import annotations

import typing as t

from ..controls.daemon import CONTROLS
from ..errors import Fault, nearest
from . import hidden, tls, waivers
from .merge import Config

if t.TYPE_CHECKING:
    from .plan import Observed, Request

WHERE = "docker_daemon_config"


def with_tls(request: Request) -> Config:
    """The user's settings, with those that lead to the certificates which are made for him."""
    return request.config if request.tls is None else {**tls.settings(request.tls.directory), **request.config}


def former(observed: Observed) -> Config:
    """The settings that the daemon has in effect, as far as that is known."""
    file = observed.in_effect if observed.in_effect is not None else (observed.standing or {})
    return {**file, **(observed.given if observed.running is None else observed.running)}


def moved(observed: Observed, after: Config) -> list[str]:
    """The keys by which the engine would leave its present data."""
    return hidden.moves(former(observed), {**after, **observed.given})


def left_there(observed: Observed, after: Config) -> tuple[str, ...]:
    """The containers that a run stopped as the engine left the place to which it returns."""
    there = hidden.place({**after, **observed.given})
    return tuple(name for place, names in observed.left if place == there for name in names)


def hiding(request: Request, observed: Observed, after: Config) -> list[Fault]:
    """The refusal to hide containers, where nobody said that it is wanted."""
    refusal = hidden.fault(moved(observed, after), observed.existing, request.allow_hidden)
    return [refusal] if refusal else []


def refused(request: Request, observed: Observed, after: Config, wrong: t.Collection[str] = ()) -> list[Fault]:
    """What would weaken the host without leave, hide what exists without the word, or cannot work here.

    wrong: the settings that are told of already, by their dotted names.
    """
    leave, found = waivers.read(request.waivers)
    known = [control.id for control in CONTROLS]
    found += [
        Fault(WHERE, "controls", name, f"is no control of the daemon{nearest(name, known)}", "correct it")
        for name in request.controls
        if name not in known
    ]
    if request.tls is not None:
        found += tls.faults(request.tls, request.config)
    told = {name.partition(".")[0].partition("[")[0] for name in wrong}
    asked = {*request.config, *(name.partition(".")[0] for name in request.remove)} - told
    configured = {**after, **observed.given}
    listening = (observed.live.tcp if observed.live else None) or ()
    found += waivers.violations(asked, configured, request.profile, leave, observed.version, observed.today, listening)
    found += hiding(request, observed, after)
    if observed.remap_problem and after.get("userns-remap"):
        remedy = "add what is missing, or write default, for which the engine makes a user of its own"
        found.append(Fault(WHERE, "userns-remap", after["userns-remap"], observed.remap_problem, remedy))
    return found
