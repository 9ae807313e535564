# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The order of what is done before a wave."""

from __future__ import annotations

from pathlib import Path

import yaml

TASKS = Path(__file__).resolve().parents[3] / "playbooks" / "tasks" / "wave_begin.yml"


def test_window_is_looked_at_before_the_pause_and_after_it() -> None:
    tasks = yaml.safe_load(TASKS.read_text(encoding="utf-8"))
    [pause] = [number for number, task in enumerate(tasks) if "ansible.builtin.pause" in task]
    before, after = (
        [task for task in part if "window=__run_window" in task.get("vars", {}).get("__wave_faults", "")]
        for part in (tasks[:pause], tasks[pause:])
    )
    assert len(before) == len(after) == 1
    assert before[0]["ansible.builtin.assert"] == after[0]["ansible.builtin.assert"]
    assert "when" not in before[0] and after[0]["when"] == f"{tasks[pause]['register']} is not skipped"
