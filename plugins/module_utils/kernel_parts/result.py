# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts' results as one. Pure."""

from __future__ import annotations

import typing as t


def combined(results: t.Mapping[str, t.Mapping[str, t.Any]], failed: t.Mapping[str, str]) -> dict[str, t.Any]:
    """One result of the parts' results, in their order, and of the messages of those that failed."""
    diffs = [result["diff"] for result in results.values() if result.get("diff")]
    scores = [result["score"] for result in results.values() if result.get("score")]
    parts = {part: {key: value for key, value in result.items() if key != "diff"} for part, result in results.items()}
    return {
        "changed": any(result["changed"] for result in results.values()),
        "actions": [action for result in results.values() for action in result.get("actions", ())],
        "diff": {side: "".join(diff[side] for diff in diffs) for side in ("before", "after")},
        "score": {key: sum(score[key] for score in scores) for key in ("total", "before", "after")},
        "parts": {**parts, **{part: {"failed": True, "msg": message} for part, message in failed.items()}},
    }


def failure(results: t.Mapping[str, t.Mapping[str, t.Any]], failed: t.Mapping[str, str], check: bool) -> str:
    """What failed, and what became of the other parts."""
    said = [f"Part {part} failed: {message}" for part, message in failed.items()]
    changed = [part for part, result in results.items() if result["changed"]]
    same = [part for part in results if part not in changed]
    others = [
        *([f"{'would change' if check else 'changed'}: {', '.join(changed)}"] if changed else []),
        *([f"nothing to change: {', '.join(same)}"] if same else []),
    ]
    return "\n".join([*said, *([f"The other parts went on; {'; '.join(others)}"] if others else [])])
