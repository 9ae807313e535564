# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the user wants of the boot parameters, checked. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ..controls.model import BASELINE, PROFILES
from ..errors import Fault, InputError, named, nearest
from ..host import moment
from .catalogue import BY_NAME, Parameter, applies, lacks_support, profile
from .refused import faults as refused_faults

PRESENT, ABSENT, REPORT = "present", "absent", "report"

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "profile": {"type": "str", "choices": [*PROFILES, "none"], "default": BASELINE},
    "parameters": {"type": "dict", "default": {}},
    "omit": {"type": "list", "elements": "str", "default": []},
    "state": {"type": "str", "choices": [REPORT, PRESENT, ABSENT], "default": REPORT},
    **moment.ARGUMENT,
}

_WHERE = "boot_parameters"


@dataclass(frozen=True)
class BootSpec:
    """The options of the ``boot_parameters`` module, normalised.

    parameters: the user's own by name; they stand for the profile's. omit: names of the profile's that are left alone.
    """

    profile: str = BASELINE
    parameters: t.Mapping[str, str] = field(default_factory=dict)
    omit: tuple[str, ...] = ()
    state: str = REPORT

    def judged(self) -> tuple[Parameter, ...]:
        """The recommendations, with the user's values."""
        return tuple(
            replace(each, value=self.parameters.get(each.name, each.value))
            for each in (*profile(self.profile), *self._own_of_the_catalogue())
        )

    def wanted(self, kernel: tuple[int, int], architecture: str, config: str = "") -> dict[str, str]:
        """The parameters, by name, that such a kernel is to be started with; config: its .config, empty if unknown."""
        mine = {
            each.name: each.value
            for each in self.judged()
            if each.name not in self.omit and applies(each, kernel, architecture) and not lacks_support(each, config)
        }
        return {**mine, **self.parameters}

    def _own_of_the_catalogue(self) -> list[Parameter]:
        known = {each.name for each in profile(self.profile)}
        return [BY_NAME[name] for name in self.parameters if name in BY_NAME and name not in known]


def parse(
    *,
    profile: str = BASELINE,
    parameters: t.Mapping[str, t.Any] | None = None,
    omit: t.Sequence[str] = (),
    state: str = REPORT,
) -> BootSpec:
    """The spec of the options; InputError with every fault where they are wrong."""
    faults: list[Fault] = []
    found = {str(name): _value(str(name), given, faults) for name, given in (parameters or {}).items()}
    faults += refused_faults(found)
    for name in omit:
        if name not in BY_NAME:
            remedy = f"write one of {', '.join(BY_NAME)}{nearest(str(name), BY_NAME)}"
            faults.append(Fault(_WHERE, "omit", name, "is no parameter of a profile", remedy))
        elif name in found:
            faults.append(Fault(_WHERE, "omit", name, "is among your own parameters too", "remove it from one of them"))
    if faults:
        raise InputError(faults)
    return BootSpec(profile, found, tuple(omit), state)


def _value(name: str, given: t.Any, faults: list[Fault]) -> str:
    if isinstance(given, (dict, list, bool)):
        remedy = "write the value as a string, as the kernel takes it, or '' for a parameter without one"
        faults.append(Fault(_WHERE, f"parameters.{named(name)}", given, "is no value of a parameter", remedy))
        return ""
    return "" if given is None else str(given)
