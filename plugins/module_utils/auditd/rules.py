# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Audit rules as audit.rules(7) spells them: ours written, those of others and of the kernel's list read. Pure."""

from __future__ import annotations

import shlex
import typing as t
from dataclasses import dataclass

from .catalogue import PATH, TREE

KEY = "caisson-docker"
# auditctl lists a directory's watch without saying whether it was given as a path or as a tree.
_ORDER = "rwxa"


@dataclass(frozen=True)
class AuditRule:
    """A watch on a path. permissions: letters of rwxa in that order."""

    path: str
    permissions: str
    key: str = KEY
    field: str = PATH

    @property
    def fields(self) -> tuple[str, ...]:
        """The rule's arguments behind ``-a`` or ``-d``."""
        parts = (f"{self.field}={self.path}", f"perm={self.permissions}", f"key={self.key}")
        return ("always,exit", *(word for part in parts for word in ("-F", part)))

    @property
    def line(self) -> str:
        """The rule as it stands in a file."""
        return "-a " + " ".join(self.fields)

    @property
    def listed(self) -> tuple[str, str, str]:
        """What tells it apart in the kernel's list."""
        return self.path, self.permissions, self.key


def parse(text: str) -> list[AuditRule]:
    """The watches of a rules file or of the kernel's list, in both spellings; all other rules are passed over."""
    found = (_watch(line) for line in text.splitlines())
    return [rule for rule in found if rule is not None]


def _watch(line: str) -> AuditRule | None:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return None
    given: dict[str, str] = {}
    plain = True
    for flag, value in zip(words, words[1:]):
        if flag in ("-w", "-p", "-k"):
            given[{"-w": "path", "-p": "perm", "-k": "key"}[flag]] = value
        elif flag == "-F":
            name, _equals, content = value.partition("=")
            given[name] = content
            plain = plain and name in (PATH, TREE, "perm", "key")
    path = given.get(PATH) or given.get(TREE)
    if not path or not plain or words[0] not in ("-w", "-a", "-A"):
        return None
    letters = given.get("perm", _ORDER)
    permissions = "".join(letter for letter in _ORDER if letter in letters)
    return AuditRule(path.rstrip("/") or "/", permissions, given.get("key", ""), TREE if TREE in given else PATH)


def render(header: str, rules: t.Iterable[AuditRule]) -> str:
    """Our rules file."""
    return header + "".join(f"{rule.line}\n" for rule in rules)


def without(text: str, rules: t.Iterable[AuditRule]) -> str:
    """The text of a rules file without our own lines."""
    ours = {rule.line for rule in rules}
    return "".join(line for line in text.splitlines(keepends=True) if line.strip() not in ours)
