# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module of this name with those of its parts that the tags of the run ask for."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.caisson.hardening.plugins.plugin_utils.packing import uncollected
from ansible_collections.caisson.hardening.plugins.plugin_utils.part_tags import left_out

PART_TAGS = "part_tags"


class ActionModule(ActionBase):
    """What Ansible looks for."""

    @uncollected()
    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        given = dict(self._task.args)
        part_tags = given.get(PART_TAGS)
        if part_tags and isinstance(part_tags, dict):
            parts = [name for name in given if name != PART_TAGS]
            variables = task_vars or {}
            run, skip = variables.get("ansible_run_tags", ["all"]), variables.get("ansible_skip_tags", [])
            dropped = left_out(part_tags, parts, self._task.tags, run, skip)
            if parts and len(dropped) == len(parts):
                return {
                    "changed": False,
                    "skipped": True,
                    "skip_reason": "The tags of the run ask for none of the parts",
                }
            given = {name: value for name, value in given.items() if name not in dropped}
        result: dict[str, t.Any] = self._execute_module(
            module_args=given, task_vars=task_vars, wrap_async=self._task.async_val
        )
        return result
