# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which containers of a project are no longer asked for. Pure."""

from __future__ import annotations

import typing as t

from .spec import Spec
from .state import PROJECT_LABEL
from .steps import own_name


def unlisted(listed: t.Mapping[str, t.Mapping[str, t.Any]], project: str, asked: t.Collection[str]) -> list[Spec]:
    """A spec with the state absent for each container of the project whose name is not among those *asked* for.

    listed: the engine's list of containers by name. A container without the project's label is somebody else's and is
    left alone, whatever its name.
    """
    found = set()
    for name, entry in listed.items():
        if _is_of(entry, project) and own_name(name) not in asked:
            found.add(own_name(name))
    # A bookkeeping name whose own name belongs to somebody else stays for him who has put it there.
    foreign = {name for name in found if name in listed and not _is_of(listed[name], project)}
    return [Spec(name=name, state="absent") for name in sorted(found - foreign)]


def _is_of(entry: t.Mapping[str, t.Any], project: str) -> bool:
    return (entry.get("Labels") or {}).get(PROJECT_LABEL) == project
