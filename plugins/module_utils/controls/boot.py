# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controls of the kernel's command line: one for each recommended boot parameter. Pure data."""

from __future__ import annotations

from ..boot.catalogue import PARAMETERS, Parameter
from .model import Control


def _control(parameter: Parameter) -> Control:
    return Control(
        id=parameter.control,
        title=f"The kernel runs as with the boot parameter {parameter.word}",
        reason=parameter.reason,
        references=parameter.references,
        profile=parameter.profile,
    )


CONTROLS: tuple[Control, ...] = tuple(_control(parameter) for parameter in PARAMETERS)
