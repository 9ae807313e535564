# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Core dumps on the real kernel: what crashes leaves one before, none while hardened, and one again after undo."""

from __future__ import annotations

import typing as t
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support.kernel import Place, place

PATTERN = "kernel.core_pattern"
# The limit is lifted, as Docker's unit lifts it for containers. A shell that is killed so dumps its memory.
CRASH = "ulimit -c unlimited; sh -c 'kill -SEGV $$' > /dev/null 2>&1; ls -A | grep -c '^core' || true"


@pytest.fixture
def host(tmp_path: Path) -> t.Iterator[Place]:
    with place(tmp_path) as made:
        made.sh("[ ! -d /run/systemd ] || mount -t tmpfs tmpfs /run/systemd")
        made.set(PATTERN, "core")
        yield made


def dumps_of_a_user(host: Place) -> int:
    """How many core dumps a program of an ordinary user leaves that crashes with the limit lifted."""
    script = f'cd $(mktemp -d -p /dev/shm); chmod 777 .; pwd; setpriv --reuid 65534 --clear-groups sh -c "{CRASH}"'
    folder, count = host.sh(script.replace("$$", "\\$\\$")).split()
    host.sh(f"rm -r {folder}")
    return int(count)


def dumps_in_a_container(api: docker.APIClient, image: str, name: str) -> int:
    """The same in a container that Docker limits as its own unit says, which is not at all."""
    limits = [docker.types.Ulimit(name="core", soft=-1, hard=-1)]
    config = api.create_host_config(ulimits=limits)
    made = api.create_container(image, ["sh", "-c", f"cd /tmp; {CRASH}"], name=name, user="0", host_config=config)
    try:
        api.start(made["Id"])
        api.wait(made["Id"])
        return int(api.logs(made["Id"]).split()[-1])
    finally:
        api.remove_container(made["Id"], force=True, v=True)


def test_a_crash_leaves_no_dump_and_after_undo_it_does_again(
    host: Place, api: docker.APIClient, busybox: str, unique: str
) -> None:
    def dumps() -> tuple[int, int]:
        return dumps_of_a_user(host), dumps_in_a_container(api, busybox, f"{unique}-crash")

    assert dumps() == (1, 1)
    result = host.run("process_limits")
    outcomes = {finding["control"]: finding["outcome"] for finding in result["findings"]}
    assert outcomes["process_limits.core_pattern"] == "pass"
    assert dumps() == (0, 0)
    host.run("process_limits", state="absent")
    assert dumps() == (1, 1) and host.get(PATTERN) == "core"


def test_pattern_set_by_hand_is_found_and_mended(host: Place) -> None:
    host.run("process_limits")
    host.set(PATTERN, "/tmp/core.%p")
    result = host.run("process_limits")
    assert result["actions"] == [f"set {PATTERN} from '/tmp/core.%p' to '|/bin/false'"]
    assert not host.run("process_limits")["changed"]


def test_dumps_that_are_allowed_are_left_alone(host: Place) -> None:
    host.run("process_limits")
    result = host.run("process_limits", core_dumps=True)
    assert host.get(PATTERN) == "core" and dumps_of_a_user(host) == 1
    outcomes = {finding["control"]: finding["outcome"] for finding in result["findings"]}
    assert outcomes["process_limits.core_pattern"] == "not_applicable"


def test_crash_handler_of_the_distribution_is_replaced_and_comes_back(host: Place) -> None:
    apport = "|/usr/share/apport/apport -p%p -s%s -c%c -d%d -P%P -u%u -g%g -- %E"
    host.sh(f"printf '%s' '{apport}' > /proc/sys/kernel/core_pattern")
    predicted = host.run("process_limits", check=True)
    result = host.run("process_limits")
    assert predicted == result and "disable apport.service" in str(result["warnings"])
    assert host.get(PATTERN) == "|/bin/false"
    host.run("process_limits", state="absent")
    assert host.get(PATTERN) == apport


def test_override_by_a_later_file_is_named(host: Place) -> None:
    host.sh("echo 'kernel.core_pattern = core.%p' > /etc/sysctl.d/99-zzz.conf")
    result = host.run("process_limits")
    override = result["overridden"][PATTERN]
    assert (override["file"], override["line"], override["value"]) == ("/etc/sysctl.d/99-zzz.conf", 1, "core.%p")
