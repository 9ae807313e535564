# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kernel's controls judged by live values and by what other files will do at the next boot. Pure."""

from __future__ import annotations

import typing as t

from ..controls.kernel import control_id
from ..controls.model import FAIL, NOT_APPLICABLE, PASS, Finding
from .interfaces import loose
from .keys import profile_values, stricter
from .precedence import Override
from .spec import SysctlSpec


def findings(
    spec: SysctlSpec,
    values: t.Mapping[str, str],
    overridden: t.Mapping[str, Override],
    followed: t.Mapping[str, str],
    host: str = "host",
) -> list[Finding]:
    """One finding for each control that the profile demands.

    followed: the keys of single interfaces, each with the key for all of them.
    """
    found = []
    for key, stock in sorted(profile_values(spec.profile).items()):
        adjusted = spec.adjusted.get(key)
        if adjusted and adjusted.value is None and key not in spec.settings:
            found.append(Finding(control_id(key), host, NOT_APPLICABLE, f"left alone: {adjusted.why}"))
            continue
        wanted = (adjusted.value if adjusted else None) or stock
        outcome, evidence = _judge(key, wanted, values.get(key), overridden.get(key))
        own = loose(values, key, wanted, followed) if outcome == PASS else []
        if own:
            outcome, evidence = FAIL, f"{evidence}, but {', '.join(f'{each} = {values[each]}' for each in own)}"
        elif adjusted and adjusted.value is not None:
            evidence = f"{evidence}; {adjusted.value} for {stock}: {adjusted.why}"
        found.append(Finding(control_id(key), host, outcome, evidence))
    return found


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
