# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings that the roles `kernel` and `process_limits` would set in turn are refused; only predicted, never set."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.caisson.hardening.tests.support import playbook
from ansible_collections.caisson.hardening.tests.support.run_module import COLLECTIONS

HARDEN = COLLECTIONS / "ansible_collections/caisson/hardening/playbooks/harden.yml"
SETTINGS = {"kernel.pid_max": 77777, "kernel.core_pattern": "core"}
REFUSED = ("write process_limits_pid_max: 77777", "write process_limits_core_dumps: true")


def run(folder: Path, play: Path, *arguments: str, **variables: t.Any) -> tuple[int, str]:
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **variables}
    inventory = folder / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"here": here}}}), encoding="utf-8")
    return playbook.run("-i", inventory, play, "--check", *arguments, home=folder / "home")


def roles(folder: Path, *names: str) -> Path:
    file = folder / "play.yml"
    wanted = [f"caisson.hardening.{name}" for name in names]
    file.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "roles": wanted}]), encoding="utf-8")
    return file


def test_run_is_refused_with_all_other_faults_in_one_message(tmp_path: Path) -> None:
    status, output = run(tmp_path, HARDEN, kernel_settings=SETTINGS, kernel_setings_host={})
    message = next(
        line for line in output.splitlines() if line.startswith("[ERROR]: Task failed: Action failed: Refuse")
    )
    assert status != 0 and all(text in message for text in (*REFUSED, "did you mean 'kernel_settings_host'"))
    assert "Begin with this host" not in output and "TASK [caisson.hardening.kernel" not in output


@pytest.mark.parametrize("order", [("kernel", "process_limits"), ("process_limits", "kernel")])
def test_role_refuses_before_its_module_runs(tmp_path: Path, order: tuple[str, str]) -> None:
    play = roles(tmp_path, *order)
    status, output = run(tmp_path, play, "--tags", "kernel", kernel_settings=SETTINGS)
    assert status != 0 and all(text in output for text in REFUSED)
    assert "TASK [caisson.hardening.kernel : Harden the kernel]" not in output


def test_kernel_role_alone_may_set_them(tmp_path: Path) -> None:
    status, output = run(
        tmp_path, roles(tmp_path, "kernel"), kernel_settings=SETTINGS, kernel_profile="none", kernel_unwritable="report"
    )
    assert not any(text in output for text in REFUSED) and status == 0, output
