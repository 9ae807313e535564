# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far a rollout has come, from the records of its hosts, and whether its next wave may begin. Pure."""

from __future__ import annotations

import datetime
import typing as t

from . import window
from .record import FAILED

Records = t.Mapping[str, t.Mapping[str, t.Any]]
MOST_NAMES = 10


def hosts_left(hosts: t.Sequence[str], records: Records) -> list[str]:
    """Those that have no record of a run that ended well, in order."""
    return [host for host in hosts if records.get(host, {}).get("outcome", FAILED) == FAILED]


def waves(hosts: t.Sequence[str], sizes: t.Sequence[str]) -> list[list[str]]:
    """The hosts of each wave, divided as Ansible divides them: the last size counts for all that come."""
    rest, found = list(hosts), []
    for number in range(len(hosts)):
        size = sizes[min(number, len(sizes) - 1)]
        count = max(int(len(hosts) * int(size[:-1]) / 100) if size.endswith("%") else int(size), 1)
        if rest:
            found.append(rest[:count])
            rest = rest[count:]
    return found


def wave_faults(
    hosts: t.Sequence[str],
    wave: t.Sequence[str],
    sizes: t.Sequence[str],
    records: Records,
    most: int,
    opened: str,
    now: datetime.datetime,
) -> list[str]:
    """Why the *wave* may not begin, a sentence for each reason.

    wave: those of its hosts that can be reached. sizes: of all waves, as Ansible's serial takes them.
    most: the percentage of the hosts before it that may have failed; one that was not reached has failed.
    opened: the window in which a wave may begin, or nothing.
    """
    earlier: list[str] = []
    for each in waves(hosts, sizes):
        if set(each) & set(wave):
            break
        earlier += each
    failed = hosts_left(earlier, records)
    said = []
    if earlier and len(failed) * 100 > most * len(earlier):
        said.append(
            f"{len(failed)} of {len(earlier)} hosts before this wave failed or were not reached ({_names(failed)}), "
            f"and harden_max_fail_percentage allows {most} %; the others are untouched"
        )
    closed = window.closed(opened, now)
    return said + ([closed] if closed else [])


def _names(hosts: t.Sequence[str]) -> str:
    rest = len(hosts) - MOST_NAMES
    return ", ".join(hosts[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
