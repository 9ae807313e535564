# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts `mounts` and `hidepid` as one run of the mount options, for both write the same files. Pure."""

from __future__ import annotations

import typing as t

from ..errors import Fault
from ..mounts import spec
from ..mounts.catalogue import MOUNTS
from ..mounts.options import PROC

Options = t.Mapping[str, t.Any]

PART, HIDEPID = "mounts", "hidepid"
# All but the options of one mount point are those of the mount options.
ARGUMENTS: dict[str, dict[str, t.Any]] = {
    **{name: argument for name, argument in spec.ARGUMENTS.items() if name != "controls"},
    "options": {"type": "list", "elements": "str"},
}
_SHARED = ("unwritable", "as_of")
_WHERE = "kernel"


def joined(parts: t.Mapping[str, Options]) -> tuple[dict[str, Options], list[Fault]]:
    """The parts with the two as one, of the options of ``mount_options``; what they say that does not go together.

    parts: by part, complete and of the right types.
    """
    given = {name: parts[name] for name in (PART, HIDEPID) if name in parts}
    rest = {name: options for name, options in parts.items() if name not in given}
    faults = _faults(given)
    if faults or not given:
        return rest, faults
    first = given.get(PART) or given[HIDEPID]
    mixed = len({options["state"] for options in given.values()}) == 2
    wanted: dict[str, t.Any] = {}
    for name, options in given.items():
        wanted.update(_given_back(name) if mixed and options["state"] == spec.ABSENT else _wanted(name, options))
    one = {
        "profile": first["profile"],
        "options": wanted,
        "controls": [MOUNTS[path].control for name in given for path in _paths(name)] if len(given) == 1 else [],
        "state": spec.PRESENT if mixed else first["state"],
        **{name: first[name] for name in _SHARED},
    }
    return {**rest, PART: one}, []


def _paths(name: str) -> list[str]:
    return [path for path in MOUNTS if (path == PROC) == (name == HIDEPID)]


def _given_back(name: str) -> dict[str, t.Any]:
    return {path: [] for path in _paths(name)}


def _wanted(name: str, options: Options) -> dict[str, t.Any]:
    """What stands for the profile's options by mount point."""
    if name == PART:
        return dict(options["options"])
    own = options["options"]
    return {PROC: list(MOUNTS[PROC].wanted(options["profile"])) if own is None else own}


def _faults(given: t.Mapping[str, Options]) -> list[Fault]:
    faults = []
    mounts, hidepid = given.get(PART), given.get(HIDEPID)
    if mounts and PROC in mounts["options"]:
        remedy = "write its list as hidepid.options, in the role kernel_hidepid_options"
        faults.append(Fault(_WHERE, f"mounts.options.{PROC}", mounts["options"][PROC], "is the part hidepid's", remedy))
    if mounts and mounts["controls"]:
        remedy = "leave it out, or use the module mount_options"
        faults.append(Fault(_WHERE, "mounts.controls", mounts["controls"], "is not for a part", remedy))
    if mounts and hidepid:
        faults += [
            Fault(_WHERE, f"hidepid.{name}", hidepid[name], f"differs from mounts.{name}", "write the same in both")
            for name in _SHARED
            if hidepid[name] != mounts[name]
        ]
    return faults
