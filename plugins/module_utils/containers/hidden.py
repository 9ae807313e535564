# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values that must not be shown: what stands for one, and whether a result is free of them. Pure."""

from __future__ import annotations

import typing as t

MASK = "VALUE_NOT_SHOWN"


def is_free(value: t.Any, hidden: t.Collection[str]) -> bool:
    """Whether it is of JSON's own types through and through, and none of the hidden strings is a part of a value in it.

    What stands in the keys is not looked at, as Ansible does not either.
    """
    # A loop, for a result has thousands of values and this is done for each.
    waiting = [value]
    while waiting:
        each = waiting.pop()
        kind = type(each)
        if kind is dict:
            waiting.extend(each.values())
        elif kind is list:
            waiting.extend(each)
        elif each is not None and kind is not bool:
            if kind is int or kind is float:
                each = str(each)
            elif kind is not str:
                return False
            for one in hidden:
                if one in each:
                    return False
    return True
