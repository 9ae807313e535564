# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run's containers as data: what is asked, what is there, what follows, and what of it is impossible. Pure."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field

from ..controls import model
from ..errors import CaissonError, Fault, numbered
from . import policy
from .declared import Item
from .networks import NetworkSpec
from .order import START_FIRST, dependency_faults
from .plan import has_way_back
from .ports import Port, overlap
from .secrets import Seen
from .spec import Spec
from .state import Daemon, Image, State, health
from .steps import Action, Existing, Inspect, Plan
from .units import NANO, format_cpus
from .volumes import VolumeSpec


@dataclass(frozen=True)
class Settings:
    """What concerns a whole run; times in seconds."""

    project: str = "caisson"
    profile: str = model.BASELINE
    enforce: bool = True
    healthy_wait_timeout: float = 60.0
    settle_time: float = 1.0
    parallel: int = 4
    prune: bool = False
    inspect_processes: str = "started"
    assumed_images: frozenset[str] = frozenset()
    allowed_images: tuple[str, ...] = ()
    max_image_size: int = 0
    networks: tuple[NetworkSpec, ...] = ()
    volumes: tuple[VolumeSpec, ...] = ()
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
    settled: Existing = field(default_factory=Existing)  # what stands once an interrupted run's traces are put in order
    standing: Inspect | None = None  # the last inspect of what has its name
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
    downtime: float = 0.0
    pruned: bool = False

    @property
    def started(self) -> bool:
        """Whether this run started it, and it passed the gate."""
        return not self.error and any(
            action.kind in ("create", "recreate", "roll_back", "start", "unpause") for action in self.done
        )

    def fail(self, error: BaseException | str) -> None:
        self.error = f"{self.error}; then: {error}" if self.error else str(error)


@dataclass
class Outcome:
    cases: list[Case]
    warnings: list[str]
    executed: bool = False
    items: t.Sequence[Item] = ()  # the networks and volumes

    def actions(self, case: Case) -> tuple[Action, ...]:
        """What was begun, or in a prediction what a run would do."""
        return tuple(case.done) if self.executed else case.plan.actions

    def item_actions(self, item: Item) -> tuple[Action, ...]:
        """The same for a network or volume."""
        return tuple(item.done) if self.executed else item.actions

    @property
    def changed(self) -> bool:
        return any(map(self.actions, self.cases)) or any(map(self.item_actions, self.items))


def run_faults(
    cases: t.Sequence[Case], daemon: Daemon, networks: t.Collection[str], images: t.Collection[str], names: set[str]
) -> list[Fault]:
    """What of a run is impossible on this engine. images: those to be assumed there; names: its containers."""
    faults: list[Fault] = []
    for case in cases:
        if case.spec.wants_container:
            faults += host_faults(case, daemon, networks, images)
        elif case.spec.state == "rolled_back" and not has_way_back(case.spec, case.existing):
            remedy = "deploy with keep_previous: true first, or name the image to go back to"
            where = f"container {case.spec.name!r}"
            faults.append(Fault(where, "state", "rolled_back", "has no former generation to go back to", remedy))
    specs = [case.spec for case in cases]
    if daemon.podman:
        from . import podman  # noqa: PLC0415  needed only here

        faults += [fault for spec in specs if spec.wants_container for fault in podman.faults(spec)]
    return [*faults, *shared_ports(specs), *dependency_faults(specs, names)]


def order_faults(cases: t.Iterable[Case]) -> list[Fault]:
    """Replacements that are to start first and cannot."""
    return [
        Fault(
            f"container {case.spec.name!r}",
            "update_order",
            START_FIRST,
            f"is not possible: the old container holds {', '.join(case.plan.exclusive)}",
            "set update_order: auto",
        )
        for case in cases
        if case.spec.update_order == START_FIRST and case.plan.exclusive
    ]


def host_faults(
    case: Case, daemon: Daemon, networks: t.Collection[str], images: t.Collection[str]
) -> t.Iterator[Fault]:
    """What of the spec is impossible on this engine. images: those to be assumed there."""
    spec, where = case.spec, f"container {case.spec.name!r}"
    for name in (network.name for network in spec.networks or ()):
        if name not in networks:
            remedy = "declare it in the networks of the run, or leave it out for the project's own"
            yield Fault(where, "networks", name, "does not exist on the host", remedy)
    if daemon.cpus and spec.cpus > daemon.cpus * NANO:
        problem = f"is more than the host's {daemon.cpus}"
        yield Fault(where, "cpus", format_cpus(spec.cpus), problem, f"write {daemon.cpus} or less")
    if spec.runtime and daemon.runtimes and spec.runtime not in daemon.runtimes:
        remedy = f"use {', '.join(sorted(daemon.runtimes))}, or install it and name it in the engine's settings"
        yield Fault(where, "runtime", spec.runtime, "is not a runtime of this engine", remedy)
    if spec.healthcheck and "start_interval" in spec.healthcheck and daemon.api < (1, 44):
        remedy = "leave it out, or update the engine to Docker 25"
        yield Fault(where, "healthcheck", dict(spec.healthcheck), "has a start_interval, which is unknown here", remedy)
    if case.image is None and spec.pull == "never" and spec.image not in images:
        remedy = "load it there, or set pull: missing"
        yield Fault(where, "image", spec.image, "is not on the host and pull is never", remedy)
    checked = case.image is None or health(case.image.get("Healthcheck"), spec.healthcheck)
    if spec.healthcheck and "test" not in spec.healthcheck and not checked:
        yield Fault(where, "healthcheck", dict(spec.healthcheck), "has no test, and neither has the image", "add test")


def shared_ports(specs: t.Iterable[Spec]) -> list[Fault]:
    """Host ports that two containers of the run would publish at once."""
    taken: dict[str, list[tuple[str, Port]]] = {}
    faults = []
    for spec in (spec for spec in specs if spec.wants_container):
        for port in sorted(spec.published_ports):
            _inner, host, outer = port
            others = taken.setdefault(outer, [])
            other = next((each for each in others if each[0] != spec.name and overlap(port, each[1])), None)
            if other is not None:
                where, shown = f"container {spec.name!r}", f"{host or '*'}:{outer}"
                problem = f"is published by {other[0]!r} too"
                if other[1][1] != host:
                    problem += f", on {other[1][1] or 'every address'}"
                faults.append(Fault(where, "published_ports", shown, problem, "choose another host port"))
            others.append((spec.name, port))
    return faults
