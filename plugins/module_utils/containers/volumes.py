# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes: what the user declared, read, completed with nosuid, nodev and noexec, compared and planned. Pure.

The engine's `local` driver mounts what its options say, with the flags among them; a plain volume is a directory of the
engine, and a bind that may be written to is mounted without any flag, so these two cannot be held.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ..errors import Fault
from . import values
from .declared import Conflict, Found, Item, Json, Judged, read
from .host_volumes import DEVICE_TYPES, OTHER_TYPES, binds, is_read_only, words
from .rules_mounts import host_path
from .state import PROJECT_LABEL
from .steps import Action, Difference
from .units import MIB, Wrong

FLAGS = ("exec", "suid", "dev")
TYPES = DEVICE_TYPES | OTHER_TYPES | {"none"}  # anything else could hand in the host itself
_OPTION = re.compile(r"\A[a-zA-Z0-9][\w.-]*\Z", re.ASCII)
# Mount options whose value may be shown; that of any other may be a password.
_SHOWN = frozenset("size mode uid gid addr vers nfsvers proto port nr_inodes nr_blocks".split())
STATES = ("present",)


@dataclass(frozen=True)
class VolumeSpec:
    """One volume as it should be; driver_options are complete, with the flags."""

    name: str
    driver: str = "local"
    driver_options: t.Mapping[str, str] = field(default_factory=dict)
    labels: t.Mapping[str, str] = field(default_factory=dict)


def _name(value: t.Any) -> str:
    found = values.text(value)
    if not values.NAME.match(found):
        raise Wrong("is not a volume name", "write 2 to 200 letters, digits, '_', '.' and '-'")
    return found


def _state(value: t.Any) -> str:
    if value == "absent":
        raise Wrong("would destroy its data, which is never done", "remove it by hand: docker volume rm NAME")
    return values.choice(*STATES)(value)


def _driver(value: t.Any) -> str:
    found = values.text(value)
    if not re.match(r"\A[a-zA-Z0-9][\w./:-]*\Z", found, re.ASCII):
        raise Wrong("is not a volume driver", "write local, or the name of a plugin")
    return found


def _driver_options(value: t.Any) -> dict[str, str]:
    return values.text_map(value, _OPTION, "write the driver's option names: type, device, o")


READERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "name": _name,
    "state": _state,
    "driver": _driver,
    "driver_options": _driver_options,
    "labels": values.labels,
    **dict.fromkeys(FLAGS, values.boolean),
}


def carries_flags(driver: str, options: t.Mapping[str, str]) -> bool:
    """Whether the engine puts the flags into force: on a mount of its own, or on a bind that is read-only."""
    if driver != "local" or "type" not in options:
        return False
    return not binds(options) or is_read_only(words(options))


def _conflicts(found: Found) -> t.Iterator[Conflict]:
    driver, options = found.get("driver", "local"), found.get("driver_options", {})
    given = words(options)
    for flag in FLAGS:
        if found.get(flag) is False and flag in given:
            yield flag, False, f"contradicts {flag!r} in the option o", "keep one of them"
        elif found.get(flag) is False and not carries_flags(driver, options):
            what = "a bind that may be written to" if binds(options) else "such a volume"
            remedy = f"leave it out, or mount what lies below with no{flag} on the host, or take a volume of type tmpfs"
            yield flag, False, f"cannot be held: the engine mounts {what} without flags", remedy
        elif found.get(flag) and f"no{flag}" in given:
            yield flag, True, f"contradicts 'no{flag}' in the option o", "keep one of them"
    if driver == "local":
        yield from _local_conflicts(options, given)


def _local_conflicts(options: t.Mapping[str, str], given: t.Sequence[str]) -> t.Iterator[Conflict]:
    unknown = sorted(set(options) - {"type", "device", "o", "size"})
    if unknown:
        yield "driver_options", unknown[0], "is not an option of the local driver", "use type, device, o or size"
    kind, device = options.get("type", ""), options.get("device", "")
    if ("o" in options or device) and not kind:
        yield "driver_options", "type", "is missing", "write type: tmpfs, none for a bind, or the file system's"
    if kind and kind not in TYPES:
        yield "driver_options", kind, "is not a type that is mounted here", f"use one of {', '.join(sorted(TYPES))}"
    if kind and kind != "tmpfs" and not device:
        yield "driver_options", "device", "is missing", "write what is to be mounted"
    if kind == "none" and not binds(options):
        yield "driver_options", "o", "has no bind, which the type none needs", "write o: bind"
    if binds(options) and kind:
        try:
            source = values.path(device) if device else ""
        except Wrong as wrong:
            yield "driver_options", device, wrong.problem, "write an absolute path of the host"
        else:
            if source and host_path(source, is_read_only(given)):
                remedy = "mount it with mounts of the container, where a waiver of container.host_paths may allow it"
                yield "driver_options", source, "is a path that is not handed in by a volume", remedy


def _complete(found: Found) -> VolumeSpec:
    """The volume with the flags, and for a tmpfs with a size, unless the user wrote the opposite."""
    driver, options = found.get("driver", "local"), dict(found.get("driver_options", {}))
    given = words(options)
    if driver == "local" and options.get("type") == "tmpfs":
        options.setdefault("device", "tmpfs")
        if not any(word.partition("=")[0] in ("size", "nr_blocks") for word in given):
            given.append(f"size={64 * MIB}")
    if carries_flags(driver, options):
        given += [f"no{flag}" for flag in FLAGS if not found.get(flag) and not {flag, f"no{flag}"} & set(given)]
    if given and driver == "local":
        options["o"] = ",".join(given)
    return VolumeSpec(found["name"], driver, options, found.get("labels", {}))


def parse_volumes(given: t.Any) -> tuple[tuple[VolumeSpec, ...], list[Fault]]:
    """The volumes of the list, and every fault of every one."""
    found, faults = read(given, "volume", READERS, _conflicts, secret=("driver_options",))
    return tuple(map(_complete, found)), faults


def differences(spec: VolumeSpec, found: Json) -> tuple[Difference, ...]:
    """Every property, but for the labels, in which the volume is not as it should be."""
    there: t.Mapping[str, str] = found.get("Options") or {}
    made = [Difference("driver", str(found.get("Driver")), spec.driver)] if found.get("Driver") != spec.driver else []
    for key in sorted({*there, *spec.driver_options} - {"o"}):
        before, after = there.get(key, "absent"), spec.driver_options.get(key, "absent")
        if before != after:
            plain = spec.driver == "local"
            shown = (before, after) if plain else ("another value", "the value given")
            made.append(Difference(f"driver_options.{key}", *shown))
    old, new = words(there), words(spec.driver_options)
    if set(old) != set(new):
        made.append(Difference("driver_options.o", _listed(set(old) - set(new)), _listed(set(new) - set(old))))
    return tuple(made)


def _listed(given: t.Iterable[str]) -> str:
    shown = []
    for word in sorted(given):
        key, equals, _value = word.partition("=")
        shown.append(word if not equals or key in _SHOWN else f"{key}=(value not shown)")
    return ",".join(shown) or "none"


def body(spec: VolumeSpec, project: str) -> dict[str, t.Any]:
    """What the engine's call to create the volume takes beside the name."""
    labels = {**spec.labels, PROJECT_LABEL: project}
    return {"driver": spec.driver, "driver_opts": dict(spec.driver_options), "labels": labels}


def judge(spec: VolumeSpec, found: Json | None) -> Judged:
    """What is to be done with one volume: to create it, or nothing; a volume is never changed."""
    item = Item("volume", spec.name, found is not None)
    if found is None:
        item.actions = (Action("create", "", ("it does not exist",)),)
        return Judged(item)
    item.differences = differences(spec, found)
    if item.differences:
        named = "; ".join(map(str, item.differences))
        remedy = (
            "declare it as it is, or choose another name and copy the data,"
            f" or remove it with its data (docker volume rm {spec.name})"
        )
        problem = f"exists, cannot be changed and differs: {named}"
        return Judged(item, (Fault(f"volume {spec.name!r}", "name", spec.name, problem, remedy),))
    there = {key: value for key, value in (found.get("Labels") or {}).items() if key != PROJECT_LABEL}
    if spec.labels and there != dict(spec.labels):
        return Judged(item, (), (f"volume {spec.name!r} has other labels, which cannot be changed on a volume",))
    return Judged(item)
