# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which parts of one task the tags of a run ask for, as if each part were a task of its own. Pure."""

from __future__ import annotations

import typing as t

UNTAGGED = frozenset(["untagged"])


def left_out(
    part_tags: t.Mapping[str, t.Sequence[str]],
    parts: t.Iterable[str],
    task_tags: t.Iterable[str],
    run_tags: t.Collection[str],
    skip_tags: t.Collection[str],
) -> frozenset[str]:
    """Those of the *parts* that the run does not ask for.

    part_tags: the tags of each part; one that is not named has only those of the whole task.
    task_tags: the tags of the task, which has those of the parts too. run_tags, skip_tags: those of the command line.
    """
    single = {tag for tags in part_tags.values() for tag in tags}
    whole = {tag for tag in task_tags if tag not in single}
    return frozenset(
        part for part in parts if not asked_for({*whole, *part_tags.get(part, ())}, set(run_tags), set(skip_tags))
    )


def asked_for(tags: t.AbstractSet[str], run: t.AbstractSet[str], skip: t.AbstractSet[str]) -> bool:
    """Whether a task of these tags runs, by Ansible's rule."""
    tags = tags or UNTAGGED
    usual = "never" not in tags
    chosen = (
        "always" in tags
        or (usual and "all" in run)
        or bool(tags & run)
        or (usual and "tagged" in run and tags != UNTAGGED)
    )
    if not chosen or not skip:
        return chosen
    if "all" in skip:
        return "always" in tags and "always" not in skip
    return not tags & skip and not ("tagged" in skip and tags != UNTAGGED)
