# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A fresh Debian machine without systemd, engine or network, on which the README's commands are tried."""

from __future__ import annotations

import contextlib
import io
import tarfile
import typing as t
import uuid
from dataclasses import dataclass

from . import hosts, images
from .shell import ROOT, checkout_files

CHECKOUT = "/srv/caisson"
WHEELS = "/srv/wheels"


@dataclass(frozen=True)
class Machine:
    """The container, and how commands run in it: as a user would, with a home directory that is empty."""

    client: t.Any
    name: str

    def run(self, command: str, *, user: str = "root", **env: str) -> tuple[int, str]:
        """Exit status and output of a shell command in the checkout."""
        given = {"HOME": "/srv/empty-home", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": WHEELS, "NO_COLOR": "1", **env}
        argv = ["sh", "-c", f"cd {CHECKOUT} && {command}"]
        return hosts.execute(self.client, self.name, argv, user=user, env=given)

    def said(self, command: str, **env: str) -> str:
        """The output of a command that has to succeed."""
        status, text = self.run(command, **env)
        assert status == 0, f"{command!r} ended with {status}:\n{text}"
        return text


@contextlib.contextmanager
def fresh_machine(client: t.Any) -> t.Iterator[Machine]:
    """The machine, for the time of the block; what runs in it ends with it."""
    image = images.ensure_debian(client, images.BARE)
    name = f"caisson-machine-{uuid.uuid4().hex[:8]}"
    hosts.start(client, name, image, command=["sleep", "infinity"], network="none", init=True)
    machine = Machine(client, name)
    try:
        client.put_archive(name, "/", _archive())
        remount = (
            "awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/mounts | while read -r m; do mount -o remount,bind,rw $m; done"
        )
        hosts.execute(client, name, ["sh", "-c", f"{remount}; mkdir -p /srv/empty-home"])
        yield machine
    finally:
        hosts.remove(client, name)


def _archive() -> bytes:
    """The checkout as it stands, and the packages that pip installs."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in checkout_files():
            archive.add(ROOT / path, f"{CHECKOUT.lstrip('/')}/{path}", filter=_roots)
        for wheel in images.wheels().iterdir():
            archive.add(wheel, f"{WHEELS.lstrip('/')}/{wheel.name}", filter=_roots)
    return buffer.getvalue()


def _roots(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def recap(text: str) -> dict[str, int]:
    """The counts of the last PLAY RECAP line in the output of ansible-playbook."""
    line = [line for line in text.splitlines() if "unreachable=" in line][-1]
    return {name: int(count) for name, _sep, count in (word.partition("=") for word in line.split() if "=" in word)}
