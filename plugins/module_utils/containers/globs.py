# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Patterns that stand for paths inside a container. Pure.

``*`` and ``?`` stand for characters of one name, ``[abc]`` and ``[!abc]`` for one of them or none of them, ``**`` for
any number of directories, a backslash takes the next character as it is. A pattern stands for what it matches and for
everything below that, so ``/srv``, ``/srv/`` and ``/srv/**`` mean the same.
"""

from __future__ import annotations

import re
import typing as t
from functools import lru_cache

from ..errors import shown
from . import values
from .units import Wrong

MOST = 1024  # characters
_EXAMPLE = "write an absolute path such as /var/lib/app or /srv/*/cache"


def pattern(value: t.Any) -> str:
    """The pattern in its one canonical form; Wrong for one that stands for nothing, or for everything."""
    given = values.text(value)
    if not given.startswith("/"):
        raise Wrong(f"has {shown(given)}, which does not begin with '/'", _EXAMPLE)
    if len(given) > MOST:
        raise Wrong(f"has a pattern of more than {MOST} characters", _EXAMPLE)
    names = [name for name in given.split("/") if name not in ("", ".")]
    if ".." in names:
        raise Wrong(f"has {shown(given)} with '..' in it", "write the path without it")
    while names and names[-1] == "**":
        names.pop()
    if all(not name.strip("*") for name in names):
        raise Wrong(f"has {shown(given)}, which stands for the whole file system", "name what may change, path by path")
    found = "/" + "/".join(names)
    _compiled(found)
    return found


def patterns(value: t.Any) -> tuple[str, ...]:
    """A list of patterns, each once, in order."""
    return tuple(sorted(set(map(pattern, values.words(value)))))


def covers(given: str, path: str) -> bool:
    """Whether the pattern, in its canonical form, stands for the path."""
    return _compiled(given).match(path) is not None


@lru_cache(maxsize=None)
def _compiled(given: str) -> t.Pattern[str]:
    parts = []
    for name in given.split("/")[1:]:
        if name == "**":
            parts.append("(?:/[^/]+)*")
        elif "**" in name:
            raise Wrong(f"has {shown(given)} with '**' beside other characters", "let '**' stand alone between two '/'")
        else:
            parts.append(f"/{_name(name, given)}")
    return re.compile("".join(parts) + r"(?:/.*)?\Z", re.DOTALL)


def _name(name: str, given: str) -> str:
    """One name of the path as a regular expression."""
    found, position = "", 0
    while position < len(name):
        char = name[position]
        position += 1
        if char == "*":
            found += "[^/]*"
        elif char == "?":
            found += "[^/]"
        elif char == "[":
            end = name.find("]", position + (2 if name[position : position + 1] in ("!", "^") else 1))
            if end == -1:
                raise Wrong(
                    f"has {shown(given)} with a '[' that nothing closes", "close it by ']', or write \\[ for itself"
                )
            found += _class(name[position:end], given)
            position = end + 1
        elif char == "\\":
            if position == len(name):
                raise Wrong(f"has {shown(given)} with a backslash before nothing", "write \\\\ for a backslash itself")
            found += re.escape(name[position])
            position += 1
        else:
            found += re.escape(char)
    return found


def _class(inside: str, given: str) -> str:
    inverse = inside[0] in "!^"
    chars = ""
    for first, last, lone in re.findall(r"(.)-(.)|(.)", inside[1 if inverse else 0 :], re.DOTALL):
        chars += re.escape(lone) if lone else f"{re.escape(first)}-{re.escape(last)}"
        if not lone and first > last:
            raise Wrong(
                f"has {shown(given)} with the range {first}-{last}, which is none", "write the lower character first"
            )
    return f"[^/{chars}]" if inverse else f"(?!/)[{chars}]"
