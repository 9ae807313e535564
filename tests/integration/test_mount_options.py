# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mount_options module on real mounts, without systemd: what the options do, and that all of it can be undone."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.caisson.hardening.plugins.modules import mount_options
from ansible_collections.caisson.hardening.tests.support.mounts import DYING, FSTAB, MountPlace, mount_place

LINE = "tmpfs\t/tmp   tmpfs  size=64m,exec   0 0  # mine\n"


@pytest.fixture
def host(tmp_path: Path) -> t.Iterator[MountPlace]:
    with mount_place(tmp_path) as made:
        yield made


def options(host: MountPlace, path: str) -> list[str]:
    """The options of the mount at the path, those of the file system behind them."""
    lines = [line.split(" ") for line in host.mounts().splitlines()]
    found = [line for line in lines if line[2] == path][-1]
    return [*found[3].split(","), *found[-1].split(",")]


def test_program_in_tmp_does_not_run_under_strict(host: MountPlace) -> None:
    host.sh("printf '#!/bin/sh\\necho ran\\n' > /tmp/program; chmod 755 /tmp/program; cp /tmp/program /var/tmp")
    host.run(profile="baseline")
    assert host.sh("/tmp/program; /var/tmp/program") == "ran\nran\n"
    host.run(profile="strict")
    for folder in ("/tmp", "/var/tmp"):
        status, text = host.tried(f"{folder}/program")
        assert status == 126 and "Permission denied" in text, text


def test_setuid_program_gives_no_privilege(host: MountPlace) -> None:
    for folder in ("/tmp", "/dev/shm"):
        host.sh(f"cp /usr/bin/id {folder}/id; chmod 4755 {folder}/id")
    assert host.as_nobody("/tmp/id -u")[1] == "0\n"
    host.run()
    assert host.as_nobody("/tmp/id -u")[1] == "65534\n"
    assert host.as_nobody("/dev/shm/id -u")[0] == 126


def test_device_in_tmp_does_not_open(host: MountPlace) -> None:
    host.sh("mknod -m 666 /tmp/zero c 1 5; head -c 1 /tmp/zero")
    host.run()
    status, text = host.tried("head -c 1 /tmp/zero")
    assert status != 0 and "Permission denied" in text


def test_processes_of_others_are_hidden_but_from_root_and_the_group(host: MountPlace) -> None:
    seen = "cat /proc/1/comm"
    assert host.as_nobody(seen) == (0, "sleep\n")
    host.run(profile="strict")
    assert host.as_nobody(seen)[0] != 0
    assert host.as_nobody("ls -d /proc/1")[0] != 0
    assert host.sh(seen) == "sleep\n"
    assert host.as_nobody(seen, "--groups=0") == (0, "sleep\n")
    assert host.as_nobody("cat /proc/self/comm; cat /proc/meminfo > /dev/null") == (0, "cat\n")
    host.run(profile="strict", options={"/proc": ["hidepid=2", "gid=adm"]})
    assert host.as_nobody(seen, "--groups=4") == (0, "sleep\n")
    assert host.as_nobody(seen, "--groups=0")[0] != 0


def test_no_file_is_hidden_and_open_files_stay(host: MountPlace) -> None:
    host.sh(
        "echo kept > /tmp/file; mkfifo -m 666 /tmp/pipe; sleep 60 < /tmp/file > /dev/null 2>&1 & echo $! > /tmp/pid"
    )
    before = host.sh("stat -c '%i %d %n' /tmp/*")
    host.run(profile="strict")
    assert host.sh("stat -c '%i %d %n' /tmp/*") == before
    host.sh("echo new > /tmp/new; cat /proc/$(cat /tmp/pid)/fd/0 | grep kept; kill $(cat /tmp/pid)")
    host.run(state="absent")
    assert host.sh("cat /tmp/file /tmp/new") == "kept\nnew\n"


def test_mounts_keep_the_options_that_they_had(host: MountPlace) -> None:
    host.sh("mount -t tmpfs -o size=1m,noatime,mode=1777 tmpfs /tmp; mount -o remount,size=2m,ro /dev/shm")
    host.run()
    assert options(host, "/tmp")[:4] == ["rw", "nosuid", "nodev", "noatime"] and "size=1024k" in options(host, "/tmp")
    assert options(host, "/dev/shm")[0] == "ro" and "size=2048k" in options(host, "/dev/shm")


def test_lines_are_what_mount_makes_of_them_at_boot(host: MountPlace) -> None:
    host.run(profile="strict")
    text = host.fstab()
    assert text.startswith(FSTAB) and host.run(profile="strict")["changed"] is False
    live = host.mounts()
    host.sh("umount /tmp; umount /var/tmp; mount -o remount,hidepid=0 /proc; mount -o remount,exec /dev/shm")
    host.sh("mount /tmp; mount /var/tmp; mount -o remount /proc; mount -o remount /dev/shm")
    assert host.mounts() == live
    assert host.run(profile="strict")["changed"] is False


def test_the_examples_run_as_they_are_written(host: MountPlace) -> None:
    for example in yaml.safe_load(mount_options.EXAMPLES):
        given = example["caisson.hardening.mount_options"] or {}
        assert host.run(**given)["changed"] and not host.run(**given)["changed"]


def test_second_run_changes_nothing(host: MountPlace) -> None:
    for profile in ("baseline", "strict"):
        assert host.run(profile=profile)["changed"]
        state = host.state()
        for check in (True, False):
            assert not host.run(check=check, profile=profile)["changed"]
        assert host.state() == state


@pytest.mark.parametrize("profile", ["baseline", "strict"])
def test_check_predicts_exactly_and_touches_nothing(host: MountPlace, profile: str) -> None:
    state = host.state()
    predicted = host.run(check=True, profile=profile)
    assert host.state() == state
    assert predicted == host.run(profile=profile) and predicted["changed"]
    assert {finding["outcome"] for finding in predicted["findings"]} <= {"pass", "not_applicable"}
    predicted = host.run(check=True, state="absent")
    assert predicted == host.run(state="absent") and predicted["changed"]
    assert host.state() == state


@pytest.mark.parametrize("fstab", [FSTAB, FSTAB + LINE, FSTAB.rstrip("\n"), None], ids=["plain", "line", "cut", "none"])
def test_absent_brings_back_everything(host: MountPlace, fstab: str | None) -> None:
    host.sh(f"printf '%s' '{fstab}' > /etc/fstab" if fstab is not None else "rm /etc/fstab")
    host.sh("chmod 640 /etc/fstab || true; mount -t tmpfs -o size=1m,strictatime tmpfs /var/tmp")
    state = host.state()
    host.run(profile="strict", options={"/proc": ["hidepid=1", "gid=4"]})
    host.run(profile="baseline")
    host.run(profile="strict")
    assert host.run(state="absent")["changed"]
    assert host.state() == state
    assert not host.run(state="absent")["changed"]


def test_line_of_the_user_keeps_all_but_its_options(host: MountPlace) -> None:
    host.sh(f"printf '%s' '{FSTAB + LINE}' > /etc/fstab; mount /tmp")
    host.run(profile="strict")
    assert "tmpfs\t/tmp   tmpfs  size=64m,nosuid,nodev,noexec   0 0  # mine\n" in host.fstab()
    host.sh("sed -i s/size=64m/size=65m/ /etc/fstab; echo '# later' >> /etc/fstab")
    assert not host.run(profile="strict")["changed"]
    host.run(state="absent")
    assert host.fstab() == FSTAB + LINE.replace("64m", "65m") + "# later\n"


def test_less_is_wanted_later(host: MountPlace) -> None:
    host.run(profile="baseline")
    state = host.mounts()
    host.run(profile="strict")
    host.run(profile="baseline")
    assert host.mounts() == state
    host.run(options={"/tmp": []})
    assert "/tmp tmp" not in host.fstab() and "/tmp /tmp" not in host.fstab()
    assert not [line for line in host.mounts().splitlines() if line.split(" ")[2] == "/tmp"]


def test_changes_by_hand_are_found_and_mended(host: MountPlace) -> None:
    host.run(profile="strict")
    state = host.mounts()
    for spoiled in (
        "mount -o remount,bind,suid,exec /tmp",
        "umount /var/tmp",
        "mount -o remount,hidepid=0 /proc",
        "sed -i /shm/d /etc/fstab; mount -o remount,exec /dev/shm",
    ):
        host.sh(spoiled)
        predicted = host.run(check=True, profile="strict")
        assert predicted["changed"] and predicted == host.run(profile="strict")
    assert host.mounts() == state
    host.run(state="absent")
    assert host.fstab() == FSTAB


def test_stricter_options_of_the_host_stay(host: MountPlace) -> None:
    host.sh("mount -o remount,hidepid=4 /proc 2>/dev/null || true; mount -o remount,noexec /dev/shm")
    host.sh("mount --bind /tmp /tmp; mount -o remount,bind,noexec /tmp")
    host.run(profile="baseline")
    assert "noexec" in options(host, "/tmp")
    host.run(profile="strict")
    assert "hidepid=ptraceable" in options(host, "/proc") or "hidepid=4" in options(host, "/proc")


def test_mount_below_a_plain_directory_is_not_hidden(host: MountPlace) -> None:
    host.sh("mkdir /tmp/image; mount -t tmpfs tmpfs /tmp/image; echo seen > /tmp/image/file")
    result = host.run()
    assert "/tmp/image is mounted below it" in result["refused"]["/tmp"]
    assert host.sh("cat /tmp/image/file") == "seen\n" and "/tmp /tmp" not in host.fstab()
    assert {f["control"]: f["outcome"] for f in result["findings"]}["kernel.mount_tmp"] == "fail"
    assert not host.run()["changed"]


def test_undo_does_not_cut_off_a_mount_that_came_later(host: MountPlace) -> None:
    host.run()
    host.sh("mkdir /tmp/image; mount -t tmpfs tmpfs /tmp/image; echo seen > /tmp/image/file")
    state = host.state()
    result = host.run(state="absent")
    assert "/tmp/image is mounted below it" in result["msg"] and host.state() == state
    host.sh("umount /tmp/image")
    assert host.run(state="absent")["changed"] and host.fstab() == FSTAB


def test_link_is_left(host: MountPlace) -> None:
    host.sh("rmdir /var/tmp; ln -s ../tmp /var/tmp")
    result = host.run()
    found = {finding["control"]: finding for finding in result["findings"]}
    assert found["kernel.mount_var_tmp"]["evidence"] == "a link to /tmp"
    assert "/var/tmp" not in host.fstab()


def test_directory_in_a_mount_that_has_the_options_is_left(host: MountPlace) -> None:
    host.sh("mount -t tmpfs -o nosuid,nodev tmpfs /mnt; mkdir /mnt/tmp /mnt/lib; mount --rbind /mnt /var")
    result = host.run()
    found = {finding["control"]: finding for finding in result["findings"]}
    assert found["kernel.mount_var_tmp"]["outcome"] == "pass" and "/var/tmp" not in host.fstab()


def test_failure_of_one_takes_all_back(host: MountPlace) -> None:
    host.sh("mount --rbind /var /var; mount --make-unbindable /var")
    state = host.state()
    result = host.run(profile="strict")
    assert result["failed"] and "/var/tmp" in result["msg"] and "Nothing was changed" in result["msg"]
    assert host.state() == state


@pytest.mark.parametrize("profile,state", [("strict", "present"), ("strict", "absent")])
def test_run_after_a_kill_converges_and_can_be_undone(host: MountPlace, profile: str, state: str) -> None:
    before = host.state()
    steps = 0
    while True:
        if state == "absent":
            host.run(profile=profile)
        killed = host.script(DYING, str(steps), profile, state)
        if killed.returncode == 0:
            break
        assert killed.returncode == -9, killed.stderr
        if state == "present":
            host.run(profile=profile)
            assert not host.run(profile=profile)["changed"]
        host.run(state="absent")
        assert host.state() == before, f"after a kill at step {steps}"
        steps += 1
    assert steps > 4
    host.run(state="absent")
    assert host.state() == before


def test_process_that_may_not_mount_is_told_so(host: MountPlace) -> None:
    state = host.state()
    code = (
        "import sys, json\nfrom ansible.module_utils.testing import patch_module_args\n"
        "from ansible_collections.caisson.hardening.plugins.modules import mount_options\n"
        "given = {**json.loads(sys.argv[1]), '_ansible_remote_tmp': '/tmp'}\n"
        "with patch_module_args(given):\n    mount_options.main()\n"
    )
    less = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
    failed = host.script(code, "{}", prefix=less).stdout
    assert "SYS_ADMIN is missing" in failed and "unwritable: report" in failed
    reported = host.script(code, '{"unwritable": "report"}', prefix=less).stdout
    assert '"changed": false' in reported and "SYS_ADMIN is missing" in reported
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    assert "add 'become: true'" in host.script(code, "{}", prefix=nobody).stdout
    assert host.state() == state


def test_run_in_a_namespace_of_its_own_is_refused(host: MountPlace) -> None:
    state = host.state()
    code = "from ansible_collections.caisson.hardening.plugins.module_utils.mounts import apply, spec\n"
    done = host.script(code + "apply.run(spec.parse())", prefix=["unshare", "--mount"])
    assert "mount namespace of its own" in done.stderr and host.state() == state


def test_every_fault_of_the_input_is_told_at_once(host: MountPlace) -> None:
    state = host.state()
    wrong = {"/temp": ["nosuid"], "/tmp": ["noexecs", "nodev", "nodev"], "/proc": ["hidepid=7", "gid=4"], "/dev/shm": 1}
    result = host.run(options=wrong)
    assert "6 faults" in result["msg"] and "did you mean '/tmp'?" in result["msg"] and host.state() == state
    assert "names no group of this host" in host.run(options={"/proc": ["hidepid=2", "gid=nobodies"]})["msg"]
    assert host.state() == state


def test_container_that_runs_programs_from_there_is_named(host: MountPlace) -> None:
    host.sh("mkdir -p /var/lib/docker/containers/x /tmp/tools")
    mounts = '{"Name": "/web", "MountPoints": {"/t": {"Type": "bind", "Source": "/tmp/tools", "Destination": "/t"}}}'
    host.sh(f"echo '{mounts}' > /var/lib/docker/containers/x/config.v2.json")
    assert "web" not in str(host.run().get("warnings"))
    assert "what container web binds on /t is /tmp/tools" in str(host.run(profile="strict")["warnings"])


def test_proc_has_a_switch_and_an_undo_of_its_own(host: MountPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(hour: int, **parts: t.Any) -> dict[str, t.Any]:
        monkeypatch.setenv("CAISSON_RUN", f"2030-01-01T{hour:02}:00:00Z operator from control1")
        predicted = host.run(check=True, module="kernel", **parts)
        result = host.run(module="kernel", **parts)
        assert result["rc"] == 0 and result == predicted, result
        assert not host.run(module="kernel", **parts)["changed"]
        return result

    def stands() -> tuple[bool, bool]:
        return "hidepid=invisible" in options(host, "/proc"), "noexec" in options(host, "/dev/shm")

    original = host.state()
    hidden = run(1, hidepid={"profile": "strict"})
    assert stands() == (True, False)
    assert [finding["object"] for finding in hidden["parts"]["mounts"]["findings"]] == ["/proc"]
    run(2, mounts={})
    assert stands() == (True, True)
    run(3, hidepid={"state": "absent"})
    assert stands() == (False, True)
    assert " /proc " not in host.fstab() and " /dev/shm " in host.fstab()
    run(5, mounts={}, hidepid={"profile": "strict"})
    run(6, mounts={"state": "absent"})
    assert stands() == (True, False)
    for hour, moment, then in ((7, "02", (True, True)), (8, "01", (True, False)), (9, "03", (False, True))):
        back = {"as_of": f"2030-01-01T{moment}:00:00Z"}
        run(hour, mounts=back, hidepid=back)
        assert stands() == then, moment
    run(10, mounts={"state": "absent"}, hidepid={"state": "absent"})
    assert host.state() == original
