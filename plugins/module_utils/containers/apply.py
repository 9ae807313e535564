# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deploys a list of containers: observe all, judge all, plan all; then act, side by side.

Nothing is touched before every container is read, judged by the policy and planned.
"""

from __future__ import annotations

import contextlib
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ..controls import model
from ..errors import CaissonError, InputError
from . import policy
from .cases import Case, Outcome, PolicyError, Settings, host_faults, shared_ports
from .deploy import POLL, Deployment
from .engine import Engine
from .observe import observe
from .plan import NEXT, PREVIOUS, Existing, Plan, plan, recover
from .progress import Progress, Pull, names
from .rules import Context
from .spec import Spec
from .state import PROJECT_LABEL, Daemon, Image, State, resolve


class Run:
    """One run over one engine."""

    def __init__(
        self, engine: Engine, specs: t.Sequence[Spec], settings: Settings, progress: Progress | None = None
    ) -> None:
        self._engine = engine
        self._progress = progress or Progress()
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
            list(pool.map(self._look_again, (case for case in self._cases if case.error)))
        return Outcome(self._cases, self._warnings, executed=True)

    def _observe(self, pool: ThreadPoolExecutor) -> None:
        daemon, networks = pool.submit(self._engine.daemon), pool.submit(self._engine.networks)
        names = {name.lstrip("/") for each in self._engine.containers() for name in each.get("Names") or ()}
        roles = [(case, case.spec.name + suffix) for case in self._cases for suffix in ("", NEXT, PREVIOUS)]
        present = [(case, name) for case, name in roles if name in names]
        found = [name for _case, name in present]
        inspected = dict(zip(found, pool.map(self._inspect, found)))
        self._load_images(pool)
        self._daemon, self._networks = daemon.result(), networks.result()
        for case in self._cases:
            name = case.spec.name
            case.existing = Existing(*(inspected.get(name + suffix) for suffix in ("", NEXT, PREVIOUS)))
            current = recover(name, case.existing)[1].current
            case.observed = observe(current) if current is not None else None
        known = (self._daemon, self._networks, self._settings.assumed_images)
        faults = [fault for case in self._cases if case.spec.wants_container for fault in host_faults(case, *known)]
        faults += shared_ports([case.spec for case in self._cases])
        if faults:
            raise InputError(faults)
        for limit in sorted({"memory", "memory_swap", "cpus", "pids_limit"} - self._daemon.limits):
            self._warnings.append(f"this host's kernel cannot limit {limit}; it is left out")

    def _inspect(self, name: str) -> t.Mapping[str, t.Any] | None:
        return self._engine.inspect(name)

    def _load_images(self, pool: ThreadPoolExecutor) -> None:
        references = sorted({str(case.spec.image) for case in self._cases if case.spec.wants_container})
        images = dict(zip(references, pool.map(self._engine.image, references)))
        for case in self._cases:
            case.image = images.get(str(case.spec.image))

    def _judge(self) -> None:
        """Resolve and judge what can be; PolicyError with every violation of every container."""
        settings = self._settings
        for case in (case for case in self._cases if case.spec.wants_container):
            # An image that is not here yet cannot say its user; that one control is judged after the pull.
            unknown = case.image is None
            image = case.image or Image("", {"User": "unknown"})
            state = resolve(case.spec, image, self._daemon, settings.project)
            case.wanted = None if unknown else state
            case.findings = self._findings(case, state, Context(str(case.spec.image)))
            case.before = []
            if case.observed is not None and case.existing.current is not None:
                case.before = self._findings(case, case.observed, _context_of(case.existing.current))
        broken = [one for case in self._cases for one in policy.violations(case.findings)]
        if broken and settings.enforce:
            raise PolicyError(broken)
        said = [str(violation) for violation in broken]
        for case in self._cases:
            said += policy.waiver_warnings(case.spec.name, case.spec.waivers, case.findings, settings.today)
        self._warnings += [line for line in said if line not in self._warnings]

    def _findings(self, case: Case, state: State, context: Context) -> list[model.Finding]:
        spec, settings = case.spec, self._settings
        return policy.findings(spec.name, state, context, settings.profile, spec.waivers, settings.today)

    def _plan(self, pool: ThreadPoolExecutor) -> None:
        reasons: list[str] = list(pool.map(self._pull_reason, self._cases))
        missing = "" if self._settings.project in self._networks else self._settings.project
        for case, reason in zip(self._cases, reasons):
            owns = case.spec.wants_container and case.spec.networks is None
            if case.error:
                continue
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
            return "" if spec.image in self._settings.assumed_images else "it is not on the host"
        if spec.pull != "always" or "@" in str(spec.image):
            return ""
        try:
            digest = self._engine.registry_digest(str(spec.image))
        except CaissonError as error:
            case.fail(CaissonError(f"container {spec.name!r}: {error}"))
            return ""
        return "" if any(known.endswith(digest) for known in case.image.digests) else "the registry has another one"

    def _fetch_images(self, pool: ThreadPoolExecutor) -> None:
        wanting: dict[str, list[Case]] = {}
        for case in self._cases:
            if case.plan.has("pull"):
                wanting.setdefault(str(case.spec.image), []).append(case)
        if not wanting:
            return
        list(pool.map(lambda reference: self._fetch(reference, wanting[reference]), wanting))
        self._load_images(pool)
        planned = {case.spec.name: case.plan for case in self._cases}
        self._judge()
        self._plan_again(planned)

    def _fetch(self, reference: str, cases: t.Sequence[Case]) -> None:
        """Pull an image; a failure is that of the containers which need it, and of no other."""
        pull, who = Pull(reference), names([case.spec.name for case in cases])

        def hear(line: t.Mapping[str, t.Any]) -> None:
            pull.take(line)
            self._progress.keep_saying(who, pull.step, pull.detail)

        try:
            self._progress.keep_saying(who, pull.step)
            self._engine.pull(reference, hear)
        except CaissonError as error:
            for case in cases:
                case.fail(CaissonError(f"container {case.spec.name!r}: {error}"))
        else:
            for case in cases:
                case.done += [action for action in case.plan.actions if action.kind == "pull"]

    def _plan_again(self, planned: t.Mapping[str, Plan]) -> None:
        """With the images here, say exactly what differs; the pull and the network stay in the plan."""
        for case in self._cases:
            former = planned[case.spec.name]
            if former.has("pull") and not case.error:
                fresh = plan(case.spec, case.existing, case.wanted, case.observed)
                kept = tuple(action for action in former.actions if action.kind in ("pull", "create_network"))
                case.plan = replace(fresh, actions=kept + fresh.actions)

    def _create_network(self) -> None:
        """The project's network, for every container that is to be on it."""
        made = [
            (case, action) for case in self._cases for action in case.plan.actions if action.kind == "create_network"
        ]
        for case, action in made:
            try:
                self._engine.create_network(action.target, {PROJECT_LABEL: self._settings.project})
                case.done.append(action)
            except CaissonError as error:
                for owner in self._cases:
                    if owner.spec.wants_container and owner.spec.networks is None:
                        owner.fail(CaissonError(f"container {owner.spec.name!r}: {error}"))

    def _deploy(self, pool: ThreadPoolExecutor) -> None:
        changing = [case for case in self._cases if case.plan.changed and not case.error]
        deployments = [
            (case, Deployment(self._engine, case.spec, case.plan, case.wanted, case.existing, self._progress))
            for case in changing
        ]
        list(pool.map(lambda pair: self._guarded(pair[0], pair[1].begin), deployments))
        waiting = [(case, one) for case, one in deployments if one.waits and not case.error]
        while waiting:
            settled = list(pool.map(lambda pair: self._at_gate(*pair), waiting))
            waiting = [pair for pair, done in zip(waiting, settled) if not done]
            if waiting:
                time.sleep(POLL)
        for case, one in deployments:
            case.done += one.done

    def _look_again(self, case: Case) -> None:
        """What stands after a failure is what the findings are about."""
        found = None
        with contextlib.suppress(CaissonError):
            found = self._engine.inspect(case.spec.name) if case.spec.wants_container else None
        if found is not None:
            case.findings = self._findings(case, observe(found), _context_of(found))
        else:
            case.findings = [replace(each, outcome=model.ERROR, evidence="it failed") for each in case.findings]

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
            case.fail(error)
        except Exception as error:  # a fault of ours; the other containers must still be brought to an end
            case.fail(CaissonError(f"container {case.spec.name!r}: unexpected {type(error).__name__}: {error}"))
        case.seconds += time.monotonic() - begun


def _context_of(inspect: t.Mapping[str, t.Any]) -> Context:
    """What is judged beside the state of a container that stands."""
    return Context(str(inspect["Config"].get("Image", "")))
