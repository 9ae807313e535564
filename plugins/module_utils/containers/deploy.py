# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Applies one container's plan: begin, wait at the gate, then finish or roll back.

A replacement is split there so that many containers can wait for their health side by side. Killed at any point, what
is left is what `plan.recover` knows.
"""

from __future__ import annotations

import contextlib
import time
import typing as t

from ..errors import CaissonError
from . import payload
from .engine import Engine
from .observe import anonymous_volumes
from .plan import NEXT, PREVIOUS, Action, Existing, Plan, interrupted_while_serving
from .progress import Progress, at_gate, doing
from .spec import Spec
from .state import State

POLL = 0.2
LEAST_SECRET = 4  # characters; a shorter value of the environment is no secret
MASK = "VALUE_NOT_SHOWN"


class GateError(CaissonError):
    """A container did not come up; the message says why, with its last log lines."""


class Deployment:
    """The life of one container through one run."""

    def __init__(
        self,
        engine: Engine,
        spec: Spec,
        plan: Plan,
        wanted: State | None,
        existing: Existing,
        progress: Progress,
    ) -> None:
        self.spec = spec
        self.plan = plan
        self._engine = engine
        self._wanted = wanted
        self._existing = existing
        self._progress = progress
        self.done: list[Action] = []  # what was begun
        self._candidate = ""  # the container whose health decides
        self._started_at = 0.0
        self._was_running = False
        self._replacing = False

    @property
    def waits(self) -> bool:
        """Whether something was started whose health has to be seen."""
        return bool(self._candidate)

    def begin(self) -> None:
        """Carry the plan out up to the gate. On failure, what served before serves again."""
        for action in self.plan.actions:
            step = getattr(self, f"_{action.kind}", None)
            if step is not None:
                self.done.append(action)
                self._progress.say(self.spec.name, doing(action.kind))
                step(action.target)

    def _remove_leftover(self, target: str) -> None:
        self._engine.remove(target)

    def _restore_name(self, target: str) -> None:
        self._engine.rename(target, self.spec.name)

    def _remove(self, _target: str) -> None:
        self._engine.stop(self.spec.name, self.spec.stop_timeout)
        self._engine.remove(self.spec.name)

    def _create(self, _target: str) -> None:
        self._make(self.spec.name, {})

    def _start(self, _target: str) -> None:
        if self._replacing:
            return  # the replacement starts its successor itself
        self._engine.start(self.spec.name)
        self._wait_for(self.spec.name)

    def _stop(self, _target: str) -> None:
        self._engine.stop(self.spec.name, self.spec.stop_timeout)

    def _unpause(self, _target: str) -> None:
        self._engine.unpause(self.spec.name)

    def _update(self, _target: str) -> None:
        self._engine.update(self.spec.name, payload.update_body(self._state))

    def _disconnect(self, network: str) -> None:
        self._engine.disconnect(self.spec.name, network)

    def _connect(self, network: str) -> None:
        self._engine.connect(self.spec.name, network, payload.endpoint(self._state["networks"][network]))

    def _recreate(self, _target: str) -> None:
        current = self._current()
        self._replacing = True
        self._was_running = self._has_served(current["State"])
        successor = self.spec.name + NEXT
        try:
            self._make(successor, anonymous_volumes(current))
            if self._was_running:
                self._progress.say(self.spec.name, f"stopping the former one (up to {self.spec.stop_timeout} s)")
                self._engine.stop(self.spec.name, self.spec.stop_timeout)
            if self.spec.state == "started" or (self.spec.state == "present" and self._was_running):
                self._engine.start(successor)
                self._wait_for(successor)
        except CaissonError:
            self.roll_back()
            raise
        if not self.waits:
            self.finish()

    def _has_served(self, state: t.Mapping[str, t.Any]) -> bool:
        """Whether the predecessor runs, or would if nothing had interrupted it; then it has to be brought back."""
        stopped = self.spec.state == "started" and state.get("Status") == "exited"
        return bool(state.get("Running")) or stopped or interrupted_while_serving(self._existing)

    def ready(self, settle_time: float, timeout: float) -> bool:
        """Whether the candidate is in order by now; GateError once it cannot become so."""
        inspect = self._engine.inspect(self._candidate)
        if inspect is None:
            raise GateError(f"container {self.spec.name!r} was removed by someone while it was starting")
        state = inspect["State"]
        passed = time.monotonic() - self._started_at
        health = (state.get("Health") or {}).get("Status", "none")
        if not state.get("Running") or state.get("Restarting"):
            code = state.get("ExitCode")
            memory = ", killed for want of memory" if state.get("OOMKilled") else ""
            raise GateError(self._failure(f"ended with exit status {code}{memory}"))
        if inspect.get("RestartCount"):
            raise GateError(self._failure("ended, and the engine restarted it"))
        if health == "unhealthy":
            raise GateError(self._failure("is unhealthy: " + _last_probe(state)))
        if health == "starting" and passed > timeout:
            raise GateError(self._failure(f"is not healthy after {timeout:g} s: " + _last_probe(state)))
        through = health == "healthy" or (health == "none" and passed >= settle_time)
        if not through:
            self._progress.keep_saying(self.spec.name, *at_gate(health, passed, settle_time, timeout))
        return bool(through)

    def finish(self) -> None:
        """Give the successor its name and let the old one go."""
        if self._replacing:
            name = self.spec.name
            if self._engine.inspect(name) is not None:  # one that removes itself is gone by now
                self._engine.rename(name, name + PREVIOUS)
            self._engine.rename(name + NEXT, name)
            self._engine.remove(name + PREVIOUS)
            self._progress.say(name, "replaced")
        else:
            self._progress.say(self.spec.name, "started")
        self._candidate = ""

    def roll_back(self) -> None:
        """Remove a successor that failed and bring the old one back; a container without a predecessor stays,
        so that it can be looked at."""
        self._candidate = ""
        if self._replacing:
            self._progress.say(self.spec.name, "its successor failed, bringing the former one back")
            self._engine.remove(self.spec.name + NEXT)
            if self._was_running:
                self._engine.start(self.spec.name)

    @property
    def _state(self) -> State:
        if self._wanted is None:
            raise CaissonError(f"container {self.spec.name!r}: its image {self.spec.image!r} is not on the host")
        return self._wanted

    def _current(self) -> t.Mapping[str, t.Any]:
        found = self._engine.inspect(self.spec.name)
        if found is None:
            raise CaissonError(f"container {self.spec.name!r} was removed by someone during the run; run again")
        return found

    def _make(self, name: str, volumes: t.Mapping[str, str]) -> None:
        self._engine.create(name, payload.create_body(self.spec, self._state, volumes))
        try:
            for network in list(self._state["networks"].values())[1:]:
                self._engine.connect(name, network.name, payload.endpoint(network))
        except CaissonError:
            with contextlib.suppress(CaissonError):
                self._engine.remove(name)
            raise

    def _wait_for(self, container: str) -> None:
        self._candidate = container
        self._started_at = time.monotonic()

    def _failure(self, what: str) -> str:
        lines = self._engine.last_lines(self._candidate)
        said = f"\nits last lines:\n{lines}" if lines else ""
        kept = "; the former container serves again" if self._replacing and self._was_running else ""
        message = f"container {self.spec.name!r} {what}{kept}{said}"
        for value in sorted(self.spec.env.values(), key=len, reverse=True):
            if len(value) >= LEAST_SECRET:
                message = message.replace(value, MASK)
        return message


def _last_probe(state: t.Mapping[str, t.Any]) -> str:
    probes = (state.get("Health") or {}).get("Log") or []
    return str(probes[-1].get("Output", "")).strip() or "its check said nothing" if probes else "no check has ended yet"
