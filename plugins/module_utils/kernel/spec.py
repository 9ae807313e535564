# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the user wants of the kernel, checked as far as that needs no kernel. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import PurePath

from ..controls.model import PROFILES
from ..errors import Fault, nearest
from ..host import moment
from ..host.container import UNWRITABLE
from ..host.sysctl_names import canonical_key, canonical_value
from .host_rules import EXPECTED, Adjusted
from .keys import KNOWN, ONE_WAY, is_one_way, profile_values
from .left_alone import refusal
from .model import plain_integers

DEFAULT_PATH = "/etc/sysctl.d/99-security-caisson.conf"
NO_PROFILE = "none"
PRESENT, ABSENT = "present", "absent"
FAIL, REPORT, TAKE_OVER = "fail", "report", "take_over"
LEAVE = "omit"

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "settings": {"type": "dict", "default": {}},
    "profile": {"type": "str", "choices": [*PROFILES, NO_PROFILE], "default": NO_PROFILE},
    "omit": {"type": "list", "elements": "str", "default": []},
    "one_way": {"type": "list", "elements": "str", "default": []},
    "expect": {"type": "list", "elements": "str", "choices": list(EXPECTED), "default": []},
    "path": {"type": "str", "default": DEFAULT_PATH},
    "unwritable": {"type": "str", "choices": list(UNWRITABLE), "default": FAIL},
    "overridden": {"type": "str", "choices": [REPORT, FAIL, TAKE_OVER], "default": REPORT},
    "state": {"type": "str", "choices": [PRESENT, ABSENT], "default": PRESENT},
    **moment.ARGUMENT,
}

_WHERE = "sysctl"


@dataclass(frozen=True)
class SysctlSpec:
    """The options of the ``sysctl`` module, normalised.

    settings: the user's own values, by canonical key; they win over the profile's.
    omit: keys of the profile that are left alone.
    overridden: what becomes of keys that another file sets to another value.
    one_way: keys that the user gave leave to set to the value that only a reboot takes back.
    expect: traits that the host is going to have, though they cannot be seen yet.
    adjusted: what became of keys by the host's traits. interfaces: values of single interfaces. Both are of the host.
    faults: what is wrong with the options; refused together with what only the host can tell.
    """

    settings: t.Mapping[str, str] = field(default_factory=dict)
    profile: str = NO_PROFILE
    omit: frozenset[str] = frozenset()
    one_way: frozenset[str] = frozenset()
    expect: tuple[str, ...] = ()
    adjusted: t.Mapping[str, Adjusted] = field(default_factory=dict)
    interfaces: t.Mapping[str, str] = field(default_factory=dict)
    path: str = DEFAULT_PATH
    unwritable: str = FAIL
    state: str = PRESENT
    overridden: str = REPORT
    faults: tuple[Fault, ...] = ()

    def wanted(self) -> dict[str, str]:
        """Each key with its value."""
        if self.state == ABSENT:
            return {}
        return {**self.demanded(), **self.interfaces, **{key: ONE_WAY[key] for key in self.one_way}, **self.settings}

    def demanded(self) -> dict[str, str]:
        """Each key of the profile with the value that it has on this host, without those that the user decides."""
        values = profile_values(self.profile) if self.profile in PROFILES and self.state == PRESENT else {}
        for key, adjusted in self.adjusted.items():
            if adjusted.value is None:
                values.pop(key, None)
            elif key in values:
                values[key] = adjusted.value
        return {key: value for key, value in values.items() if key not in self.omit and key not in self.settings}


def parse(
    *,
    settings: t.Mapping[str, t.Any] | None = None,
    profile: str = NO_PROFILE,
    omit: t.Sequence[t.Any] = (),
    one_way: t.Sequence[t.Any] = (),
    expect: t.Sequence[str] = (),
    path: str = DEFAULT_PATH,
    unwritable: str = FAIL,
    state: str = PRESENT,
    overridden: str = REPORT,
) -> SysctlSpec:
    """The spec of the options; what is wrong with them goes into its faults."""
    faults: list[Fault] = []
    left = [name for name, value in (settings or {}).items() if value == LEAVE]
    given = _settings({name: value for name, value in (settings or {}).items() if name not in left}, faults)
    omitted = _omit([*omit, *left], given, faults)
    named = _one_way(one_way, given, faults)
    _path(path, faults)
    if state == PRESENT and profile == NO_PROFILE and not (given or settings or named):
        faults.append(
            Fault(_WHERE, "settings", {}, "leaves nothing to set", "name keys in settings or choose a profile")
        )
    announced = tuple(name for name in EXPECTED if name in expect)
    return SysctlSpec(
        settings=given,
        profile=profile,
        omit=omitted,
        one_way=named,
        expect=announced,
        path=str(PurePath(path)),
        unwritable=unwritable,
        overridden=overridden,
        state=state,
        faults=tuple(faults),
    )


def _settings(settings: t.Mapping[str, t.Any], faults: list[Fault]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, given in settings.items():
        key = _key(f"settings.{name}", str(name), faults)
        value = _value(f"settings.{name}", given, faults)
        if key is None or value is None:
            continue
        refused = refusal(key, value)
        if refused:
            faults.append(Fault(_WHERE, f"settings.{name}", given, *refused))
        elif found.get(key, value) != value:
            faults.append(Fault(_WHERE, f"settings.{name}", given, f"contradicts {found[key]!r}", "write the key once"))
        else:
            found[key] = value
    return found


def _omit(omit: t.Sequence[t.Any], given: t.Mapping[str, str], faults: list[Fault]) -> frozenset[str]:
    found: set[str] = set()
    for name in omit:
        key = _key("omit", str(name), faults)
        if key is None:
            continue
        if key in given:
            faults.append(Fault(_WHERE, "omit", name, "is set in settings too", "keep it in one of the two"))
        elif key not in KNOWN:
            faults.append(Fault(_WHERE, "omit", name, "is in no profile", f"correct the name{nearest(key, KNOWN)}"))
        found.add(key)
    return frozenset(found)


def _one_way(names: t.Sequence[t.Any], given: t.Mapping[str, str], faults: list[Fault]) -> frozenset[str]:
    """The keys that may be locked; a fault for each value of no return that nobody gave leave for."""
    found: set[str] = set()
    for name in names:
        key = _key("one_way", str(name), faults)
        refused = refusal(key, ONE_WAY[key]) if key in ONE_WAY else None
        if refused:
            faults.append(Fault(_WHERE, "one_way", name, *refused))
        elif key is not None and key not in ONE_WAY:
            choices = ", ".join(sorted(key for key, value in ONE_WAY.items() if not refusal(key, value)))
            faults.append(Fault(_WHERE, "one_way", name, "has no value of no return", f"name one of {choices}"))
        elif key is not None and given.get(key, ONE_WAY[key]) != ONE_WAY[key]:
            problem = f"is for the value {ONE_WAY[key]}, and settings gives {given[key]!r}"
            faults.append(Fault(_WHERE, "one_way", name, problem, "keep it in one of the two"))
        elif key is not None:
            found.add(key)
    for key, value in given.items():
        if is_one_way(key, value) and key not in found and not refusal(key, value):
            problem = "can be taken back only by a reboot"
            faults.append(Fault(_WHERE, f"settings.{key}", value, problem, f"say that you want it: 'one_way: [{key}]'"))
    return frozenset(found)


def _key(option: str, name: str, faults: list[Fault]) -> str | None:
    try:
        return canonical_key(name)
    except ValueError:
        faults.append(Fault(_WHERE, option, name, "is no sysctl key", "write it like kernel.kptr_restrict"))
        return None


def _value(option: str, given: t.Any, faults: list[Fault]) -> str | None:
    wrong = _wrong(given)
    if wrong:
        faults.append(Fault(_WHERE, option, given, *wrong))
        return None
    return canonical_value(str(given))


def _wrong(given: t.Any) -> tuple[str, str] | None:
    """What is wrong with a value, and what to write instead."""
    if isinstance(given, bool):
        return "is a boolean", f"write {int(given)}"
    if not isinstance(given, (int, str)):
        return "is neither a number nor a text", "write the value as /proc/sys shows it, like '4 4 1 7'"
    if any(not (character.isprintable() or character == "\t") for character in str(given)):
        return "contains a line break or control character", "write it on one line"
    value = canonical_value(str(given))
    if not value:
        return "is empty", "write a value, or drop the key to bring back the host's own"
    if plain_integers(value) != value:
        return "is not how the kernel shows it", f"write {plain_integers(value)!r}"
    return None


def _path(path: str, faults: list[Fault]) -> None:
    pure = PurePath(path)
    if not pure.is_absolute() or ".." in pure.parts:
        faults.append(Fault(_WHERE, "path", path, "is not an absolute path", f"write one like {DEFAULT_PATH}"))
    elif pure.suffix != ".conf":
        faults.append(Fault(_WHERE, "path", path, "is not read at boot", "let its name end in .conf"))
    elif not all(character.isprintable() for character in path):
        faults.append(Fault(_WHERE, "path", path, "contains a control character", "choose a plain name"))
