# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mount_options module on hosts with systemd: logins, Docker, mount units, and the next boot."""

from __future__ import annotations

import json
import time
import typing as t
import uuid
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support import hosts, images, kernel_guard
from ansible_collections.caisson.hardening.tests.support.ansiballz import package
from ansible_collections.caisson.hardening.tests.support.containers import until

MODULE = "caisson.hardening.mount_options"
PATHS = "/tmp /var/tmp /dev/shm /proc"
DROPIN = "/etc/systemd/system/tmp.mount.d/60-caisson-hardening.conf"


class Host:
    """A host with systemd and an engine of its own."""

    def __init__(self, client: t.Any, name: str, scratch: Path) -> None:
        self._client, self.name, self._scratch = client, name, scratch

    def tried(self, script: str, user: str = "root") -> tuple[int, str]:
        status, text = hosts.execute(self._client, self.name, ["sh", "-ec", script], user=user)
        return status, text.strip()

    def sh(self, script: str, user: str = "root") -> str:
        status, text = self.tried(script, user)
        assert status == 0, f"{script}\n{text}"
        return text

    def login(self, script: str) -> tuple[int, str]:
        """Run the script in a login session of an ordinary user."""
        self.sh(f"cat > /srv/script <<'END'\n{script}\nEND\nchmod 755 /srv/script")
        return self.tried("runuser -l person -c /srv/script")

    def run(self, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """The module's result."""
        program = package(MODULE, {**options, "_ansible_check_mode": check}, self._scratch / "module").read_bytes()
        hosts.put(self._client, self.name, "/root/module", program)
        _status, text = self.tried("python3 /root/module; rm -f /root/module")
        return t.cast("dict[str, t.Any]", json.loads(text.splitlines()[-1]))

    def load(self, reference: str) -> None:
        """Bring an image of the tests' engine into the host's own."""
        hosts.put(self._client, self.name, "/root/image", b"".join(self._client.get_image(reference)))
        self.sh("docker load -q < /root/image; rm /root/image")

    def boot(self) -> None:
        """Shut the host down in order, and start it again."""
        self._client.kill(self.name, "SIGRTMIN+3")
        self._client.wait(self.name, timeout=60)
        self._client.start(self.name)
        hosts.wait_for_systemd(self._client, self.name)

    def mounts(self) -> str:
        return self.sh(f"for path in {PATHS}; do grep -F \" $path \" /proc/self/mountinfo | cut -d ' ' -f 4-6; done; "
                       "grep -o ' - proc .*' /proc/self/mountinfo")  # fmt: skip

    def state(self) -> str:
        """The mounts, all of /etc, and what systemd makes of it."""
        files = "find /etc /var/lib/caisson -type f -exec md5sum {} + 2>/dev/null | sort -k 2"
        tree = "find /etc /var/lib/caisson -printf '%p %y %m %U:%G %l\\n' 2>/dev/null | sort"
        units = "systemctl show --property=LoadState,Options,DropInPaths,SupplementaryGroups tmp.mount systemd-logind"
        return "\n".join([self.mounts(), self.sh(f"{files}; {tree}; true"), self.sh(units)])


@pytest.fixture(scope="module")
def host(api: docker.APIClient, tmp_path_factory: pytest.TempPathFactory, busybox: str) -> t.Iterator[Host]:
    name = f"caisson-mounts-{uuid.uuid4().hex[:8]}"
    with kernel_guard.boot_noted():
        hosts.start(api, name, images.ensure_debian(api, images.LOGIN))
        try:
            hosts.wait_for_systemd(api, name)
            made = Host(api, name, tmp_path_factory.mktemp("module"))
            made.load(busybox)
            yield made
        finally:
            hosts.remove(api, name)


@pytest.fixture
def untouched(host: Host) -> t.Iterator[Host]:
    """The host; after the test the module is undone and nothing of it is left."""
    state = host.state()
    yield host
    host.run(state="absent")
    assert host.state() == state


def test_people_log_in_and_docker_works_while_processes_are_hidden(untouched: Host, busybox: str) -> None:
    host = untouched
    result = host.run(profile="strict")
    assert "polkit" in str(result["warnings"]) and result["score"]["after"] == result["score"]["total"] == 4
    assert host.tried("ls -d /proc/1", user="nobody")[0] != 0
    status, text = host.login(
        "set -e; loginctl show-session $XDG_SESSION_ID -p Name -p Active\n"
        "systemctl --user is-system-running --wait; systemd-run --user --quiet --wait true && echo unit-ran\n"
        "systemctl is-active ssh docker; systemctl status ssh | grep -o 'Active: active'\n"
        "test ! -e /proc/1 && echo hidden"
    )
    assert status == 0, text
    for shown in ("Name=person", "Active=yes", "running", "unit-ran", "Active: active", "hidden"):
        assert shown in text
    host.sh(f"docker run -d --name web -v /var/tmp:/data {busybox} sleep 600")
    assert "sleep 600" in host.sh("docker top web")
    assert "sleep 600" in host.sh("docker exec web ps")
    host.sh("docker rm -f web")


def test_group_sees_all_processes_and_serves_polkit(untouched: Host) -> None:
    host = untouched
    asked = "pkcheck --process $$ --action-id org.freedesktop.login1.reboot 2>&1 > /dev/null"
    before = host.login(asked)
    host.run(profile="strict")
    assert "Failed to open file" in host.login(asked)[1]
    host.run(state="absent")
    groups = "grep ^Groups: /proc/$(systemctl show --property=MainPID --value systemd-logind)/status"
    own = host.sh(groups)
    host.sh("cp -a /etc/group /root; sed -i 's/^adm:.*/&polkitd/' /etc/group; systemctl restart polkit")
    result = host.run(options={"/proc": ["hidepid=2", "gid=adm"]})
    assert "polkit" not in str(result.get("warnings"))
    assert "reload systemd and restart systemd-logind.service" in result["actions"]
    assert host.sh(groups).split() == ["Groups:", "4"]
    assert host.login(asked) == before
    assert "Name=person" in host.login("loginctl show-session $XDG_SESSION_ID -p Name")[1]
    assert host.tried("ls -d /proc/1", user="nobody")[0] != 0
    assert not host.run(options={"/proc": ["hidepid=2", "gid=adm"]})["changed"]
    host.run(state="absent")
    assert host.sh(groups) == own
    host.sh("mv /root/group /etc; systemctl restart polkit")


def test_mount_unit_gets_a_drop_in(host: Host) -> None:
    host.sh("cp /usr/share/systemd/tmp.mount /etc/systemd/system/; systemctl daemon-reload; systemctl start tmp.mount")
    try:
        state = host.state()
        predicted = host.run(check=True, profile="strict")
        assert host.state() == state
        result = host.run(profile="strict")
        assert result == predicted and f"write {DROPIN}" in result["actions"]
        assert "/tmp" not in host.sh("grep -v var/tmp /etc/fstab")
        assert "noexec" in host.sh("systemctl show --property=Options tmp.mount")
        host.sh("systemctl restart tmp.mount")
        assert "noexec" in host.sh("findmnt -no OPTIONS /tmp") and "mode=1777" in host.sh(f"cat {DROPIN}")
        for check in (True, False):
            assert not host.run(check=check, profile="strict")["changed"]
        host.run(state="absent")
        host.sh("systemctl restart tmp.mount")
        assert host.state() == state
    finally:
        host.sh("systemctl stop tmp.mount; rm -f /etc/systemd/system/tmp.mount; systemctl daemon-reload")


def test_masked_unit_is_told_and_the_path_left(untouched: Host) -> None:
    host = untouched
    host.sh("systemctl mask tmp.mount")
    result = host.run()
    assert "tmp.mount is masked" in result["refused"]["/tmp"] and "unmask" in result["refused"]["/tmp"]
    assert "/tmp /tmp" not in host.sh("cat /etc/fstab | grep -v var/tmp")
    assert not host.run()["changed"]
    host.sh("systemctl unmask tmp.mount")
    assert host.run()["changed"]


def test_options_hold_after_the_next_boot_and_can_be_undone_then(untouched: Host) -> None:
    host = untouched
    host.run(profile="strict")
    live = host.mounts().replace("hidepid=invisible", "hidepid=2")
    host.boot()
    options = [line.split() for line in live.splitlines()[:4]]
    now = host.mounts().replace("hidepid=invisible", "hidepid=2")
    assert [line.split() for line in now.splitlines()[:4]] == options and "hidepid=2" in now
    assert host.sh("systemctl --failed --no-legend --plain | grep -c mount || true") == "0"
    for check in (True, False):
        assert not host.run(check=check, profile="strict")["changed"]


def test_user_sees_neither_mounts_busy_nor_services_stopped_by_the_undo(untouched: Host) -> None:
    host = untouched
    host.sh("systemd-run --unit=private --property=PrivateTmp=yes sh -c 'echo x > /tmp/own; exec sleep 600'")
    until(lambda: host.tried("ls /tmp/systemd-private-*-private.service-*/tmp/own")[0] == 0)
    host.run(profile="strict")
    host.sh("cd /tmp; sleep 600 > /tmp/open 2>&1 & sleep 0.2")
    pid = host.sh("systemctl show --property=MainPID --value private")
    host.run(state="absent")
    time.sleep(1)
    assert host.sh("systemctl show --property=MainPID --value private") == pid
    assert host.sh(f"cat /proc/{pid}/root/tmp/own") == "x"
    host.sh("systemctl stop private; pkill -x sleep; rm -f /tmp/open")
