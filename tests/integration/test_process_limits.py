# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The process_limits module on the real kernel; where no systemd runs, as in most containers."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.tests.support.kernel import AS_NOBODY, DYING, Place, place

KEYS = ("kernel.threads-max", "kernel.pid_max", "kernel.core_pattern")
PAM_FILE = "/etc/security/limits.d/60-caisson-hardening.conf"
SYSCTL_FILE = "/etc/sysctl.d/99-security-caisson-limits.conf"
PIDS_MOUNTS = 'awk \'($3 == "cgroup" && $4 ~ /pids/) || $3 == "cgroup2" { print $2 }\' /proc/mounts'
RUNUSER = pytest.mark.skipif(
    not (shutil.which("runuser") and Path("/etc/pam.d/runuser").exists()), reason="needs runuser with PAM"
)

KILLED = (
    DYING
    + """
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits import apply, spec
apply.run(spec.parse(threads_max="9000", pid_max="90000"))
"""
)


@pytest.fixture
def host(tmp_path: Path) -> t.Iterator[Place]:
    with place(tmp_path) as made:
        made.sh("[ ! -d /run/systemd ] || mount -t tmpfs tmpfs /run/systemd")
        # The containers of other engines of the machine come and go.
        made.sh(f"for mount in $({PIDS_MOUNTS}); do mount -t tmpfs tmpfs $mount; done")
        # A machine that is hardened already must not make the tests pass or fail by that.
        made.set("kernel.threads-max", "12000")
        made.set("kernel.pid_max", "32768")
        made.set("kernel.core_pattern", "core")
        yield made


def limits_of(user: str, host: Place) -> dict[str, tuple[int, int]]:
    """The soft and hard limits of a session of the user, as the kernel shows them."""
    words = {"processes": "Max processes", "core": "Max core file size"}
    lines = host.sh(f"runuser -u {user} -- cat /proc/self/limits").splitlines()
    found = {name: next(line for line in lines if line.startswith(start)) for name, start in words.items()}
    numbers = {name: line.replace("unlimited", "-1").split()[-3:-1] for name, line in found.items()}
    return {name: (int(soft), int(hard)) for name, (soft, hard) in numbers.items()}


def evidence(result: dict[str, t.Any], control: str, outcome: str) -> str:
    """Of the control, whose outcome is asserted."""
    found = next(each for each in result["findings"] if each["control"] == f"process_limits.{control}")
    assert found["outcome"] == outcome, found
    return str(found["evidence"])


def test_limits_are_live_and_come_back_at_boot(host: Place) -> None:
    result = host.run("process_limits")
    sizes = result["sizes"]
    wanted = {"kernel.threads-max": str(sizes["threads_max"]), "kernel.pid_max": str(sizes["pid_max"])}
    wanted["kernel.core_pattern"] = "|/bin/false"
    assert host.values(*KEYS) == wanted
    assert f"* hard nproc {sizes['user_processes']}" in host.sh(f"cat {PAM_FILE}")
    assert sizes["pid_max"] >= sizes["threads_max"]
    for key in KEYS[:2]:
        host.set(key, "11000")
    host.set("kernel.core_pattern", "core")
    host.sh("sysctl --system")
    assert host.values(*KEYS) == wanted


def test_without_systemd_it_says_so_and_does_the_rest(host: Place) -> None:
    result = host.run("process_limits")
    assert "No systemd runs here" in str(result["warnings"])
    assert not any("/etc/systemd" in action or "reload" in action for action in result["actions"])
    outcomes = {finding["control"]: finding["outcome"] for finding in result["findings"]}
    needs_systemd = ("tasks_max", "service_processes", "user_tasks", "docker_tasks", "core_storage")
    assert {outcomes[f"process_limits.{name}"] for name in needs_systemd} == {"not_applicable"}
    assert outcomes["process_limits.threads_max"] == outcomes["process_limits.core_dumps"] == "pass"


@RUNUSER
def test_session_of_an_ordinary_user_is_limited(host: Place) -> None:
    host.run("process_limits", user_processes="300")
    assert limits_of("nobody", host) == {"processes": (150, 300), "core": (0, 0)}
    assert limits_of("root", host)["processes"] != (150, 300) and limits_of("root", host)["core"] == (0, 0)


@RUNUSER
def test_fork_bomb_of_an_ordinary_user_stops_at_the_limit(host: Place) -> None:
    host.run("process_limits", user_processes="300")
    bomb = (
        "import os, signal, time\n"
        "children = []\n"
        "try:\n"
        "    while len(children) < 1000:\n"
        "        child = os.fork()\n"
        "        child or time.sleep(60)\n"
        "        children.append(child)\n"
        "except BlockingIOError:\n"
        "    pass\n"
        "for child in children:\n"
        "    os.kill(child, signal.SIGKILL)\n"
        "print(len(children))\n"
    )
    assert 0 < int(host.sh(f"runuser -u nobody -- /usr/bin/env python3 -c '{bomb}'")) <= 150


@RUNUSER
def test_exempt_user_is_not_limited(host: Place) -> None:
    host.run("process_limits", user_processes="300", exempt=["nobody"])
    assert limits_of("nobody", host)["processes"] != (150, 300)


@RUNUSER
def test_line_of_another_file_that_wins_is_named_and_gone_when_it_is_gone(host: Place) -> None:
    host.run("process_limits", user_processes="300")
    host.sh("cd /etc/security/limits.d; echo '* hard nproc 400' > 90-more.conf; echo '* hard nproc 900' > 10.conf")
    assert limits_of("nobody", host)["processes"] == (150, 400)
    result = host.run("process_limits", user_processes="300")
    named = "'* hard nproc 400' in /etc/security/limits.d/90-more.conf"
    assert not result["changed"] and named in str(result["warnings"]) and "10.conf" not in str(result["warnings"])
    assert named in evidence(result, "user_processes", "fail")
    host.sh("rm /etc/security/limits.d/90-more.conf")
    assert evidence(host.run("process_limits", user_processes="300"), "user_processes", "pass")


def test_service_that_opens_sessions_past_the_limits_is_named_with_the_remedy(host: Place) -> None:
    host.sh(
        "rm -rf /etc/pam.d/* /etc/ssh; echo 'session required pam_limits.so' > /etc/pam.d/login; mkdir -p /etc/ssh/d"
    )
    assert "login" in evidence(host.run("process_limits"), "pam", "pass")
    host.sh("echo 'session required pam_unix.so' > /etc/pam.d/cron; echo '@include login' > /etc/pam.d/sshd")
    host.sh("cd /etc/ssh; echo 'UsePAM no' > d/a; printf 'Include d/*\\nUsePAM yes\\n' > sshd_config")
    result = host.run("process_limits")
    assert "UsePAM yes" in evidence(result, "pam", "fail")
    assert "write 'session required pam_limits.so' into /etc/pam.d/cron" in str(result["warnings"])
    host.sh("rm /etc/ssh/d/a /etc/pam.d/cron")
    assert "sshd" in evidence(host.run("process_limits"), "pam", "pass")


def test_second_run_changes_nothing(host: Place) -> None:
    assert host.run("process_limits")["changed"]
    tree = host.tree()
    for check in (True, False):
        assert not host.run("process_limits", check=check)["changed"]
    assert host.tree() == tree


def test_check_predicts_exactly_and_touches_nothing(host: Place) -> None:
    tree, values = host.tree(), host.values(*KEYS)
    predicted = host.run("process_limits", check=True)
    assert (host.tree(), host.values(*KEYS)) == (tree, values)
    assert predicted == host.run("process_limits") and predicted["changed"]


def test_absent_brings_back_everything(host: Place) -> None:
    host.sh(f"rmdir /etc/security/limits.d; echo '# mine' > {SYSCTL_FILE}")
    tree, values = host.tree(), host.values(*KEYS)
    host.run("process_limits")
    host.run("process_limits", user_processes="keep", core_dumps=True, threads_max="keep")
    assert host.get("kernel.threads-max") == values["kernel.threads-max"]
    predicted = host.run("process_limits", state="absent", check=True)
    assert predicted == host.run("process_limits", state="absent") and predicted["changed"]
    assert (host.tree(), host.values(*KEYS)) == (tree, values)
    assert not host.run("process_limits", state="absent")["changed"]


def test_limit_below_what_runs_now_is_refused(host: Place) -> None:
    host.sh(
        "echo '0.0 0.0 0.0 1/5000 1' > /tmp/loadavg.$$; mount --bind /tmp/loadavg.$$ /proc/loadavg; rm /tmp/loadavg.$$"
    )
    tree = host.tree()
    result = host.run("process_limits", threads_max="4000")
    assert "is not above the 5000 threads that run now" in result["msg"] and host.tree() == tree


def test_every_fault_of_the_input_is_told_at_once(host: Place) -> None:
    tree = host.tree()
    result = host.run(
        "process_limits",
        threads_max="many",
        pid_max="-1",
        tasks_max="1",
        container_pids="keep",
        exempt=["a b", "x\n* - nproc 1"],
        exempt_services=["../x", "a.socket"],
    )
    assert "8 faults" in result["msg"] and host.tree() == tree


def test_refused_write_takes_everything_back(host: Place) -> None:
    values = host.values(*KEYS)
    # The PAM file cannot be written: its directory is full. What was written before it goes back.
    host.sh("mount -t tmpfs -o size=4k tmpfs /etc/security/limits.d; head -c 4096 /dev/zero > /etc/security/limits.d/f")
    tree = host.tree()
    result = host.run("process_limits")
    assert result["failed"] and "No space left on device" in result["msg"]
    assert (host.tree(), host.values(*KEYS)) == (tree, values)


def test_read_only_kernel_is_reported_on_request(host: Place) -> None:
    host.sh("mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys")
    assert "mounted read-only" in host.run("process_limits", threads_max="9000")["msg"]
    options = {"threads_max": "9000", "unwritable": "report"}
    predicted = host.run("process_limits", **options, check=True)
    result = host.run("process_limits", **options)
    assert predicted == result
    assert "kernel.threads-max" in result["refused"] and f"write {PAM_FILE}" in result["actions"]
    assert not host.run("process_limits", **options)["changed"]


@pytest.mark.parametrize("step", range(6))
def test_run_after_a_kill_converges_and_can_be_undone(host: Place, step: int) -> None:
    tree, values = host.tree(), host.values(*KEYS)
    killed = host.script(KILLED, str(step))
    assert killed.returncode == -9, killed.stderr
    options = {"threads_max": "9000", "pid_max": "90000"}
    host.run("process_limits", **options)
    assert host.values(*KEYS[:2]) == {"kernel.threads-max": "9000", "kernel.pid_max": "90000"}
    assert host.get("kernel.core_pattern") == "|/bin/false"
    assert not host.run("process_limits", **options)["changed"]
    host.run("process_limits", state="absent")
    assert (host.tree(), host.values(*KEYS)) == (tree, values)


def test_user_without_permission_is_told_and_nothing_changes(host: Place) -> None:
    tree, values = host.tree(), host.values(*KEYS)
    done = host.script(AS_NOBODY.format(module="process_limits", options={}))
    assert "add 'become: true'" in done.stdout and "Traceback" not in done.stdout + done.stderr
    assert (host.tree(), host.values(*KEYS)) == (tree, values)


def test_it_stands_beside_the_kernel_settings(host: Place) -> None:
    tree, values = host.tree(), host.values(*KEYS)
    host.run("process_limits")
    host.run("sysctl", settings={"net.ipv4.tcp_rfc1337": 1})
    host.run("process_limits", state="absent")
    assert host.values(*KEYS) == values and not host.run("sysctl", settings={"net.ipv4.tcp_rfc1337": 1})["changed"]
    host.run("sysctl", state="absent")
    assert host.tree() == tree


def test_core_dumps_have_a_switch_and_an_undo_of_their_own(host: Place) -> None:
    def run(*parts: str, **options: t.Any) -> dict[str, t.Any]:
        predicted = host.run("process_limits", check=True, parts=list(parts), **options)
        result = host.run("process_limits", parts=list(parts), **options)
        assert result["rc"] == 0 and result == predicted, result
        assert not host.run("process_limits", parts=list(parts), **options)["changed"]
        return result

    def stands() -> tuple[str, str, bool, bool]:
        pam = host.sh(f"cat {PAM_FILE} 2>/dev/null || true")
        return host.get("kernel.threads-max"), host.get("kernel.core_pattern"), "nproc" in pam, "core 0" in pam

    tree = host.tree()
    off = run("core_dumps")
    assert stands() == ("12000", "|/bin/false", False, True)
    named = {each["control"].split(".")[1] for each in off["findings"]}
    assert named == {"core_dumps", "core_pattern", "core_storage", "pam"}
    run("limits", threads_max="9000")
    assert stands() == ("9000", "|/bin/false", True, True)
    run("core_dumps", state="absent")
    assert stands() == ("9000", "core", True, False)
    run("core_dumps")
    assert stands() == ("9000", "|/bin/false", True, True), "the limits are as they were asked for last"
    run("limits", state="absent")
    assert stands() == ("12000", "|/bin/false", False, True)
    run("core_dumps", state="absent")
    assert stands() == ("12000", "core", False, False) and host.tree() == tree
