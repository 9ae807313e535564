# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Spec and host to plan: which modules are denied, which are left alone and why, the file, the findings. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..controls.kernel_modules import control_id
from ..controls.model import FAIL, NOT_APPLICABLE, PASS, Finding
from ..errors import InputError
from ..host.changes import HEADER, ChangeSet, FileChange, FileText, ValueChange, file_change
from .catalogue import CHOICE, ENTRIES, MODULES, Entry, demanded
from .modprobe_conf import PATH, Rule, in_force, install_rules, render, with_ours
from .spec import PRESENT, ModulesSpec, unknown
from .usage import LOADED, NOT_LOADED, Kernel, in_use, unloadable

CONFIRM = "have modprobe confirm what is denied"


@dataclass(frozen=True)
class Observed:
    """The host: its kernel, our file as it stands and as it was, the install lines of all other files.

    originals: the modules that an earlier run unloaded. modprobe: whether that program is there.
    """

    kernel: Kernel
    others: tuple[Rule, ...] = ()
    file: FileText | None = None
    recorded: bool = False
    original_file: FileText | None = None
    originals: t.Mapping[str, str] = field(default_factory=dict)
    modprobe: bool = False


@dataclass(frozen=True)
class ModulesPlan:
    """What will be done; the modules that are denied; those that are left alone, and those overridden, with reasons."""

    changes: ChangeSet
    denied: tuple[str, ...] = ()
    left_alone: t.Mapping[str, str] = field(default_factory=dict)
    overridden: t.Mapping[str, Rule] = field(default_factory=dict)
    unloaded: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def make_plan(spec: ModulesSpec, observed: Observed) -> ModulesPlan:
    """The plan; InputError where the user named what this kernel does not know."""
    kernel = observed.kernel
    if spec.state != PRESENT or not kernel.loads:
        return ModulesPlan(_changes(None, (), observed), warnings=_nothing_to_deny(spec, kernel))
    faults = unknown(spec, {*kernel.needs, *kernel.built_in})
    if faults:
        raise InputError(faults)
    reasons = _reasons(spec, observed)
    denied = tuple(sorted(spec.wanted - set(reasons)))
    unloaded = unloadable(kernel, denied) if spec.unload else ()
    text = render(denied) if denied else None
    rules = with_ours(observed.others, text)
    effective = {module: in_force(module, rules) for module in denied}
    return ModulesPlan(
        changes=_changes(text, unloaded, observed),
        denied=denied,
        left_alone=reasons,
        overridden={module: rule for module, rule in effective.items() if rule and not rule.denies},
        unloaded=unloaded,
        warnings=_warnings(spec, reasons, effective),
    )


def findings(spec: ModulesSpec, observed: Observed) -> list[Finding]:
    """One finding for each control that the profile demands or the user chose, on the host as observed."""
    asked = {**demanded(spec.profile), **{MODULES[name].name: MODULES[name] for name in spec.chosen if name in MODULES}}
    choices = {entry.name: entry for entry in ENTRIES.values() if entry.profile == CHOICE}
    rules = with_ours(observed.others, observed.file.text if observed.file else None)
    used = in_use(observed.kernel, unloadable(observed.kernel, spec.wanted))
    judged = {name: _judge(entry, spec, observed, rules, used) for name, entry in asked.items()}
    if demanded(spec.profile):
        by_choice = (NOT_APPLICABLE, "denied only by choice: name it in deny")
        judged = {**dict.fromkeys(choices, by_choice), **judged}
    return [Finding(control_id(name), "host", *outcome) for name, outcome in sorted(judged.items())]


def _reasons(spec: ModulesSpec, observed: Observed) -> dict[str, str]:
    """Why each wanted module that is left alone is so."""
    kernel = observed.kernel
    ours = {rule.pattern for rule in install_rules(PATH, observed.file.text)} if observed.file else set()
    free = set(unloadable(kernel, spec.wanted))
    used = in_use(kernel, free)
    found: dict[str, str] = {}
    for module in spec.wanted:
        if module in kernel.built_in:
            found[module] = "it is built into this kernel and cannot be denied"
        elif module in used:
            found[module] = used[module]
        elif module in kernel.loaded and not spec.unload and module not in ours:
            # One that was denied and is loaded by hand stays denied; that the finding tells.
            found[module] = "it is loaded though nobody uses it; unload: true unloads and denies it"
    return found


def _changes(text: str | None, unload: t.Sequence[str], observed: Observed) -> ChangeSet:
    kernel, ours = observed.kernel, text is not None
    now, managed = observed.file, observed.file is not None and observed.file.text.startswith(HEADER)
    before = observed.original_file if observed.recorded else None if managed else now
    files: tuple[FileChange, ...] = ()
    if ours or observed.recorded or managed:
        files = file_change(PATH, now, FileText(text) if text is not None else before)
    values = [ValueChange(module, LOADED, NOT_LOADED) for module in unload]
    again = tuple(sorted(name for name in observed.originals if text is None or name not in _denied(text)))
    values += [ValueChange(m, NOT_LOADED, LOADED) for m in again if m in kernel.needs and m not in kernel.loaded]
    recorded = observed.recorded or bool(observed.originals)
    return ChangeSet(
        files=files,
        values=tuple(values),
        originals={PATH: before} if ours else {},
        remember=dict.fromkeys(unload, LOADED),
        forget_values=again if ours else (),
        reload=CONFIRM if files and ours and observed.modprobe else "",
        clear=recorded and not ours,
    )


def _denied(text: str) -> set[str]:
    return {rule.pattern for rule in install_rules(PATH, text)}


def _judge(
    entry: Entry, spec: ModulesSpec, observed: Observed, rules: t.Sequence[Rule], used: t.Mapping[str, str]
) -> tuple[str, str]:
    kernel = observed.kernel
    here = [module for module in entry.modules if module in kernel.needs or module in kernel.loaded]
    if not here:
        return NOT_APPLICABLE, _not_here(entry, kernel)
    kept = [module for module in here if module not in spec.omit]
    if not kept:
        return NOT_APPLICABLE, "left alone by choice"
    problems: list[str] = []
    for module in kept:
        rule = in_force(module, rules)
        if rule is None:
            problems.append(f"{module} can be loaded" + (f": {used[module]}" if module in used else ""))
        elif not rule.denies:
            problems.append(f"{rule.path} has {module} loaded by '{rule.command}'")
        elif module in kernel.loaded:
            problems.append(f"{module} is denied at the next boot, but loaded now")
    return (FAIL, "; ".join(problems)) if problems else (PASS, f"modprobe loads none of {', '.join(kept)}")


def _not_here(entry: Entry, kernel: Kernel) -> str:
    built_in = [module for module in entry.modules if module in kernel.built_in]
    if built_in:
        return f"{', '.join(built_in)} is built into this kernel and cannot be denied"
    return "this kernel has no such module" if kernel.loads else "this kernel has no modules to load"


def _nothing_to_deny(spec: ModulesSpec, kernel: Kernel) -> tuple[str, ...]:
    asked = spec.state == PRESENT and spec.chosen and not kernel.loads
    return ("This kernel has no modules that it could load, so none was denied",) if asked else ()


def _warnings(
    spec: ModulesSpec, reasons: t.Mapping[str, str], effective: t.Mapping[str, Rule | None]
) -> tuple[str, ...]:
    left = [f"{module}: {reasons[module]}" for module in sorted(spec.chosen & set(reasons))]
    lost = [f"{module} ({rule.path})" for module, rule in effective.items() if rule and not rule.denies]
    return (
        *((f"Not denied: {'; '.join(left)}",) if left else ()),
        *((f"Another file of modprobe.d comes first and loads: {', '.join(lost)}",) if lost else ()),
    )
