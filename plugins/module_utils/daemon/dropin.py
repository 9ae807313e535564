# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command line that a unit and its drop-ins give the daemon, and the drop-in that takes flags off it. Pure."""

from __future__ import annotations

import re
import shlex
import typing as t

from ..host.changes import HEADER
from . import flags

# It has to be read after every other drop-in, for it says the whole command line anew.
NAME = "zz-caisson-flags.conf"
_WORD = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')+""")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_PREFIXES = "-:+!|"

Environment = t.Mapping[str, str]


def directives(texts: t.Iterable[str], name: str, wanted: str = "[Service]") -> list[str]:
    """The values of a setting in a section, in the order in which systemd reads them; an empty one drops the former."""
    found: list[str] = []
    for text in texts:
        section = ""
        for line in re.sub(r"\\\n", " ", text).splitlines():
            stripped = line.strip()
            if stripped.startswith("["):
                section = stripped
            key, equals, value = stripped.partition("=")
            if section == wanted and equals and key.strip() == name and stripped[:1] not in "#;":
                found = [*found, value.strip()] if value.strip() else []
    return found


def environment_files(texts: t.Iterable[str]) -> list[str]:
    """The files of variables; a leading minus says that one may be missing."""
    return [value.lstrip("-") for value in directives(texts, "EnvironmentFile")]


def variables(texts: t.Iterable[str], files: t.Iterable[str]) -> dict[str, str]:
    """The variables that the unit sets, and over them those of its files."""
    pairs = [pair for value in directives(texts, "Environment") for pair in _split(value)]
    lines = [line.strip() for content in files for line in content.splitlines()]
    pairs += [" ".join(_split(line)) for line in lines if line and line[0] not in "#;"]
    return {name: value for name, _equals, value in (pair.partition("=") for pair in pairs)}


def exec_start(texts: t.Sequence[str]) -> str:
    """The command line as it is written; empty where there is none or it cannot be taken apart safely."""
    found = directives(texts, "ExecStart")
    return found[-1] if len(found) == 1 and not found[-1].startswith("@") else ""


def words(command: str, environment: Environment) -> list[str]:
    """The command line as the daemon gets it."""
    return [word for _raw, group in _expanded(command, environment) for word in group]


def without(command: str, environment: Environment, names: t.Container[str]) -> str:
    """The command line as it is written, without the flags that set one of the *names*."""
    groups = _expanded(command, environment)
    kept = set(flags.kept(words(command, environment), names))
    left: list[str] = []
    position = 0
    for raw, group in groups:
        here = [index for index in range(position, position + len(group)) if index in kept]
        position += len(group)
        if len(here) == len(group):
            left.append(raw)
        elif here:
            left += [_quoted(group[index - position + len(group)]) for index in here]
    return " ".join(left)


def render(command: str, environment: Environment, names: t.Sequence[str]) -> str:
    """The drop-in; the daemon's file has the settings that are named."""
    line = without(command, environment, names)
    told = f"# The daemon's configuration file has these settings: {', '.join(names)}\n"
    return f"{HEADER}{told}[Service]\nExecStart=\nExecStart={line}\n"


def _expanded(command: str, environment: Environment) -> list[tuple[str, list[str]]]:
    """Each word as it is written, with the words that systemd makes of it."""
    found: list[tuple[str, list[str]]] = []
    for raw in _WORD.findall(command):
        if re.fullmatch(r"\$\w+", raw):
            found.append((raw, _split(environment.get(raw[1:], ""))))
        else:
            # systemd replaces a name that is set nowhere by nothing.
            text = _VARIABLE.sub(lambda match: environment.get(match.group(1), ""), raw)
            (plain,) = _split(text) or [""]
            found.append((raw, [plain if found else plain.lstrip(_PREFIXES)]))
    return found


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _quoted(word: str) -> str:
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$").replace("%", "%%")
    return f'"{plain}"' if re.search(r"[\s\"'\\]", word) else plain
