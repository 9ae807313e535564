# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kernel's command line, parsed as the kernel's own ``next_arg`` does. Pure."""

from __future__ import annotations

import typing as t

BLANKS = " \t\n\v\f\r"


def words(line: str) -> list[str]:
    """The parameters up to a lone ``--``, where those of init begin; a quote keeps blanks inside a word."""
    found: list[str] = []
    word, quoted = "", False
    for char in line:
        if char == '"':
            quoted = not quoted
        if char in BLANKS and not quoted:
            found += [word] if word else []
            word = ""
        else:
            word += char
    found += [word] if word else []
    return found[: found.index("--")] if "--" in found else found


def parse(line: str) -> dict[str, tuple[str, ...]]:
    """Each parameter's values in their order; the last one wins for most. One without ``=`` has the value ''.

    The kernel takes ``-`` and ``_`` in a name for the same, so names come with ``_``.
    """
    values: dict[str, tuple[str, ...]] = {}
    for word in words(line):
        name, _equals, value = _unquoted(word).partition("=")
        name = name.replace("-", "_")
        values[name] = (*values.get(name, ()), _unquoted(value))
    return values


def effective(values: t.Mapping[str, tuple[str, ...]], name: str) -> str | None:
    """The value that wins, or None where the parameter is not given."""
    given = values.get(name.replace("-", "_"))
    return given[-1] if given else None


def _unquoted(text: str) -> str:
    """Without one quote at the beginning and, only then, one at the end."""
    if not text.startswith('"'):
        return text
    return text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:]
