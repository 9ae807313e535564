# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout
type: aggregate
short_description: How far a play over many hosts is
version_added: 0.1.0
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Says in a line now and again which wave (batch of C(serial)) and which step a play is at, how many hosts are done,
    have failed and are left, and about how long the rest takes.
  - A wave says when it begins and ends, and a play when it ends or was stopped. In between, one line is said for each
    O(interval), also while a long step lasts.
  - A play of a single wave says nothing at its beginning, and at its end only where it lasted or a host failed.
  - The usual output stays as it is. The lines begin with C(rollout:) and are plain text, so they can be read in a
    terminal, in a file and in a job controller such as AWX.
  - The time that is left is an estimate. It comes from the waves that are over, and in the first one from the number of
    steps of the playbook. Without anything to estimate from, none is said.
options:
  interval:
    description:
      - The seconds between two lines while a wave lasts, V(0) for none.
    type: float
    default: 30
    ini:
      - section: callback_rollout
        key: interval
    env:
      - name: CAISSON_ROLLOUT_INTERVAL
requirements:
  - To be enabled in the configuration, as C(callbacks_enabled = caisson.hardening.rollout).
"""

EXAMPLES = r"""
enable: |
  [defaults]
  callbacks_enabled = caisson.hardening.rollout

  [callback_rollout]
  interval = 60

output: |
  rollout: wave 2 of 3 begins with 4 hosts (web2, web3, web4, web5), 5 wait, about 2 min left
  rollout: wave 2 of 3, step 7 of 18 (Limit processes), over on 3 of 4 hosts; 1 of 10 hosts done, ...
  rollout: wave 2 of 3 ended after 42 s: 4 of 4 hosts done; in all 5 of 10 hosts done, 0 failed, 5 left, about 45 s left
"""

import sys
import threading
import time
import typing as t

from ansible import constants, context
from ansible.plugins.callback import CallbackBase
from ansible.utils.helpers import pct_to_int
from ansible_collections.caisson.hardening.plugins.plugin_utils.rollout_progress import Rollout, wave_sizes


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Tells a Rollout what happens, and shows what it says."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "caisson.hardening.rollout"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._rollout: Rollout | None = None
        self._play: tuple[str, ...] = ()
        # Ansible calls from two threads, one at a time; the clock's is a third.
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._clock: threading.Thread | None = None
        self._last = 0.0

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        """Each wave of a play begins with this."""
        variables = play.get_variable_manager().get_vars(play=play)
        hosts, now = variables["ansible_play_hosts_all"], time.monotonic()
        # Its uuid will not do: under a job controller each wave has another.
        known = (play.get_path(), *hosts)
        with self._lock:
            self._show(self._rollout and self._rollout.wave_ends(now))
            if self._rollout is None or known != self._play or not self._rollout.more_waves:
                self._show(self._rollout and self._rollout.ends(now))
                sizes = wave_sizes(len(hosts), play.serial, pct_to_int)
                self._rollout = Rollout(sizes, context.CLIARGS.get("forks") or 1, self._steps(play, variables))
                self._play = known
                self._last = now
            if hosts:
                self._show(self._rollout.wave_begins(variables["ansible_play_batch"], now))
        self._start_clock()

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        with self._lock:
            if self._rollout:
                name = task.get_name().strip()
                self._rollout.step_begins(_key(task), name, time.monotonic(), alone=task.run_once is True)

    def v2_playbook_on_handler_task_start(self, task: t.Any) -> None:
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._through(result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._through(result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        if ignore_errors or _rescued(result.task):
            self._through(result)
        else:
            self._failed(result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        if result.task.ignore_unreachable:
            self._through(result)
        else:
            self._failed(result)

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        with self._lock:
            if self._rollout:
                self._rollout.wave_stopped()

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        self._over.set()
        with self._lock:
            if self._rollout:
                now = time.monotonic()
                self._show(self._rollout.wave_ends(now))
                self._show(self._rollout.ends(now))
            self._rollout = None

    def _through(self, result: t.Any) -> None:
        with self._lock:
            if self._rollout:
                self._rollout.host_through(result.host.get_name(), _key(result.task))

    def _failed(self, result: t.Any) -> None:
        task = result.task
        stops_all = bool(task.any_errors_fatal) or task.run_once is True
        with self._lock:
            if self._rollout:
                self._rollout.host_failed(result.host.get_name(), stops_all=stops_all)

    def _steps(self, play: t.Any, variables: t.Mapping[str, t.Any]) -> list[str]:
        """The steps that the playbook names, without those that a run includes by itself; none if they are unknown."""
        try:
            blocks = [block.filter_tagged_tasks(variables) for block in play.copy().compile()]
        except Exception as error:
            self._display.vv(f"rollout: the steps of the play cannot be counted: {error}")
            return []
        return [*(["facts"] if play.gather_facts else []), *(key for block in blocks for key in _keys(block))]

    def _start_clock(self) -> None:
        interval = self.get_option("interval")
        if interval > 0 and (self._clock is None or not self._clock.is_alive()):
            self._over.clear()
            self._clock = threading.Thread(target=self._tick, args=(interval,), daemon=True)
            self._clock.start()

    def _tick(self, interval: float) -> None:
        """Says where the play is whenever nothing was said for so long."""
        while not self._over.wait(max(0.1, self._last + interval - time.monotonic())):
            with self._lock:
                now = time.monotonic()
                if not self._over.is_set() and now >= self._last + interval:
                    self._last = now
                    self._show(self._rollout and self._rollout.status(now))

    def _show(self, line: str | None) -> None:
        if line:
            self._last = time.monotonic()
            self._display.display(f"rollout: {line}")
            sys.stdout.flush()  # Ansible itself does so at the end only, where its output goes to a file


def _key(task: t.Any) -> str:
    """What a task is known by in each wave."""
    return str(task.get_path() or task.get_name())


def _keys(block: t.Any) -> t.Iterator[str]:
    """The tasks of a block that run unless something fails."""
    for each in [*block.block, *block.always]:
        if hasattr(each, "block"):
            yield from _keys(each)
        elif each.action not in constants._ACTION_META:
            yield _key(each)


def _rescued(task: t.Any) -> bool:
    """Whether a block around the task takes its failure."""
    inside, parent = {task._uuid}, task._parent  # imports stand between a task and the block that names them
    while parent is not None:
        rescue = getattr(parent, "rescue", None)
        if rescue and not inside & {each._uuid for each in [*rescue, *parent.always]}:
            return True
        inside.add(parent._uuid)
        parent = parent._parent
    return False
