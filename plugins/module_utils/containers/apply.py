# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deploys a list of containers: observe all, judge all, plan all; then act, side by side.

Nothing is touched before every container is read, judged by the policy and planned.
"""

from __future__ import annotations

import contextlib
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ..controls import model
from ..errors import CaissonError, InputError
from ..host.paths import real_paths
from . import abilities, policy
from .cases import Case, Outcome, PolicyError, Settings, order_faults, run_faults
from .engine import Engine
from .observe import carried_waivers, observe
from .plan import LIVE, NEVER_LIVE, plan, settle
from .progress import Progress, Pull, names
from .project_resources import Resources
from .prune import unlisted
from .recovery import newer
from .rules import ONE_APPLICATION, Context
from .rules_mounts import bind_sources
from .secret_keeper import CaseSecrets, SecretKeeper
from .secret_plan import completed
from .spec import Spec
from .state import ANY, Daemon, Image, State, resolve
from .steps import NEXT, PREVIOUS, Existing, Inspect, Plan


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
        self._specs = list(specs)
        self._resources = Resources(engine, settings.project, self._specs, settings.networks, settings.volumes)
        self._warnings: list[str] = []
        self._sizes: dict[str, int | None] = {}  # of the images, by id
        self._real_root: dict[str, str] = {}  # what the engine's data root really is, where that is another path

    def predict(self) -> Outcome:
        """Observe, judge and plan; change nothing."""
        with ThreadPoolExecutor(max(1, self._settings.parallel)) as pool:
            self._observe(pool)
            self._judge()
            self._plan(pool)
            if self._settings.inspect_processes == "always":
                self._look(pool, [case for case in self._cases if not case.plan.changed])
        return Outcome(self._cases, self._warnings, items=self._resources.items)

    def execute(self) -> Outcome:
        """Carry out what :meth:`predict` planned."""
        with ThreadPoolExecutor(max(1, self._settings.parallel)) as pool:
            self._fetch_images(pool)
            self._resources.create(self._cases)
            self._deploy(pool)
            always, never = (self._settings.inspect_processes == word for word in ("always", "never"))
            looked_at = [case for case in self._cases if case.plan.changed and (always or case.started)]
            self._look(pool, [] if never else looked_at)
            self._warnings += self._resources.remove()
            list(pool.map(self._look_again, (case for case in self._cases if case.error)))
        return Outcome(self._cases, self._warnings, executed=True, items=self._resources.items)

    def _observe(self, pool: ThreadPoolExecutor) -> None:
        daemon, resources = pool.submit(self._engine.daemon), pool.submit(self._resources.observe)
        listing = self._engine.containers()
        listed = {name.lstrip("/"): each for each in listing for name in each.get("Names") or ()}
        if self._settings.prune:
            gone = unlisted(listed, self._settings.project, [case.spec.name for case in self._cases])
            self._cases += [Case(spec, pruned=True) for spec in gone]
            self._specs += gone
        roles = [case.spec.name + suffix for case in self._cases for suffix in ("", NEXT, PREVIOUS)]
        found = [name for name in roles if name in listed]
        inspected = dict(zip(found, pool.map(self._engine.inspect, found)))
        self._load_images(pool)
        self._load_sizes(pool, {str(each["Image"]) for each in inspected.values() if each})
        self._daemon = daemon.result()
        self._real_root = real_paths(filter(None, [self._daemon.root]), self._engine.url)
        resources.result()
        for case in self._cases:
            case.existing = Existing(*(inspected.get(case.spec.name + suffix) for suffix in ("", NEXT, PREVIOUS)))
            case.settled = settle(case.spec, case.existing)[1]
            case.standing = case.settled.current
            case.observed = _observed(case.standing)
        known = (self._daemon, self._resources.names, self._settings.assumed_images, set(listed))
        faults = run_faults(self._cases, *known) + self._resources.plan(listing, self._daemon)
        self._keeper = SecretKeeper(self._engine, self._daemon, listing)
        faults += [fault for case in self._cases for fault in self._keeper.look(case)]
        if faults:
            raise InputError(faults)
        self._warnings += self._resources.warnings
        self._warnings += abilities.warnings((case.spec for case in self._cases), self._daemon)

    def _load_images(self, pool: ThreadPoolExecutor) -> None:
        references = sorted({str(case.spec.image) for case in self._cases if case.spec.wants_container})
        images = dict(zip(references, pool.map(self._engine.image, references)))
        for case in self._cases:
            case.image = images.get(str(case.spec.image))
        self._sizes.update({image.id: image.size for image in images.values() if image is not None})

    def _load_sizes(self, pool: ThreadPoolExecutor, running: t.Collection[str]) -> None:
        """The sizes of the images by which containers run, which their tags may have left."""
        unknown = sorted(set(running) - set(self._sizes)) if self._settings.max_image_size else []
        found = pool.map(self._engine.image, unknown)
        self._sizes.update({image.id: image.size for image in found if image is not None})

    def _judge(self) -> None:
        """Resolve and judge what can be; PolicyError with every violation of every container."""
        settings = self._settings
        for case in (case for case in self._cases if case.spec.wants_container):
            # An image that is not here yet cannot say its user; that one control is judged after the pull.
            unknown = case.image is None
            image = case.image or Image("", {"User": "unknown"})
            state = self._meant(case.spec, image)
            case.wanted = None if unknown else self._keeper.placed(case, state)
            state = case.wanted or state
            case.findings = self._findings(case, state, self._context_for(case, state))
            case.before = []
            if case.observed is not None and case.settled.current is not None:
                context = self._context_of(case, case.settled.current, case.observed)
                case.before = self._findings(case, case.observed, context)
        broken = [one for case in self._cases for one in policy.violations(case.findings)]
        if broken and settings.enforce:
            raise PolicyError(broken)
        said = [str(violation) for violation in broken]
        # A way back is not refused, for it is what is left when something is wrong.
        said += [str(one) for case in self._cases for one in policy.violations(self._of_way_back(case))]
        for case in self._cases:
            said += policy.waiver_warnings(case.spec.name, case.spec.waivers, case.findings, settings.today)
        self._warnings += [line for line in said if line not in self._warnings]

    def _of_way_back(self, case: Case) -> list[model.Finding]:
        """The findings about the generation that comes back, under the waivers that it carries."""
        previous, state, settings = case.settled.previous, _former(case, self._live), self._settings
        if previous is None or state is None or newer(previous, case.settled.current or {}):
            return []
        context, waivers = self._context_of(case, previous, state), carried_waivers(previous)
        case.findings = policy.findings(case.spec.name, state, context, settings.profile, waivers, settings.today)
        return case.findings

    def _meant(self, spec: Spec, image: Image) -> State:
        """The state that the spec means on this engine."""
        state = resolve(spec, image, self._daemon, self._settings.project)
        if self._daemon.podman:
            from .podman import adapted

            state = adapted(state, self._daemon)
        return state

    def _findings(self, case: Case, state: State, context: Context) -> list[model.Finding]:
        spec, settings = case.spec, self._settings
        return policy.findings(spec.name, state, context, settings.profile, spec.waivers, settings.today)

    def _context_of(self, case: Case, inspect: Inspect, state: State) -> Context:
        """What is judged beside the state of a container that stands."""
        size = self._sizes.get(str(inspect.get("Image", "")))
        return self._context(case.spec.name, str(inspect["Config"].get("Image", "")), state, size)

    def _context_for(self, case: Case, state: State) -> Context:
        """What is judged beside the state that is asked for."""
        pulled = any(action.kind == "pull" for action in case.done)
        size = case.image.size if case.image is not None else None
        return replace(self._context(case.spec.name, str(case.spec.image), state, size), pulled=pulled)

    def _context(self, name: str, image: str, state: State, size: int | None) -> Context:
        volumes = self._resources.host_volumes(state)
        return Context(
            image,
            name=name,
            real_paths={**self._real_root, **real_paths(bind_sources(state, volumes), self._engine.url)},
            volumes=volumes,
            data_root=self._daemon.root,
            allowed_images=self._settings.allowed_images,
            image_size=size,
            max_image_size=self._settings.max_image_size,
        )

    def _plan(self, pool: ThreadPoolExecutor) -> None:
        reasons: list[str] = list(pool.map(self._pull_reason, self._cases))
        for case, reason in zip(self._cases, reasons):
            if case.error:
                continue
            made = plan(
                case.spec,
                case.existing,
                case.wanted,
                case.observed,
                former=_former(case, self._live),
                pull_reason=reason,
                removal="it is not listed" if case.pruned else "state is absent",
                live=self._live,
            )
            case.plan = completed(made, case.spec, case.existing, case.seen)
        faults = order_faults(self._cases)
        if faults:
            raise InputError(faults)

    @property
    def _live(self) -> frozenset[str]:
        return NEVER_LIVE if self._daemon.podman else LIVE

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
            case.fail(f"container {spec.name!r}: {error}")
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
                case.fail(f"container {case.spec.name!r}: {error}")
        else:
            for case in cases:
                case.done += [action for action in case.plan.actions if action.kind == "pull"]

    def _plan_again(self, planned: t.Mapping[str, Plan]) -> None:
        """With the images here, say exactly what differs; the pull stays in the plan."""
        for case in self._cases:
            former = planned[case.spec.name]
            if former.has("pull") and not case.error:
                made = plan(case.spec, case.existing, case.wanted, case.observed, live=self._live)
                fresh = completed(made, case.spec, case.existing, case.seen)
                kept = tuple(action for action in former.actions if action.kind == "pull")
                case.plan = replace(fresh, actions=kept + fresh.actions)
        for fault in order_faults(self._cases):
            case = next(case for case in self._cases if fault.where == f"container {case.spec.name!r}")
            case.fail(str(fault))

    def _deploy(self, pool: ThreadPoolExecutor) -> None:
        changing = [case for case in self._cases if case.plan.changed and not case.error]
        if not changing:
            return
        # Most runs change nothing, and to load what they do not need is a tenth of all that they do.
        from .deploy import Deployment
        from .schedule import Schedule

        pairs = [
            (
                case,
                Deployment(
                    self._engine,
                    case.spec,
                    case.plan,
                    case.wanted,
                    case.existing,
                    CaseSecrets(self._keeper, case),
                    self._progress,
                ),
            )
            for case in changing
        ]
        Schedule(self._engine, self._settings, pool, {case.spec.name: case for case in self._cases}).run(pairs)
        for case, deployment in pairs:
            case.done += deployment.done
            case.downtime, case.seconds = deployment.downtime, deployment.seconds
            case.standing = deployment.seen_up or case.standing
        self._keeper.tidy(changing)

    def _look(self, pool: ThreadPoolExecutor, cases: t.Sequence[Case]) -> None:
        """Judge by the programs that run inside too, which nobody knows before."""
        if not cases:
            return
        from .look import look
        from .process_table import process_table

        table = process_table(self._engine.url)
        seen = pool.map(lambda case: look(self._engine, case.spec.name, case.standing, table), cases)
        for case, programs in zip(cases, seen):
            if case.wanted is None:
                continue
            context = replace(self._context_for(case, case.wanted), programs=programs)
            case.findings = self._findings(case, case.wanted, context)
            if not case.plan.changed:
                case.before = case.findings
            self._warnings += [
                str(one) for one in policy.violations(case.findings) if one.control.id == ONE_APPLICATION
            ]

    def _look_again(self, case: Case) -> None:
        """What stands after a failure is what the findings are about."""
        found = None
        with contextlib.suppress(CaissonError):
            found = self._engine.inspect(case.spec.name) if case.spec.wants_container else None
        if found is not None:
            state = observe(found)
            case.findings = self._findings(case, state, self._context_of(case, found, state))
        else:
            case.findings = [replace(each, outcome=model.ERROR, evidence="it failed") for each in case.findings]


def _former(case: Case, live: frozenset[str]) -> State | None:
    """The state to go back to. Its secrets are not read, only mounted; it is restarted as what it replaces."""
    if case.spec.state != "rolled_back" or case.settled.previous is None:
        return None
    former = {**observe(case.settled.previous), "secrets": ANY}
    if case.observed is not None:
        former.update((name, case.observed[name]) for name in live.intersection(("restart_policy", "restart_retries")))
    return former


def _observed(inspect: Inspect | None) -> State | None:
    return observe(inspect) if inspect is not None else None
