# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values that must not be shown: what stands for one, and whether a result is free of them. Pure."""

from __future__ import annotations

import typing as t

MASK = "VALUE_NOT_SHOWN"


def is_free(value: t.Any, hidden: t.Collection[str]) -> bool:
    """Whether it is of JSON's own types through and through, and none of the hidden strings is a part of a value in it.

    What stands in the keys is not looked at, as Ansible does not either.
    """
    kind = type(value)
    if kind is dict:
        return all(is_free(each, hidden) for each in value.values())
    if kind is list:
        return all(is_free(each, hidden) for each in value)
    if value is None or kind is bool:
        return True
    if kind is int or kind is float:
        value = str(value)
    elif kind is not str:
        return False
    return not any(each in value for each in hidden)
