# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hours in which a rollout may begin a wave, such as ``22:00-05:00`` or ``22:00-05:00 Europe/Berlin``. Pure."""

from __future__ import annotations

import datetime
import re

import zoneinfo

_WINDOW = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])\s*-\s*([01]?[0-9]|2[0-3]):([0-5][0-9])(?:\s+(\S+))?")
REMEDY = "write two times and, if they are not this machine's, their time zone, as in 22:00-05:00 Europe/Berlin"


def fault(given: str) -> str:
    """What is wrong with the window, as the end of a sentence; empty if nothing is."""
    found = _WINDOW.fullmatch(given)
    if not found:
        return f"is no window: {REMEDY}"
    if found[5] and _zone(found[5]) is None:
        return f"names {found[5]!r}, a time zone that this machine does not know: {REMEDY}"
    if _minutes(found[1], found[2]) == _minutes(found[3], found[4]):
        return f"begins when it ends: {REMEDY}"
    return ""


def closed(given: str, now: datetime.datetime) -> str:
    """Why no wave may begin at this time (which has a zone), as a sentence; empty inside the window or without one."""
    found = _WINDOW.fullmatch(given)
    if not found:
        return ""
    local = now.astimezone(_zone(found[5]) if found[5] else None)
    at, begin, end = local.hour * 60 + local.minute, _minutes(found[1], found[2]), _minutes(found[3], found[4])
    inside = begin <= at < end if begin < end else at >= begin or at < end
    if inside:
        return ""
    return (
        f"It is {local:%H:%M} ({local.tzname()}), outside the window {given}; run again when it is open, "
        "or give an empty harden_window to go on now"
    )


def _minutes(hours: str, minutes: str) -> int:
    return int(hours) * 60 + int(minutes)


def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None
