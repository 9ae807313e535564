# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be undone, and what somebody else changed since; on files of this test alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError
from ansible_collections.caisson.hardening.plugins.module_utils.host.changes import (
    HEADER,
    ChangeSet,
    FileChange,
    FileText,
)
from ansible_collections.caisson.hardening.plugins.module_utils.host.procsys import ProcSys
from ansible_collections.caisson.hardening.plugins.module_utils.host.transaction import Transaction
from ansible_collections.caisson.hardening.plugins.module_utils.host.undo import UndoStore
from ansible_collections.caisson.hardening.plugins.module_utils.rollout.records import look


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A file that a transaction of ours wrote, with its record below the same directory."""
    path = tmp_path / "etc" / "50-ours.conf"
    write(path, f"{HEADER}a = 1\n")
    return path


def write(path: Path, text: str) -> None:
    root = str(path.parents[1] / "undo")
    before = FileText(path.read_text(encoding="utf-8"), uid=os.geteuid(), gid=os.getegid()) if path.exists() else None
    after = FileText(text, uid=os.geteuid(), gid=os.getegid())
    changes = ChangeSet(files=(FileChange(str(path), before, after),), originals={str(path): None})
    Transaction(UndoStore("kernel", root), ProcSys()).run(changes)


def changed(path: Path, *subjects: str) -> list[str]:
    return list(look(subjects, str(path.parents[1] / "undo"))["changed_since"])


def test_what_we_left_is_not_named_also_after_a_further_run(ours: Path) -> None:
    assert changed(ours) == []
    write(ours, f"{HEADER}a = 2\n")
    write(ours, f"{HEADER}a = 3\n")
    assert changed(ours) == []


def test_what_a_killed_run_did_not_come_to_write_is_ours(ours: Path) -> None:
    store = UndoStore("kernel", str(ours.parents[1] / "undo"))
    store.record_written(str(ours), b"what it was about to write")
    store.commit()
    assert changed(ours) == []


def test_edit_and_removal_by_somebody_else_are_named(ours: Path) -> None:
    ours.write_text(f"{HEADER}a = 1\n# a note\n", encoding="utf-8")
    assert changed(ours) == [f"kernel: {ours} was changed"]
    assert changed(ours, "kern") == [f"kernel: {ours} was changed"] and changed(ours, "daemon") == []
    ours.unlink()
    assert changed(ours) == [f"kernel: {ours} was removed"]


def test_records_are_listed_by_subject(ours: Path) -> None:
    found = look([], str(ours.parents[1] / "undo"))["records"]
    assert found == {"kernel": {"files": [str(ours)], "accesses": [], "values": []}}
    assert look([], str(ours.parents[1] / "elsewhere")) == {"records": {}, "changed_since": [], "runs": []}


def test_a_file_that_is_only_partly_ours_is_not_judged(tmp_path: Path) -> None:
    path = tmp_path / "etc" / "fstab"
    path.parent.mkdir()
    path.write_text("/dev/a / ext4\n", encoding="utf-8")
    write(path, "/dev/a / ext4\n# ours\n/tmp /tmp none bind\n")
    path.write_text("/dev/b /srv ext4\n", encoding="utf-8")
    assert changed(path) == []


def test_the_daemons_file_is_compared_with_what_the_daemon_was_given(tmp_path: Path) -> None:
    path = tmp_path / "daemon.json"
    store = UndoStore("daemon", str(tmp_path / "undo"))
    store.record_file(str(path), None)
    store.record_value("applied", {"identity": "1 1", "config": {"icc": False}})
    store.commit()

    def said() -> list[str]:
        return list(look([], str(tmp_path / "undo"))["changed_since"])

    path.write_text('{ "icc": false }', encoding="utf-8")
    assert said() == [], "another layout of the same settings is no change"
    path.write_text('{"icc": false, "debug": true}', encoding="utf-8")
    assert said() == [f"daemon: {path} was changed"]
    path.write_text("{", encoding="utf-8")
    with pytest.raises(CaissonError, match="mend it, then restore"):
        said()
