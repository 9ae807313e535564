# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Applies one container's plan: begin, wait at the gate, then finish or undo.

It is split there so that many containers can wait for their health side by side. Killed at any point, what is left is
what `recovery.recover` knows.
"""

from __future__ import annotations

import contextlib
import time
import typing as t

from ..errors import CaissonError
from . import payload
from .engine import Engine, Json
from .engine_errors import NameTaken
from .hidden import MASK
from .observe import anonymous_volumes
from .order import STOP_FIRST
from .progress import Progress, at_gate, doing
from .recovery import interrupted_while_serving, outlived
from .replacement import Replacement, hold, own_stop_timeout
from .secret_keeper import CaseSecrets
from .secrets import texts as texts_of
from .spec import Spec
from .state import State
from .steps import NEXT, PREVIOUS, Action, Existing, Inspect, Plan, restart_policy, starts_itself

BEING_MADE = 10.0  # seconds in which the engine ends a creation that a killed run asked for
LEAST_SECRET = 4  # characters; a shorter value of the environment is no secret


class GateError(CaissonError):
    """A container did not come up. what: the sentence about it; lines: the end of its log, or the empty string."""

    def __init__(self, what: str, lines: str = "") -> None:
        self.what = what
        self.lines = lines
        super().__init__(what)

    def after(self, undone: str) -> str:
        """The whole message, with what became of the former container."""
        return f"{self.what}{undone}" + (f"\nits last lines:\n{self.lines}" if self.lines else "")


class Deployment:
    """The life of one container through one run."""

    def __init__(
        self,
        engine: Engine,
        spec: Spec,
        plan: Plan,
        wanted: State | None,
        existing: Existing,
        secrets: CaseSecrets | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.spec = spec
        self.plan = plan
        self._engine = engine
        self._wanted = wanted
        self._existing = existing
        self._secrets = secrets
        self._progress = progress or Progress()
        self.done: list[Action] = []  # what was begun
        self.seconds = 0.0  # of work on it
        self.candidate = ""  # the container whose health decides
        self.seen_up: Inspect | None = None  # the inspect with which it passed the gate
        self._started_at = 0.0
        self._replacement: Replacement | None = None
        self._aside = False  # whether a generation is kept that this run has nothing to do with

    @property
    def waits(self) -> bool:
        """Whether something was started whose health has to be seen."""
        return bool(self.candidate)

    @property
    def downtime(self) -> float:
        """Seconds in which nothing answered under the container's name, because of its replacement."""
        return self._replacement.downtime if self._replacement else 0.0

    def begin(self) -> None:
        """Carry the plan out up to the gate. On failure, what served before serves again."""
        try:
            for action in self.plan.actions:
                step = getattr(self, f"_{action.kind}", None)
                if step is not None:
                    self.done.append(action)
                    self._progress.say(self.spec.name, doing(action.kind))
                    step(action.target)
        except CaissonError as error:
            raise CaissonError(f"{error}{self.undo()}") from error

    def undecided(self, settle_time: float, timeout: float, listed: t.Mapping[str, Json]) -> bool:
        """Whether the candidate can neither have passed nor failed yet, by the engine's list of containers alone."""
        passed = time.monotonic() - self._started_at
        found = listed.get(self.candidate, {})
        if found.get("State") != "running" or passed > timeout:
            return False
        status = str(found.get("Status", ""))
        health = "starting" if "health: starting" in status else "none"
        waiting = health == "starting" or (passed < settle_time and "health" not in status)
        if waiting:
            self._progress.keep_saying(self.spec.name, *at_gate(health, passed, settle_time, timeout))
        return waiting

    def ready(self, settle_time: float, timeout: float) -> bool:
        """Whether the candidate is in order by now; GateError once it cannot become so."""
        inspect = self._engine.inspect(self.candidate)
        if inspect is None:
            raise GateError(f"container {self.spec.name!r} was removed by someone while it was starting")
        passed = time.monotonic() - self._started_at
        state = inspect["State"]
        health = (state.get("Health") or {}).get("Status", "none")
        if not state.get("Running") or state.get("Restarting"):
            code = state.get("ExitCode")
            memory = ", killed for want of memory" if state.get("OOMKilled") else ""
            raise self._failed(f"ended with exit status {code}{memory}")
        if inspect.get("RestartCount"):
            raise self._failed("ended, and the engine restarted it")
        if health == "unhealthy":
            raise self._failed("is unhealthy: " + _last_probe(state))
        if health == "starting" and passed > timeout:
            raise self._failed(f"is not healthy after {timeout:g} s: " + _last_probe(state))
        up = health == "healthy" or (health == "none" and passed >= settle_time)
        self.seen_up = inspect if up else None
        if up and self._replacement:
            self._replacement.is_up(time.monotonic() if health == "healthy" else self._started_at)
        return up

    def finish(self) -> None:
        """What passed the gate takes its place."""
        self.candidate = ""
        if self._replacement:
            self._replacement.swap()
        self._progress.say(self.spec.name, "replaced" if self._replacement else "started")

    def undo(self) -> str:
        """Bring back what served; a sentence about it, or the empty string.

        A container without a predecessor stays, so that it can be looked at.
        """
        self.candidate = ""
        if self._replacement is None:
            return ""
        self._progress.say(self.spec.name, "bringing the former one back")
        try:
            return self._replacement.undo()
        except CaissonError as error:
            return f"; then: {error}; run again once the engine is in order"

    def _remove_leftover(self, target: str) -> None:
        self._stop_leftover(target)
        self._engine.remove(target)

    def _stop_leftover(self, target: str) -> None:
        found = self._existing.successor if target.endswith(NEXT) else self._existing.previous
        if found is not None and found["State"].get("Running"):
            self._engine.stop(target, own_stop_timeout(found))

    def _restore_name(self, target: str) -> None:
        self._engine.rename(target, self.spec.name)

    def _hold(self, target: str) -> None:
        hold(self._engine, target)

    def _keep_leftover(self, target: str) -> None:
        self._stop_leftover(target)
        self._engine.rename(target, self.spec.name + PREVIOUS)

    def _remove(self, _target: str) -> None:
        self._engine.stop(self.spec.name, own_stop_timeout(self._existing.current))
        self._engine.remove(self.spec.name)

    def _create(self, _target: str) -> None:
        self._make(self.spec.name, {})

    def _start(self, _target: str) -> None:
        if self._replacement:
            return  # the replacement starts its candidate itself
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

    def _write_secrets(self, _target: str) -> None:
        if self._secrets is not None:
            self._secrets.rewrite(self._state)
            if not self.plan.has("signal"):
                self._secrets.settle()

    def _signal(self, name: str) -> None:
        self._engine.signal(self.spec.name, name)
        if self._secrets is not None:
            self._secrets.settle()

    def _remove_secrets(self, _target: str) -> None:
        """The keeper does it at the run's end, when no container mounts them any more."""

    def _recreate(self, _target: str) -> None:
        current = self._current()
        successor = Replacement(
            self._engine,
            self.spec.name,
            candidate=NEXT,
            order=self.plan.order or STOP_FIRST,
            keep=self.spec.keep_previous,
            stop_timeout=self.spec.stop_timeout,
            serving=self._has_served(current["State"]),
            holds=self.plan.holds,
            aside=self._aside,
        )
        self._replacement = successor
        self._make(successor.candidate, anonymous_volumes(current))
        if self.spec.state == "started" or (self.spec.state == "present" and successor.serving):
            if successor.stops_first:
                self._progress.say(self.spec.name, f"stopping the former one (up to {self.spec.stop_timeout} s)")
            successor.bring_up()
            self._wait_for(successor.candidate)
        else:
            if current["State"].get("Running"):
                self._engine.stop(self.spec.name, self.spec.stop_timeout)
            self.finish()

    def _roll_back(self, _target: str) -> None:
        current = self._current()
        self._replacement = Replacement(
            self._engine,
            self.spec.name,
            candidate=PREVIOUS,
            order=self.plan.order or STOP_FIRST,
            keep=True,
            stop_timeout=own_stop_timeout(current),
            serving=bool(current["State"].get("Running")),
            holds=self.plan.holds,
            policy=restart_policy(current) if self.plan.holds and starts_itself(current) else None,
        )
        self._replacement.bring_up()
        self._wait_for(self._replacement.candidate)

    def _has_served(self, state: t.Mapping[str, t.Any]) -> bool:
        """Whether the predecessor runs, or would if nothing had interrupted it; then it has to be brought back."""
        stopped = self.spec.state == "started" and state.get("Status") == "exited"
        return bool(state.get("Running")) or stopped or interrupted_while_serving(self._existing)

    @property
    def _state(self) -> State:
        if self._wanted is None:
            raise CaissonError(f"container {self.spec.name!r}: its image {self.spec.image!r} is not on the host")
        return self._wanted

    def _current(self) -> Inspect:
        found = self._engine.inspect(self.spec.name)
        if found is None:
            raise CaissonError(f"container {self.spec.name!r} was removed by someone during the run; run again")
        return found

    def _make(self, name: str, volumes: t.Mapping[str, str]) -> None:
        # Before the engine is asked for anything.
        state = self._secrets.provide(self._state) if self._secrets is not None else self._state
        self._create_as(name, payload.create_body(self.spec, state, volumes))
        try:
            for network in list(self._state["networks"].values())[1:]:
                self._engine.connect(name, network.name, payload.endpoint(network))
        except CaissonError:
            with contextlib.suppress(CaissonError):
                self._engine.remove(name)
            raise

    def _create_as(self, name: str, body: Json) -> str:
        """The new container's id; one that the engine made for a killed run in the meantime goes."""
        latest = time.monotonic() + BEING_MADE
        while True:
            try:
                return self._engine.create(name, body)
            except NameTaken:
                found = self._engine.inspect(name)
                if time.monotonic() > latest or (found is not None and not outlived(found, body)):
                    raise
                if found is not None:
                    self._engine.remove(found["Id"])
                else:  # it has the name and cannot be seen before it is complete
                    time.sleep(0.1)

    def _wait_for(self, container: str) -> None:
        self.candidate = container
        self._started_at = time.monotonic()

    def _failed(self, what: str) -> GateError:
        texts = [f"container {self.spec.name!r} {what}", self._engine.last_lines(self.candidate)]
        hidden = (*self.spec.env.values(), *texts_of(self.spec.secrets))
        for value in sorted(hidden, key=len, reverse=True):
            if len(value) >= LEAST_SECRET:
                texts = [text.replace(value, MASK) for text in texts]
        return GateError(*texts)


def _last_probe(state: t.Mapping[str, t.Any]) -> str:
    probes = (state.get("Health") or {}).get("Log") or []
    return str(probes[-1].get("Output", "")).strip() or "its check said nothing" if probes else "no check has ended yet"
