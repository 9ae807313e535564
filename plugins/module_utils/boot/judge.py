# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the running kernel makes of the recommended parameters, and whether a reboot is due. Pure."""

from __future__ import annotations

import typing as t

from ..controls.model import FAIL, NOT_APPLICABLE, PASS, Finding
from .catalogue import BY_NAME, Parameter, applies, built_in, lacks_support, written
from .cmdline import effective
from .spec import BootSpec

# What kstrtobool takes for one value.
TRUE = ("1", "y", "Y", "on")
FALSE = ("0", "n", "N", "off")
Values = t.Mapping[str, t.Tuple[str, ...]]


class Kernel(t.NamedTuple):
    """The running kernel: its version, its architecture, the text of its .config (empty if unknown)."""

    version: tuple[int, int]
    architecture: str
    config: str


def findings(spec: BootSpec, kernel: Kernel, running: Values, configured: Values) -> list[Finding]:
    """One finding for each recommendation of the profile, and for each that the user has a value for."""
    return [
        Finding(each.control, each.word, NOT_APPLICABLE, "left alone")
        if each.name in spec.omit
        else Finding(each.control, each.word, *judge(each, running, configured, kernel))
        for each in spec.judged()
    ]


def judge(parameter: Parameter, running: Values, configured: Values, kernel: Kernel) -> tuple[str, str]:
    """The outcome and what was seen. running: the kernel's command line. configured: that of the next boot."""
    if not applies(parameter, kernel.version, kernel.architecture):
        version = ".".join(map(str, kernel.version))
        return NOT_APPLICABLE, f"kernel {version} on {kernel.architecture} does not know {parameter.name}"
    if lacks_support(parameter, kernel.config):
        return NOT_APPLICABLE, f"the kernel is built without {parameter.needs}"
    now = effective(running, parameter.name)
    if _same(parameter, now, parameter.value):
        return PASS, f"running with {written(parameter.name, now or '')}"
    if now is None and _built_in(parameter, kernel):
        return PASS, f"built into the kernel by {parameter.built_in[0]}"
    seen = f"running without {parameter.name}" if now is None else f"running with {written(parameter.name, now)}"
    waits = _same(parameter, effective(configured, parameter.name), parameter.value)
    return FAIL, f"{seen}, set for the next boot" if waits else seen


def reboot_required(names: t.Iterable[str], kernel: Kernel, running: Values, configured: Values) -> bool:
    """Whether the next boot will make a difference to any of the parameters."""
    return any(_differs(name, kernel, running, configured) for name in names)


def _differs(name: str, kernel: Kernel, running: Values, configured: Values) -> bool:
    parameter = BY_NAME.get(name, Parameter(name, "", "", literal=True))
    sides = [effective(running, name), effective(configured, name)]
    if _built_in(parameter, kernel):
        sides = [parameter.value if side is None else side for side in sides]
    return not _same(parameter, *sides)


def _built_in(parameter: Parameter, kernel: Kernel) -> bool:
    """Whether the kernel does so by itself: the recommended value and no other."""
    recommended = BY_NAME.get(parameter.name)
    return recommended is not None and parameter.value == recommended.value and built_in(parameter, kernel.config)


def _same(parameter: Parameter, given: str | None, wanted: str | None) -> bool:
    """Whether both mean the same to the kernel."""
    if parameter.literal:
        return given == wanted
    return given == wanted or any(given in words and wanted in words for words in (TRUE, FALSE))
