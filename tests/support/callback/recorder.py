# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records which tasks of a playbook run changed or failed, one JSON file a run, for tests that compare runs."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

from ansible import context
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorder
type: notification
short_description: records which tasks changed
description: Writes CAISSON_RECORDS/<number>-<playbook>-<check or run>.json; for the tests of this project.
"""

# What tests compare with the host itself.
NOTED = ("actions", "values", "overridden")


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "recorder"

    def __init__(self) -> None:
        super().__init__()
        self.playbook = ""
        self.tasks: list[dict[str, t.Any]] = []

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        self.playbook = Path(playbook._file_name).stem

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._note(result, "changed" if result._result.get("changed") else "ok")

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._note(result, "ignored" if ignore_errors else "failed")

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        folder = os.environ.get("CAISSON_RECORDS")
        if not folder:
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        mode = "check" if context.CLIARGS.get("check") else "run"
        number = len(list(Path(folder).glob("*.json"))) + 1
        content = json.dumps({"playbook": self.playbook, "check": mode == "check", "tasks": self.tasks}, indent=1)
        (Path(folder) / f"{number:02}-{self.playbook}-{mode}.json").write_text(content + "\n", encoding="utf-8")

    def _note(self, result: t.Any, outcome: str) -> None:
        # The kernel's parts come as one result, in which each has its own.
        found = {**result._result.get("parts", {}).get("settings", {}), **result._result}
        said = {name: found[name] for name in NOTED if name in found}
        # A loop runs its module once for each item.
        items = result._result.get("results", []) if result._task.loop is not None else [{}]
        runs = sum(not item.get("skipped") for item in items)
        task = {
            "task": result._task.get_name(),
            "action": result._task.action,
            "outcome": outcome,
            "runs": runs,
            **said,
        }
        self.tasks.append({"host": result._host.get_name(), **task})
