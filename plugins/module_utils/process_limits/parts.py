# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run for one part of the process limits alone: what was asked for last of the other one stays. Pure.

Both parts stand in the same files and are one transaction, so such a run is one for all, with the other part's options.
"""

from __future__ import annotations

import typing as t

from ..kernel.spec import ABSENT, PRESENT
from .spec import CORE_DUMPS, KEEP, LIMITS, SIZES

Options = t.Mapping[str, t.Any]

# What is asked of a part that is left alone, or given back.
_NOTHING: dict[str, dict[str, t.Any]] = {
    LIMITS: {
        **dict.fromkeys(SIZES, KEEP),
        "container_pids": "auto",
        "declared_containers": {},
        "exempt": [],
        "exempt_services": [],
    },
    CORE_DUMPS: {"core_dumps": True},
}


def joined(asked: Options, last: Options | None) -> Options:
    """The options of a run for all parts that does what is *asked*, where it names some.

    last: the options that were kept of the run before, None where nothing was asked for.
    """
    chosen = asked["parts"]
    if not chosen or set(chosen) == set(_NOTHING):
        return {**asked, "parts": []}
    found = {**asked, "parts": [], "state": PRESENT}
    for part, nothing in _NOTHING.items():
        if part not in chosen:
            found.update({name: (last or nothing).get(name, value) for name, value in nothing.items()})
        elif asked["state"] == ABSENT:
            found.update(nothing)
    everything = {name: value for nothing in _NOTHING.values() for name, value in nothing.items()}
    if all(found[name] == value for name, value in everything.items()):
        found["state"] = ABSENT
    return found
