# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""harden.yml rolls out wave by wave, and no further once a host has failed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.tests.support.run_module import COLLECTIONS

HOSTS = ("canary", "second", "third")
CHECKOUT = Path(__file__).parents[2]


def roll_out(folder: Path, *arguments: str, canary: str = "") -> tuple[int, str]:
    """Exit status and output of the play over three hosts, all this machine; no role runs, so nothing is changed."""
    variables = "ansible_connection=local ansible_python_interpreter=" + sys.executable
    lines = [f"{name} {variables} {canary if name == 'canary' else ''}" for name in HOSTS]
    (folder / "hosts").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            *("--inventory", str(folder / "hosts"), "--tags", "no_role", *arguments),
            str(CHECKOUT / "playbooks" / "harden.yml"),
        ],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


def waves(output: str) -> list[set[str]]:
    """The hosts of each wave, from the play's own headings."""
    return [set(re.findall(r"^ok: \[(\w+)\]", part, re.MULTILINE)) for part in output.split("PLAY [Harden")[1:]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((), [{"canary"}, {"second", "third"}]),
        (("-e", "harden_serial=1,1,100%"), [{"canary"}, {"second"}, {"third"}]),
        (("-e", "harden_serial=100%"), [set(HOSTS)]),
        (("-e", "harden_hosts=second"), [{"second"}]),
    ],
)
def test_the_canary_goes_first_and_a_survey_can_set_the_waves(
    tmp_path: Path, asked: tuple[str, ...], expected: list[set[str]]
) -> None:
    status, output = roll_out(tmp_path, *asked)
    assert status == 0, output
    assert waves(output) == expected


def test_a_failing_canary_stops_the_rollout_and_the_others_are_not_reached(tmp_path: Path) -> None:
    status, output = roll_out(tmp_path, canary="kernel_setings=x")
    assert status != 0
    assert "did you mean 'kernel_settings'?" in output
    recap = output.split("PLAY RECAP")[1]
    assert "canary" in recap and "second" not in recap and "third" not in recap
