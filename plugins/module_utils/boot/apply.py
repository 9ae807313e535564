# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: observe the kernel and GRUB, plan, and carry the plan out unless this is a check. Never reboots."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

from ..errors import CaissonError
from ..host.changes import FileText
from ..host.distributions import GRUB, Distribution, find
from ..host.files import FileState, read_file, write_file
from ..host.lock import host_lock
from ..host.procsys import ProcSys, require_root
from ..host.result import HostResult, Work
from ..host.transaction import Transaction, to_state, to_text
from ..host.undo import ROOT, UndoStore
from . import dropin, menu, system
from .catalogue import written
from .cmdline import effective
from .judge import findings, reboot_required
from .plan import BootPlan, Observed, hashed, make_plan, predicted
from .spec import PRESENT, REPORT, BootSpec

SUBJECT = "boot_parameters"
# Values of the undo record.
GENERATED, SINCE = "generated", "generated_since"


def run(spec: BootSpec, check: bool = False, undo_root: str = ROOT) -> HostResult:
    """Bring the host to the spec; CaissonError, with nothing changed, where that fails."""
    with prepared(spec, check, undo_root) as carry_out:
        return carry_out()


@contextlib.contextmanager
def prepared(spec: BootSpec, check: bool = False, undo_root: str = ROOT) -> t.Iterator[Work]:
    """What brings the host to the spec, planned under the lock; CaissonError where it is refused."""
    require_root(SUBJECT)
    with contextlib.nullcontext() if check or spec.state == REPORT else host_lock(SUBJECT):
        store = UndoStore(SUBJECT, undo_root)
        observed = _observe(store)
        plan = make_plan(spec, observed)
        yield lambda: _carry_out(spec, store, observed, plan, check)


def _carry_out(spec: BootSpec, store: UndoStore, observed: Observed, plan: BootPlan, check: bool) -> HostResult:
    if plan.changes and not check:
        Transaction(store, ProcSys(), _Menu(store, observed, plan)).run(plan.changes)
    after = predicted(spec, plan, observed) if check or not plan.changes else _observe(store)
    return _result(spec, plan, observed, after, store.path)


class _Menu:
    """Generates GRUB's menu and puts it in place in one step. Called again, it puts the former back."""

    def __init__(self, store: UndoStore, observed: Observed, plan: BootPlan) -> None:
        self._store, self._observed, self._plan = store, observed, plan
        self._called = self._replaced = False

    def __call__(self) -> None:
        former = to_state(self._observed.menu)
        if self._called:
            if self._replaced and former:
                write_file(menu.PATH, former)
            return
        self._called = True
        text = system.generate()
        problem = menu.problem(menu.command_lines(text), self._plan.wanted)
        if problem:
            raise CaissonError(f"The menu that GRUB generates {problem}")
        new = FileText(text)
        if not self._plan.changes.clear and (self._observed.originals or self._plan.changes.originals):
            self._note(new)
        owner = former or FileState(b"", 0o600)
        self._replaced = True
        write_file(menu.PATH, FileState(text.encode("utf-8", "surrogateescape"), owner.mode, owner.uid, owner.gid))

    def _note(self, new: FileText) -> None:
        """Record what is about to be ours, so that undo can tell it from what somebody else generates later."""
        drop = next((change.after for change in self._plan.changes.files), self._observed.dropin)
        self._store.forget_value(GENERATED)
        self._store.record_value(GENERATED, {**self._observed.written, hashed(new): hashed(drop)})
        if self._observed.foreign:
            self._store.record_value(SINCE, True)
        self._store.commit()


def _observe(store: UndoStore) -> Observed:
    now = to_text(read_file(menu.PATH))
    values = store.values()
    distribution = find(system.os_release())
    return Observed(
        kernel=system.kernel(),
        distribution=distribution,
        cmdline=system.command_line(),
        obstacle=_obstacle(distribution, now),
        dropin=to_text(read_file(dropin.PATH)),
        menu=now,
        lines=menu.command_lines(now.text) if now else (),
        originals={path: to_text(state) for path, state in store.files().items()},
        written=values.get(GENERATED, {}),
        generated_since=bool(values.get(SINCE)),
    )


def _obstacle(distribution: Distribution, now: FileText | None) -> str:
    """Why GRUB's menu cannot be generated here, or empty."""
    name = distribution.id or "this system"
    if now is None:
        return f"there is no {menu.PATH}, so this is a container, or its kernel is started without GRUB"
    if distribution.bootloader != GRUB:
        return f"{name} does not take GRUB's settings from {dropin.PATH}"
    return "" if system.has_generator() else f"{system.GENERATOR} is not installed"


def _result(spec: BootSpec, plan: BootPlan, before: Observed, after: Observed, undo: Path) -> HostResult:
    earlier = findings(spec, before.kernel, before.running, menu.next_boot(before.lines))
    configured = menu.next_boot(after.lines)
    later = findings(spec, after.kernel, after.running, configured)
    intended = spec.wanted(*after.kernel)
    names = {**intended, **before.ours, **after.ours}
    conflicts = menu.conflicts(after.lines, intended)
    return HostResult.of(
        plan.changes,
        undo,
        earlier,
        later,
        warnings=[*plan.warnings, *(_warnings(after, conflicts) if spec.state == PRESENT else [])],
        extra={
            "parameters": {
                name: {
                    "wanted": value,
                    "running": effective(after.running, name),
                    "next_boot": effective(configured, name),
                }
                for name, value in intended.items()
            },
            "conflicts": conflicts,
            "reboot_required": bool(after.lines) and reboot_required(names, after.kernel, after.running, configured),
        },
    )


def _warnings(after: Observed, conflicts: t.Mapping[str, list[str]]) -> list[str]:
    found = [
        f"{', '.join(written(name, value) for value in values)} is set elsewhere in GRUB's configuration, "
        f"and {written(name, after.ours[name])} comes after it and wins"
        for name, values in conflicts.items()
        if name in after.ours
    ]
    if "BOOT_IMAGE=" not in after.cmdline:
        found.append(
            "The running kernel was not started by GRUB, so the parameters may have no effect at the next boot"
        )
    return found
