# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Moments as users write them, in UTC to the second. Pure."""

from __future__ import annotations

import datetime
import re
import typing as t

FORM = "%Y-%m-%dT%H:%M:%SZ"
# The option of a module that brings its subject back to a moment.
ARGUMENT: dict[str, dict[str, t.Any]] = {"as_of": {"type": "str"}}
REMEDY = "write one with its zone, as in 2030-01-01T22:00:00Z, or 'before' and one"
_WRITTEN = re.compile(
    r"(?P<before>before\s+)?(?P<day>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d)(?P<second>:\d\d)?(\.\d+)?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)",
    re.ASCII,
)


class Moment(t.NamedTuple):
    """A moment as `FORM` has it, or all that came before it."""

    time: str
    before: bool = False

    def reaches(self, time: str) -> bool:
        """Whether what happened at that time had happened then."""
        return time < self.time if self.before else time <= self.time


def read(text: str) -> Moment | None:
    """The moment that a user wrote; None where it is none."""
    found = _WRITTEN.fullmatch(text.strip())
    if not found:
        return None
    zone = found["zone"].replace("Z", "+0000").replace(":", "")
    try:
        stamp = datetime.datetime.strptime(
            f"{found['day']}T{found['time']}{found['second'] or ':00'}{zone}", "%Y-%m-%dT%H:%M:%S%z"
        )
        return Moment(stamp.astimezone(datetime.timezone.utc).strftime(FORM), bool(found["before"]))
    except (ValueError, OverflowError):
        return None


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime(FORM)
