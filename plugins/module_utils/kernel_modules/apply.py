# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: observe the host's kernel modules, plan, and carry the plan out unless this is a check."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace

from ..host.files import read_file
from ..host.lock import host_lock
from ..host.procsys import require_root
from ..host.result import HostResult, Work
from ..host.transaction import Transaction, to_text
from ..host.undo import ROOT, UndoStore
from .modprobe_conf import PATH
from .plan import ModulesPlan, Observed, findings, make_plan
from .spec import ModulesSpec
from .system import Modules, changed_at, confirm, initramfs, observe_kernel, other_rules, program
from .usage import LOADED, Loaded

SUBJECT = "kernel_modules"


def run(spec: ModulesSpec, check: bool = False, undo_root: str = ROOT) -> HostResult:
    """Bring the host to the spec; CaissonError, with nothing changed, where that fails."""
    with prepared(spec, check, undo_root) as carry_out:
        return carry_out()


@contextlib.contextmanager
def prepared(spec: ModulesSpec, check: bool = False, undo_root: str = ROOT) -> t.Iterator[Work]:
    """What brings the host to the spec, planned under the lock; CaissonError where it is refused."""
    require_root("kernel_modules")
    with contextlib.nullcontext() if check else host_lock(SUBJECT):
        store = UndoStore(SUBJECT, undo_root)
        observed = _observe(store)
        plan = make_plan(spec, observed)
        yield lambda: _carry_out(spec, store, observed, plan, check)


def _carry_out(spec: ModulesSpec, store: UndoStore, observed: Observed, plan: ModulesPlan, check: bool) -> HostResult:
    image, made = initramfs(observed.kernel.release)
    stale = bool(image and (plan.changes.files or changed_at(PATH) > made))
    if plan.changes and not check:
        Transaction(store, Modules(), _settle(plan, observed)).run(plan.changes)
    after = _predicted(plan, observed) if check or not plan.changes else _observe(store)
    return HostResult.of(
        plan.changes,
        store.path,
        findings(spec, observed),
        findings(spec, after),
        warnings=plan.warnings,
        forgets=bool(plan.changes),
        extra={
            "denied": list(plan.denied),
            "left_alone": dict(sorted(plan.left_alone.items())),
            "overridden": {
                module: {"file": rule.path, "command": rule.command} for module, rule in plan.overridden.items()
            },
            "initramfs": {"image": image, "stale": stale},
        },
    )


def _observe(store: UndoStore) -> Observed:
    recorded = store.files()
    return Observed(
        kernel=observe_kernel(),
        others=other_rules(),
        file=to_text(read_file(PATH)),
        recorded=PATH in recorded,
        original_file=to_text(recorded.get(PATH)),
        originals={name: str(value) for name, value in store.values().items()},
        modprobe=bool(program("modprobe")),
    )


def _settle(plan: ModulesPlan, observed: Observed) -> t.Callable[[], None]:
    # modprobe says nothing of what is loaded, and something else of what another file has it load.
    silent = {*observed.kernel.loaded, *plan.overridden}
    return lambda: confirm(name for name in plan.denied if name in observed.kernel.needs and name not in silent)


def _predicted(plan: ModulesPlan, observed: Observed) -> Observed:
    """The host as the plan will leave it."""
    file = observed.file
    for change in plan.changes.files:
        file = change.after
    gone = set(plan.unloaded)
    loaded = {name: state for name, state in observed.kernel.loaded.items() if name not in gone}
    loaded.update({change.key: Loaded() for change in plan.changes.values if change.after == LOADED})
    return replace(observed, file=file, kernel=replace(observed.kernel, loaded=loaded))
