# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the kernel's audit rules, by auditctl."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import typing as t

from ..errors import CaissonError
from .rules import KEY, AuditRule, parse

_SEARCH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
_LOCKED = 2


class Auditctl:
    """The program, and why it cannot serve where it cannot: ``unable`` is empty where it can."""

    def __init__(self) -> None:
        self._program = shutil.which("auditctl", path=f"{os.environ.get('PATH', '')}:{_SEARCH}") or ""
        self.locked = False
        self.unable = "there is no auditctl; install the package auditd (RHEL: audit)"
        if self._program:
            done = self._run("-s")
            found = re.search(r"^enabled (\d+)", done.stdout, re.MULTILINE)
            self.unable = "" if found else f"auditctl says {_reason(done)!r}, as it does where the kernel is not ours"
            self.locked = found is not None and int(found[1]) == _LOCKED

    def loaded(self) -> tuple[AuditRule, ...]:
        """The kernel's watches; CaissonError where it does not list them."""
        done = self._run("-l")
        if done.returncode != 0:
            raise CaissonError(f"Failed to list the audit rules: {_reason(done)}")
        return tuple(parse(done.stdout))

    def bring(self, rules: t.Iterable[AuditRule]) -> None:
        """Have the kernel hold exactly these of ours, and leave those of others; CaissonError where it does not."""
        wanted = {rule.listed: rule for rule in rules}
        now = {rule.listed: rule for rule in self.loaded() if rule.key == KEY}
        for listed in now.keys() - wanted.keys():
            self._must("-d", now[listed])
        for listed, rule in wanted.items():
            if listed not in now:
                self._must("-a", rule)
        left = {rule.listed for rule in self.loaded() if rule.key == KEY}
        if left != wanted.keys():
            missing = sorted(path for path, _permissions, _key in left ^ wanted.keys())
            raise CaissonError(f"Failed to bring the audit rules to what was asked: {', '.join(missing)} differs")

    def _must(self, action: str, rule: AuditRule) -> None:
        done = self._run(action, *rule.fields)
        if done.returncode != 0 and action == "-d":
            # The list does not tell a tree from a path.
            other = AuditRule(rule.path, rule.permissions, rule.key, "path" if rule.field == "dir" else "dir")
            done = self._run(action, *other.fields)
        if done.returncode != 0:
            verb = "load" if action == "-a" else "unload"
            raise CaissonError(f"Failed to {verb} the audit rule for {rule.path}: {_reason(done)}")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [self._program, *arguments], capture_output=True, text=True, timeout=30, check=False, env=_english()
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CaissonError(f"Failed to run {self._program}: {error}") from error


def _english() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C"}


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1] if lines else f"auditctl ended with {done.returncode}"
