# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Directories that several runs make and remove at the same time."""

from __future__ import annotations

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError
from ansible_collections.caisson.hardening.plugins.module_utils.host.files import (
    make_directories,
    remove_empty_directories,
)

THREADS = 8
ROUNDS = 50


def test_what_was_missing_is_told_outermost_first(tmp_path: Path) -> None:
    assert make_directories(tmp_path / "a" / "b", mode=0o700) == [str(tmp_path / "a"), str(tmp_path / "a" / "b")]
    assert make_directories(tmp_path / "a" / "b") == []
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_each_directory_is_claimed_by_the_one_that_made_it(tmp_path: Path) -> None:
    barrier = threading.Barrier(THREADS)

    def make(path: Path) -> list[str]:
        barrier.wait()
        return make_directories(path)

    for number in range(ROUNDS):
        root = tmp_path / str(number)
        with ThreadPoolExecutor(THREADS) as pool:
            made = [path for paths in pool.map(make, [root / "b" / "c"] * THREADS) for path in paths]
        assert sorted(made) == [str(root), str(root / "b"), str(root / "b" / "c")]


def test_what_another_one_removes_meanwhile_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"

    def come_and_go(_number: int) -> None:
        for _round in range(ROUNDS):
            make_directories(path)
            remove_empty_directories([str(path), str(path.parent)])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(come_and_go, range(2)))
    assert not path.parent.exists()


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_what_is_no_directory_is_refused(tmp_path: Path, kind: str) -> None:
    there = tmp_path / "there"
    if kind == "file":
        there.write_text("kept", encoding="utf-8")
    else:
        there.symlink_to(tmp_path / "nowhere")
    with pytest.raises(CaissonError, match=r"Failed to make the directory .*there"):
        make_directories(there / "below")
    assert there.is_symlink() or there.read_text(encoding="utf-8") == "kept"
