# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a host is a container, by what each engine leaves inside."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.host import container


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (".dockerenv", ""),
        ("run/.containerenv", ""),
        ("run/systemd/container", "systemd-nspawn"),
        ("proc/vz/version", ""),
        ("proc/1/environ", "PATH=/bin\0container=lxc\0TERM=linux\0"),
        ("proc/1/environ", "container=docker\0"),
        ("proc/1/cgroup", "12:pids:/kubepods/burstable/pod1\n1:name=systemd:/kubepods\n"),
        ("proc/1/cgroup", "4:memory:/docker/0123456789ab\n"),
        ("proc/1/cgroup", "0::/kubepods.slice/kubepods-pod1.slice\n"),
        ("proc/1/cgroup", "0::/system.slice/docker-0123456789abcdef.scope\n"),
    ],
)
def test_marks_of_a_container(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    assert container.is_container(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("proc/1/environ", "HOME=/\0mycontainer=x\0container=\0"),
        ("proc/1/cgroup", "0::/init.scope\n"),
        ("proc/1/cgroup", "0::/system.slice/docker.service\n"),
    ],
)
def test_an_ordinary_host_is_none(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    assert not container.is_container(str(tmp_path))


def test_the_host_of_virtual_machines_of_openvz_is_none(tmp_path: Path) -> None:
    for name in ("proc/vz", "proc/bc"):
        (tmp_path / name).mkdir(parents=True)
    assert not container.is_container(str(tmp_path))


@pytest.mark.parametrize("chosen", [container.FAIL, container.REPORT])
def test_what_was_chosen_stands(chosen: str) -> None:
    assert container.on_unwritable(chosen) == chosen
