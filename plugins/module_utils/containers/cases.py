# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run's containers as data: what is asked, what is there, what follows, and what of it is impossible. Pure."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field

from ..controls import model
from ..errors import CaissonError, Fault, numbered
from . import policy
from .plan import Action, Existing, Plan
from .secrets import Seen
from .spec import Spec
from .state import Daemon, Image, State, health
from .units import NANO, format_cpus


@dataclass(frozen=True)
class Settings:
    """What concerns a whole run; times in seconds."""

    project: str = "caisson"
    profile: str = model.BASELINE
    enforce: bool = True
    healthy_wait_timeout: float = 60.0
    settle_time: float = 1.0
    parallel: int = 4
    assumed_images: frozenset[str] = frozenset()
    today: datetime.date = field(default_factory=datetime.date.today)


class PolicyError(CaissonError):
    """Specs break controls without a waiver; nothing was touched."""

    def __init__(self, violations: t.Sequence[policy.Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__(numbered("refused", [str(violation) for violation in self.violations]))


@dataclass
class Case:
    """One container through the run: what is asked, what is there, what follows and what became of it."""

    spec: Spec
    existing: Existing = field(default_factory=Existing)
    image: Image | None = None
    wanted: State | None = None
    observed: State | None = None
    seen: Seen = field(default_factory=Seen)
    plan: Plan = field(default_factory=lambda: Plan(""))
    before: list[model.Finding] = field(default_factory=list)
    findings: list[model.Finding] = field(default_factory=list)
    done: list[Action] = field(default_factory=list)
    error: str = ""
    seconds: float = 0.0

    def fail(self, error: BaseException) -> None:
        self.error = f"{self.error}; then: {error}" if self.error else str(error)


@dataclass
class Outcome:
    cases: list[Case]
    warnings: list[str]
    executed: bool = False

    def actions(self, case: Case) -> tuple[Action, ...]:
        """What was begun, or in a prediction what a run would do."""
        return tuple(case.done) if self.executed else case.plan.actions

    @property
    def changed(self) -> bool:
        return any(self.actions(case) for case in self.cases)


def host_faults(
    case: Case, daemon: Daemon, networks: t.Collection[str], images: t.Collection[str]
) -> t.Iterator[Fault]:
    """What of the spec is impossible on this engine. images: those to be assumed there."""
    spec, where = case.spec, f"container {case.spec.name!r}"
    for name in (network.name for network in spec.networks or ()):
        if name not in networks:
            remedy = f"create it (docker network create {name}), or leave networks out for the project's own"
            yield Fault(where, "networks", name, "does not exist on the host", remedy)
    if daemon.cpus and spec.cpus > daemon.cpus * NANO:
        problem = f"is more than the host's {daemon.cpus}"
        yield Fault(where, "cpus", format_cpus(spec.cpus), problem, f"write {daemon.cpus} or less")
    if case.image is None and spec.pull == "never" and spec.image not in images:
        remedy = "load it there, or set pull: missing"
        yield Fault(where, "image", spec.image, "is not on the host and pull is never", remedy)
    checked = case.image is None or health(case.image.get("Healthcheck"), spec.healthcheck)
    if spec.healthcheck and "test" not in spec.healthcheck and not checked:
        yield Fault(where, "healthcheck", dict(spec.healthcheck), "has no test, and neither has the image", "add test")


def shared_ports(specs: t.Iterable[Spec]) -> list[Fault]:
    """Host ports that two containers of the run would publish at once."""
    taken: dict[tuple[str, str, str], str] = {}
    faults = []
    for spec in (spec for spec in specs if spec.wants_container):
        for inner, host, outer in sorted(spec.published_ports):
            key = (inner.partition("/")[2], host, outer)
            if outer and key in taken:
                where, shown = f"container {spec.name!r}", f"{host or '*'}:{outer}"
                faults.append(
                    Fault(
                        where,
                        "published_ports",
                        shown,
                        f"is published by {taken[key]!r} too",
                        "choose another host port",
                    )
                )
            taken.setdefault(key, spec.name)
    return faults
