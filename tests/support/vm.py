# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts with a kernel of their own, for what a container cannot show: Debian under qemu, with systemd, auditd, AppArmor
and its own Docker engine.

Usage: vm disk SUITE... | vm create --config FILE NAME... | vm destroy NAME... ; a host's name ends in its suite.
The disk is made once for each recipe and kept, with the key for its ssh; each host works on a layer above it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .images import Recipe, root_file_system
from .shell import CACHE, TestSetupError, as_root, logged, output, tail

FOLDER = CACHE / "vm"
MEMORY = 1280  # MiB; engine, auditd and a few containers fit into half of it
BOOT_SECONDS = 600
PROBE_SECONDS = 15  # a kernel that works under KVM has started systemd after two
SSH = (
    *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
    *("-o", "BatchMode=yes", "-o", "ConnectTimeout=5"),
)
_UNWANTED = (
    "apt-daily.timer apt-daily-upgrade.timer man-db.timer e2scrub_all.timer fstrim.timer dpkg-db-backup.timer "
    "systemd-timesyncd.service getty@tty1.service logrotate.timer systemd-tmpfiles-clean.timer"
)
_NETWORK = "[Match]\\nName=eth*\\n[Network]\\nDHCP=yes\\n"


def recipe(suite: str) -> Recipe:
    """The root file system of a Debian release, with a kernel that lies in its /boot."""
    # Debian 13 took the client out of docker.io.
    client = ("docker-cli",) if suite == "trixie" else ()
    return Recipe(
        f"debian-vm-{suite}",
        (
            *(
                "linux-image-cloud-amd64",
                "systemd",
                "systemd-sysv",
                "libpam-systemd",
                "dbus",
                "udev",
                "kmod",
                "e2fsprogs",
            ),
            *("openssh-server", "python3", "python3-docker", "sudo", "login", "procps", "iproute2", "curl"),
            *("docker.io", "iptables", "apparmor", "auditd", *client),
        ),
        (
            f'for unit in {_UNWANTED}; do ln -sf /dev/null "$1"/etc/systemd/system/$unit; done',
            f"printf '{_NETWORK}' > \"$1\"/etc/systemd/network/80-dhcp.network",
            'chroot "$1" systemctl enable systemd-networkd',
            "printf '/dev/vda / ext4 errors=remount-ro 0 1\\n' > \"$1\"/etc/fstab",
            'chroot "$1" useradd --create-home --shell /bin/bash person',
            'rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/* "$1"/usr/share/locale/*',
        ),
        suite=suite,
    )


SUITES = ("bookworm", "trixie")


def prepare(suites: t.Sequence[str] = SUITES) -> None:
    """Make the disks, which needs a network; the releases side by side."""
    running = [subprocess.Popen([sys.executable, "-m", __spec__.name, "disk", suite]) for suite in suites]
    failed = [suite for suite, process in zip(suites, running) if process.wait() != 0]
    if failed:
        raise TestSetupError(f"Failed to make the disk of {', '.join(failed)}; see .cache/logs")


def disk(suite: str) -> Path:
    """The folder with ``disk.img``, ``vmlinuz`` and ``initrd`` of the release, made if it is not there."""
    made = recipe(suite)
    folder = FOLDER / f"{suite}-{made.digest}"
    if (folder / "complete").exists():
        return folder
    for old in FOLDER.glob(f"{suite}-*"):
        shutil.rmtree(old)
    tree = folder / "tree"
    tree.mkdir(parents=True)
    archive = root_file_system(made)
    try:
        output(as_root(["tar", "-xf", str(archive), "-C", str(tree)]))
        for name in ("vmlinuz", "initrd"):
            (source,) = (tree / "boot").glob(f"{name}*-*")
            shutil.copyfile(source, folder / name)
        _let_in(folder, tree)
        image = folder / "disk.img"
        output(["truncate", "-s", "3G", str(image)])
        mkfs = shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or "mkfs.ext4"
        if logged(f"vm-{suite}", as_root([mkfs, "-q", "-F", "-d", str(tree), str(image)])) != 0:
            raise TestSetupError(f"Failed to make the file system of {suite}; see .cache/logs/vm-{suite}.log")
    finally:
        output(as_root(["rm", "-rf", str(tree)]))
    # The disk has all that the archive has.
    archive.unlink()
    (folder / "complete").touch()
    return folder


def _let_in(folder: Path, tree: Path) -> None:
    """Make a key, with which root and the ordinary user may log in."""
    key = folder / "key"
    output(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(key)])
    for home, owner in (("root", "0:0"), ("home/person", "1000:1000")):
        where = str(tree / home / ".ssh")
        user, _colon, group = owner.partition(":")
        output(as_root(["install", "-d", "-m", "700", "-o", user, "-g", group, where]))
        keys = [str(folder / "key.pub"), f"{where}/authorized_keys"]
        output(as_root(["install", "-m", "600", "-o", user, "-g", group, *keys]))


def accelerator(folder: Path) -> str:
    """``kvm`` where a stock kernel boots under it; it is there and does not work on some machines. Else ``tcg``."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg,thread=multi"
    console = folder / "probe.console"
    process = subprocess.Popen(
        [*_machine(folder, "kvm", folder / "disk.img,snapshot=on"), "-serial", f"file:{console}", "-no-reboot"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + PROBE_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if console.exists() and b"systemd[1]" in console.read_bytes():
                return "kvm"
            time.sleep(0.5)
        return "tcg,thread=multi"
    finally:
        process.kill()
        process.wait()
        console.unlink(missing_ok=True)


def _machine(folder: Path, accel: str, drive: t.Any) -> list[str]:
    return [
        *("qemu-system-x86_64", "-accel", accel, "-cpu", "host" if accel == "kvm" else "max", "-smp", "1"),
        *("-m", str(MEMORY), "-display", "none", "-nodefaults", "-monitor", "none"),
        *("-kernel", str(folder / "vmlinuz"), "-initrd", str(folder / "initrd")),
        *("-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0 systemd.show_status=no"),
        *("-drive", f"file={drive},if=virtio,cache=unsafe"),
    ]


@dataclass(frozen=True)
class Vm:
    """One host: its name, and the ports of this machine that lead to its ssh and to its port 8000."""

    name: str
    ssh: int
    web: int

    @property
    def base(self) -> Path:
        return disk(self.name.rpartition("-")[2])

    @property
    def key(self) -> Path:
        return self.base / "key"

    def start(self, accel: str) -> None:
        """Bring it up on a fresh layer; it runs on until :func:`stop`."""
        stop(self.name)
        folder = _running(self.name)
        folder.mkdir(parents=True)
        layer = folder / "layer.qcow2"
        output(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(self.base / "disk.img"), "-F", "raw", str(layer)])
        forwards = f"hostfwd=tcp:127.0.0.1:{self.ssh}-:22,hostfwd=tcp:127.0.0.1:{self.web}-:8000"
        argv = [
            *_machine(self.base, accel, f"{layer},format=qcow2"),
            *("-netdev", f"user,id=net,{forwards}", "-device", "virtio-net-pci,netdev=net"),
            *("-serial", f"file:{folder / 'console'}", "-pidfile", str(folder / "pid")),
        ]
        with (folder / "messages").open("wb") as messages:
            subprocess.Popen(
                [sys.executable, "-m", __spec__.name, "watch", *argv],
                stdin=subprocess.DEVNULL,
                stdout=messages,
                stderr=messages,
                start_new_session=True,
            )

    def run(self, command: str) -> tuple[int, str]:
        """Exit status and output of a command."""
        argv = ["ssh", *SSH, "-i", str(self.key), "-p", str(self.ssh), "root@127.0.0.1", command]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout + done.stderr

    def wait(self) -> None:
        """Until the boot is done and the engine inside answers."""
        deadline = time.monotonic() + BOOT_SECONDS
        text = ""
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                status, text = self.run("systemctl is-system-running --wait; docker version --format ok")
                if status == 0 and text.split()[:1] in (["running"], ["degraded"]):
                    return
            time.sleep(2)
        console = (_running(self.name) / "console").read_text(encoding="utf-8", errors="replace")
        raise TestSetupError(f"The host {self.name} did not come up: {text.strip()}\n{tail(console, 15)}")


def watch(argv: list[str]) -> None:
    """Run a machine for as long as the process lives that CAISSON_OWNER names, so that a killed run leaves none."""
    machine = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *argv])
    ends = select.poll()
    ends.register(os.pidfd_open(machine.pid), select.POLLIN)
    with contextlib.suppress(KeyError, ProcessLookupError):
        ends.register(os.pidfd_open(int(os.environ["CAISSON_OWNER"])), select.POLLIN)
    ends.poll()
    machine.kill()
    machine.wait()


def stop(name: str) -> None:
    """End the host, if it runs, and forget what it wrote."""
    folder = _running(name)
    with contextlib.suppress(OSError, ValueError):
        pid = int((folder / "pid").read_text(encoding="ascii"))
        if str(folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def stop_all() -> None:
    """End what a killed run has left."""
    for folder in (FOLDER / "running").glob("*"):
        stop(folder.name)


def _running(name: str) -> Path:
    return FOLDER / "running" / name


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _each in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def create(names: t.Sequence[str], config: Path) -> None:
    """Start the hosts, wait for all, and write how they are reached for molecule."""
    ports = _free_ports(2 * len(names))
    hosts = [Vm(name, ports[2 * number], ports[2 * number + 1]) for number, name in enumerate(names)]
    accel = accelerator(hosts[0].base)
    for host in hosts:
        host.start(accel)
    for host in hosts:
        host.wait()
    instances = [
        {
            **{"instance": host.name, "address": "127.0.0.1", "user": "root", "port": host.ssh},
            **{"identity_file": str(host.key), "web": host.web},
        }
        for host in hosts
    ]
    config.write_text(json.dumps(instances, indent=1) + "\n", encoding="utf-8")


def main(words: list[str]) -> int:
    if words[:1] == ["watch"]:
        watch(words[1:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("create", "destroy", "disk"))
    parser.add_argument("names", nargs="+")
    parser.add_argument("--config", type=Path)
    given = parser.parse_args(words)
    try:
        if given.action == "create":
            create(given.names, given.config)
        for name in given.names if given.action != "create" else ():
            stop(name) if given.action == "destroy" else disk(name)
    except TestSetupError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
