# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import flags


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("dockerd -H fd:// --containerd=/run/c.sock $DOCKER_OPTS", {"hosts": ["fd://"], "containerd": "/run/c.sock"}),
        ("dockerd --icc=false --live-restore -D", {"icc": False, "live-restore": True, "debug": True}),
        ("dockerd --label a=b --label c=d", {"labels": ["a=b", "c=d"]}),
        ("dockerd -Hunix:///x -l warn", {"hosts": ["unix:///x"], "log-level": "warn"}),
        ("dockerd --log-opt max-size=1m --mtu 1400", {"log-opts": {"max-size": "1m"}, "mtu": 1400}),
        ("dockerd --http-proxy http://p", {"proxies": {"http-proxy": "http://p"}}),
        ("dockerd --config-file /x.json --add-runtime r=/r", {"config-file": "/x.json", "runtimes": "r=/r"}),
        ("dockerd", {}),
    ],
)
def test_the_command_line_is_read_in_the_words_of_the_file(line: str, given: dict) -> None:
    assert flags.parse(line.split()) == given


def test_a_key_on_the_command_line_and_in_the_file_conflicts_but_runtimes_are_merged() -> None:
    given = {"hosts": ["fd://"], "runtimes": "r=/r", "debug": True}
    assert flags.conflicting({"hosts": [], "runtimes": {}, "icc": False}, given) == ["hosts"]


@pytest.mark.parametrize("line", ["dockerd --config-file /x -D --mtu 9", "dockerd -D --config-file=/x --mtu 9"])
def test_the_named_file_is_taken_off_the_command_line_and_the_rest_stays(line: str) -> None:
    assert flags.without(line.split(), ("config-file",)) == ["dockerd", "-D", "--mtu", "9"]
