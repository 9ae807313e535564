# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pids controller of both versions, in made trees."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.host import cgroups
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.containers import (
    Cgroup,
    Containers,
    container_id,
    summed,
)

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


class Mounts:
    """What the kernel lists as mounted."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.lines = root, ["proc /proc proc rw 0 0"]
        listing = root / "mounts"
        path = cgroups.Path
        monkeypatch.setattr(cgroups, "Path", lambda name: path(listing if str(name) == "/proc/self/mounts" else name))
        self._listing = listing

    def add(self, name: str, kind: str, options: str) -> Path:
        at = self.root / name
        at.mkdir()
        self.lines.append(f"{kind} {at} {kind} {options} 0 0")
        self._listing.write_text("\n".join(self.lines), encoding="utf-8")
        return at


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mounts:
    return Mounts(tmp_path, monkeypatch)


def group(at: Path, limit: str, tasks: int) -> None:
    at.mkdir(parents=True, exist_ok=True)
    (at / "pids.max").write_text(f"{limit}\n", encoding="ascii")
    (at / "pids.current").write_text(f"{tasks}\n", encoding="ascii")


def found() -> Containers:
    return summed({path: Cgroup(*reading) for path, reading in cgroups.pids_cgroups(container_id).items()})


def test_containers_of_the_unified_hierarchy_add_up(mounts: Mounts) -> None:
    root = mounts.add("unified", "cgroup2", "rw,nsdelegate")
    # The root of version 2 has no pids.max.
    (root / "cgroup.controllers").write_text("cpu memory pids\n", encoding="ascii")
    group(root / "system.slice", "max", 90)
    group(root / "system.slice/cron.service", "100", 1)
    group(root / f"system.slice/docker-{A}.scope", "256", 7)
    # A container with an init and cgroups of its own.
    group(root / f"system.slice/docker-{A}.scope/init.scope", "200", 1)
    group(root / f"machine.slice/libpod-{B}.scope", "512", 3)
    group(root / f"machine.slice/libpod-{C}.scope", "max", 2)
    (root / "user.slice").mkdir()
    assert found() == Containers(768, 10, (C,))


def test_limited_slice_of_the_unified_hierarchy_bounds_its_containers(mounts: Mounts) -> None:
    root = mounts.add("unified", "cgroup2", "rw")
    (root / "cgroup.controllers").write_text("pids\n", encoding="ascii")
    group(root / "tenants.slice", "300", 9)
    group(root / f"tenants.slice/docker-{A}.scope", "256", 4)
    group(root / f"tenants.slice/docker-{B}.scope", "max", 5)
    assert found() == Containers(300, 9)


def test_controller_of_version_1_wins_where_both_are_mounted(mounts: Mounts) -> None:
    unified = mounts.add("unified", "cgroup2", "rw")
    (unified / "cgroup.controllers").write_text("\n", encoding="ascii")
    root = mounts.add("pids", "cgroup", "rw,pids")
    group(root, "5000", 100)
    group(root / f"docker/{A}", "256", 4)
    assert found() == Containers(256, 4)


@pytest.mark.parametrize("controllers", ["cpu memory\n", None])
def test_without_the_controller_there_is_nothing_to_add_up(mounts: Mounts, controllers: str | None) -> None:
    root = mounts.add("unified", "cgroup2", "rw")
    if controllers:
        (root / "cgroup.controllers").write_text(controllers, encoding="ascii")
    group(root / f"docker/{A}", "256", 4)
    assert found() == Containers()


def test_container_that_ended_meanwhile_counts_nothing(mounts: Mounts) -> None:
    root = mounts.add("pids", "cgroup", "rw,pids")
    group(root / f"docker/{A}", "256", 4)
    (root / f"docker/{A}/pids.current").unlink()
    assert found() == Containers()
