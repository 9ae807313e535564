# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keeps the secrets of a run's containers on the host: looks, places them into the states, writes and tidies up."""

from __future__ import annotations

import functools
import os
import secrets as randomness
import typing as t

from ..errors import CaissonError, Fault, InputError
from . import secrets
from .cases import Case
from .engine import Engine
from .spec import Spec
from .state import Daemon, State
from .steps import NEXT, PREVIOUS

if t.TYPE_CHECKING:
    from ..host.secret_files import SecretStore

Inspects = t.Iterable[t.Mapping[str, t.Any]]


class SecretKeeper:
    """One run's view of the secrets on this host."""

    def __init__(self, engine: Engine, daemon: Daemon, listing: Inspects) -> None:
        """listing: every container of the engine, in the short form."""
        self._engine = engine
        self._daemon = daemon
        self._mounted = _sources(listing)
        self._lacking = _lacking(engine.url, daemon)
        self._any = os.path.lexists(secrets.ROOT)  # whether a container of this host ever had secrets

    @functools.cached_property
    def _store(self) -> SecretStore:
        return _store_of(secrets.engine_name(self._daemon.root))

    def look(self, case: Case) -> list[Fault]:
        """Read what the host has for the container into its observed state; the faults of what is asked."""
        spec, name = case.spec, case.spec.name
        found = case.observed["mounts"].get(secrets.TARGET) if case.observed is not None else None
        source = str(found[2]) if found is not None else ""
        if self._lacking:
            asked = [secret.file for secret in spec.secrets if spec.wants_container]
            concerned = asked or source.startswith(f"{secrets.ROOT}/")
            return [Fault(f"container {name!r}", "secrets", asked or source, *self._lacking)] if concerned else []
        if self._any:
            self._read(case, source)
        elif case.observed is not None:
            case.observed["secrets"] = {}
        return self._files(spec, case.image.get("User"))[1] if case.image is not None else []

    def _read(self, case: Case, source: str) -> None:
        """What the host has for the container; source: what it mounts as its secrets, or the empty string."""
        name = case.spec.name
        # An engine whose short form names no mounts is asked for those of the container itself.
        self._mounted |= _sources(filter(None, vars(case.existing).values()))
        generation = secrets.generation_of(source, self._daemon.root, name)
        files = self._store.read(name, generation) if generation else None
        generation = generation if files is not None else ""
        if case.observed is not None:
            case.observed["secrets"] = files or {}
        unused = tuple(self._unused(name, self._mounted))
        case.seen = secrets.Seen(generation, unused, self._store.loose(name, generation), self._store.unfinished(name))

    def placed(self, case: Case, state: State) -> State:
        """The wanted state with its secrets and their mount. InputError where an owner cannot be known."""
        spec = case.spec
        if not spec.secrets:
            return state
        files, faults = self._files(spec, state["user"])
        if faults:
            raise InputError(faults)
        own = secrets.mount(self._daemon.root, spec.name, case.seen.generation or secrets.UNMADE)
        wanted = secrets.InPlace(files) if spec.secrets_rotation == "in_place" else files
        return {**state, "secrets": wanted, "mounts": {**state["mounts"], secrets.TARGET: own}}

    def provide(self, case: Case, state: State) -> State:
        """The state with a generation that is on the host: the container's own where it fits, else a new one."""
        name, files = case.spec.name, state["secrets"]
        if not files:
            return state
        generation = case.seen.generation
        if not generation or case.observed is None or case.observed["secrets"] != files:
            generation = randomness.token_hex(16)
            self._store.write(name, generation, files)
        else:
            self._store.tighten(name, generation)
        own = secrets.mount(self._daemon.root, name, generation)
        return {**state, "mounts": {**state["mounts"], secrets.TARGET: own}}

    def rewrite(self, case: Case, state: State) -> None:
        """Change the files that the container sees."""
        self._store.tighten(case.spec.name, case.seen.generation)
        self._store.replace(case.spec.name, case.seen.generation, state["secrets"])

    def settle(self, case: Case) -> None:
        """A change in place is complete, the signal included."""
        self._store.settle(case.spec.name)

    def tidy(self, cases: t.Iterable[Case]) -> None:
        """Remove every generation of the cases' containers that no container mounts any more."""
        kept = [case for case in cases if not self._lacking and self._concerns(case)]
        if not kept:
            return
        try:
            mounted = _sources(self._engine.containers())
            for case in kept:
                self._tidy(case, mounted)
        except CaissonError as error:
            for case in kept:
                case.fail(error)

    def _concerns(self, case: Case) -> bool:
        former = _sources(filter(None, vars(case.existing).values()))
        left = (self._any or case.spec.secrets) and self._store.entries(case.spec.name)
        return bool(left) or any(each.startswith(f"{secrets.ROOT}/") for each in former)

    def _tidy(self, case: Case, mounted: set[str]) -> None:
        name = case.spec.name
        names = (name, f"{name}{NEXT}", f"{name}{PREVIOUS}")
        found = [each for each in map(self._engine.inspect, names) if each is not None]
        try:
            mounted = mounted | _sources(found)
            self._store.remove(name, self._unused(name, mounted))
            # The engine's data may have been moved since; nobody else would ever remove what it had before.
            for source in _sources(filter(None, vars(case.existing).values())) - mounted:
                engine, generation = secrets.place(source, name)
                if generation:
                    _store_of(engine).remove(name, [generation])
        except CaissonError as error:
            case.fail(CaissonError(f"container {name!r}: {error}"))

    def _unused(self, container: str, mounted: set[str]) -> list[str]:
        entries = self._store.entries(container)
        return [each for each in entries if secrets.directory(self._daemon.root, container, each) not in mounted]

    def _files(self, spec: Spec, user: t.Any) -> tuple[dict[str, secrets.SecretFile], list[Fault]]:
        if not spec.wants_container:
            return {}, []
        return secrets.files(spec.name, spec.secrets, str(spec.user or user or ""), self._daemon.shift)


class CaseSecrets:
    """What the deployment of one container asks of the keeper."""

    def __init__(self, keeper: SecretKeeper, case: Case) -> None:
        self._keeper = keeper
        self._case = case

    def provide(self, state: State) -> State:
        return self._keeper.provide(self._case, state)

    def rewrite(self, state: State) -> None:
        self._keeper.rewrite(self._case, state)

    def settle(self) -> None:
        self._keeper.settle(self._case)


def _store_of(engine: str) -> SecretStore:
    # Most hosts have no secrets, and to load what handles them takes longer than to look at a container.
    from ..host.secret_files import SecretStore

    return SecretStore(engine)


def _sources(containers: Inspects) -> set[str]:
    """What the containers, inspected or listed, mount."""
    return {str(mount.get("Source")) for each in containers for mount in each.get("Mounts") or ()}


def _lacking(url: str, daemon: Daemon) -> tuple[str, str] | None:
    """Why secrets are impossible here, as a problem and its remedy."""
    if not url.startswith(("unix://", "http+unix://", "fresh")):
        return "needs the engine of the host itself", "run the task on the host, with docker_host: unix://..."
    if daemon.rootless:
        return "cannot be read by an engine without root", "use the host's own engine, or leave secrets out"
    if daemon.shift[0] < 0:
        return "needs the ids of the engine's user namespace", "give its data root the name that the engine made"
    if os.geteuid() != 0:
        return "needs root on the host", "set become: true"
    return None
