# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""daemon.json as text and as a value: read, merge, show. Pure."""

from __future__ import annotations

import json
import typing as t

from ..errors import Fault, InputError
from .mask import masked, masked_text

Config = t.Dict[str, t.Any]


def parse(content: bytes, path: str) -> Config:
    """The file's object; an empty file is an empty object. InputError with the place where it is no JSON object."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(path, "content", f"is not UTF-8 at byte {error.start}") from error
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        line = text.splitlines()[error.lineno - 1].strip() if error.lineno <= len(text.splitlines()) else ""
        where = f"line {error.lineno} column {error.colno}"
        raise _refused(path, masked_text(line), f"is no valid JSON at {where}: {error.msg}") from error
    if not isinstance(found, dict):
        raise _refused(path, type(found).__name__, "is not a JSON object")
    return found


def _refused(path: str, value: str, problem: str) -> InputError:
    return InputError([Fault(path, "content", value, problem, "mend the file, or move it away to begin with none")])


def render(config: Config) -> bytes:
    return (json.dumps(config, indent=2, ensure_ascii=False) + "\n").encode()


def merged(standing: t.Mapping[str, t.Any], wanted: t.Mapping[str, t.Any], remove: t.Iterable[str] = ()) -> Config:
    """*wanted* over *standing*: objects are merged, everything else is replaced, None and *remove* take a key away."""
    result = dict(standing)
    for path in remove:
        result = without(result, path)
    for name, value in wanted.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            former = result.get(name)
            result[name] = merged(former if isinstance(former, dict) else {}, value)
        else:
            result[name] = list(value) if isinstance(value, tuple) else value
    return result


def without(config: t.Mapping[str, t.Any], path: str) -> Config:
    """The configuration without the key; a dot leads into an object, unless a key is written with it."""
    if path in config:
        return {name: value for name, value in config.items() if name != path}
    for name, value in config.items():
        if isinstance(value, dict) and path.startswith(f"{name}."):
            return {**config, name: without(value, path[len(name) + 1 :])}
    return dict(config)


def shown_text(config: Config | None) -> str:
    """The configuration for a diff; nothing for a file that is not there."""
    return "" if config is None else render(masked(config)).decode()


def in_order_of(pattern: Config, config: Config) -> Config:
    """The same settings, those of *pattern* first and in its order, inside of objects too."""
    found = {}
    for name in [*(each for each in pattern if each in config), *(each for each in config if each not in pattern)]:
        value, like = config[name], pattern.get(name)
        found[name] = in_order_of(like, value) if isinstance(value, dict) and isinstance(like, dict) else value
    return found
