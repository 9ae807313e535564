# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Leave to break a control of the daemon, and what is refused without it. Pure."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import replace

from ..controls.daemon import ALWAYS_REFUSED, CONTROLS, KEYS_OF, NONE
from ..controls.model import FAIL, WAIVED, Finding, Waiver, day
from ..errors import Fault, nearest
from .addresses import Answers
from .judge import outcome_of
from .mask import masked
from .merge import Config
from .schema import Version

WHERE = "docker_daemon_config"
_BY_ID = {control.id: control for control in CONTROLS}
_INSTEAD = {
    "daemon.tcp_tls": "set tls: true, or tlsverify with certificates of your own",
    "daemon.metrics_address": "write the one address at which they are collected",
}


def read(given: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[tuple[Waiver, ...], list[Fault]]:
    """The waivers that are right, and everything that is wrong with the others."""
    found: list[Waiver] = []
    faults: list[Fault] = []
    for index, item in enumerate(given):
        where = f"waivers[{index}]"
        before = len(faults)
        control, reason, expires = (str(item.get(name) or "") for name in ("control", "reason", "expires"))
        if control not in _BY_ID:
            hint = nearest(control, _BY_ID)
            faults.append(Fault(WHERE, f"{where}.control", control, f"is no control of the daemon{hint}", "correct it"))
        elif control in (other.control for other in found):
            faults.append(Fault(WHERE, f"{where}.control", control, "stands twice", "keep one"))
        if not reason.strip():
            remedy = "write a sentence that an auditor understands"
            faults.append(Fault(WHERE, f"{where}.reason", reason, "says nothing", remedy))
        try:
            day(expires)
        except ValueError:
            faults.append(Fault(WHERE, f"{where}.expires", expires, "is no date", "write it as YYYY-MM-DD"))
        if len(faults) == before:
            found.append(Waiver(control, reason, expires))
    return tuple(found), faults


def applied(found: t.Iterable[Finding], waivers: t.Iterable[Waiver], today: datetime.date) -> list[Finding]:
    """The findings, those that fail by leave as waived."""
    valid = {waiver.control: waiver for waiver in waivers if not waiver.expired(today)}
    return [
        replace(finding, outcome=WAIVED, evidence=valid[finding.control].covering(finding.evidence))
        if finding.outcome == FAIL and finding.control in valid
        else finding
        for finding in found
    ]


def violations(
    asked: t.Collection[str],
    configured: Config,
    profile: str,
    waivers: t.Iterable[Waiver],
    version: Version | None,
    today: datetime.date,
    listening: Answers = (),
) -> list[Fault]:
    """What the user's own words break without leave: *asked* has the keys that they set or take out.

    What opens the daemon to a network is refused whoever asks for it, also on the daemon's command line, and by a
    socket that systemd opens for it. listening: what the TCP sockets answer now.
    """
    allowed = {waiver.control for waiver in waivers if not waiver.expired(today)}
    found = []
    for control_id, keys in KEYS_OF.items():
        control = _BY_ID[control_id]
        theirs = [key for key in keys if key in asked]
        demanded = profile != NONE and control.demanded_by(profile) and bool(theirs)
        if control_id in allowed or not (demanded or control_id in ALWAYS_REFUSED):
            continue
        try:
            outcome, evidence = outcome_of(control_id, configured, version, listening)
        except (AttributeError, TypeError, KeyError):
            continue  # a value of the wrong type, which is told by itself
        if outcome == FAIL:
            named = (theirs or [key for key in keys if key in configured] or list(keys))[0]
            found.append(
                Fault(
                    WHERE,
                    f"config.{named}" if theirs else named,
                    masked(configured.get(named), named),
                    f"breaks {control_id}: {evidence}. {control.reason}",
                    f"{_INSTEAD.get(control_id, 'leave it out')}, or allow it with waivers: "
                    f"[{{control: {control_id}, reason: why, expires: YYYY-MM-DD}}]",
                )
            )
    return found
