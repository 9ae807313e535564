# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kernel's command line and GRUB's drop-in, which a real shell reads here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.boot import cmdline, dropin
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)
VALUES = st.from_regex(r"[a-z0-9,:/]{0,9}", fullmatch=True)


@given(st.lists(st.tuples(NAMES, VALUES)))
def test_the_last_value_wins(pairs: list[tuple[str, str]]) -> None:
    values = cmdline.parse(" ".join(f"{name}={value}" for name, value in pairs))
    assert {name: cmdline.effective(values, name) for name in values} == dict(pairs)


@given(st.text())
def test_any_line_is_parsed(line: str) -> None:
    assert "--" not in cmdline.words(line)


def test_quotes_dashes_and_the_end() -> None:
    values = cmdline.parse('quiet a="b c" "d=e f" slab-nomerge x=1 x=2 -- audit=1\n')
    assert values == {"quiet": ("",), "a": ("b c",), "d": ("e f",), "slab_nomerge": ("",), "x": ("1", "2")}
    assert cmdline.effective(values, "audit") is None


@pytest.mark.parametrize("before", ["", "quiet audit=0"])
def test_a_shell_reads_the_drop_in(tmp_path: Path, before: str) -> None:
    text = dropin.render({"audit": "1", "slab_nomerge": "", "mitigations": "auto,nosmt"})
    (tmp_path / "own.cfg").write_text(text, encoding="utf-8")
    script = f'set -eu; GRUB_CMDLINE_LINUX="{before}"; . ./own.cfg; printf %s "$GRUB_CMDLINE_LINUX"'
    line = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert line == f"{before} audit=1 slab_nomerge mitigations=auto,nosmt"
    assert cmdline.effective(cmdline.parse(line), "audit") == "1"


def test_all_faults_are_found_at_once() -> None:
    bad = {"init": "/bin/sh", "rd.break": "", "root": "/dev/x", "selinux": "0", "apparmor": "0", "mitigations": "off"}
    bad.update({"a": "$(id)", "b": 'x"', "c": "a b", "d": "x\n", "e;f": "1", "single": ""})
    assert [fault.option for fault in dropin.faults(bad)] == [f"parameters.{name}" for name in bad]
    assert dropin.faults({"audit": "1", "lsm": "lockdown,yama,apparmor", "mitigations": "auto,nosmt"}) == []
