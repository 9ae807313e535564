# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carries the plans of many containers out, side by side and in the order of their dependencies.

What is to go, goes first, so that its ports and addresses are free. One container's failure is its own, and that of
those which depend on it.
"""

from __future__ import annotations

import contextlib
import time
import typing as t
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

from ..errors import CaissonError
from .deploy import Deployment, GateError
from .engine import Engine, Json
from .records import Dependency
from .steps import Inspect

POLL = 0.2  # seconds between two looks at containers whose health is awaited
# The same while there is work for every thread of the pool; the engine has better use for its time than to make lists.
BUSY_POLL = 1.0


class Subject(t.Protocol):
    """Whose deployment it is; it is told what failed."""

    error: str

    def fail(self, error: BaseException | str) -> None: ...


class Timing(t.Protocol):
    """What the schedule needs of a run's settings; times in seconds."""

    @property
    def settle_time(self) -> float: ...

    @property
    def healthy_wait_timeout(self) -> float: ...

    @property
    def parallel(self) -> int: ...


Pair = t.Tuple[Subject, Deployment]


class Schedule:
    """The changes of one run."""

    def __init__(
        self, engine: Engine, settings: Timing, pool: ThreadPoolExecutor, subjects: t.Mapping[str, Subject]
    ) -> None:
        """subjects: all of the run by name, those too to which nothing is done."""
        self._engine = engine
        self._settings = settings
        self._pool = pool
        self._subjects = subjects
        self._unfinished: set[str] = set()
        self._waiting_since: dict[str, float] = {}

    def run(self, pairs: t.Sequence[Pair]) -> None:
        """Carry the plans out; what failed is told to its subject."""
        going = [pair for pair in pairs if pair[1].spec.state == "absent"]
        list(self._pool.map(self._begin, going))
        coming = [pair for pair in pairs if pair[1].spec.state != "absent"]
        self._unfinished = {deployment.spec.name for _subject, deployment in coming}
        self._run(coming)

    def _run(self, waiting: list[Pair]) -> None:
        tasks: dict[Future[None], Pair] = {}
        gate: list[Pair] = []
        last_look = 0.0
        while waiting or tasks or gate:
            # No more than the pool takes at once, so that a look at the gate is not behind all the others.
            free = list(islice(filter(self._may_begin, waiting), max(0, self._settings.parallel - len(tasks))))
            tasks.update({self._pool.submit(self._begin, pair): pair for pair in free})
            self._unfinished -= {one.spec.name for subject, one in waiting if subject.error}
            waiting = [pair for pair in waiting if pair not in free and not pair[0].error]
            pause = POLL if len(tasks) < self._settings.parallel else BUSY_POLL
            if gate and time.monotonic() >= last_look + pause:
                gate = self._look(gate, tasks)
                last_look = time.monotonic()
            if tasks:
                wait(tasks, timeout=POLL, return_when=FIRST_COMPLETED)
            elif gate or waiting:
                time.sleep(POLL)
            done = [tasks.pop(future) for future in list(tasks) if future.done()]
            gate += [pair for pair in done if pair[1].waits and not pair[0].error]
            self._unfinished -= {one.spec.name for subject, one in done if subject.error or not one.waits}

    def _look(self, gate: list[Pair], tasks: dict[Future[None], Pair]) -> list[Pair]:
        """Hand on those whose gate may open or shut by now; the others are left."""
        listed: dict[str, Json] = {}
        with contextlib.suppress(CaissonError):  # then each one says so for itself
            listed = {name.lstrip("/"): each for each in self._engine.containers() for name in each.get("Names") or ()}
        left = []
        for pair in gate:
            if pair[1].undecided(self._settings.settle_time, self._settings.healthy_wait_timeout, listed):
                left.append(pair)
            else:
                tasks[self._pool.submit(self._at_gate, pair)] = pair
        return left

    def _begin(self, pair: Pair) -> None:
        self._guarded(pair, pair[1].begin)

    def _at_gate(self, pair: Pair) -> None:
        def step() -> None:
            if pair[1].ready(self._settings.settle_time, self._settings.healthy_wait_timeout):
                pair[1].finish()

        self._guarded(pair, step)

    def _guarded(self, pair: Pair, step: t.Callable[[], None]) -> None:
        """Run the step; a failure is undone, and is this container's alone."""
        subject, deployment = pair
        begun = time.monotonic()
        try:
            step()
        except GateError as error:
            subject.fail(error.after(deployment.undo()))
        except CaissonError as error:
            subject.fail(f"{error}{deployment.undo()}")
        except Exception as error:  # a fault of ours; the other containers must still be brought to an end
            what = f"container {deployment.spec.name!r}: unexpected {type(error).__name__}: {error}"
            subject.fail(f"{what}{deployment.undo()}")
        deployment.seconds += time.monotonic() - begun

    def _may_begin(self, pair: Pair) -> bool:
        """Whether all that it depends on is there; one that never will be is its failure."""
        subject, deployment = pair
        for dependency in deployment.spec.depends_on:
            other = self._subjects.get(dependency.name)
            if dependency.name in self._unfinished:
                return False
            if other is not None and other.error:
                subject.fail(_not_touched(deployment, dependency, "failed"))
                return False
            if not self._meets(pair, dependency):
                return False
        return True

    def _meets(self, pair: Pair, dependency: Dependency) -> bool:
        """Whether a container to which nothing is being done is as the dependency asks."""
        subject, deployment = pair
        since = self._waiting_since.setdefault(deployment.spec.name, time.monotonic())
        try:
            problem = _lacks(self._engine.inspect(dependency.name), dependency)
        except CaissonError as error:
            problem = f"cannot be looked at: {error}"
        if problem and time.monotonic() - since > self._settings.healthy_wait_timeout:
            subject.fail(_not_touched(deployment, dependency, problem))
        return not problem


def _not_touched(deployment: Deployment, dependency: Dependency, problem: str) -> str:
    return f"container {deployment.spec.name!r}: it depends on {dependency.name!r}, which {problem}; not touched"


def _lacks(found: Inspect | None, dependency: Dependency) -> str:
    """What a dependency is not yet, as the end of a sentence; empty where it is as asked."""
    state = (found or {}).get("State") or {}
    if not state.get("Running"):
        return "does not run"
    health = (state.get("Health") or {}).get("Status", "none")
    if dependency.condition == "healthy" and health != "healthy":
        return "has no healthcheck" if health == "none" else f"is {health}"
    return ""
