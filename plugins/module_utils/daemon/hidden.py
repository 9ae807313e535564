# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings that give the engine another place for its data, so that what exists is not seen any more. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..errors import Fault
from .merge import Config

_USUAL = {"userns-remap": "", "data-root": "/var/lib/docker"}
_MOST_NAMES = 20


@dataclass(frozen=True)
class Existing:
    """What the engine holds. running: the names of the containers that run. volumes, images: None where unknown."""

    containers: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    images: int | None = None
    volumes: int | None = None
    data_root: str = _USUAL["data-root"]


def moves(former: Config, after: Config) -> list[str]:
    """The keys by which the engine leaves its present data."""
    return [key for key in _USUAL if place(former)[key] != place(after)[key]]


def place(config: Config) -> dict[str, t.Any]:
    """By what these settings tell the engine where its data lies."""
    return {key: config.get(key) or usual for key, usual in _USUAL.items()}


def sentence(keys: t.Sequence[str], existing: Existing) -> str:
    """What becomes of what is there."""
    names = list(existing.containers[:_MOST_NAMES])
    more = len(existing.containers) - len(names)
    shown = f" ({', '.join(names)}{f' and {more} more' if more else ''})" if names else ""
    parts = [f"{len(existing.containers)} containers{shown}"]
    if existing.images is not None:
        parts.append(f"{existing.images} images")
    if existing.volumes is not None:
        parts.append(f"{existing.volumes} volumes")
    return (
        f"{' and '.join(keys)} moves the engine away from {existing.data_root}: {', '.join(parts)} stay there on the "
        "disk, and the engine sees none of them until the setting is taken back"
    )


def fault(keys: t.Sequence[str], existing: Existing, allowed: bool) -> Fault | None:
    """The refusal where containers would be hidden without the word for it."""
    if allowed or not keys or not existing.containers:
        return None
    remedy = "set allow_hidden: true if that is what you want (running ones are stopped first), or remove them before"
    return Fault("docker_daemon_config", keys[0], "changed", f"hides containers: {sentence(keys, existing)}", remedy)
