# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who has a host for a rollout, and when another run may take it over. Pure."""

from __future__ import annotations

import datetime
import json
import typing as t
from dataclasses import asdict, dataclass

from ..errors import CaissonError, Fault, InputError
from ..host import moment

PRESENT, ABSENT = "present", "absent"
WHERE = "rollout_lock"


@dataclass(frozen=True)
class Holder:
    """A run that has the host.

    run: its identity, which no other run has. boot: the boot of the host in which it was taken. since: in UTC.
    """

    run: str
    who: str
    origin: str
    since: str
    boot: str

    def __str__(self) -> str:
        return f"{self.who} from {self.origin} since {self.since}"


@dataclass(frozen=True)
class LockSpec:
    """What a run asks for. finished: runs that are known to have ended without giving the host back."""

    state: str
    run: str
    who: str
    origin: str
    stale_after: float
    take_over: bool
    finished: t.Tuple[str, ...] = ()  # noqa: UP006  evaluated by dataclasses on Python 3.8


@dataclass(frozen=True)
class Decision:
    """What becomes of the lock: the holder that is written (None: none is), and whether the present one goes."""

    write: Holder | None = None
    remove: bool = False
    took_over: str = ""


class HeldError(CaissonError):
    """Another run has the host."""

    def __init__(self, holder: Holder, stale_after: float) -> None:
        self.holder = holder
        super().__init__(
            f"Another rollout has this host: {holder}. Wait for it to end. If it died, take the host over with "
            f"-e harden_take_over=yes; after {stale_after:g} hours, or a reboot of the host, it is taken over by itself"
        )


def parse(**given: t.Any) -> LockSpec:
    """The spec; InputError where a run could not be told from others, or no lock would ever hold."""
    faults = [
        Fault(WHERE, name, given[name], "is empty", "leave it out")
        for name in ("run", "who", "origin")
        if not str(given[name]).strip()
    ]
    if not given["stale_after"] > 0:
        faults.append(Fault(WHERE, "stale_after", given["stale_after"], "is no time", "write hours, such as 12"))
    if faults:
        raise InputError(faults)
    return LockSpec(**{**given, "finished": tuple(given["finished"])})


def decide(spec: LockSpec, held: Holder | None, boot: str, now: datetime.datetime) -> Decision:
    """What to do about the lock; HeldError where another run has the host and may keep it."""
    ours = held is not None and held.run == spec.run
    if spec.state == ABSENT:
        return Decision(remove=ours)
    if ours:
        return Decision()
    reason = _stale(spec, held, boot, now) if held else ""
    if held and not reason:
        raise HeldError(held, spec.stale_after)
    taken = Holder(spec.run, spec.who, spec.origin, now.strftime(moment.FORM), boot)
    return Decision(write=taken, took_over=f"{held}: {reason}" if held else "")


def _stale(spec: LockSpec, held: Holder, boot: str, now: datetime.datetime) -> str:
    """Why the lock no longer counts; empty if it does."""
    if spec.take_over:
        return "told to"
    if held.boot != boot:
        return "the host was started anew since"
    if held.run in spec.finished:
        return "that run has died"
    try:
        since = datetime.datetime.strptime(held.since, moment.FORM).replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return ""
    age = now - since
    return f"older than {spec.stale_after:g} hours" if age > datetime.timedelta(hours=spec.stale_after) else ""


def render(holder: Holder) -> str:
    return json.dumps(asdict(holder), indent=1, sort_keys=True) + "\n"


def read(text: str, path: str) -> Holder:
    """The holder that a lock file names; CaissonError where it is not one of ours."""
    try:
        found = json.loads(text)
        return Holder(**{name: str(found[name]) for name in ("run", "who", "origin", "since", "boot")})
    except (ValueError, KeyError, TypeError) as error:
        raise CaissonError(
            f"Failed to read the lock {path}: {error!r}; remove it if no rollout is under way"
        ) from error
