# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The machine that runs the tests is left as it was found: its kernel settings and the files that hardening writes.

Hosts made of containers share the machine's kernel. A value that a test left changed is put back and reported, and
fails the stage: undoing is part of what is tested.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
import time
import typing as t
from pathlib import Path

from .shell import CACHE, as_root

PROC = Path("/proc/sys")
BOOTED = CACHE / "booted.json"
FILES = ("/etc/sysctl.conf", "/etc/sysctl.d", "/etc/docker", "/etc/security/limits.d", "/etc/systemd/system.conf.d",
         "/etc/fstab", "/var/lib/caisson")  # fmt: skip

MOUNTS = ("/tmp", "/var/tmp", "/dev/shm", "/proc")
STATE = Path("/var/lib/caisson")

# Not settings, though writable: they move by themselves, act when written, or belong to interfaces and bridges that
# come and go with an engine's networks.
NOT_SETTINGS = re.compile(
    r"kernel/ns_last_pid|kernel/random/.*|vm/stat_refresh|vm/drop_caches|vm/compact_memory|.*/flush|fs/binfmt_misc/.*"
    r"|net/ipv[46]/(conf|neigh)/(?!all/|default/)[^/]+/.*|net/bridge/.*|net/mpls/conf/.*"
)
# An engine on the machine's own network switches forwarding on, and its conntrack sizes follow.
ENGINE_MADE = re.compile(r"net/ipv4/ip_forward|net/ipv[46]/conf/(all|default)/forwarding|net/netfilter/.*")

Values = t.Dict[str, str]


def kernel_values() -> Values:
    """Each setting below /proc/sys that can be read and written."""
    found: Values = {}
    # os.walk passes over interfaces that vanish meanwhile.
    for path in (Path(folder) / each for folder, _folders, files in os.walk(PROC) for each in files):
        name = str(path.relative_to(PROC))
        with contextlib.suppress(OSError):
            if path.stat().st_mode & 0o600 == 0o600 and path.is_file() and not NOT_SETTINGS.fullmatch(name):
                found[name] = path.read_text(encoding="utf-8", errors="replace").strip()
    return found


def file_digests() -> Values:
    """Each file that hardening may write, with mode and hash."""
    found: Values = {}
    for root in map(Path, FILES):
        for path in [root, *root.rglob("*")]:
            with contextlib.suppress(OSError):
                content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "directory"
                found[str(path)] = f"{path.stat().st_mode:o} {content}"
    return found


def mount_options() -> Values:
    """The options of the mounts that hardening may change, and what is no mount."""
    lines = [line.split(" ") for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    found = {line[4]: f"{line[5]} {line[-1]}" for line in lines}
    return {path: found.get(path, "no mount") for path in MOUNTS}


def hardened() -> str:
    """Why this machine cannot be tested on, or an empty text."""
    if not STATE.exists():
        return ""
    return (
        f"This machine is hardened by the collection ({STATE} is there), and the tests would find their own settings "
        "before they set them. Run 'make restore' in the checkout that hardened it, or test on another machine"
    )


def different(before: Values, after: Values) -> list[str]:
    """Sentences for what differs, sorted."""
    return [
        f"{name}: {before.get(name, '(absent)')} -> {after.get(name, '(absent)')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def put_back(before: Values) -> None:
    """Write the former values; a few times, since some keys set others."""
    for _attempt in range(3):
        now = kernel_values()
        changed = {name: value for name, value in before.items() if name in now and now[name] != value}
        if not changed:
            return
        for name, value in changed.items():
            subprocess.run(
                as_root(["tee", str(PROC / name)]),
                input=value,
                text=True,
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        time.sleep(0.2)


@contextlib.contextmanager
def boot_noted() -> t.Iterator[None]:
    """Run the block, in which a host of the tests boots; values that the boot itself sets are no fault of a test."""
    before = kernel_values()
    yield
    BOOTED.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(BOOTED.read_text(encoding="utf-8")) if BOOTED.exists() else {}
    known.update({name: value for name, value in kernel_values().items() if before.get(name) != value})
    BOOTED.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")


@contextlib.contextmanager
def unchanged_machine(faults: list[str]) -> t.Iterator[None]:
    """Run the block; what it left changed is put back (values) and named in *faults*."""
    values, files, mounts = kernel_values(), file_digests(), mount_options()
    BOOTED.unlink(missing_ok=True)
    try:
        yield
    finally:
        booted = json.loads(BOOTED.read_text(encoding="utf-8")) if BOOTED.exists() else {}
        now = {name: value for name, value in kernel_values().items() if booted.get(name) != value}
        kept = {name: value for name, value in values.items() if name in now and not ENGINE_MADE.fullmatch(name)}
        left = different(kept, {name: now[name] for name in kept})
        put_back(values)
        faults.extend(f"left /proc/sys/{line}" for line in left)
        faults.extend(f"left {line}" for line in different(files, file_digests()))
        faults.extend(f"left the mount {line}" for line in different(mounts, mount_options()))
