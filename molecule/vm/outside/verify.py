# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""After harden.yml ran, the hosts booted anew, and it ran again: what holds on a real kernel."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.tests.support import container_network, outside

# A few of the strict profile by hand, so that a catalogue that lost them is noticed.
EXPECTED = {
    "fs.protected_fifos": "2",
    "fs.suid_dumpable": "0",
    "kernel.dmesg_restrict": "1",
    "kernel.kptr_restrict": "2",
    "kernel.unprivileged_bpf_disabled": "2",
    "net.ipv4.conf.all.accept_redirects": "0",
    "net.ipv4.ip_forward": "1",
    "net.ipv4.tcp_syncookies": "1",
}


@pytest.fixture(scope="module", params=outside.hosts(), ids=lambda host: host.name)
def host(request: pytest.FixtureRequest) -> outside.Outside:
    return t.cast(outside.Outside, request.param)


def set_values(host: outside.Outside) -> dict[str, str]:
    """What the module says it keeps."""
    done = outside.records("converge")[0]
    (values,) = (task["values"] for task in done["tasks"] if task["host"] == host.name and "values" in task)
    return {name: " ".join(str(value).split()) for name, value in values.items()}


def assert_values_are_live(host: outside.Outside) -> None:
    wanted = {**set_values(host), **EXPECTED}
    assert len(wanted) > 30
    live = host.sysctls(wanted)
    assert {name: live.get(name) for name in wanted if live.get(name) != wanted[name]} == {}


def test_run_did_its_work_in_few_tasks(host: outside.Outside) -> None:
    done = outside.records("converge")[0]
    assert not done["check"] and outside.changed(done)
    assert not [task["task"] for task in done["tasks"] if task["outcome"] == "failed"]
    mine = [task for task in done["tasks"] if task["host"] == host.name]
    assert 4 <= len(outside.on_hosts({"tasks": mine})) <= 40


def test_second_run_changed_nothing(host: outside.Outside) -> None:
    again = outside.records("converge")[1]
    assert not again["check"] and [task for task in again["tasks"] if task["host"] == host.name]
    assert outside.changed(again) == []


def test_host_booted_without_a_failed_unit(host: outside.Outside) -> None:
    assert host.said("systemctl list-units --failed --plain --no-legend") == ""


def test_values_are_live_after_the_boot(host: outside.Outside) -> None:
    assert_values_are_live(host)


def test_containers_came_back_and_their_traffic_works(host: outside.Outside) -> None:
    assert container_network.works(host) == container_network.WORKS


def test_user_namespaces_of_containers_still_work(host: outside.Outside) -> None:
    assert container_network.remapped_root(host) > 0


def test_limits_hold_for_a_user_who_logs_in(host: outside.Outside) -> None:
    processes, core = host.said("ulimit -Hu; ulimit -Hc", user="person").split()
    assert processes != "unlimited" and int(processes) <= int(host.said("cat /proc/sys/kernel/threads-max"))
    assert core == "0"


def test_demonstration_container_is_bounded_by_its_control_group(host: outside.Outside) -> None:
    group = "/sys/fs/cgroup$(cut -d: -f3 /proc/$(docker inspect -f '{{ .State.Pid }}' caisson-demo)/cgroup)"
    assert host.said(f"cd {group} && cat memory.max pids.max").split() == [str(32 << 20), "16"]


def test_modules_that_are_denied_cannot_be_loaded_by_hand_or_by_a_socket(host: outside.Outside) -> None:
    assert host.said("modinfo -F filename tipc").endswith((".ko", ".ko.xz")), "there is nothing to deny"
    status, text = host.run("modprobe tipc")
    assert status != 0, text
    status, text = host.run("python3 -c 'import socket; socket.socket(socket.AF_TIPC, socket.SOCK_RDM)'", user="person")
    assert status != 0 and "Address family not supported" in text
    assert host.run("grep -w ^tipc /proc/modules")[0] == 1


def test_mounts_carry_their_options_after_the_boot(host: outside.Outside) -> None:
    run_there = "cp /bin/true {0}/program && {0}/program; status=$?; rm {0}/program; exit $status"
    for folder in ("/tmp", "/var/tmp", "/dev/shm"):
        status, text = host.run(run_there.format(folder), user="person")
        assert status != 0 and "Permission denied" in text, folder
    assert host.run("ls /proc/1", user="person")[0] != 0
    assert host.said("ls /proc/1 | wc -l") != "0"


@pytest.mark.parametrize("order", ["systemd-sysctl docker", "docker systemd-sysctl"])
def test_traffic_survives_restarts_in_either_order(host: outside.Outside, order: str) -> None:
    first, second = order.split()
    host.said(f"systemctl restart {first} && systemctl restart {second}")
    assert container_network.works(host) == container_network.WORKS
    assert_values_are_live(host)
