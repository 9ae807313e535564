# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Puts one container in the place of another: a candidate is brought up, judged at the gate, then swapped in or undone.

The candidate is a successor (``NAME.caisson-next``) or, on the way back, the former generation
(``NAME.caisson-previous``). Each step is one call to the engine, and whatever it leaves is what `recovery` knows.
"""

from __future__ import annotations

import time
import typing as t

from .engine import Engine
from .order import STOP_FIRST
from .steps import NEXT, PREVIOUS, Inspect, starts_itself

GRACE = 10  # seconds that the engine gives a container which names no time of its own
LOOK_AGAIN = 0.2  # seconds after which a program that cannot run has ended


def own_stop_timeout(inspect: Inspect | None) -> int:
    """The seconds that the container itself asks for, for its end."""
    given = ((inspect or {}).get("Config") or {}).get("StopTimeout")
    return GRACE if given is None else int(given)


def hold(engine: Engine, name: str) -> None:
    """Have the engine never start the container by itself, and be the same otherwise.

    It starts one that was stopped with itself where its policy is ``on-failure`` and its program did not end with 0.
    """
    engine.update(name, {"RestartPolicy": {"Name": "no"}})


class Replacement:
    """One replacement under way."""

    def __init__(
        self,
        engine: Engine,
        name: str,
        *,
        candidate: str,
        order: str,
        keep: bool,
        stop_timeout: int,
        serving: bool,
        holds: bool,
        policy: t.Mapping[str, t.Any] | None = None,
        aside: bool = False,
    ) -> None:
        """candidate: NEXT or PREVIOUS. keep: what is replaced stays, stopped, as the previous generation.

        serving: whether what is replaced serves, or would if nothing had interrupted it. holds: a generation that is
        kept is held by its restart policy. policy: the one that a candidate which was held is to have. aside: a kept
        generation has the name under which the old one would go, so that it goes at once.
        """
        self._engine = engine
        self._name = name
        self._order = order
        self._keep = keep
        self._stop_timeout = stop_timeout
        self._successor = candidate == NEXT
        self.serving = serving
        self._holds = holds
        self._policy = policy
        self._aside = aside
        self._down_since: float | None = None
        self._swapping = False
        self.candidate = name + candidate
        self.downtime = 0.0  # seconds in which nothing answered under the name

    @property
    def stops_first(self) -> bool:
        """Whether what serves is stopped before the candidate starts."""
        return self.serving and self._order == STOP_FIRST

    def bring_up(self) -> None:
        """Start the candidate; before it, where both cannot run at once, stop what serves."""
        if self._policy is not None:
            self._engine.update(self.candidate, {"RestartPolicy": self._policy})
        if self.stops_first:
            self._down_since = time.monotonic()
            self._engine.stop(self._name, self._stop_timeout)
        self._engine.start(self.candidate)

    def is_up(self, since: float) -> None:
        """The candidate answers since that moment of `time.monotonic`."""
        if self._down_since is not None:
            self.downtime = since - self._down_since

    def swap(self) -> None:
        """Give the candidate the name; what had it goes, or stays as the previous generation."""
        left = self._name + (PREVIOUS if self._successor else NEXT)
        self._swapping = True
        if self._successor and self._keep:
            self._engine.remove(left)  # an older generation
        old = self._engine.inspect(self._name)
        began = time.monotonic()
        if old is not None and self._aside:
            self._engine.stop(self._name, self._stop_timeout)
            self._engine.remove(self._name)
            old = None
        if old is not None:  # one that removes itself is gone by now
            self._engine.rename(self._name, left)
        self._engine.rename(self.candidate, self._name)
        if old is None:
            return
        if self.serving and self._order != STOP_FIRST:
            self.downtime = time.monotonic() - began
            self._engine.stop(left, self._stop_timeout)
        if self._keep:
            self._put_by(left, old)
        else:
            self._engine.remove(left)

    def _put_by(self, left: str, old: Inspect) -> None:
        if self._holds and starts_itself(old):
            hold(self._engine, left)
        if not self._successor:
            self._engine.rename(left, self._name + PREVIOUS)

    def undo(self) -> str:
        """Take the candidate away and let what served serve again; a sentence about it, or the empty string.

        Once the swap has begun the candidate is the one that serves, and there is nothing to be undone.
        """
        if self._swapping:
            return "; the new container serves, and the next run puts the names in order"
        if self._successor:
            self._engine.remove(self.candidate)
        else:
            self._engine.stop(self.candidate, self._stop_timeout)
            if self._holds:
                hold(self._engine, self.candidate)
        if not self.serving:
            return ""
        self._engine.start(self._name)
        time.sleep(LOOK_AGAIN)
        state: t.Mapping[str, t.Any] = (self._engine.inspect(self._name) or {}).get("State") or {}
        if state.get("Running") and not state.get("Restarting"):
            return f"; the former container {'serves again' if self._order == STOP_FIRST else 'still serves'}"
        return f"; the former container did not come up again: it ended with exit status {state.get('ExitCode')}"
