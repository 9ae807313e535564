# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""This host's process table, on real processes and on a folder that is laid out as the kernel's."""

from __future__ import annotations

import os
import subprocess
import time
import typing as t
from pathlib import Path

from ansible_collections.caisson.hardening.plugins.module_utils.containers import process_table as pt
from ansible_collections.caisson.hardening.plugins.module_utils.containers.process_table import ProcessTable

ID = "4f" * 32
OTHER = "5e" * 32


def lay(folder: Path, pid: int, parent: int, args: str, container: str = "", **more: str) -> None:
    """One process. args: its words, each ended as the kernel ends it."""
    place = folder / str(pid)
    place.mkdir()
    stat = f"{pid} ({more.get('comm', 'name')}) {more.get('state', 'S')} {parent} 1 1 0 -1"
    texts = {"stat": stat, "cmdline": args, "cgroup": f"0::/system.slice/docker-{container}.scope\n"}
    for name, text in texts.items():
        (place / name).write_text(text, encoding="utf-8")


def inspect(pid: int, container: str = ID) -> dict[str, t.Any]:
    return {"Id": container, "State": {"Pid": pid}}


def test_of_a_container_it_gives_the_first_process_and_all_below(tmp_path: Path) -> None:
    lay(tmp_path, 5, 1, "containerd-shim\0")
    lay(tmp_path, 10, 5, "/sbin/tini\0--\0web\0", ID)
    lay(tmp_path, 11, 10, "web\0-x  y\0", ID, comm="we) b (")
    lay(tmp_path, 12, 11, "", ID, comm="kid", state="Z")
    lay(tmp_path, 13, 11, "", ID, comm="bare")
    lay(tmp_path, 20, 5, "docker-exec\0", ID)
    lay(tmp_path, 30, 5, "other\0", OTHER)
    found = ProcessTable(str(tmp_path)).of(inspect(10)) or []
    assert [(each.pid, each.ppid, each.args, each.comm) for each in found] == [
        (10, 5, "/sbin/tini -- web", "name"),
        (11, 10, "web -x y", "we) b ("),
        (12, 11, "[kid] <defunct>", "kid"),
        (13, 11, "[bare]", "bare"),
    ]


def test_a_number_that_is_another_process_s_here_says_nothing(tmp_path: Path) -> None:
    lay(tmp_path, 5, 1, "containerd-shim\0")
    lay(tmp_path, 10, 5, "web\0", OTHER)
    lay(tmp_path, 20, 5, "web\0", ID)
    lay(tmp_path, 21, 20, "worker\0", ID)
    table = ProcessTable(str(tmp_path))
    assert table.of(inspect(10)) is None, "the process of another container"
    assert table.of(inspect(21)) is None, "not the first process"
    assert table.of(inspect(99)) is None
    assert table.of(inspect(0)) is None
    assert table.of({}) is None
    assert table.of(inspect(20)) is not None


def test_real_processes_are_seen_as_ps_shows_them() -> None:
    script = "exec -a 'my title: x' sleep 60 & sleep 61 & wait"
    with subprocess.Popen(["bash", "-c", script], start_new_session=True) as shell:
        try:
            pids = (shell.pid, *_children(shell.pid, 2))
            table = ProcessTable()
            processes = [table._process(pid) for pid in pids]
            told = subprocess.run(
                ["ps", "-o", "pid=,ppid=,args=", "-p", ",".join(str(each.pid) for each in processes)],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            rows = {tuple(" ".join(line.split()).split(" ", 2)) for line in told.splitlines()}
            assert rows == {(str(each.pid), str(each.ppid), each.args) for each in processes}
        finally:
            os.killpg(shell.pid, 9)


def _children(pid: int, number: int) -> list[int]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]
        names = [Path(f"/proc/{each}/comm").read_text(encoding="utf-8").strip() for each in found]
        if len(found) == number and set(names) == {"sleep"}:
            return found
        time.sleep(0.05)
    raise AssertionError(f"the shell has not started {number} programs")


def test_an_engine_elsewhere_is_asked_itself() -> None:
    assert pt.process_table("tcp://192.0.2.1:2376") is None
    here = pt.process_table("unix:///run/docker.sock")
    assert (here is not None) is (os.geteuid() == 0)
