# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets out of what is shown. Pure."""

from __future__ import annotations

import re
import typing as t

_SECRET = re.compile(r"token|secret|password|passwd|credential", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/@\s]+(?=@)")
MASK = "********"


def masked(value: t.Any, name: str = "") -> t.Any:
    """The value with what may be secret replaced: named like one, or the user part of a URL."""
    if isinstance(value, dict):
        return {key: masked(item, str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(item, name) for item in value]
    if isinstance(value, str):
        return MASK if _SECRET.search(name) and value else masked_text(value)
    return value


def masked_text(text: str) -> str:
    return _USERINFO.sub(MASK, text)
