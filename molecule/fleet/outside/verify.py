# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rollout as its users live through it, in order: it stops, is resumed, dies, is run again, and is taken back."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import typing as t
from pathlib import Path

from ansible_collections.caisson.hardening.tests.support import kernel_guard, outside
from ansible_collections.caisson.hardening.tests.support.shell import CACHE, ROOT

HOSTS = {host.name: host for host in outside.hosts()}
CANARY, BROKEN, TRIXIE, WEB1, WEB2 = "fleet-canary", "fleet-db1", "fleet-db2", "fleet-web1", "fleet-web2"
LEFT = CACHE / "molecule" / "fleet" / "left"
WAVES = ("-e", "harden_serial=1,2,100%", "-e", f"harden_retry_file={LEFT}")
ALL_AT_ONCE = ("-e", "harden_serial=100%", "-e", f"harden_retry_file={LEFT}")
MOST_RUNS = 25  # of modules on a host that is hardened already


def begin(playbook: str, *arguments: str) -> subprocess.Popen[str]:
    argv = ["ansible-playbook", "--inventory", os.environ["MOLECULE_INVENTORY_FILE"]]
    return subprocess.Popen(
        [*argv, *arguments, str(ROOT / "playbooks" / f"{playbook}.yml")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def play(playbook: str, *arguments: str) -> tuple[int, str]:
    process = begin(playbook, *arguments)
    output, _nothing = process.communicate(timeout=600)
    return process.returncode, output


def left() -> list[str]:
    return LEFT.read_text(encoding="utf-8").split() if LEFT.exists() else []


def differs(name: str) -> list[str]:
    """How the host differs from what it was before the first run."""
    before = json.loads((outside.STATE / f"{name}.json").read_text(encoding="utf-8"))
    return kernel_guard.different(before, HOSTS[name].state())


def hardened(name: str) -> bool:
    host = HOSTS[name]
    info = host.json("docker info --format '{{ json . }}'")
    running = host.said("docker ps --format '{{ .Names }}'").split()
    redirects = host.said("cat /proc/sys/net/ipv4/conf/all/send_redirects")
    return bool(info["LiveRestoreEnabled"]) and running == ["caisson-demo"] and redirects == "0"


def held(name: str) -> bool:
    return HOSTS[name].run("test -e /run/caisson")[0] == 0


def recorded() -> dict[str, t.Any]:
    """The last run as the recorder saw it."""
    newest = sorted(Path(os.environ["CAISSON_RECORDS"]).glob("*-harden-run.json"))[-1]
    return dict(json.loads(newest.read_text(encoding="utf-8")))


def test_a_rollout_stops_after_the_wave_in_which_a_host_failed() -> None:
    status, output = play("harden", *WAVES, "-e", "harden_on_failure=restore")
    assert status != 0, output
    assert "missing" in output and f"--limit @{LEFT}" in output
    assert left() == [BROKEN, WEB1, WEB2]
    assert hardened(CANARY) and hardened(TRIXIE), "the canary and the other host of the wave are not finished"
    for name in (WEB1, WEB2):
        assert differs(name) == [], "a host of a later wave was touched"
    assert differs(BROKEN) == [], "the host that failed was not restored"
    assert not [name for name in HOSTS if held(name)]


def test_a_control_node_that_dies_leaves_a_lock_and_the_list() -> None:
    process = begin("harden", *WAVES, "-e", "fleet_mended=yes", "--limit", f"@{LEFT}")
    deadline = time.monotonic() + 120
    while HOSTS[BROKEN].run("test -e /var/lib/caisson/kernel/undo.json")[0] and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert held(BROKEN)
    assert left() == [BROKEN, WEB1, WEB2]


def test_the_same_command_again_finishes_all_that_was_left() -> None:
    status, output = play("harden", *WAVES, "-e", "fleet_mended=yes", "--limit", f"@{LEFT}")
    assert status == 0, output
    assert "that run has died" in " ".join(output.split())
    assert left() == []
    assert [name for name in HOSTS if not hardened(name)] == []
    assert HOSTS[WEB1].said("cat /proc/sys/net/ipv4/conf/all/accept_source_route") == "0"
    assert not [name for name in HOSTS if held(name)]


def test_a_run_over_a_hardened_fleet_changes_nothing_and_asks_little() -> None:
    status, output = play(
        "harden", "-e", "fleet_mended=yes", "-e", "harden_serial=100%", "-e", f"harden_retry_file={LEFT}"
    )
    assert status == 0, output
    record = recorded()
    assert outside.changed(record) == []
    runs = {name: [task for task in record["tasks"] if task["host"] == name] for name in HOSTS}
    asked = {name: len(outside.on_hosts({"tasks": tasks})) for name, tasks in runs.items()}
    assert max(asked.values()) <= MOST_RUNS, asked


def stands(name: str) -> dict[str, str]:
    """What the host is like, without the records of how it came to be so."""
    return {path: value for path, value in HOSTS[name].state().items() if not path.startswith("/var/lib/caisson")}


MORE = {
    "harden_kernel_settings": "net.ipv4.conf.all.log_martians=0",
    "docker_daemon_config_zz": {"dns": ["192.0.2.53"]},
}


def test_a_host_can_go_back_to_an_earlier_run() -> None:
    only, before = ("--limit", CANARY, *ALL_AT_ONCE), stands(CANARY)
    status, output = play("harden", *only, "-e", json.dumps(MORE))
    assert status == 0 and stands(CANARY) != before, output
    status, output = play("restore", *only, "--check", "-e", "restore_containers=no")
    assert status == 0, output
    newest = re.findall(r"time\W+(\d{4}-[\dT:-]+Z)", output)[-1]
    status, output = play(
        "restore", *only, "-e", "restore_containers=no", "-e", json.dumps({"restore_to": f"before {newest}"})
    )
    assert status == 0, output
    assert kernel_guard.different(before, stands(CANARY)) == [] and hardened(CANARY)


def test_a_hardened_host_on_which_a_run_fails_goes_back_to_what_it_was() -> None:
    before = stands(BROKEN)
    given = json.dumps({**MORE, "harden_on_failure": "restore", "fleet_mended": False})
    status, output = play("harden", "--limit", BROKEN, *ALL_AT_ONCE, "-e", given)
    assert status != 0 and "missing" in output, output
    assert kernel_guard.different(before, stands(BROKEN)) == [] and hardened(BROKEN)


def test_a_tag_undoes_its_subject_and_leaves_the_others() -> None:
    only = ("--limit", CANARY, *ALL_AT_ONCE, "-e", "fleet_mended=yes")
    HOSTS[CANARY].said("chmod 0777 /etc/docker")
    status, output = play("harden", *only)
    assert status == 0 and HOSTS[CANARY].said("stat -c %a /etc/docker") == "755", output
    status, output = play("restore", *only, "--tags", "docker_permissions")
    assert status == 0 and HOSTS[CANARY].said("stat -c %a /etc/docker") == "777", output
    assert hardened(CANARY), "more than the tag's subject was undone"
    HOSTS[CANARY].said("chmod 0755 /etc/docker")


def test_a_tag_without_a_way_back_is_refused() -> None:
    status, output = play("restore", "--limit", CANARY, *ALL_AT_ONCE, "--tags", "daemon.icc")
    assert status != 0 and "daemon.icc: a restore knows no such subject" in " ".join(output.split())
    assert hardened(CANARY)


def test_restore_is_refused_where_somebody_else_wrote_since_and_names_the_file() -> None:
    HOSTS[CANARY].said("echo '# mine' >> /etc/sysctl.d/99-security-caisson.conf")
    status, output = play("restore", *WAVES)
    assert status != 0
    assert "99-security-caisson.conf was changed" in " ".join(output.split())
    assert [name for name in HOSTS if not hardened(name)] == [], "something was restored"


def test_restore_gives_every_host_back_what_it_had() -> None:
    status, output = play("restore", *WAVES, "--check", "--diff", "-e", "restore_force=yes")
    assert status == 0 and [name for name in HOSTS if not hardened(name)] == [], output
    assert "nothing is left to undo" not in output
    for undone in ("/etc/docker/daemon.json", "/etc/sysctl.d/99-security-caisson.conf"):
        assert output.count(undone) >= len(HOSTS), output
    status, output = play(
        "restore", "-e", "harden_serial=100%", "-e", f"harden_retry_file={LEFT}", "-e", "restore_force=yes"
    )
    assert status == 0, output
    assert {name: differs(name) for name in HOSTS} == {name: [] for name in HOSTS}
    for host in HOSTS.values():
        assert host.run("test -e /var/lib/caisson || test -e /run/caisson")[0] != 0
        assert host.said("docker ps -aq") == ""
