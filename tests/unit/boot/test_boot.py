# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kernel's command line and GRUB's drop-in, which a real shell reads here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.boot import cmdline, dropin, refused
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


# As grub-mkconfig reads them, and as 10_linux puts them into ordinary and recovery entries.
READ = """set -e
GRUB_CMDLINE_LINUX=$1 GRUB_CMDLINE_LINUX_DEFAULT=$2
. ./own.cfg
printf '%s\n' "$GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT" "single $GRUB_CMDLINE_LINUX"
"""


def entries(folder: Path, parameters: dict[str, str], always: str, default: str) -> list[str]:
    (folder / "own.cfg").write_text(dropin.render(parameters), encoding="utf-8")
    argv = ["sh", "-c", READ, "sh", always, default]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("always", ["", "net.ifnames=0 audit=0"])
@pytest.mark.parametrize(
    "default", ["", "quiet", "audit=0 quiet", "quiet audit", 'quiet "audit=0"', "slab-nomerge=x\taudit=0"]
)
def test_a_shell_reads_the_drop_in_and_its_values_win(tmp_path: Path, always: str, default: str) -> None:
    wanted = {"audit": "1", "slab_nomerge": "", "mitigations": "auto,nosmt"}
    for line in entries(tmp_path, wanted, always, default):
        values = cmdline.parse(line)
        assert {name: cmdline.effective(values, name) for name in wanted} == wanted


def test_only_what_conflicts_is_there_twice(tmp_path: Path) -> None:
    ordinary, recovery = entries(tmp_path, {"audit": "1", "panic": "30"}, "", "quiet audit=0 xaudit=0 panic_on_warn=0")
    assert ordinary.split() == "audit=1 panic=30 quiet audit=0 xaudit=0 panic_on_warn=0 audit=1".split()
    assert recovery.split() == ["single", "audit=1", "panic=30"]


def test_a_drop_in_is_read_back() -> None:
    wanted = {"audit": "1", "slab_nomerge": "", "mitigations": "auto,nosmt"}
    assert dropin.parameters(dropin.render(wanted)) == wanted
    assert dropin.parameters('GRUB_CMDLINE_LINUX="${GRUB_CMDLINE_LINUX:-} audit=1"\n') == {}


def test_all_faults_are_found_at_once() -> None:
    bad = {"init": "/bin/sh", "rd.break": "", "root": "/dev/x", "break": "premount", "systemd.unit": "rescue.target"}
    bad.update(
        {"selinux": "0", "apparmor": "0", "mitigations": "off", "audit": "off", "spectre_v2": "off", "mds": "off"}
    )
    bad.update(dict.fromkeys(("nopti", "nokaslr", "nosmep", "nosmap", "single", "s", "S", "1", "emergency"), ""))
    bad.update({"a": "$(id)", "b": 'x"', "c": "a b", "d": "x\n", "e;f": "1", "rdinit": "/x", "module.sig-enforce": "N"})
    assert [fault.option for fault in refused.faults(bad)] == [f"parameters.{name}" for name in bad]
    good = {"audit": "1", "lsm": "lockdown,yama,apparmor", "mitigations": "auto,nosmt", "panic": "0", "pti": "on"}
    assert refused.faults(good) == []
