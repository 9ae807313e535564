# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What dockerd's command line sets, in the words of daemon.json. Pure.

dockerd refuses to start when a setting stands both on its command line and in its file.
"""

from __future__ import annotations

import typing as t

from .schema import KEYS, PROXY_NAMES

DEFAULT_PATH = "/etc/docker/daemon.json"
DEFAULT_PIDFILE = "/var/run/docker.pid"
CONFIG_FILE = "config-file"
_SHORT = {
    "H": "host",
    "D": "debug",
    "b": "bridge",
    "G": "group",
    "l": "log-level",
    "p": "pidfile",
    "s": "storage-driver",
}
_BY_FLAG = {(key.flag or name): name for name, key in KEYS.items()}
# dockerd merges these two sources instead of refusing them.
_MERGED = ("runtimes",)


def parse(command_line: t.Sequence[str]) -> dict[str, t.Any]:
    """The settings on the command line: daemon.json's name → typed value; ``config-file`` is among them.

    A variable that only systemd expands (``$DOCKER_OPTS``) is left out: what it holds is not known here.
    """
    found: dict[str, t.Any] = {}
    arguments = list(command_line[1:])
    while arguments:
        flag, value = _split(arguments)
        if flag == CONFIG_FILE:
            found[CONFIG_FILE] = value
        elif flag in PROXY_NAMES:
            found.setdefault("proxies", {})[flag] = value
        elif flag in _BY_FLAG:
            _keep(found, _BY_FLAG[flag], value)
    return found


def conflicting(config: t.Mapping[str, t.Any], given: t.Mapping[str, t.Any]) -> list[str]:
    """The keys that stand in the file and on the command line."""
    return [name for name in config if name in given and name not in _MERGED]


def without_weaker(given: t.Mapping[str, t.Any], profile: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The command line's settings without those that say something else than the profile does."""
    # A log driver serves its control in many ways, so another one than the profile's is none the worse.
    return {
        name: value
        for name, value in given.items()
        if name == "log-driver" or not isinstance(value, (bool, str)) or profile.get(name, value) == value
    }


def without(command_line: t.Sequence[str], names: t.Container[str]) -> list[str]:
    """The command line without the flags that set one of the *names* (daemon.json's, or ``config-file``)."""
    return [command_line[index] for index in kept(command_line, names)]


def kept(command_line: t.Sequence[str], names: t.Container[str]) -> list[int]:
    """Where the words stand that :func:`without` leaves."""
    found = list(range(len(command_line[:1])))
    arguments = list(command_line[1:])
    while arguments:
        before = len(command_line) - len(arguments)
        flag, _value = _split(arguments)
        name = "proxies" if flag in PROXY_NAMES else _BY_FLAG.get(flag, flag)
        if name not in names:
            found += range(before, len(command_line) - len(arguments))
    return found


def _split(arguments: list[str]) -> tuple[str, str]:
    """Take the next flag and its value off the list; the name is empty for what is no flag."""
    word = arguments.pop(0)
    if not word.startswith("-") or word in ("-", "--"):
        return "", ""
    name, given, value = word.lstrip("-").partition("=")
    if not word.startswith("--"):
        name, value, given = _SHORT.get(name[:1], name[:1]), name[1:] or value, "=" if name[1:] or given else ""
    key = KEYS.get(_BY_FLAG.get(name, ""))
    if given or (key is not None and key.kind == "bool"):
        return name, value if given else "true"
    known = key is not None or name == CONFIG_FILE or name in PROXY_NAMES
    return name, arguments.pop(0) if known and arguments else ""


def _keep(found: dict[str, t.Any], name: str, value: str) -> None:
    kind = KEYS[name].kind
    if kind == "bool":
        found[name] = value.lower() in ("true", "1", "t")
    elif kind == "int":
        found[name] = int(value) if value.lstrip("-").isdigit() else value
    elif kind == "strings":
        found.setdefault(name, []).append(value)
    elif kind in ("string_map", "bool_map", "ulimits"):
        key, _separator, item = value.partition("=")
        found.setdefault(name, {})[key] = item
    else:
        found[name] = value
