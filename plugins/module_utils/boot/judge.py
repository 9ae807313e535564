# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the running kernel makes of a recommended parameter. Pure."""

from __future__ import annotations

import typing as t

from .catalogue import Parameter, applies, built_in
from .cmdline import effective

TRUE = ("1", "y", "Y", "on")
Values = t.Mapping[str, t.Tuple[str, ...]]


def judge(
    parameter: Parameter, running: Values, configured: Values, config: str, kernel: tuple[int, int], architecture: str
) -> tuple[str, str]:
    """The outcome (``pass``, ``fail``, ``not_applicable``) and what was seen.

    running: the command line of the running kernel. configured: that of the next boot. config: the kernel's .config.
    """
    if not applies(parameter, kernel, architecture):
        return "not_applicable", f"kernel {kernel[0]}.{kernel[1]} on {architecture} does not know {parameter.name}"
    now = effective(running, parameter.name)
    if now is not None and _same(now, parameter.value):
        return "pass", f"running with {_written(parameter.name, now)}"
    if now is None and built_in(parameter, config):
        return "pass", f"built into the kernel by {parameter.built_in[0]}"
    seen = f"running without {parameter.name}" if now is None else f"running with {_written(parameter.name, now)}"
    waits = _same(effective(configured, parameter.name), parameter.value)
    return "fail", f"{seen}, set for the next boot" if waits else seen


def _same(given: str | None, wanted: str) -> bool:
    """Whether both mean the same; what the kernel's kstrtobool takes for true is one value."""
    return given == wanted or (wanted in TRUE and given in TRUE)


def _written(name: str, value: str) -> str:
    return f"{name}={value}" if value else name
