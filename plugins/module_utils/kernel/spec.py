# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the user wants of the kernel, checked as far as that needs no kernel. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import PurePath

from ..controls.model import PROFILES
from ..errors import Fault, nearest
from ..host.sysctl_names import canonical_key, canonical_value
from .keys import KNOWN, profile_values
from .left_alone import refusal
from .model import plain_integers

DEFAULT_PATH = "/etc/sysctl.d/99-security-caisson.conf"
NO_PROFILE = "none"
PRESENT, ABSENT = "present", "absent"
FAIL, REPORT, TAKE_OVER = "fail", "report", "take_over"

_WHERE = "sysctl"


@dataclass(frozen=True)
class SysctlSpec:
    """The options of the ``sysctl`` module, normalised.

    settings: the user's own values, by canonical key; they win over the profile's.
    omit: keys of the profile that are left alone.
    overridden: what becomes of keys that another file sets to another value.
    faults: what is wrong with the options; refused together with what only the host can tell.
    """

    settings: t.Mapping[str, str] = field(default_factory=dict)
    profile: str = NO_PROFILE
    omit: frozenset[str] = frozenset()
    path: str = DEFAULT_PATH
    unwritable: str = FAIL
    state: str = PRESENT
    overridden: str = REPORT
    faults: tuple[Fault, ...] = ()

    def wanted(self) -> dict[str, str]:
        """Each key with its value, before the host has had its say."""
        if self.state == ABSENT:
            return {}
        values = profile_values(self.profile) if self.profile in PROFILES else {}
        values = {key: value for key, value in values.items() if key not in self.omit}
        return {**values, **self.settings}


def parse(
    *,
    settings: t.Mapping[str, t.Any] | None = None,
    profile: str = NO_PROFILE,
    omit: t.Sequence[t.Any] = (),
    path: str = DEFAULT_PATH,
    unwritable: str = FAIL,
    state: str = PRESENT,
    overridden: str = REPORT,
) -> SysctlSpec:
    """The spec of the options; what is wrong with them goes into its faults."""
    faults: list[Fault] = []
    given = _settings(settings or {}, faults)
    omitted = _omit(omit, given, faults)
    _path(path, faults)
    if state == PRESENT and profile == NO_PROFILE and not settings:
        faults.append(
            Fault(_WHERE, "settings", {}, "leaves nothing to set", "name keys in settings or choose a profile")
        )
    return SysctlSpec(given, profile, omitted, str(PurePath(path)), unwritable, state, overridden, tuple(faults))


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
