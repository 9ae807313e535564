# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a path of the host really is."""

from __future__ import annotations

import socket
from pathlib import Path

from ansible_collections.caisson.hardening.plugins.module_utils.host.paths import DOCKER_SOCKET, real_paths

HERE = "unix:///run/nobody-listens.sock"


def test_links_are_followed_at_every_step(tmp_path: Path) -> None:
    (tmp_path / "etc").symlink_to("/etc")
    (tmp_path / "deep").symlink_to(tmp_path / "etc")
    (tmp_path / "plain").mkdir()
    given = [str(tmp_path / name) for name in ("deep", "deep/passwd", "plain", "nowhere")]
    assert real_paths(given, HERE) == {given[0]: "/etc", given[1]: "/etc/passwd"}


def test_a_link_to_what_is_not_there_and_one_to_itself_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to("/etc/no/such/file")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    gone, around = str(tmp_path / "gone"), str(tmp_path / "round")
    assert real_paths([gone, around, "/a\0b"], HERE)[gone] == "/etc/no/such/file"


def test_the_engines_socket_is_known_under_any_name(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as other:
        listening.bind(str(tmp_path / "engine"))
        other.bind(str(tmp_path / "other"))
        (tmp_path / "hard").hardlink_to(tmp_path / "engine")
        (tmp_path / "soft").symlink_to(tmp_path / "hard")
        given = [str(tmp_path / name) for name in ("engine", "hard", "soft", "other")]
        assert real_paths(given, f"unix://{tmp_path}/engine") == dict.fromkeys(given[:3], DOCKER_SOCKET)


def test_the_paths_of_another_host_are_not_here(tmp_path: Path) -> None:
    (tmp_path / "etc").symlink_to("/etc")
    assert real_paths([str(tmp_path / "etc")], "tcp://192.0.2.1:2376") == {}
