# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the user wants of the kernel's modules. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ..controls.model import PROFILES
from ..errors import Fault, InputError, nearest
from ..host import moment
from .catalogue import ENTRIES, MODULES, canonical, demanded, protection

PRESENT, ABSENT = "present", "absent"
NO_PROFILE = "none"

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "profile": {"type": "str", "choices": [*PROFILES, NO_PROFILE], "default": NO_PROFILE},
    "deny": {"type": "list", "elements": "str", "default": []},
    "omit": {"type": "list", "elements": "str", "default": []},
    "unload": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": [PRESENT, ABSENT], "default": PRESENT},
    **moment.ARGUMENT,
}

WHERE = "kernel_modules"
_NAME = re.compile(r"^[A-Za-z0-9_]{1,55}$")


@dataclass(frozen=True)
class ModulesSpec:
    """The options of the ``kernel_modules`` module, normalised.

    wanted: every module to deny, from the profile and by the user's own word, without those left alone.
    chosen: those that the user named.
    omit: the modules to leave alone.
    """

    profile: str = NO_PROFILE
    wanted: frozenset[str] = frozenset()
    chosen: frozenset[str] = frozenset()
    omit: frozenset[str] = frozenset()
    unload: bool = False
    state: str = PRESENT


def parse(
    *,
    profile: str = NO_PROFILE,
    deny: t.Sequence[t.Any] = (),
    omit: t.Sequence[t.Any] = (),
    unload: bool = False,
    state: str = PRESENT,
) -> ModulesSpec:
    """The spec of the options; InputError with every fault where they are wrong."""
    faults: list[Fault] = []
    chosen = {module for name in deny for module in _denied(name, faults)}
    left = {module for name in omit for module in _omitted(name, faults)}
    faults += [
        Fault(WHERE, "omit", module, "is in deny too", "keep it in one of the two") for module in sorted(chosen & left)
    ]
    if faults:
        raise InputError(faults)
    wanted = {module for entry in demanded(profile).values() for module in entry.modules} | chosen
    return ModulesSpec(profile, frozenset(wanted - left), frozenset(chosen), frozenset(left), unload, state)


def unknown(spec: ModulesSpec, known: t.Collection[str]) -> list[Fault]:
    """The names of the user that stand for no module of this kernel, nor of the catalogue."""
    names = {*known, *MODULES}
    return [
        Fault(WHERE, "deny", module, "is no module of this kernel", f"correct the name{nearest(module, names)}")
        for module in sorted(spec.chosen - names)
    ]


def _denied(name: t.Any, faults: list[Fault]) -> tuple[str, ...]:
    module = canonical(name)
    if module in ENTRIES:
        return ENTRIES[module].modules
    why = protection(module)
    if not _NAME.match(module):
        faults.append(Fault(WHERE, "deny", name, "is no module's name", "write one like usb-storage"))
    elif why:
        faults.append(Fault(WHERE, "deny", name, f"is needed: {why}", "take it out of the list"))
    else:
        return (module,)
    return ()


def _omitted(name: t.Any, faults: list[Fault]) -> tuple[str, ...]:
    module = canonical(name)
    if module in ENTRIES:
        return ENTRIES[module].modules
    if module not in MODULES:
        hint = nearest(module, {*ENTRIES, *MODULES})
        faults.append(Fault(WHERE, "omit", name, "is in no profile", f"correct the name{hint}"))
    return (module,)
