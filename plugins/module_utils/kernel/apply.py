# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: observe the kernel's settings, plan, and carry the plan out unless this is a check."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import typing as t
from pathlib import Path

from ..controls.model import PROFILES, STRICT, Finding
from ..host.files import read_file
from ..host.lock import host_lock
from ..host.procsys import ProcSys, require_root
from ..host.result import HostResult, Work
from ..host.transaction import Transaction, to_text
from ..host.undo import ROOT, UndoStore
from .findings import findings
from .host_rules import HostTraits, adjust, expecting, harmful, interface_values
from .host_traits import interfaces, observe_host
from .interfaces import candidates, inheriting, interface_of, needed, own_interfaces
from .keys import is_one_way, profile_values
from .plan import Observed, SysctlPlan, by_reason, make_plan
from .precedence import as_dicts
from .spec import DEFAULT_PATH, PRESENT, REPORT, SysctlSpec
from .sysctl_files import boot_files

LOCK = "kernel"


def subject_of(path: str) -> str:
    """The name of the undo record for a file, so that each file is undone for itself."""
    return "kernel" if path == DEFAULT_PATH else "kernel" + re.sub(r"[^A-Za-z0-9]+", "-", path)


def run(
    spec: SysctlSpec,
    check: bool = False,
    proc: ProcSys | None = None,
    undo_root: str = ROOT,
) -> HostResult:
    """Bring the host to the spec; CaissonError, with nothing changed, where that fails."""
    with prepared(spec, check, proc, undo_root) as carry_out:
        return carry_out()


@contextlib.contextmanager
def prepared(
    spec: SysctlSpec,
    check: bool = False,
    proc: ProcSys | None = None,
    undo_root: str = ROOT,
) -> t.Iterator[Work]:
    """What brings the host to the spec, planned under the lock; CaissonError where it is refused."""
    require_root("sysctl")
    kernel = proc or ProcSys()
    with contextlib.nullcontext() if check else host_lock(LOCK):
        store = UndoStore(subject_of(spec.path), undo_root)
        traits = expecting(observe_host(), spec.expect) if spec.state == PRESENT else HostTraits()
        spec = for_host(spec, traits, kernel, store)
        observed = observe(spec, kernel, store)
        plan = make_plan(spec, observed)
        plan = dataclasses.replace(plan, warnings=(*plan.warnings, *harmful(spec.settings, traits)))
        yield lambda: _carry_out(spec, kernel, store, observed, plan, check)


def _carry_out(
    spec: SysctlSpec, kernel: ProcSys, store: UndoStore, observed: Observed, plan: SysctlPlan, check: bool
) -> HostResult:
    refused = dict(plan.refused)
    if plan.changes and not check:
        refused.update(Transaction(store, kernel, tolerant=spec.unwritable == REPORT).run(plan.changes))
    after = _after(spec, kernel, observed, plan, check)
    return _result(spec=spec, observed=observed, plan=plan, refused=refused, after=after, undo=store.path)


def for_host(spec: SysctlSpec, traits: HostTraits, kernel: ProcSys, store: UndoStore) -> SysctlSpec:
    """The spec with what the host makes of the profile, and with its interfaces."""
    if spec.profile not in PROFILES or spec.state != PRESENT:
        return spec
    spec = dataclasses.replace(spec, adjusted=adjust(spec.profile, traits))
    demanded = spec.demanded()
    followed = _followed(spec, store.values())
    single = {key: value for key, value in interface_values(traits).items() if key not in spec.omit}
    single = single if spec.profile == STRICT else {}
    live, _unreadable = kernel.read(followed)
    return dataclasses.replace(spec, interfaces={**needed(demanded, followed, live, store.values()), **single})


def _followed(spec: SysctlSpec, ours: t.Iterable[str] = ()) -> dict[str, str]:
    """The keys of the host's single interfaces, those too that are gone and that an earlier run set."""
    names = {*interfaces(), *filter(None, map(interface_of, ours))}
    return candidates(spec.demanded(), own_interfaces(names))


def observe(spec: SysctlSpec, kernel: ProcSys, store: UndoStore) -> Observed:
    """All that the plan needs to know of the host."""
    originals = {key: str(value) for key, value in store.values().items()}
    wanted = spec.wanted()
    inherited = inheriting({*wanted, *originals}, interfaces())
    values, unreadable = kernel.read({*wanted, *originals, *inherited, *_judged(spec)})
    unknown = any(key not in values for key in spec.settings)
    return Observed(
        values=values,
        unreadable=unreadable,
        unwritable=kernel.unwritable({*wanted, *originals, *inherited}),
        names=kernel.names() if unknown else frozenset(),
        file=to_text(read_file(spec.path)),
        recorded=spec.path in store.files(),
        originals=originals,
        original_file=to_text(store.files().get(spec.path)),
        inherited=store.inherited(),
        boot=boot_files(),
        taken=frozenset(store.files()) - {spec.path},
    )


def _judged(spec: SysctlSpec) -> dict[str, str]:
    """The keys that the findings look at."""
    return {**profile_values(spec.profile), **_followed(spec)} if spec.profile in PROFILES else {}


def _after(spec: SysctlSpec, kernel: ProcSys, observed: Observed, plan: SysctlPlan, check: bool) -> dict[str, str]:
    if not check:
        return kernel.read(_judged(spec))[0]
    return {**observed.values, **{change.key: change.after for change in plan.changes.values}}


def _result(
    *,
    spec: SysctlSpec,
    observed: Observed,
    plan: SysctlPlan,
    refused: dict[str, str],
    after: dict[str, str],
    undo: Path,
) -> HostResult:
    warnings = [*plan.warnings, *([f"Not set: {by_reason(refused)}"] if refused else [])]
    return HostResult.of(
        plan.changes,
        undo,
        _findings(spec, observed.values, plan),
        _findings(spec, after, plan),
        warnings=warnings,
        skipped=refused,
        forgets=bool(plan.changes.forget_values),
        extra={
            "values": dict(plan.desired),
            "adjusted": {
                key: each.as_dict() for key, each in sorted(spec.adjusted.items()) if key not in spec.settings
            },
            "one_way": sorted(key for key, value in plan.desired.items() if is_one_way(key, value)),
            "absent": list(plan.absent),
            "refused": refused,
            "overridden": as_dicts(plan.overridden),
            "taken_over": [{**each.as_dict(), "key": each.line.key} for each in plan.taken_over],
        },
    )


def _findings(spec: SysctlSpec, values: t.Mapping[str, str], plan: SysctlPlan) -> list[Finding]:
    return findings(spec, values, plan.overridden, _followed(spec)) if spec.profile in PROFILES else []
