# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a module as Ansible does, and shows meanwhile what the module says of long work.

The module writes lines to a file of its host (`module_utils/containers/progress_file.py`). A thread reads that file
over a copy of the task's connection. It begins only after some seconds, so a short run pays nothing for it, and
whatever goes wrong with it leaves the task alone.
"""

from __future__ import annotations

import contextlib
import copy
import re
import secrets
import threading
import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display
from ansible_collections.caisson.hardening.plugins.module_utils.containers.progress import (
    FILE_PREFIX,
    LONGEST,
    VARIABLE,
)
from ansible_collections.caisson.hardening.plugins.plugin_utils.packing import uncollected

OPTION = "caisson_progress_interval"
DEFAULT, MOST = 5.0, 3600.0  # seconds
MOST_SHOWN = 30  # lines at once
MOST_BYTES = 65536
FAILURES = 3  # in a row, after which nothing more is tried
# These start a process for each command and keep nothing between two, so that a copy can work beside the original.
CONNECTIONS = frozenset({"local", "ssh"})

display = Display()


def read_interval(value: t.Any) -> float:
    """The seconds between two looks, 0 for none; ValueError says what to write instead."""
    if value is None or value is True:
        return DEFAULT
    if value is False or str(value).lower() in ("false", "no", "off"):
        return 0.0
    with contextlib.suppress(TypeError, ValueError):
        seconds = float(value)
        if seconds == 0 or 1 <= seconds <= MOST:
            return seconds
    raise ValueError(f"{OPTION} {value!r} is no number of seconds; write a number from 1 to {MOST:.0f}, or 0 for none")


class Tail:
    """Takes what is read of the file from the first line on that is not known yet, and gives the news."""

    def __init__(self) -> None:
        self.known = 0  # lines

    def take(self, output: str) -> list[str]:
        """The new lines, fit for a terminal. A line without its end waits for the next time; what is not a line of the
        file (a banner, a prompt) is passed over. Of several lines about one step, only the last is news."""
        news: dict[str, str] = {}
        for line in output.replace("\r\n", "\n").split("\n")[:-1]:
            found = re.fullmatch(r"(\d{1,9}) (.*)", line, re.DOTALL)
            if found and int(found[1]) == self.known + 1:
                self.known += 1
                text = printable(found[2])
                step = text.partition(" (")[0]
                news.pop(step, None)
                news[step] = text
        lines = list(news.values())
        left_out = len(lines) - MOST_SHOWN
        return lines if left_out <= 0 else [f"({left_out} lines are left out)", *lines[left_out:]]


def printable(text: str) -> str:
    """Without anything that a terminal obeys: a host that somebody took over writes to our screen here."""
    return "".join(char if char.isprintable() else "?" for char in text[:LONGEST])


def read_command(token: str, known: int) -> str:
    """The shell's words that print the file from the first line on that is not known; nothing where there is none."""
    place = 'd=/run; [ "$(id -u)" = 0 ] && [ -d /run ] || d=~/.ansible/tmp'
    read = f'tail -n +{known + 1} "$d/{FILE_PREFIX}{token}" 2>/dev/null | head -c {MOST_BYTES}'
    return f"{place}; {read}"


class ProgressAction(NormalAction):
    """The action plugin of a module that says how far it is."""

    @uncollected()
    def _execute_module(self, *args: t.Any, **options: t.Any) -> t.Any:
        interval = self._interval(options.get("task_vars") or {})
        if not interval:
            return super()._execute_module(*args, **options)
        token = secrets.token_hex(16)
        with _added(self._task.environment, {VARIABLE: token}), Watch(self, token, interval, self._label(options)):
            return super()._execute_module(*args, **options)

    def _interval(self, variables: t.Mapping[str, t.Any]) -> float:
        try:
            interval = read_interval(self._templar.template(variables.get(OPTION)))
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from error
        task = self._task
        hidden = task.no_log or task.check_mode or task.async_val
        return 0.0 if hidden or self._connection.transport not in CONNECTIONS else interval

    def _label(self, options: t.Mapping[str, t.Any]) -> str:
        host = (options.get("task_vars") or {}).get("inventory_hostname", "")
        return f"{host} -> {self._task.delegate_to}" if self._task.delegate_to else str(host)


@contextlib.contextmanager
def _added(environment: list[t.Any], variable: dict[str, str]) -> t.Iterator[None]:
    """The task's environment with the variable in it; the same way in which ActionBase adds one for async tasks."""
    place = len(environment)
    environment.append(variable)
    try:
        yield
    finally:
        del environment[place]


class Watch:
    """Looks at the file now and again as long as the context lasts."""

    def __init__(self, action: NormalAction, token: str, interval: float, label: str) -> None:
        self._action = action
        self._token = token
        self._interval = interval
        self._label = label
        self._tail = Tail()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        with self._lock:  # no line is under way to the screen, and none comes after the task's result
            self._over.set()
        self._thread.join(timeout=2)

    def _follow(self) -> None:
        began, pause, failures = time.monotonic(), self._interval, 0
        reader: NormalAction | None = None
        while failures < FAILURES and not self._over.wait(pause):
            try:
                reader = reader or self._reader()
                self._look(reader)
                failures = 0
            except Exception as error:
                failures += 1
                self._tell(lambda error=error: display.vv(f"no progress to show: {error}", host=self._label))
            # Each look may be a line in the host's log of sudo: the longer it takes, the rarer they are.
            pause = max(self._interval, (time.monotonic() - began) / 10)

    def _reader(self) -> NormalAction:
        """A copy of the action with a connection of its own, for the original's is busy with the module."""
        reader = copy.copy(self._action)
        reader._connection = connection = copy.copy(self._action._connection)
        connection.become = copy.copy(connection.become)
        if connection.transport == "ssh" and not getattr(connection, "_persistent", False):
            raise RuntimeError("ssh runs without ControlPersist, and a look would be a login of its own")
        return reader

    def _look(self, reader: NormalAction) -> None:
        done = reader._low_level_execute_command(read_command(self._token, self._tail.known))
        if done["rc"] != 0:
            raise RuntimeError(f"exit status {done['rc']}: {printable(done['stderr'].strip())}")
        for line in self._tail.take(done["stdout"]):
            self._tell(lambda line=line: display.display(f"[{self._label}] {line}"))

    def _tell(self, show: t.Callable[[], None]) -> None:
        with self._lock:
            if not self._over.is_set():
                show()
