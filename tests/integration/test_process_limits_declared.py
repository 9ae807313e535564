# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role `process_limits`: its tags, and before and after what the inventory declares is deployed.

The cgroups are made up.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.caisson.hardening.tests.support import playbook
from ansible_collections.caisson.hardening.tests.support.kernel import Place, place

MOUNTS = 'awk \'($3 == "cgroup" && $4 ~ /pids/) || $3 == "cgroup2" { print $2 }\' /proc/mounts'
NUMBER, EACH = 40, 400
VARIABLES: dict[str, t.Any] = {
    "containers_list": [{"name": f"app-{number}", "image": "shop/app:1"} for number in range(NUMBER)],
    "containers_list_host": [
        *({"name": f"app-{number}", "pids_limit": EACH} for number in range(NUMBER)),
        {"name": "old", "state": "absent", "pids_limit": 4000000},
    ],
}


@pytest.fixture
def host(tmp_path: Path) -> t.Iterator[Place]:
    with place(tmp_path) as made:
        made.sh("[ ! -d /run/systemd ] || mount -t tmpfs tmpfs /run/systemd")
        # No container but those that a test makes up, under either version.
        made.sh(f"for at in $({MOUNTS}); do mount -t tmpfs tmpfs $at; echo pids > $at/cgroup.controllers; done")
        made.set("kernel.threads-max", "12000")
        made.set("kernel.pid_max", "32768")
        made.set("kernel.core_pattern", "core")
        yield made


def deploy(host: Place) -> None:
    """What the kernel shows of the containers, and nothing of an engine."""
    for number in range(NUMBER):
        below = f"docker/{number:064x}"
        host.sh(f"for at in $({MOUNTS}); do [ -e $at/cgroup.controllers ] || continue; mkdir -p $at/{below}; "
                f"echo {EACH} > $at/{below}/pids.max; echo 3 > $at/{below}/pids.current; done")  # fmt: skip


def play(folder: Path, host: Place, *arguments: str, **variables: t.Any) -> str:
    """The output of a play with the role alone; AssertionError where it fails."""
    here = {"ansible_connection": "local", "ansible_python_interpreter": host.python}
    inventory, file = folder / "hosts.yml", folder / "play.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"here": {**here, **variables}}}}), encoding="utf-8")
    tasks = [{"ansible.builtin.import_role": {"name": "caisson.hardening.process_limits"}}]
    file.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    status, output = playbook.run("-i", inventory, file, *arguments, home=folder / "home")
    assert status == 0, output
    return output


def test_run_after_the_deployment_of_what_is_declared_changes_nothing(tmp_path: Path, host: Place) -> None:
    assert "changed=1" in play(tmp_path, host, **VARIABLES)
    threads = int(host.get("kernel.threads-max"))
    assert NUMBER * EACH < threads < 4000000, "the containers of the list have no room"
    deploy(host)
    for arguments in (["--check"], []):
        assert "changed=0" in play(tmp_path, host, *arguments, **VARIABLES)
    assert int(host.get("kernel.threads-max")) == threads


def test_list_that_is_to_be_removed_counts_nothing_and_none_is_needed(tmp_path: Path, host: Place) -> None:
    assert "changed=1" in play(tmp_path, host, **VARIABLES, containers_state="absent")
    assert "changed=0" in play(tmp_path, host)


def test_a_tag_switches_core_dumps_alone(tmp_path: Path, host: Place) -> None:
    def stands() -> tuple[bool, bool]:
        return host.get("kernel.threads-max") != "12000", host.get("kernel.core_pattern") != "core"

    tag, limits = "process_limits_core_dumps", {"process_limits_threads_max": "9000"}
    assert "changed=1" in play(tmp_path, host, "--tags", tag, **limits)
    assert stands() == (False, True)
    assert "changed=1" in play(tmp_path, host, "--skip-tags", tag, process_limits_core_dumps=True, **limits)
    assert stands() == (True, True)
    assert "changed=0" in play(tmp_path, host, "--tags", f"{tag},process_limits", **limits)
    assert "changed=1" in play(tmp_path, host, "--tags", tag, process_limits_state="absent")
    assert stands() == (True, False)
    assert "changed=1" in play(tmp_path, host, process_limits_state="absent")
    assert stands() == (False, False)
