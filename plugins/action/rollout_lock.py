# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module of this name with the run's identity; the lock of a run that died on this control node goes over."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.caisson.hardening.plugins.plugin_utils import run_identity

NAME = "caisson.hardening.rollout_lock"


class ActionModule(ActionBase):  # type: ignore[misc]
    """What Ansible looks for."""

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        del tmp
        given = {
            "run": run_identity.identity(),
            "who": run_identity.user(),
            "origin": run_identity.origin(),
            **self._task.args,
        }
        found = self._execute_module(module_name=NAME, module_args=given, task_vars=task_vars)
        holder = str((found.get("holder") or {}).get("run", ""))
        if found.get("failed") and run_identity.has_died(holder):
            again = {**given, "finished": [holder]}
            found = self._execute_module(module_name=NAME, module_args=again, task_vars=task_vars)
        return {**result, **found}
