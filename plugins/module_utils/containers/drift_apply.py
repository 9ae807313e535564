# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks for drift in many containers side by side, and snapshots and replaces those that drifted.

Everything is read and planned before anything is done; one container's failure is its own.
"""

from __future__ import annotations

import datetime
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ..errors import CaissonError, InputError
from . import drift_plan, rebuild
from .deploy import Deployment
from .drift import Drift, drift
from .drift_plan import SNAPSHOT, SNAPSHOT_LABEL, Case, Settings
from .engine import Engine
from .observe import observe
from .order import START_FIRST, STOP_FIRST, exclusive
from .schedule import Schedule
from .spec import Spec
from .steps import NEXT, PREVIOUS, Existing, Inspect, Plan
from .units import Wrong


class Rebuilding(Deployment):
    """Replaces a container by one of its own configuration, or brings a replacement that was killed to its end."""

    def __init__(self, engine: Engine, case: Case, current: Inspect) -> None:
        state = observe(current)
        spec = Spec(name=case.name, state="present", stop_timeout=state["stop_timeout"], env=state["env"])
        order = STOP_FIRST if exclusive(state, state) else START_FIRST
        super().__init__(engine, spec, Plan(case.name, case.plan.actions, order=order), None, case.existing)
        self._inspect = current
        self._aside = case.settled.previous is not None

    def _make(self, name: str, volumes: t.Mapping[str, str]) -> None:
        reference = str(self._inspect["Config"].get("Image") or "")
        image = self._engine.image(reference) if reference else None
        # The name may stand for another image by now; the container is to come from its own.
        if image is None or image.id != self._inspect["Image"]:
            reference = self._inspect["Image"]
        made = self._create_as(name, rebuild.create_body(self._inspect, reference, volumes))
        try:
            for network, endpoint in rebuild.further_networks(self._inspect).items():
                self._engine.connect(made, network, endpoint)
            self._refuse_another(self._engine.inspect(made) or {})
        except CaissonError:
            self._engine.remove(made)
            raise

    def _refuse_another(self, successor: Inspect) -> None:
        changes = rebuild.changes(self._inspect, successor)
        if changes:
            said = "; ".join(map(str, changes))
            raise CaissonError(f"cannot be made again as it is ({said}); deploy it by the module containers")


class Run:
    """One run over one engine."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.cases: list[Case] = []
        self.warnings: list[str] = []
        self._engine = engine
        self._settings = settings

    def predict(self) -> None:
        """Look and plan; change nothing."""
        self.warnings = []
        self.cases, faults = drift_plan.select(self._engine.containers(), self._settings)
        if faults:
            raise InputError(faults)
        known = self._snapshots() if SNAPSHOT in self._settings.responses else frozenset()
        with ThreadPoolExecutor(max(1, self._settings.parallel)) as pool:
            list(pool.map(self._look, self.cases))
        for case in self.cases:
            if case.drift is None and not case.error:
                self.warnings.append(f"container {case.name!r} was removed by someone during the run")
            if not case.error:
                case.plan = drift_plan.plan(case, self._settings, known)
            hindrance = drift_plan.hindrance(case) if case.plan.has("recreate") else ""
            if hindrance:
                case.plan = Plan(case.name, tuple(each for each in case.plan.actions if each.kind == "snapshot"))
                case.fail(CaissonError(f"it drifted and is not replaced: {hindrance}"))
            case.after = Drift() if case.plan.has("recreate") else case.drift

    def execute(self) -> None:
        """Carry out what :meth:`predict` planned."""
        with ThreadPoolExecutor(max(1, self._settings.parallel)) as pool:
            list(pool.map(lambda case: self._guarded(case, lambda: self._snapshot(case)), self.cases))
            self._rebuild(pool)

    def _snapshots(self) -> frozenset[str]:
        images = self._engine.labelled_images(SNAPSHOT_LABEL)
        return frozenset((image.get("Labels") or {}).get(SNAPSHOT_LABEL, "") for image in images)

    def _look(self, case: Case) -> None:
        self._guarded(case, lambda: self._read(case))

    def _read(self, case: Case) -> None:
        found = {suffix: self._engine.inspect(case.name + suffix) for suffix in case.present}
        case.existing = Existing(*(found.get(suffix) for suffix in ("", NEXT, PREVIOUS)))
        current = case.current
        if current is None:
            return
        try:
            ignored = drift_plan.ignored(case, self._settings)
        except Wrong as wrong:
            ignored = self._settings.ignore
            self.warnings.append(f"container {case.name!r}: its label of paths to ignore {wrong}")
        case.waiver = drift_plan.waiver(case, self._settings.today)
        changes = self._engine.changes(current["Id"])
        case.drift = None if changes is None else drift(changes, ignored, current)

    def _snapshot(self, case: Case) -> None:
        for action in case.plan.actions:
            current = case.current
            if action.kind != "snapshot" or current is None:
                continue
            tag, changes = drift_plan.snapshot_changes(case, datetime.datetime.now(datetime.timezone.utc))
            case.done.append(action)
            self._engine.commit(current["Id"], action.target, tag, changes)
            case.snapshot = f"{action.target}:{tag}"

    def _rebuild(self, pool: ThreadPoolExecutor) -> None:
        """Begin all, so that they wait for their health side by side."""
        begun = []
        for case in self.cases:
            current = case.current
            further = [action for action in case.plan.actions if action.kind != "snapshot"]
            # What could not be kept as evidence is not destroyed.
            if further and not case.error and current is not None:
                begun.append((case, Rebuilding(self._engine, case, current)))
        Schedule(self._engine, self._settings, pool, {case.name: case for case in self.cases}).run(begun)
        for case, one in begun:
            case.done += one.done
            if case.error:
                case.after = case.drift

    def _guarded(self, case: Case, step: t.Callable[[], None]) -> None:
        """Run the step; a failure is this container's alone."""
        try:
            step()
        except CaissonError as error:
            case.fail(error)
        except Exception as error:  # a fault of ours; the other containers must still be brought to an end
            case.fail(CaissonError(f"unexpected {type(error).__name__}: {error}"))
