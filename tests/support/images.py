# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images for the tests, made on the spot from Debian packages: no registry is needed.

An image is named by the hash of its recipe. Its root file system is kept in .cache/images, so that a fresh
engine has it in seconds; a changed recipe makes a new one.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from .shell import CACHE, TestSetupError, as_root, logged, output

FOLDER = CACHE / "images"
REPOSITORY = "caisson-test"
SUITE = "bookworm"

# Engines without --privileged mount the cgroups read-only; a host with its own engine has to write there.
WRITABLE_CGROUPS = """awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/mounts |
while read -r mount; do mount -o remount,bind,rw "$mount"; done"""

BOOT = f"""#!/bin/sh
{WRITABLE_CGROUPS}
exec /sbin/init
"""


@dataclass(frozen=True)
class Recipe:
    """A Debian root file system: its packages, and shell lines that run on it (``$1`` is its directory)."""

    # What mmdebstrap is told, and the stage at which the shell lines run.
    options: t.ClassVar[t.Sequence[str]] = (
        *("--variant=minbase", "--skip=cleanup/apt/lists", "--skip=cleanup/apt/cache"),
        *("--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*"),
    )
    stage: t.ClassVar[str] = "customize"
    name: str
    packages: t.Tuple[str, ...]  # noqa: UP006  evaluated by dataclasses on Python 3.8
    hooks: t.Tuple[str, ...] = ()  # noqa: UP006
    changes: t.Tuple[str, ...] = field(default=('CMD ["/bin/sh"]',))  # noqa: UP006
    suite: str = field(default=SUITE, repr=False)  # the sources tell it already

    @property
    def digest(self) -> str:
        return hashlib.sha256(repr((self, sources(self.suite))).encode()).hexdigest()[:12]


_SLIM = (
    'rm -rf "$1"/usr/share/doc/* "$1"/usr/share/man/* "$1"/usr/share/locale/*',
    'rm -f "$1"/etc/machine-id "$1"/etc/hostname "$1"/etc/resolv.conf; : > "$1"/etc/machine-id',
)

HOST = Recipe(
    "debian-host",
    (
        *("systemd", "systemd-sysv", "dbus", "docker.io", "iptables", "python3", "python3-docker", "openssh-server"),
        *("iproute2", "procps", "kmod", "libpam-modules", "ca-certificates", "sudo", "login"),
    ),
    (
        *_SLIM,
        f"cat > \"$1\"/usr/local/sbin/boot <<'END'\n{BOOT}END",
        'chmod 755 "$1"/usr/local/sbin/boot',
        # Units that fight over the machine's clock, terminals and devices with whoever has them already.
        "for unit in systemd-udevd.service systemd-modules-load.service sys-kernel-debug.mount sys-kernel-tracing.mount"
        " getty.target console-getty.service systemd-timesyncd.service apt-daily.timer apt-daily-upgrade.timer;"
        ' do ln -sf /dev/null "$1"/etc/systemd/system/$unit; done',
        'chroot "$1" useradd --create-home --shell /bin/bash person',
        'rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*',
    ),
    ('CMD ["/usr/local/sbin/boot"]', "ENV container=docker"),
)

# Debian 13 has a newer engine, and its command line in a package of its own.
HOST_TRIXIE = replace(HOST, name="debian-host-trixie", packages=(*HOST.packages, "docker-cli"), suite="trixie")

# A newer Podman than this machine may have. Without systemd, for only its service runs there.
PODMAN = Recipe(
    "debian-podman",
    ("podman", "runc", "netavark", "aardvark-dns", "catatonit", "nftables", "iptables", "iproute2", "ca-certificates"),
    (*_SLIM, 'rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*'),
    suite="trixie",
)

# A host without an engine, whose packages wait in apt's cache.
FRESH = Recipe(
    "debian-fresh",
    (*(package for package in HOST.packages if package not in ("docker.io", "iptables")), "python3-apt"),
    (
        *HOST.hooks[:-1],
        'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get install -q -y --download-only --no-install-recommends'
        " docker.io iptables",
    ),
    HOST.changes,
)

# People log in here, with sessions and a service manager of their own, and ask polkit for rights.
LOGIN = Recipe(
    "debian-login", (*HOST.packages, "libpam-systemd", "dbus-user-session", "polkitd"), HOST.hooks, HOST.changes
)

# GRUB generates its menu here, for kernels that are only names.
GRUB = Recipe(
    "debian-grub",
    ("python3", "grub-common", "grub2-common"),
    (*_SLIM, 'rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/*'),
)
GRUB_TRIXIE = replace(GRUB, name="debian-grub-trixie", suite="trixie")

BARE = Recipe(
    "debian-bare",
    ("python3", "python3-venv", "make", "ca-certificates", "sudo", "procps", "iproute2", "kmod", "passwd"),
    (
        *_SLIM,
        # The engine's packages wait in apt's cache, so that installing them needs no network.
        'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get install -q -y --download-only --no-install-recommends'
        " docker.io iptables busybox-static python3-apt",
        'chroot "$1" useradd --create-home --shell /bin/bash person',
    ),
)


def sources(suite: str = SUITE) -> str:
    """The machine's own apt sources, one line each, for the suite; mmdebstrap knows what to do where it has none."""
    lines: list[str] = []
    folder = Path("/etc/apt/sources.list.d")
    for path in [Path("/etc/apt/sources.list"), *sorted(folder.glob("*.list"))]:
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            found = re.match(r"deb (?:\[[^]]*\] )?(\S+) (\S+) (.+)", line)
            if found and re.fullmatch(rf"{SUITE}(-updates|-security)?", found[2]):
                lines.append(f"deb {found[1]} {found[2]} main")
    for path in sorted(folder.glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
            entry = dict(re.findall(r"^([\w-]+):\s*(.*)$", stanza, re.MULTILINE))
            suites = re.findall(rf"(?<!\S){SUITE}(?:-updates|-security)?(?!\S)", entry.get("Suites", ""))
            lines += [f"deb {uri} {suite} main" for uri in entry.get("URIs", "").split() for suite in suites]
    # The archive of one release has the others too, under the same addresses.
    return "\n".join(line.replace(f" {SUITE}", f" {suite}") for line in dict.fromkeys(lines))


def root_file_system(recipe: Recipe) -> Path:
    """The recipe's tarball, made if it is not there yet; older ones of the name go."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    target = FOLDER / f"{recipe.name}-{recipe.digest}.tar"
    if target.is_file():
        return target
    temporary = target.with_suffix(".new.tar")
    argv = ["mmdebstrap", *recipe.options, "--mode=auto", f"--include={','.join(recipe.packages)}"]
    argv += [f"--{recipe.stage}-hook={hook}" for hook in recipe.hooks]
    argv += [recipe.suite, str(temporary)]
    given = sources(recipe.suite)
    if given:
        argv.append("-")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    name = f"image-{recipe.name}"
    (CACHE / "logs").mkdir(parents=True, exist_ok=True)
    with (CACHE / "logs" / f"{name}.log").open("w", encoding="utf-8") as log:
        status = subprocess.run(
            as_root(argv), input=given + "\n", text=True, stdout=log, stderr=subprocess.STDOUT, check=False
        ).returncode
    if status != 0:
        raise TestSetupError(f"Failed to make the image {recipe.name}; see .cache/logs/{name}.log")
    temporary.replace(target)
    # The whole name, for others begin with it, and may have been made a moment ago.
    for old in FOLDER.glob(f"{recipe.name}-{'[0-9a-f]' * 12}.tar"):
        if old != target:
            old.unlink()
    return target


def prepare(*recipes: Recipe) -> None:
    """Make what needs a network, before commands run beside an engine that has none."""
    # Two at a time: each downloads first and unpacks then.
    with ThreadPoolExecutor(2) as pool:
        for made in [*(pool.submit(root_file_system, recipe) for recipe in recipes), pool.submit(wheels)]:
            made.result()


def ensure_debian(client: t.Any, recipe: Recipe) -> str:
    """The reference of the recipe's image in the engine, imported if it is not there."""
    reference = f"{REPOSITORY}/{recipe.name}:{recipe.digest}"
    if not client.images(name=reference):
        _import(client, str(root_file_system(recipe)), reference, list(recipe.changes))
    return reference


def busybox_file_system() -> bytes:
    """A root file system of busybox alone: every applet, a user who is not root, /tmp."""
    program = Path("/bin/busybox")
    if not program.is_file():
        raise TestSetupError("There is no /bin/busybox; apt-get install busybox-static")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777), ("home", 0o755), ("var", 0o755)):
            _add(archive, folder, tarfile.DIRTYPE, mode=mode)
        _add(archive, "bin/busybox", mode=0o755, content=program.read_bytes())
        for applet in output([str(program), "--list"]).split():
            if applet != "busybox":
                _add(archive, f"bin/{applet}", tarfile.SYMTYPE, link="busybox")
        users = "root:x:0:0:root:/root:/bin/sh\napp:x:10001:10001:app:/home:/bin/sh\n"
        _add(archive, "etc/passwd", content=users.encode())
        _add(archive, "etc/group", content=b"root:x:0:\napp:x:10001:\n")
    return buffer.getvalue()


def ensure_busybox(client: t.Any) -> str:
    """The reference of the busybox image in the engine; its layer is the same bytes on each run."""
    content = busybox_file_system()
    reference = f"{REPOSITORY}/busybox:{hashlib.sha256(content).hexdigest()[:12]}"
    if not client.images(name=reference):
        _import(client, content, reference, ['CMD ["/bin/sh"]', "ENV PATH=/bin"])
    return reference


def save_image(client: t.Any, reference: str, target: Path) -> Path:
    """The image as `docker load` takes it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as stream:
        for chunk in client.get_image(reference):
            stream.write(chunk)
    return target


def wheels() -> Path:
    """The packages that `make harden` installs, as a folder for pip in containers without a network."""
    requirements = CACHE.parent / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    folder = CACHE / "wheels" / digest
    done = folder / "complete"
    if not done.is_file():
        argv = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--only-binary=:all:",
            "--dest",
            folder,
            "-r",
            requirements,
        ]
        if logged("wheels", argv) != 0:
            raise TestSetupError("Failed to download the pinned packages; see .cache/logs/wheels.log")
        done.touch()
    return folder


def _import(client: t.Any, source: str | bytes, reference: str, changes: list[str]) -> None:
    """Import a root file system, given as a path or as bytes."""
    importer = client.import_image_from_data if isinstance(source, bytes) else client.import_image_from_file
    importer(source, repository=reference, changes=changes)  # Podman does not look at a tag of its own
    if not client.images(name=reference):
        raise TestSetupError(f"The engine did not import {reference}")


def _add(
    archive: tarfile.TarFile,
    name: str,
    kind: bytes = tarfile.REGTYPE,
    *,
    mode: int = 0o644,
    content: bytes = b"",
    link: str = "",
) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size, entry.linkname = kind, mode, len(content), link
    archive.addfile(entry, io.BytesIO(content))
