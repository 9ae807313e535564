# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""After harden.yml ran twice, and once more with --check: the effects, seen from outside the host."""

from __future__ import annotations

import re
import time
import typing as t
import urllib.error

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.keys import profile_values, stricter
from ansible_collections.caisson.hardening.tests.support import outside

NETWORK = "check-net"


@pytest.fixture(scope="module", params=outside.hosts(), ids=lambda host: host.name)
def host(request: pytest.FixtureRequest) -> outside.Outside:
    return t.cast(outside.Outside, request.param)


@pytest.fixture(scope="module")
def busybox(host: outside.Outside) -> t.Iterator[str]:
    """The image of the checks; what they start is removed at the end."""
    yield outside.load_busybox(host)
    host.run("docker rm -fv $(docker ps -aq --filter label=check); docker network rm " + NETWORK)


def eventually(question: t.Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if question():
            return True
        time.sleep(0.5)
    return question()


def assert_profile_is_live(host: outside.Outside) -> None:
    wanted = profile_values("baseline")
    live = host.sysctls(wanted)
    assert len(live) > len(wanted) * 0.7, f"only {sorted(live)} could be read"
    assert {name: live[name] for name in live if not stricter(name, live[name], wanted[name])} == {}


def demo(host: outside.Outside) -> str:
    """The container that harden.yml deployed, up and alone."""
    names = host.said("docker ps --format '{{ .Names }}'").split()
    assert [name for name in names if not name.startswith("check-")] == ["caisson-demo"]
    return "caisson-demo"


def request(server: str, path: str = "") -> str:
    """A command for a container that asks a web server; the static busybox's wget crashes, its nc does not."""
    return f"sh -c 'printf \"GET /{path} HTTP/1.0\\r\\n\\r\\n\" | nc -w 3 {server} 8000'"


def test_check_run_on_the_untouched_host_predicted_what_converge_did() -> None:
    predicted, done = outside.records("converge")[:2]
    assert predicted["check"] and not done["check"]
    assert not [task for record in (predicted, done) for task in record["tasks"] if task["outcome"] == "failed"]
    assert outside.changed(predicted) == outside.changed(done) != []


def test_second_run_and_check_run_change_nothing() -> None:
    again, checked = outside.records("converge")[2:4]
    assert not again["check"] and checked["check"]
    assert (outside.changed(again), outside.changed(checked)) == ([], [])


def test_profile_is_live(host: outside.Outside) -> None:
    assert_profile_is_live(host)


def test_profile_is_live_after_the_system_applies_all_its_files(host: outside.Outside) -> None:
    host.run("sysctl --system")
    assert_profile_is_live(host)
    host.said("systemctl restart systemd-sysctl")
    assert_profile_is_live(host)


def test_containers_reach_each_other_over_a_user_defined_network(host: outside.Outside, busybox: str) -> None:
    host.said(f"docker network create {NETWORK}")
    serve = "'mkdir -p /tmp/w && echo served > /tmp/w/index.html && httpd -f -p 8000 -h /tmp/w'"
    host.said(f"docker run -d --label check --network {NETWORK} --name check-web -p 8000:8000 {busybox} sh -c {serve}")
    asked = f"docker run --rm --label check --network {NETWORK} {busybox} {request('check-web')}"
    assert eventually(lambda: host.said(asked).endswith("served")), host.run(asked)


def test_published_port_answers_from_outside(host: outside.Outside, busybox: str) -> None:
    assert eventually(lambda: host.get(8000).strip() == "served")


def test_containers_on_the_default_bridge_do_not_reach_each_other(host: outside.Outside, busybox: str) -> None:
    host.said(f"docker run -d --label check --name check-alone {busybox} httpd -f -p 8000 -h /etc")
    address = host.said("docker inspect -f '{{ .NetworkSettings.IPAddress }}' check-alone")
    assert "app:x" in host.said(f"docker exec check-alone {request('127.0.0.1', 'group')}")
    status, text = host.run(f"docker run --rm --label check {busybox} {request(address, 'group')}")
    assert status == 1 and "app:x" not in text


def test_daemon_settings_are_in_effect(host: outside.Outside) -> None:
    info = host.json("docker info --format '{{ json . }}'")
    bridge = host.json("docker network inspect bridge")[0]["Options"]
    assert info["LiveRestoreEnabled"] is True
    assert info["LoggingDriver"] == "local"
    assert bridge["com.docker.network.bridge.enable_icc"] == "false"
    assert host.run("pgrep docker-proxy")[0] == 1, "userland-proxy is still on"


def test_nobody_but_the_engines_group_has_its_socket(host: outside.Outside) -> None:
    status, text = host.run("docker ps", user="person")
    assert status != 0 and "permission denied" in text
    shown = host.said("systemctl show docker.socket --property=SocketMode,SocketGroup")
    assert sorted(shown.splitlines()) == ["SocketGroup=docker", "SocketMode=0660"]


def test_the_engines_socket_is_closed_when_systemd_makes_it_anew(host: outside.Outside) -> None:
    made = "stat -c '%U:%G %a %i' /run/docker.sock"
    *former, inode = host.said(made).split()
    host.said("systemctl stop docker.service && systemctl restart docker.socket && docker version")
    *now, other = host.said(made).split()
    assert other != inode and former == now == ["root:docker", "660"]


def test_containers_get_the_default_limits_and_privileges(host: outside.Outside, busybox: str) -> None:
    seen = host.said(f"docker run --rm --label check {busybox} sh -c 'ulimit -Hn; grep NoNewPrivs /proc/self/status'")
    assert seen.split() == [seen.split()[0], "NoNewPrivs:", "1"]
    assert int(seen.split()[0]) <= 65536


def test_demonstration_container_is_hardened_in_effect(host: outside.Outside) -> None:
    inside = f"docker exec {demo(host)} "
    status, text = host.run(inside + "sh -c 'echo x > /written'")
    assert status != 0 and "Read-only file system" in text
    assert host.run(inside + "sh -c 'echo x > /tmp/written'")[0] == 0
    # A program that runs elsewhere in the container is put into /tmp from the host, which the mount cannot prevent.
    pid = host.said(f"docker inspect -f '{{{{ .State.Pid }}}}' {demo(host)}")
    host.said(f"install -m 755 /bin/true /proc/{pid}/root/tmp/program")
    status, text = host.run(inside + "/tmp/program")
    assert status != 0 and "permission denied" in text.lower()
    capabilities = host.said(inside + "cat /proc/1/status")
    assert set(re.findall(r"^Cap\w+:\s*(\w+)$", capabilities, re.MULTILINE)) == {"0" * 16}


def test_limits_hold_for_a_user_who_logs_in(host: outside.Outside) -> None:
    processes, core = host.said("ulimit -Hu; ulimit -Hc", user="person").split()
    assert processes != "unlimited" and int(processes) <= int(host.said("cat /proc/sys/kernel/threads-max"))
    assert core == "0"


def test_setuid_program_in_tmp_gives_no_rights(host: outside.Outside) -> None:
    for folder in ("/tmp", "/var/tmp"):
        host.said(f"install -m 4755 /usr/bin/id {folder}/check-id")
        assert host.said(f"{folder}/check-id -un", user="person") == "person"
        host.said(f"rm {folder}/check-id")


def test_a_crash_leaves_no_core_dump_in_a_session_a_service_or_a_container(host: outside.Outside, busybox: str) -> None:
    # Each with the limit lifted, as Docker's unit has it, so that it is the kernel's pattern that counts.
    folder = "/var/tmp/check-crash"
    crash = "ulimit -c unlimited; sleep 60 & kill -SEGV $!; wait; ls -A"
    host.said(f"install -d -m 1777 {folder}")
    host.said(f"cd {folder} && sh -c '{crash}'")
    host.said(
        f"systemd-run --wait -p LimitCORE=infinity -p WorkingDirectory={folder} sh -c '{crash.replace('$', '$$')}'"
    )
    assert host.said(f"ls -A {folder}; rm -r {folder}") == ""
    contained = f"docker run --rm --label check --ulimit core=-1 -w /tmp {busybox} sh -c '{crash}'"
    assert "core" not in host.said(contained)


def test_systemd_bounds_the_tasks_of_services(host: outside.Outside) -> None:
    text = host.said("systemctl show --property DefaultTasksMax --value")
    assert text.isdigit() and int(text) < int(host.said("cat /proc/sys/kernel/pid_max"))


def test_systemd_bounds_the_engine_and_the_sessions_of_users(host: outside.Outside) -> None:
    for unit in ("docker.service", "containerd.service", "user-1000.slice"):
        text = host.said(f"systemctl show {unit} --property TasksMax --value")
        assert text.isdigit() and int(text) < int(host.said("cat /proc/sys/kernel/threads-max")), unit


def test_containers_survive_a_restart_of_the_engine(host: outside.Outside, busybox: str) -> None:
    name = demo(host)
    before = host.said(f"docker inspect -f '{{{{ .State.Pid }}}}' {name} check-web")
    host.said("systemctl restart docker")
    assert eventually(lambda: host.run("docker version")[0] == 0)
    assert host.said(f"docker inspect -f '{{{{ .State.Pid }}}}' {name} check-web") == before
    assert_profile_is_live(host)

    def answers() -> bool:
        try:
            return host.get(8000).strip() == "served"
        except (urllib.error.URLError, OSError):
            return False

    assert eventually(answers)
