# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which containers are looked at for drift, and what is done about what is found. Pure."""

from __future__ import annotations

import datetime
import re
import typing as t
from dataclasses import dataclass, field

from ..controls import model
from ..errors import Fault, nearest
from . import records
from .drift import Drift, declared
from .observe import carried_waivers
from .recovery import interrupted_while_serving, recover
from .state import DRIFT_LABEL, KEEP_LABEL, PROJECT_LABEL
from .steps import PREVIOUS, Action, Existing, Inspect, Plan, own_name
from .units import Wrong

REPORT, SNAPSHOT, RECREATE, FAIL = RESPONSES = ("report", "snapshot", "recreate", "fail")
SNAPSHOT_LABEL = "caisson.hardening.snapshot"
CONTROL = "container.drift"
_REPOSITORY = re.compile(r"\A(?:[a-zA-Z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:(?:[._]|__|-+|/)[a-z0-9]+)*\Z", re.ASCII)


@dataclass(frozen=True)
class Settings:
    """What concerns a whole run; times in seconds."""

    containers: tuple[str, ...] = ()
    project: str = ""
    everything: bool = False
    ignore: tuple[str, ...] = ()
    responses: frozenset[str] = frozenset({REPORT})
    repository: str = "caisson-snapshot"
    parallel: int = 4
    healthy_wait_timeout: float = 60.0
    settle_time: float = 1.0
    today: datetime.date = field(default_factory=datetime.date.today)

    @property
    def acts(self) -> bool:
        """Whether anything may be done to a container."""
        return bool(self.responses & {SNAPSHOT, RECREATE})


@dataclass
class Case:
    """One container through the run: what is there, what of it is drift, what follows and what became of it."""

    name: str
    project: str  # empty for a container that is not under management
    present: tuple[str, ...] = ("",)  # the suffixes of its names; more than one after a killed replacement
    existing: Existing = field(default_factory=Existing)
    drift: Drift | None = None  # None where it is gone or could not be read
    waiver: records.Waiver | None = None
    plan: Plan = field(default_factory=lambda: Plan(""))
    done: list[Action] = field(default_factory=list)
    snapshot: str = ""
    after: Drift | None = None
    error: str = ""

    @property
    def settled(self) -> Existing:
        """What stands once the traces of a killed run are put in order."""
        return recover(self.name, self.existing, keep=self.keeps)[1]

    @property
    def keeps(self) -> bool:
        """Whether a former generation is kept on purpose, and is no trace of a killed run."""
        found = [each for each in (self.existing.current, self.existing.successor) if each is not None]
        return any((each["Config"].get("Labels") or {}).get(KEEP_LABEL) == "true" for each in found)

    @property
    def current(self) -> Inspect | None:
        """The inspect of what has the container's name, or gets it back."""
        return self.settled.current

    @property
    def drifted(self) -> bool:
        return bool(self.drift and self.drift.count)

    def fail(self, error: BaseException | str) -> None:
        said = str(error) if str(error).startswith("container ") else f"container {self.name!r}: {error}"
        self.error = f"{self.error}; then: {said}" if self.error else said


def repository(value: str) -> str:
    """The name of a repository without a tag; Wrong for what is none."""
    if len(value) > 255 or not _REPOSITORY.match(value):
        raise Wrong("is not a repository", "write a name in lower case without a tag, such as caisson-snapshot")
    return value


def select(listing: t.Iterable[Inspect], settings: Settings) -> tuple[list[Case], list[Fault]]:
    """The containers to be looked at, by their names' order, out of the engine's list; and what is wrong with the names
    that were given."""
    found: dict[str, Case] = {}
    for each in listing:
        for name in (name.lstrip("/") for name in each.get("Names") or () if name.count("/") == 1):
            base = own_name(name)
            suffix = name[len(base) :]
            project = (each.get("Labels") or {}).get(PROJECT_LABEL) or ""
            case = found.setdefault(base, Case(base, project, ()))
            case.present += (suffix,)
            case.project = project if not suffix else case.project
    found = {name: case for name, case in found.items() if "" in case.present or PREVIOUS in case.present}
    if settings.containers:
        faults = [fault for name in settings.containers for fault in _name_faults(name, found, settings)]
        return [found[name] for name in sorted(set(settings.containers)) if name in found], faults
    wanted = [
        case
        for case in found.values()
        if settings.everything or (case.project and settings.project in ("", case.project))
    ]
    return sorted(wanted, key=lambda case: case.name), []


def _name_faults(name: str, found: t.Mapping[str, Case], settings: Settings) -> t.Iterator[Fault]:
    if name not in found:
        remedy = f"name a container of the host{nearest(name, found)}"
        yield Fault("container_drift", "containers", name, "is not there", remedy)
    elif not found[name].project and settings.acts:
        remedy = "deploy it by the module containers, or let on_drift be report or fail"
        yield Fault("container_drift", "containers", name, "is not under management, so it is only reported", remedy)


def ignored(case: Case, settings: Settings) -> tuple[str, ...]:
    """The run's patterns and the container's own; Wrong where its label is not one of ours."""
    return settings.ignore + declared(_labels(case).get(DRIFT_LABEL) if case.project else None)


def waiver(case: Case, today: datetime.date) -> records.Waiver | None:
    """The waiver of drift that the container carries, if it still counts."""
    given = carried_waivers(case.current or {}) if case.project else ()
    return next((each for each in given if each.control == CONTROL and not each.expired(today)), None)


def _labels(case: Case) -> t.Mapping[str, str]:
    return ((case.current or {}).get("Config") or {}).get("Labels") or {}


def plan(case: Case, settings: Settings, snapshots: t.Collection[str]) -> Plan:
    """What is done about the drift of one container. snapshots: the keys of those that were made earlier."""
    responses = settings.responses if case.project and case.waiver is None else frozenset()
    actions: list[Action] = []
    drift = case.drift or Drift()
    reason = f"{drift.count} path{'s' if drift.count != 1 else ''}"
    if case.drifted and SNAPSHOT in responses and snapshot_key(case) not in snapshots:
        actions.append(Action("snapshot", settings.repository, (reason,)))
    if RECREATE in responses:
        actions += recover(case.name, case.existing, keep=case.keeps)[0]
        if case.drifted:
            actions.append(Action("recreate", "", (reason,)))
        elif interrupted_while_serving(case.existing):
            actions.append(Action("start", "", ("an interrupted run had stopped it",)))
    return Plan(case.name, tuple(actions))


def hindrance(case: Case) -> str:
    """Why the container must not be replaced, or the empty string."""
    inspect = case.current or {}
    if (inspect.get("HostConfig") or {}).get("AutoRemove"):
        return "it removes itself as soon as it stops, so it could not be brought back; start it without auto_remove"
    if (inspect.get("State") or {}).get("Paused"):
        return "it is paused, and it could not be stopped; unpause it first"
    return ""


def snapshot_key(case: Case) -> str:
    """The same for the same drift of the same container, so that a second run makes no second snapshot."""
    return f"{(case.current or {}).get('Id', '')[:32]}-{case.drift.digest if case.drift else ''}"


def snapshot_changes(case: Case, now: datetime.datetime) -> tuple[str, list[str]]:
    """The tag of a snapshot and what its image's configuration is given: labels that say what it is, and none that make
    a container of it one under management."""
    labels = {
        PROJECT_LABEL: "",
        SNAPSHOT_LABEL: snapshot_key(case),
        f"{SNAPSHOT_LABEL}.container": case.name,
        f"{SNAPSHOT_LABEL}.project": case.project,
        f"{SNAPSHOT_LABEL}.time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        f"{SNAPSHOT_LABEL}.paths": str(case.drift.count if case.drift else 0),
    }
    # A label that somebody wrote by hand must not become an instruction.
    plain = {key: re.sub(r"[^\w.:/-]", "_", value, flags=re.ASCII) for key, value in labels.items()}
    return f"{case.name[:100]}-{now:%Y%m%dT%H%M%SZ}", [f'LABEL "{key}"="{value}"' for key, value in plain.items()]


def finding(case: Case, drift: Drift | None) -> model.Finding:
    """The control's outcome on the container with this drift."""
    if drift is None:
        return model.Finding(CONTROL, case.name, model.ERROR, case.error or "it was removed during the run")
    evidence = drift.evidence()
    if evidence is None:
        return model.Finding(CONTROL, case.name, model.PASS)
    if case.waiver is not None:
        return model.Finding(CONTROL, case.name, model.WAIVED, case.waiver.covering(evidence))
    return model.Finding(CONTROL, case.name, model.FAIL, evidence)
