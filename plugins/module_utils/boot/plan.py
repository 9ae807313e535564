# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Boot parameters to plan: GRUB's drop-in, and what becomes of the menu that GRUB generates from it. Pure.

The menu is recorded as it was. Undo brings those bytes back where what stands there is still what was generated here.
If somebody else has generated it since, as a new kernel's package does, the old bytes would lose that, and undo
generates.
"""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass, field, replace

from ..errors import CaissonError
from ..host.changes import ChangeSet, FileChange, FileText, file_change
from ..host.distributions import Distribution, warning
from . import dropin, menu
from .cmdline import parse
from .judge import Kernel, Values
from .spec import ABSENT, PRESENT, BootSpec

REGENERATE = f"regenerate {menu.PATH}"


@dataclass(frozen=True)
class Observed:
    """The host.

    obstacle: why the bootloader cannot be configured here, or empty. dropin, menu: the files as they stand.
    lines: the command lines of the menu's entries. originals: what undo returns the files to.
    written: the drop-in's hash that each menu generated here came from, by the menu's hash.
    generated_since: somebody else generated the menu since the original was recorded.
    """

    kernel: Kernel
    distribution: Distribution
    cmdline: str
    obstacle: str = ""
    dropin: FileText | None = None
    menu: FileText | None = None
    lines: tuple[str, ...] = ()
    originals: t.Mapping[str, FileText | None] = field(default_factory=dict)
    written: t.Mapping[str, str] = field(default_factory=dict)
    generated_since: bool = False

    @property
    def running(self) -> Values:
        return parse(self.cmdline)

    @property
    def ours(self) -> dict[str, str]:
        """What the drop-in sets."""
        return dropin.parameters(self.dropin.text) if self.dropin else {}

    @property
    def foreign(self) -> bool:
        """Whether the menu is neither the original nor one that was generated here."""
        original = self.originals.get(menu.PATH, self.menu)
        return self.menu not in (None, original) and hashed(self.menu) not in self.written


@dataclass(frozen=True)
class BootPlan:
    """What will be done. wanted: what each entry of the menu must have then."""

    changes: ChangeSet
    wanted: t.Mapping[str, str]
    warnings: tuple[str, ...] = ()


def make_plan(spec: BootSpec, observed: Observed) -> BootPlan:
    """The plan; CaissonError where this host's bootloader cannot be configured and that was asked for."""
    wanted = spec.wanted(*observed.kernel)
    warnings = tuple(filter(None, [warning(observed.distribution)]))
    if spec.state == PRESENT and wanted:
        if observed.obstacle:
            raise CaissonError(
                f"Failed to set boot parameters: {observed.obstacle}; give 'state: report' to see what is missing, "
                "and set it where this system is started from"
            )
        return BootPlan(_present(wanted, observed), wanted, warnings)
    if spec.state in (PRESENT, ABSENT):
        return BootPlan(_absent(observed), {}, warnings)
    return BootPlan(ChangeSet(), wanted, warnings)


def predicted(spec: BootSpec, plan: BootPlan, observed: Observed) -> Observed:
    """The host as the plan will leave it."""
    files = {change.path: change.after for change in plan.changes.files}
    lines = observed.lines
    if menu.PATH in files:
        restored = files[menu.PATH]
        lines = menu.command_lines(restored.text) if restored else ()
    elif plan.changes.reload:
        lines = tuple(menu.removed(line, observed.ours) for line in lines)
        if spec.state == PRESENT:
            lines = tuple(menu.added(line, plan.wanted) for line in lines)
    return replace(observed, dropin=files.get(dropin.PATH, observed.dropin), lines=lines)


def hashed(file: FileText | None) -> str:
    """What a file's text is known by."""
    return hashlib.sha256((file.text if file else "").encode("utf-8", "surrogateescape")).hexdigest()


def _present(wanted: t.Mapping[str, str], observed: Observed) -> ChangeSet:
    then = FileText(dropin.render(wanted))
    files = file_change(dropin.PATH, observed.dropin, then)
    # A run that was killed left the drop-in without the menu that belongs to it.
    stale = observed.written.get(hashed(observed.menu), hashed(then)) != hashed(then)
    generate = bool(files) or stale or bool(menu.problem(observed.lines, wanted))
    originals = {dropin.PATH: observed.dropin, menu.PATH: observed.menu}
    return ChangeSet(files, originals=originals if generate else {}, reload=REGENERATE if generate else "")


def _absent(observed: Observed) -> ChangeSet:
    if not observed.originals and not observed.ours:
        return ChangeSet()
    files = file_change(dropin.PATH, observed.dropin, observed.originals.get(dropin.PATH))
    original = observed.originals.get(menu.PATH)
    if observed.obstacle or observed.menu == original:
        return ChangeSet(files, clear=bool(observed.originals))
    if original is None or observed.generated_since or observed.foreign:
        return ChangeSet(files, reload=REGENERATE, clear=bool(observed.originals))
    return ChangeSet((*files, FileChange(menu.PATH, observed.menu, original)), clear=True)
