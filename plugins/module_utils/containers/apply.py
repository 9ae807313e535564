# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deploys a list of containers: observe all, judge all, plan all; then act, side by side.

Nothing is touched before every container is read, judged by the policy and planned.
"""

from __future__ import annotations

import datetime
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ..controls import model
from ..errors import CaissonError, Fault, InputError, numbered
from . import policy
from .deploy import POLL, Deployment
from .engine import Engine, MissingImage
from .observe import observe
from .plan import NEXT, PREVIOUS, Existing, Plan, plan, recover
from .spec import Spec
from .state import PROJECT_LABEL, Daemon, Image, State, resolve


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
    plan: Plan = field(default_factory=lambda: Plan(""))
    before: list[model.Finding] = field(default_factory=list)
    findings: list[model.Finding] = field(default_factory=list)
    error: str = ""
    seconds: float = 0.0


@dataclass
class Outcome:
    cases: list[Case]
    warnings: list[str]

    @property
    def changed(self) -> bool:
        return any(case.plan.changed for case in self.cases)


class Run:
    """One run over one engine."""

    def __init__(self, engine: Engine, specs: t.Sequence[Spec], settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._cases = [Case(spec) for spec in specs]
        self._daemon = Daemon()
        self._networks: set[str] = set()
        self._warnings: list[str] = []

    def predict(self) -> Outcome:
        """Observe, judge and plan; change nothing."""
        with ThreadPoolExecutor(max(1, self._settings.parallel)) as pool:
            self._observe(pool)
            self._judge()
            self._plan(pool)
        return Outcome(self._cases, self._warnings)

    def execute(self) -> Outcome:
        """Carry out what :meth:`predict` planned."""
        with ThreadPoolExecutor(max(1, self._settings.parallel)) as pool:
            self._fetch_images(pool)
            self._create_network()
            self._deploy(pool)
        return Outcome(self._cases, self._warnings)

    def _observe(self, pool: ThreadPoolExecutor) -> None:
        daemon, networks = pool.submit(self._engine.daemon), pool.submit(self._engine.networks)
        names = {name.lstrip("/") for each in self._engine.containers() for name in each.get("Names") or ()}
        roles = [(case, case.spec.name + suffix) for case in self._cases for suffix in ("", NEXT, PREVIOUS)]
        present = [(case, name) for case, name in roles if name in names]
        inspected = dict(zip((name for _, name in present), pool.map(self._inspect, (name for _, name in present))))
        self._load_images(pool)
        self._daemon, self._networks = daemon.result(), networks.result()
        for case in self._cases:
            name = case.spec.name
            case.existing = Existing(*(inspected.get(name + suffix) for suffix in ("", NEXT, PREVIOUS)))
            current = recover(name, case.existing)[1].current
            case.observed = observe(current) if current is not None else None
        self._refuse_unknown_networks()
        for limit in sorted({"memory", "memory_swap", "cpus", "pids_limit"} - self._daemon.limits):
            self._warnings.append(f"this host's kernel cannot limit {limit}; it is left out")

    def _inspect(self, name: str) -> t.Mapping[str, t.Any] | None:
        return self._engine.inspect(name)

    def _load_images(self, pool: ThreadPoolExecutor) -> None:
        references = sorted({str(case.spec.image) for case in self._cases if case.spec.wants_container})
        images = dict(zip(references, pool.map(self._engine.image, references)))
        for case in self._cases:
            case.image = images.get(str(case.spec.image))

    def _refuse_unknown_networks(self) -> None:
        faults = [
            Fault(
                f"container {case.spec.name!r}",
                "networks",
                network.name,
                "does not exist on the host",
                f"create it (docker network create {network.name}), or leave networks out for the project's own",
            )
            for case in self._cases
            for network in case.spec.networks or ()
            if case.spec.wants_container and network.name not in self._networks
        ]
        if faults:
            raise InputError(faults)

    def _judge(self) -> None:
        """Resolve and judge what can be; PolicyError with every violation of every container."""
        settings = self._settings
        for case in (case for case in self._cases if case.spec.wants_container):
            # An image that is not here yet cannot say its user; that one control is judged after the pull.
            unknown = case.image is None
            image = case.image or Image("", {"User": "unknown"})
            state = resolve(case.spec, image, self._daemon, settings.project)
            case.wanted = None if unknown else state
            case.findings = self._findings(case, state, str(case.spec.image), case.spec.waivers)
            case.before = []
            if case.observed is not None and case.existing.current is not None:
                reference = str(case.existing.current["Config"].get("Image", ""))
                case.before = self._findings(case, case.observed, reference, case.spec.waivers)
        broken = [one for case in self._cases for one in policy.violations(case.findings)]
        if broken and settings.enforce:
            raise PolicyError(broken)
        said = [str(violation) for violation in broken]
        for case in self._cases:
            said += policy.waiver_warnings(case.spec.name, case.spec.waivers, case.findings, settings.today)
        self._warnings += [line for line in said if line not in self._warnings]

    def _findings(self, case: Case, state: State, reference: str, waivers: t.Sequence[t.Any]) -> list[model.Finding]:
        return policy.findings(case.spec.name, state, reference, self._settings.profile, waivers, self._settings.today)

    def _plan(self, pool: ThreadPoolExecutor) -> None:
        reasons = list(pool.map(self._pull_reason, self._cases))
        missing = "" if self._settings.project in self._networks else self._settings.project
        for case, reason in zip(self._cases, reasons):
            owns = case.spec.wants_container and case.spec.networks is None
            case.plan = plan(
                case.spec,
                case.existing,
                case.wanted,
                case.observed,
                pull_reason=reason,
                missing_network=missing if owns else "",
            )
            if owns:
                missing = ""  # made once, for all

    def _pull_reason(self, case: Case) -> str:
        spec = case.spec
        if not spec.wants_container:
            return ""
        if case.image is None:
            if spec.image in self._settings.assumed_images:
                return ""
            if spec.pull == "never":
                raise MissingImage(
                    f"container {spec.name!r}: the image {spec.image!r} is not on the host and pull is never;"
                    " load it there, or set pull: missing"
                )
            return "it is not on the host"
        if spec.pull != "always" or "@" in str(spec.image):
            return ""
        digest = self._engine.registry_digest(str(spec.image))
        return "" if any(known.endswith(digest) for known in case.image.digests) else "the registry has another one"

    def _fetch_images(self, pool: ThreadPoolExecutor) -> None:
        references = sorted({str(case.spec.image) for case in self._cases if case.plan.has("pull")})
        if not references:
            return
        list(pool.map(self._engine.pull, references))
        self._load_images(pool)
        planned = {case.spec.name: case.plan for case in self._cases}
        self._judge()
        self._plan_again(planned)

    def _plan_again(self, planned: t.Mapping[str, Plan]) -> None:
        """With the images here, say exactly what differs; the pull and the network stay in the plan."""
        for case in self._cases:
            former = planned[case.spec.name]
            if former.has("pull"):
                fresh = plan(case.spec, case.existing, case.wanted, case.observed)
                kept = tuple(action for action in former.actions if action.kind in ("pull", "create_network"))
                case.plan = replace(fresh, actions=kept + fresh.actions)

    def _create_network(self) -> None:
        for action in (action for case in self._cases for action in case.plan.actions):
            if action.kind == "create_network":
                self._engine.create_network(action.target, {PROJECT_LABEL: self._settings.project})

    def _deploy(self, pool: ThreadPoolExecutor) -> None:
        changing = [case for case in self._cases if case.plan.changed]
        deployments = [
            (case, Deployment(self._engine, case.spec, case.plan, case.wanted, case.existing)) for case in changing
        ]
        list(pool.map(lambda pair: self._guarded(pair[0], pair[1].begin), deployments))
        waiting = [(case, one) for case, one in deployments if one.waits and not case.error]
        while waiting:
            settled = list(pool.map(lambda pair: self._at_gate(*pair), waiting))
            waiting = [pair for pair, done in zip(waiting, settled) if not done]
            if waiting:
                time.sleep(POLL)

    def _at_gate(self, case: Case, one: Deployment) -> bool:
        """Whether the container is through: finished, or failed and rolled back."""
        ready: list[bool] = []
        settings = self._settings
        self._guarded(case, lambda: ready.append(one.ready(settings.settle_time, settings.healthy_wait_timeout)))
        if case.error:
            self._guarded(case, one.roll_back)
        elif ready[0]:
            self._guarded(case, one.finish)
        else:
            return False
        return True

    def _guarded(self, case: Case, step: t.Callable[[], None]) -> None:
        """Run the step; a failure is this container's alone."""
        begun = time.monotonic()
        try:
            step()
        except CaissonError as error:
            case.error = f"{case.error}; then: {error}" if case.error else str(error)
        case.seconds += time.monotonic() - begun
