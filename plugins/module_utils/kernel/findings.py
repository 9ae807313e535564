# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kernel's controls judged by live values and by what other files will do at the next boot. Pure."""

from __future__ import annotations

import typing as t

from ..controls.kernel import control_id
from ..controls.model import FAIL, NOT_APPLICABLE, PASS, Finding
from .keys import profile_values, stricter
from .precedence import Override


def findings(
    profile: str,
    values: t.Mapping[str, str],
    overridden: t.Mapping[str, Override],
    host: str = "host",
) -> list[Finding]:
    """One finding for each control that *profile* demands."""
    return [
        Finding(control_id(key), host, *_judge(key, wanted, values.get(key), overridden.get(key)))
        for key, wanted in sorted(profile_values(profile).items())
    ]


def _judge(key: str, wanted: str, live: str | None, override: Override | None) -> tuple[str, str]:
    if live is None:
        return NOT_APPLICABLE, "this kernel has no such key"
    if not stricter(key, live, wanted):
        return FAIL, f"live {live}, wanted {wanted}"
    boot = override.boot if override else None
    if boot and not (boot.value and stricter(key, boot.value, wanted)):
        does = f"sets {boot.line.key} = {boot.value}" if boot.value else f"keeps {key} from being set"
        return FAIL, f"live {live}, but {boot.path}, line {boot.line.number}, {does} at the next boot"
    return PASS, f"live {live}"
