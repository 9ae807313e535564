# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The process limits on a host with systemd, logins and an engine of its own; the effect, not only the files.

The kernel is the machine's, so its two keys are left alone but where a test says so. What runs in the host, fork bombs
above all, ends at the PID limit of the container that it is.
"""

from __future__ import annotations

import json
import time
import typing as t
import uuid
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support import hosts, images, kernel_guard
from ansible_collections.caisson.hardening.tests.support.kernel import DYING
from ansible_collections.caisson.hardening.tests.support.outside import Outside
from ansible_collections.caisson.hardening.tests.support.run_module import COLLECTIONS
from ansible_collections.caisson.hardening.tests.support.shell import output

CAGE = 3000
KEEP = {"threads_max": "keep", "pid_max": "keep"}
NUMBERS = {"user_processes": "300", "user_tasks_max": "260", "tasks_max": "1500", "service_processes": "1200",
           "docker_tasks_max": "900"}  # fmt: skip
OPTIONS = {**KEEP, **NUMBERS}
RUN = """
import json, sys
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits import apply, spec
options = json.loads(sys.argv[2])
result = apply.run(spec.parse(**options), check=sys.argv[1] == "check")
print(json.dumps({**result.as_dict(), "warnings": result.warnings}))
"""
# It dies before a removal and before the reload too. DYING has the first argument for itself.
ALSO_DYING = """
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits import apply
transaction.remove_file = step(transaction.remove_file)
apply.daemon_reload = step(apply.daemon_reload)
del sys.argv[1]
"""
# Forks until it may not, then says how often it could and stays.
BOMB = (
    "import os, sys, time\n"
    "made = 0\n"
    "while made < 2000:\n"
    "    try:\n"
    "        if os.fork() == 0:\n"
    "            time.sleep(120)\n"
    "            os._exit(0)\n"
    "    except BlockingIOError:\n"
    "        break\n"
    "    made += 1\n"
    "open(sys.argv[1], 'w').write(str(made))\n"
    "time.sleep(120)\n"
)
UNITS = ("docker.service", "containerd.service", "user-1000.slice", "user-0.slice", "ci.service")
STATE = (
    "find /etc /var/lib/caisson -printf '%p %y %m %U:%G %l\\n' 2>/dev/null | sort; "
    "find /etc /var/lib/caisson -type f -exec sha256sum {} + 2>/dev/null | sort -k 2; "
    f"systemctl show {' '.join(UNITS)} --property=Id,TasksMax,LimitNPROC,DropInPaths; "
    "systemctl show --property=DefaultTasksMax,DefaultLimitNPROC,DefaultLimitNPROCSoft,DefaultLimitCORE"
)


class Host:
    """The host, and what a test does on it."""

    def __init__(self, client: docker.APIClient, name: str, outside: Outside) -> None:
        self.client, self.name, self.outside = client, name, outside

    def run(self, command: str, user: str = "root") -> tuple[int, str]:
        return hosts.execute(self.client, self.name, ["sh", "-c", command], user=user)

    def said(self, command: str) -> str:
        status, text = self.run(command)
        assert status == 0, f"{command!r} ended with {status}:\n{text}"
        return text.strip()

    def script(self, code: str, *arguments: str) -> tuple[int, str]:
        argv = ["python3", "-c", code, *arguments]
        return hosts.execute(self.client, self.name, argv, env={"PYTHONPATH": "/srv/core"})

    def limit(self, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """The result of a run of the module's core."""
        status, text = self.script(RUN, "check" if check else "run", json.dumps(options))
        assert status == 0, text
        return dict(json.loads(text.splitlines()[-1]))

    def show(self, unit: str, name: str = "TasksMax") -> str:
        return self.said(f"systemctl show {unit} --property={name} --value")

    def tasks_of(self, user: str) -> int:
        return int(self.said(f"ps -L -u {user} -o lwp= | wc -l"))


@pytest.fixture(scope="module")
def machine(api: docker.APIClient, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Host]:
    key = tmp_path_factory.mktemp("keys") / "key"
    output(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(key)])
    name = f"caisson-limits-{uuid.uuid4().hex[:8]}"
    try:
        with kernel_guard.boot_noted():
            hosts.start(api, name, images.ensure_debian(api, images.HOST), pids_limit=CAGE)
            hosts.wait_for_systemd(api, name)
        core = COLLECTIONS / "ansible_collections/caisson/hardening/plugins/module_utils"
        for path in core.rglob("*.py"):
            put(api, name, f"/srv/core/{path.relative_to(COLLECTIONS)}", path)
        address = api.inspect_container(name)["NetworkSettings"]["IPAddress"]
        found = Host(api, name, Outside(name, address, str(key)))
        hosts.put(api, name, "/srv/key.pub", key.with_suffix(".pub").read_bytes())
        found.said(
            "install -d -o person ~person/.ssh; install -o person -m 600 /srv/key.pub ~person/.ssh/authorized_keys"
        )
        found.said("printf '[Service]\\nExecStart=sleep infinity\\nUser=nobody\\n'"
                   " > /etc/systemd/system/ci.service; systemctl daemon-reload; systemctl start ci")  # fmt: skip
        image = b"".join(api.get_image(images.ensure_busybox(api)))
        hosts.put(api, name, "/srv/busybox.tar", image)
        found.said("docker load -i /srv/busybox.tar")
        yield found
    finally:
        hosts.remove(api, name)


def put(api: docker.APIClient, name: str, path: str, source: Path) -> None:
    hosts.put(api, name, path, source.read_bytes())


@pytest.fixture
def host(machine: Host) -> t.Iterator[Host]:
    """The host without limits of ours, before the test and after it."""
    before = machine.said(STATE)
    yield machine
    machine.run("pkill -KILL -u person; docker rm -fv $(docker ps -aq)")
    machine.limit(state="absent")
    assert machine.said(STATE) == before


@pytest.fixture
def busybox(api: docker.APIClient) -> str:
    return images.ensure_busybox(api)


def outcome(result: dict[str, t.Any], control: str) -> tuple[str, str]:
    found = next(each for each in result["findings"] if each["control"] == f"process_limits.{control}")
    return found["outcome"], found["evidence"]


def bombed(host: Host, marker: str) -> int:
    """How often the bomb could fork, once it may no longer."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        status, text = host.run(f"cat {marker}")
        if status == 0 and text.strip():
            return int(text)
        time.sleep(0.3)
    raise AssertionError(f"the bomb did not end: {host.run('ps aux | tail -5')[1]}")


def assert_host_lives(host: Host, busybox: str) -> None:
    """Root starts processes, also by a login, a service starts, and the engine runs a container."""
    assert host.said("for i in $(seq 50); do sleep 1 & done; wait; echo all") == "all"
    assert host.said("systemctl restart ci && systemctl is-active ci") == "active"
    assert host.said(f"docker run --rm {busybox} echo alive") == "alive"


def test_limits_are_in_force_at_once_and_check_predicted_them(host: Host) -> None:
    engine = host.show("docker", "MainPID")
    predicted = host.limit(check=True, **OPTIONS)
    assert "60-caisson" not in host.said("find /etc/systemd")
    result = host.limit(**OPTIONS)
    assert predicted == result and result["changed"]
    shown = host.said("systemctl show --property=DefaultTasksMax,DefaultLimitNPROC,DefaultLimitNPROCSoft").splitlines()
    assert sorted(shown) == ["DefaultLimitNPROC=1200", "DefaultLimitNPROCSoft=1200", "DefaultTasksMax=1500"]
    # The cgroup of the running engine, without a restart of it.
    assert host.said("cat /sys/fs/cgroup/pids/system.slice/docker.service/pids.max") == "900"
    assert host.show("docker", "MainPID") == engine
    assert [host.show(unit) for unit in UNITS[:3]] == ["900", "900", "260"]
    assert any(
        "docker.service: LimitNPROC=900 is effective after its next restart" in each for each in result["pending"]
    )
    for control in ("tasks_max", "service_processes", "user_tasks", "docker_tasks", "user_processes", "pam"):
        assert outcome(result, control)[0] == "pass", outcome(result, control)


def test_second_run_changes_nothing(host: Host) -> None:
    host.limit(**OPTIONS)
    for check in (True, False):
        result = host.limit(check=check, **OPTIONS)
        assert (result["changed"], result["actions"]) == (False, [])


def test_check_predicts_the_undo_too(host: Host) -> None:
    host.limit(**OPTIONS, exempt=["person"], exempt_services=["ci"])
    predicted = host.limit(check=True, state="absent")
    assert predicted == host.limit(state="absent") and predicted["changed"]
    assert not host.limit(state="absent")["changed"]


def test_process_limit_of_the_engine_holds_after_its_restart(host: Host) -> None:
    host.limit(**OPTIONS)
    host.said("systemctl restart docker containerd")
    limits = host.said("grep 'Max processes' /proc/$(systemctl show docker -p MainPID --value)/limits").split()
    assert limits[2:4] == ["900", "900"]
    result = host.limit(**OPTIONS)
    assert result["pending"] == [] and not result["changed"]


def test_limits_of_sessions_and_services_do_not_mix(host: Host) -> None:
    host.limit(**OPTIONS)
    host.said("systemctl restart ci")
    service = host.said("grep 'Max processes' /proc/$(systemctl show ci -p MainPID --value)/limits").split()
    assert service[2:4] == ["1200", "1200"]
    assert host.outside.said("ulimit -Su; ulimit -Hu", user="person").split() == ["150", "300"]
    assert host.said("su - person -c 'ulimit -Su; ulimit -Hu'").split() == ["150", "300"]


def test_fork_bomb_of_a_login_is_contained(host: Host, busybox: str) -> None:
    host.limit(**OPTIONS)
    hosts.put(host.client, host.name, "/srv/bomb.py", BOMB.encode())
    command = "ulimit -Su 300; nohup python3 /srv/bomb.py /tmp/made-login > /dev/null 2>&1 &"
    host.outside.said(command, user="person")
    assert 200 < bombed(host, "/tmp/made-login") <= 300
    assert host.tasks_of("person") <= 300
    assert host.run("true", user="person")[0] == 0, "the engine's exec is root's doing"
    assert host.outside.run("echo in", user="person")[1] != "in", "the user's next process should not start"
    assert_host_lives(host, busybox)
    host.said("pkill -KILL -u person; rm /tmp/made-login")
    host.outside.disconnect("person")
    assert host.outside.said("echo in", user="person") == "in"


def test_fork_bomb_in_a_slice_of_a_user_is_contained_under_any_number(host: Host, busybox: str) -> None:
    host.limit(**OPTIONS)
    hosts.put(host.client, host.name, "/srv/bomb.py", BOMB.encode())
    host.said("systemd-run --quiet --unit=bomb --slice=user-1000.slice --property=TasksMax=infinity "
              "--property=LimitNPROC=infinity python3 /srv/bomb.py /tmp/made-slice")  # fmt: skip
    assert 200 < bombed(host, "/tmp/made-slice") <= 260
    assert host.said("cat /sys/fs/cgroup/pids/user.slice/user-1000.slice/pids.max") == "260"
    assert_host_lives(host, busybox)
    host.said("systemctl kill --signal=KILL user-1000.slice; rm /tmp/made-slice")
    host.run("systemctl reset-failed bomb")


def test_running_slice_gets_the_limit_and_loses_it_again(host: Host) -> None:
    host.said("systemd-run --quiet --unit=there --slice=user-1000.slice sleep 300")
    former = host.said("cat /sys/fs/cgroup/pids/user.slice/user-1000.slice/pids.max")
    host.limit(**OPTIONS)
    assert host.said("cat /sys/fs/cgroup/pids/user.slice/user-1000.slice/pids.max") == "260" != former
    host.limit(state="absent")
    assert host.said("cat /sys/fs/cgroup/pids/user.slice/user-1000.slice/pids.max") == former
    host.said("systemctl stop there")


def test_exempt_users_and_services_are_not_limited_and_root_keeps_its_own(host: Host) -> None:
    roots = host.show("user-0.slice")
    host.limit(**OPTIONS, exempt=["person", "@ghosts"], exempt_services=["ci", "docker", "later"])
    assert [host.show("user-1000.slice"), host.show("ci"), host.show("docker")] == ["infinity"] * 3
    assert (host.show("user-0.slice"), host.show("user-1001.slice"), host.show("containerd")) == (roots, "260", "900")
    result = host.limit(**OPTIONS, exempt=["person", "@ghosts"], exempt_services=["ci", "docker", "later"])
    assert not result["changed"]
    assert "names @ghosts" in str(result["warnings"]) and "names later.service" in str(result["warnings"])
    host.limit(**OPTIONS)
    assert [host.show("user-1000.slice"), host.show("ci"), host.show("docker")] == ["260", "1500", "900"]


def test_containers_are_beside_the_engine_and_their_limits_add_up(host: Host, busybox: str) -> None:
    for number in (1, 2):
        host.said(f"docker run -d --pids-limit {number * 100} --name limited-{number} {busybox} sleep 300")
    assert host.limit(check=True)["container_pids"] == {"sum": 300, "unlimited": []}
    assert outcome(host.limit(check=True), "container_pids")[0] == "pass"
    cgroup = host.said("cat /proc/$(docker inspect -f '{{.State.Pid}}' limited-1)/cgroup")
    assert "/docker/" in cgroup and ".service" not in cgroup
    host.said("docker rm -f limited-1 limited-2")


def test_limits_add_up_with_the_cgroup_driver_of_systemd(host: Host, busybox: str) -> None:
    config = "/etc/docker/daemon.json"
    hosts.put(host.client, host.name, config, b'{"exec-opts": ["native.cgroupdriver=systemd"]}')
    try:
        host.said("systemctl restart docker")
        host.said(f"docker run -d --pids-limit 150 --name scoped {busybox} sleep 300")
        cgroup = host.said("cat /proc/$(docker inspect -f '{{.State.Pid}}' scoped)/cgroup")
        assert "/system.slice/docker-" in cgroup and "docker.service" not in cgroup
        assert host.limit(check=True)["container_pids"] == {"sum": 150, "unlimited": []}
    finally:
        host.run(f"docker rm -f scoped; rm {config}; systemctl restart docker")


def test_container_without_a_limit_is_named_and_its_engine_need_not_answer(host: Host, busybox: str) -> None:
    host.said(f"docker run -d --pids-limit 100 --name limited {busybox} sleep 300")
    host.said(f"docker run -d --pids-limit -1 --name free {busybox} sleep 300")
    result = host.limit(check=True)
    assert result["container_pids"] == {"sum": 100, "unlimited": ["free"]}
    assert outcome(result, "container_pids")[0] == "fail" and "free" in str(result["warnings"])
    identity = host.said("docker inspect -f '{{.Id}}' free")[:12]
    host.said("mv /usr/bin/docker /usr/bin/docker.away")
    try:
        assert host.limit(check=True)["container_pids"]["unlimited"] == [identity]
    finally:
        host.said("mv /usr/bin/docker.away /usr/bin/docker")


def test_sizes_have_room_for_the_containers_and_do_not_move_with_them(host: Host, busybox: str) -> None:
    host.said(f"docker run -d --pids-limit 1000 --name big {busybox} sleep 300")
    try:
        first = host.limit(**NUMBERS)
        assert outcome(first, "container_room")[0] == "pass"
        threads = int(host.said("cat /proc/sys/kernel/threads-max"))
        assert threads == first["sizes"]["threads_max"] > 1000
        host.said(f"docker rm -f big; docker run -d --pids-limit 700 --name small {busybox} sleep 300")
        assert not host.limit(**NUMBERS)["changed"]
        much = host.limit(check=True, **NUMBERS, container_pids="4000000")
        assert "4000000 tasks together" in str(much["warnings"]) and outcome(much, "container_room")[0] == "fail"
    finally:
        host.limit(state="absent")


def test_declared_containers_have_room_before_they_run_and_count_once(host: Host, busybox: str) -> None:
    options = {**NUMBERS, "declared_containers": {"web": 1000, "db": 700}}
    try:
        predicted, first = host.limit(check=True, **options), host.limit(**options)
        assert predicted == first and first["container_pids"]["sum"] == 1700
        host.said(f"for name in web db; do docker run -d --pids-limit 700 --name $name {busybox} sleep 300; done")
        host.said(f"docker update --pids-limit 1000 web; docker run -d --pids-limit 5 --name own {busybox} sleep 300")
        second = host.limit(**options)
        assert second["container_pids"]["sum"] == 1705 and not second["changed"]
    finally:
        host.limit(state="absent")


def test_drop_in_of_somebody_else_that_wins_is_named(host: Host) -> None:
    path = "/etc/systemd/system/docker.service.d/zz-mine.conf"
    host.said(f"mkdir -p {Path(path).parent}; printf '[Service]\\nTasksMax=2222\\n' > {path}; systemctl daemon-reload")
    try:
        predicted, result = host.limit(check=True, **OPTIONS), host.limit(**OPTIONS)
        assert predicted == result and host.show("docker") == "2222"
        assert f"{path} is read after our file and sets TasksMax=2222" in str(result["warnings"])
        assert outcome(result, "docker_tasks")[0] == "fail" and path in outcome(result, "docker_tasks")[1]
        assert not host.limit(**OPTIONS)["changed"]
        host.limit(state="absent")
        assert host.said(f"cat {path}").endswith("2222")
    finally:
        host.said(f"rm {path}; rmdir {Path(path).parent}; systemctl daemon-reload")


def test_drop_in_that_was_changed_by_hand_is_mended(host: Host) -> None:
    host.limit(**OPTIONS)
    host.said("echo TasksMax=5 >> /etc/systemd/system/containerd.service.d/60-caisson-limits.conf")
    assert "reload systemd" in host.limit(**OPTIONS)["actions"] and host.show("containerd") == "900"


# Seven files, the reload, the record.
@pytest.mark.parametrize("step", [0, 1, 4, 7, 8])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_run_after_a_kill_converges(host: Host, state: str, step: int) -> None:
    """The original state comes back too: the fixture looks."""
    if state == "absent":
        host.limit(**OPTIONS)
    options = {**OPTIONS, "state": state}
    status, text = host.script(DYING + ALSO_DYING + RUN, str(step), "run", json.dumps(options))
    assert status == 137, text
    host.limit(**OPTIONS)
    assert [host.show(unit) for unit in UNITS[:3]] == ["900", "900", "260"]
    assert not host.limit(**OPTIONS)["changed"]
