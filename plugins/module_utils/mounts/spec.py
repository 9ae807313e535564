# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the user wants of the mount options, checked as far as that needs no host. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..controls.model import BASELINE, PROFILES
from ..errors import Fault, InputError, named, nearest
from ..host import moment
from ..host.container import UNWRITABLE
from .catalogue import CONTROLS, MOUNTS
from .options import FLAGS, HIDEPID, PROC, Options, split, value

PRESENT, ABSENT = "present", "absent"
FAIL, REPORT = "fail", "report"

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "profile": {"type": "str", "choices": [*PROFILES, "none"], "default": BASELINE},
    "options": {"type": "dict", "default": {}},
    "controls": {"type": "list", "elements": "str", "choices": list(CONTROLS), "default": []},
    "unwritable": {"type": "str", "choices": list(UNWRITABLE), "default": FAIL},
    "state": {"type": "str", "choices": [PRESENT, ABSENT], "default": PRESENT},
    **moment.ARGUMENT,
}

_WHERE = "mount_options"
_PARSED = frozenset(ARGUMENTS) - set(moment.ARGUMENT)


@dataclass(frozen=True)
class MountSpec:
    """The options of the ``mount_options`` module, normalised.

    options: the user's own options by mount point; they stand for the profile's, and none leave the path alone.
    chosen: the mount points that are looked at; the others stay as they are.
    """

    profile: str = BASELINE
    options: t.Mapping[str, Options] = field(default_factory=dict)
    unwritable: str = FAIL
    state: str = PRESENT
    chosen: tuple[str, ...] = tuple(MOUNTS)

    def wanted(self) -> dict[str, Options]:
        """The options for each chosen mount point; empty ones leave it, or give it back."""
        return dict.fromkeys(self.chosen, ()) if self.state == ABSENT else self.intended()

    def intended(self) -> dict[str, Options]:
        """The options by which it is judged whether they are set or undone."""
        return {path: self.options.get(path, MOUNTS[path].wanted(self.profile)) for path in self.chosen}

    @property
    def gid(self) -> str:
        """The group, by number or name, whose members see all processes; empty for the kernel's own: root's."""
        found = value(self.intended().get(PROC, ()), "gid")
        return "" if found in ("0", "root") else found


def parse(
    *,
    profile: str = BASELINE,
    options: t.Mapping[str, t.Any] | None = None,
    controls: t.Sequence[str] = (),
    unwritable: str = FAIL,
    state: str = PRESENT,
) -> MountSpec:
    """The spec of the options; InputError with every fault where they are wrong."""
    faults: list[Fault] = []
    found = {str(path): _options(str(path), given, faults) for path, given in (options or {}).items()}
    if faults:
        raise InputError(faults)
    chosen = tuple(path for path in MOUNTS if not controls or MOUNTS[path].control in controls)
    return MountSpec(profile, found, unwritable, state, chosen)


def kept(asked: t.Mapping[str, t.Any], last: t.Mapping[str, t.Any] | None) -> t.Mapping[str, t.Any]:
    """The options that lead back to a run; to one for some controls alone, with what was *last* for the others."""
    if not asked["controls"]:
        return asked
    options = {name: given for name, given in asked.items() if name in _PARSED}
    before = parse(**{name: given for name, given in last.items() if name in _PARSED}).wanted() if last else {}
    both = {**dict.fromkeys(MOUNTS, ()), **before, **parse(**options).wanted()}
    if last and both == before:
        return last
    whole = {path: list(given) for path, given in both.items()}
    return {**asked, "profile": "none", "options": whole, "controls": [], "state": PRESENT}


def _options(path: str, given: t.Any, faults: list[Fault]) -> Options:
    where = f"options.{named(path)}"
    if path not in MOUNTS:
        remedy = f"write one of {', '.join(MOUNTS)}{nearest(path, MOUNTS)}"
        faults.append(Fault(_WHERE, where, given, "is for a path that is not managed", remedy))
        return ()
    if not isinstance(given, (list, tuple)):
        faults.append(Fault(_WHERE, where, given, "is not a list", "write one like [nosuid, nodev], or [] to leave it"))
        return ()
    found: list[str] = []
    for item in given:
        option = "".join(split(str(item)))
        problem = _wrong(path, str(item), option, found)
        if problem:
            faults.append(Fault(_WHERE, where, item, *problem))
        else:
            found.append(option)
    if any(option.startswith("gid=") for option in found) and not value(found, "hidepid").strip("0"):
        faults.append(Fault(_WHERE, where, given, "names a group and hides nothing", "add hidepid=2"))
    return tuple(found)


def _wrong(path: str, item: str, option: str, before: t.Sequence[str]) -> tuple[str, str] | None:
    """What is wrong with one option, and what to write instead."""
    name, equals, given = option.partition("=")
    known = [*FLAGS, *(["hidepid=2", "gid=GROUP"] if path == PROC else [])]
    if name in {each.partition("=")[0] for each in before}:
        return "is there twice", "write it once"
    if item in FLAGS:
        return None
    if path == PROC and name == "hidepid" and equals:
        return None if given in HIDEPID else ("has a level that no kernel knows", "write hidepid=0, 1, 2 or 4")
    if path == PROC and name == "gid" and equals and "," not in item and given.strip() and given.isprintable():
        return None
    return "is not an option that is managed here", f"write some of {', '.join(known)}{nearest(item, known)}"
