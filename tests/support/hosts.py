# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts for the tests: containers that run systemd and a Docker engine of their own.

Usage: hosts create --config FILE --keys DIRECTORY NAME[:trixie]... | hosts destroy NAME...
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import tarfile
import time
import typing as t
from pathlib import Path

import docker

from . import images, kernel_guard
from .shell import TestSetupError, output

# In the kernel's order, as the bits of CapBnd. The engines of the range do not know the three newest.
CAPABILITIES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN "
    "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE "
    "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ"
).split()


def bounding_set() -> list[str]:
    """The capabilities that this machine can grant; --privileged fails where one is missing."""
    status = Path("/proc/1/status").read_text(encoding="ascii")
    bits = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd")), 16)
    return [name for bit, name in enumerate(CAPABILITIES) if bits >> bit & 1]


# What hosts share with the machine below /proc/sys; the rest of it, the network's settings, is their own.
SHARED_SETTINGS = tuple(f"/proc/sys/{name}" for name in ("kernel", "vm", "fs", "dev", "user"))


def start(
    client: t.Any,
    name: str,
    image: str,
    *,
    command: list[str] | None = None,
    network: str = "bridge",
    read_only: t.Sequence[str] = (),
    **more: t.Any,
) -> str:
    """Start a container that may run an engine inside; its id. One of that name that is there already goes first."""
    remove(client, name)
    host_config = client.create_host_config(
        cap_add=bounding_set(),
        security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        device_cgroup_rules=["a *:* rwm"],
        cgroupns="private",
        network_mode=network,
        tmpfs={"/run": "", "/run/lock": ""},
        **more,
    )
    # Without any of either, it is what the command line calls systempaths=unconfined.
    host_config.update(MaskedPaths=[], ReadonlyPaths=list(read_only))
    created = client.create_container(
        image, name=name, hostname=name, command=command, volumes=["/var/lib/docker"], host_config=host_config
    )
    client.start(created["Id"])
    return str(created["Id"])


def remove(client: t.Any, name: str) -> None:
    with contextlib.suppress(docker.errors.NotFound):
        client.remove_container(name, force=True, v=True)


def execute(
    client: t.Any, name: str, argv: list[str], *, user: str = "root", env: dict[str, str] | None = None
) -> tuple[int, str]:
    """Exit status and output of a command in the container."""
    job = client.exec_create(name, argv, user=user, environment=env or {})
    text = client.exec_start(job["Id"]).decode(errors="replace")
    return client.exec_inspect(job["Id"])["ExitCode"], text


def put(client: t.Any, name: str, path: str, content: bytes, mode: int = 0o644) -> None:
    """Write a file of root's in the container; directories that are missing are made with the same reach."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        folder = tarfile.TarInfo(str(Path(path).parent).lstrip("/"))
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755 if mode & 0o044 else 0o700
        archive.addfile(folder)
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.mode, entry.size = mode, len(content)
        archive.addfile(entry, io.BytesIO(content))
    client.put_archive(name, "/", buffer.getvalue())


def wait_for_systemd(client: t.Any, name: str, timeout: float = 120) -> None:
    """Until the boot is done and the engine inside answers."""
    deadline = time.monotonic() + timeout
    state = text = ""
    while time.monotonic() < deadline:
        state = execute(client, name, ["systemctl", "is-system-running"])[1].strip()
        status, text = execute(client, name, ["docker", "version"])
        if state in ("running", "degraded") and status == 0:
            return
        time.sleep(0.5)
    raise TestSetupError(
        f"The host {name} did not come up within {timeout:.0f} s: systemd is '{state}'; {text.strip()}"
    )


def create(client: t.Any, given: list[str], config: Path, keys: Path, read_only: t.Sequence[str] = ()) -> None:
    """Start the hosts, each of Debian 12 unless its name says otherwise, and write how they are reached."""
    key = keys / "key"
    if not key.exists():
        output(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(key)])
    public = key.with_suffix(".pub").read_bytes()
    suites = {name: suite for name, _colon, suite in (word.partition(":") for word in given)}
    recipes = {suite: images.HOST_TRIXIE if suite else images.HOST for suite in suites.values()}
    found = {suite: images.ensure_debian(client, recipe) for suite, recipe in recipes.items()}
    names = list(suites)
    with kernel_guard.boot_noted():
        for name, suite in suites.items():
            start(client, name, found[suite], read_only=read_only)
        for name in names:
            wait_for_systemd(client, name)
    instances = []
    for name in names:
        for home in ("/root", "/home/person"):
            put(client, name, f"{home}/.ssh/authorized_keys", public, 0o600)
        execute(client, name, ["chown", "-R", "person:person", "/home/person"])
        address = client.inspect_container(name)["NetworkSettings"]["IPAddress"]
        instances.append({"instance": name, "address": address, "user": "root", "port": 22, "identity_file": str(key)})
    config.write_text(json.dumps(instances, indent=1) + "\n", encoding="utf-8")


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("create", "destroy"))
    parser.add_argument("names", nargs="+")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--keys", type=Path)
    given = parser.parse_args(words)
    client = docker.APIClient(base_url=os.environ["DOCKER_HOST"], timeout=120)
    try:
        if given.action == "create":
            create(client, given.names, given.config, given.keys)
        else:
            for name in given.names:
                remove(client, name)
    except TestSetupError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
