# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a killed run left behind, told from the engine alone: names, times and what runs. Pure.

A replacement creates ``NAME.caisson-next``, brings it up, renames NAME to ``NAME.caisson-previous`` and then
``NAME.caisson-next`` to NAME. A way back brings ``NAME.caisson-previous`` up, renames NAME to ``NAME.caisson-next``,
the previous one to NAME, and the one that was left to ``NAME.caisson-previous``. So the names tell how far it came, and
where two of them look alike, the one that runs is the one that had been brought up.
"""

from __future__ import annotations

import typing as t

from .state import PROJECT_LABEL
from .steps import NEXT, PREVIOUS, Action, Draft, Existing, Inspect, instant, running

INTERRUPTED = "an earlier run was interrupted"


def recover(
    name: str, existing: Existing, *, keep: bool = False, going_back: bool = False
) -> tuple[tuple[Action, ...], Existing]:
    """The actions that put the names in order, and what then stands.

    keep: the previous generation stays. going_back: the run wants it back, so the one that it left stays too.
    """
    draft = Draft()
    current, successor, previous = existing.current, existing.successor, existing.previous
    went_back = running(previous) and not running(successor)
    if current is None and previous is not None and (successor is None or went_back):
        draft.add("restore_name", name + PREVIOUS, "its replacement was not completed")
        current, previous = previous, None
    elif current is None and previous is not None:
        draft.add("restore_name", name + NEXT, "its replacement was complete but for the name")
        current, successor = successor, None
    if going_back and successor is not None and current is not None and previous is None and _left(current, successor):
        draft.add("keep_leftover", name + NEXT, "it is the generation that was left")
        previous, successor = successor, None
    if successor is not None:
        draft.add("remove_leftover", name + NEXT, INTERRUPTED)
    if previous is not None and not (keep or going_back):
        draft.add("remove_leftover", name + PREVIOUS, "no former generation is to be kept")
        previous = None
    return tuple(draft.actions), Existing(current, None, previous)


def _left(current: Inspect, successor: Inspect) -> bool:
    """Whether the one under the successor's name is newer and has served or tried to: the former one has its name."""
    return (successor.get("State") or {}).get("Status") != "created" and newer(successor, current)


def newer(one: Inspect, other: Inspect) -> bool:
    """Whether *one* was created after *other*."""
    return instant(one.get("Created")) > instant(other.get("Created"))


def interrupted_while_serving(existing: Existing) -> bool:
    """Whether a killed run stopped the container for a replacement, so that it has to serve again."""
    current, successor = existing.current, existing.successor
    if current is None or successor is None or running(current):
        return False
    return instant((current.get("State") or {}).get("FinishedAt")) >= instant(successor.get("Created"))


def outlived(found: Inspect, body: t.Mapping[str, t.Any]) -> bool:
    """Whether a killed run's own call made the container that has the name which *body* is to be created under.

    The engine brings a call to its end when nobody waits for the answer any more, so the container can appear after
    the next run has looked.
    """
    labels = (found.get("Config") or {}).get("Labels") or {}
    project = (body.get("Labels") or {}).get(PROJECT_LABEL)
    return (found.get("State") or {}).get("Status") == "created" and labels.get(PROJECT_LABEL) == project
