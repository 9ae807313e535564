# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the kernel's modules: those that there are, those that are loaded, what the host uses of them, modprobe."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

from ..errors import CaissonError
from ..host.files import conf_files, read_file
from ..host.procsys import WriteRefusedError
from .modprobe_conf import DENIAL, DIRECTORIES, PATH, Rule, install_rules
from .usage import LOADED, NOT_LOADED, Kernel, Loaded, open_protocols

_SYS = Path("/sys/module")
_UNITS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_AT_BOOT = ("/etc/modules-load.d", "/run/modules-load.d", "/usr/local/lib/modules-load.d", "/usr/lib/modules-load.d")
# Kinds of network interfaces (ARPHRD_* of if_arp.h) with the catalogue's entry that they need.
_KINDS = {"3": "amateur_radio", "280": "can", "804": "small_radio", "820": "old_networks"}
_SUFFIXES = (".ko", ".ko.xz", ".ko.gz", ".ko.zst")


def observe_kernel() -> Kernel:
    """The running kernel's modules, and what of them the host uses."""
    release = os.uname().release
    tree = Path("/lib/modules") / release
    return Kernel(
        release=release,
        needs=_needs(tree),
        built_in=frozenset(_module(line) for line in _lines(tree / "modules.builtin")) | _built_in(),
        aliases=_aliases(tree),
        loaded=_loaded(),
        mounted={kind: place for kind, place in _mounts() if kind != "autofs"},
        named=_named(),
        sockets=open_protocols(_text(Path("/proc/net/protocols"))),
        interfaces=_interfaces(),
        at_boot=_at_boot(),
    )


def other_rules() -> tuple[Rule, ...]:
    """The install lines of all files but ours, in the order in which modprobe reads them."""
    paths = [path for path in conf_files(DIRECTORIES) if path.name != Path(PATH).name]
    return tuple(rule for path in paths for rule in install_rules(str(path), _text(path)))


def initramfs(release: str) -> tuple[str, float]:
    """The image from which the kernel starts, with the time of its making; an empty path where there is none."""
    for path in (f"/boot/initrd.img-{release}", f"/boot/initramfs-{release}.img"):
        with contextlib.suppress(OSError):
            return path, Path(path).stat().st_mtime
    return "", 0.0


def changed_at(path: str) -> float:
    """When the file was last changed; 0 where there is none."""
    with contextlib.suppress(OSError):
        return Path(path).stat().st_mtime
    return 0.0


def program(name: str) -> str:
    """The path of a program of kmod, or the empty string; not every PATH holds /sbin."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or ""


def confirm(modules: t.Iterable[str]) -> None:
    """CaissonError unless modprobe would refuse to load each of the modules, by its own word."""
    for module in modules:
        done = _run([program("modprobe"), "--dry-run", "--verbose", module])
        lines = [line.strip() for line in done.stdout.splitlines()]
        # What the module needs comes before it, so its own line is the last.
        if lines[-1:] != [f"install {DENIAL}"]:
            what = "; ".join(lines) or "nothing"
            raise CaissonError(f"Failed to deny {module}: modprobe would still run: {what}; look into /etc/modprobe.d")


class Modules:
    """Loading and unloading, in the shape of live values: a module is ``loaded`` or ``not loaded``."""

    def read(self, keys: t.Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Which of the modules are loaded; nothing is ever unreadable."""
        return {key: LOADED if (_SYS / key / "initstate").exists() else NOT_LOADED for key in keys}, {}

    def write(self, key: str, value: str) -> None:
        """Load or unload the module; WriteRefusedError with the reason of the program."""
        # Taken back while our file still stands, so the denial must not count.
        load = [program("modprobe"), "--ignore-install", key]
        done = _run(load if value == LOADED else [program("rmmod"), key])
        if done.returncode != 0:
            raise WriteRefusedError(done.stderr.strip() or f"exit status {done.returncode}", unwritable=False)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CaissonError(f"Failed to run {' '.join(command[:3])}: {error}") from error


def _needs(tree: Path) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for line in _lines(tree / "modules.dep"):
        module, _colon, others = line.partition(":")
        found[_module(module)] = frozenset(map(_module, others.split()))
    return found


def _aliases(tree: Path) -> dict[str, str]:
    words = (line.split() for line in _lines(tree / "modules.alias") if line.startswith("alias fs-"))
    return {word[1]: word[2].replace("-", "_") for word in words if len(word) == 3}


def _loaded() -> dict[str, Loaded]:
    found: dict[str, Loaded] = {}
    for entry in _SYS.glob("*/initstate"):
        folder = entry.parent
        with contextlib.suppress(OSError, ValueError):
            holders = frozenset(each.name.replace("-", "_") for each in (folder / "holders").glob("*"))
            found[folder.name] = Loaded(int(_text(folder / "refcnt") or 0), holders)
    return found


def _built_in() -> frozenset[str]:
    """What the kernel shows of itself; a module that was loaded has a state there, a part of the kernel has none."""
    with contextlib.suppress(OSError):
        return frozenset(each.name for each in _SYS.iterdir() if not (each / "initstate").exists())
    return frozenset()


def _mounts() -> t.Iterator[tuple[str, str]]:
    for line in _lines(Path("/proc/self/mounts")):
        words = line.split()
        if len(words) > 2:
            yield words[2].partition(".")[0], words[1]


def _named() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _lines(Path("/etc/fstab")):
        words = line.split()
        if len(words) > 2:
            found.update(dict.fromkeys(words[2].split(","), "/etc/fstab"))
    for directory in _UNITS:
        for path in sorted(Path(directory).glob("*.mount")):
            for line in _lines(path):
                name, _equals, kind = line.partition("=")
                if name.strip() == "Type":
                    found.setdefault(kind.strip(), str(path))
    return found


def _interfaces() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(Path("/sys/class/net").glob("*/type")):
        entry = _KINDS.get(_text(path).strip())
        if entry:
            found.setdefault(entry, path.parent.name)
    return found


def _at_boot() -> dict[str, str]:
    found: dict[str, str] = {}
    paths = [Path("/etc/modules")]
    paths += [path for directory in _AT_BOOT for path in sorted(Path(directory).glob("*.conf"))]
    for path in paths:
        for line in _lines(path):
            if not line.startswith(";"):
                found.setdefault(line.split()[0].replace("-", "_"), str(path))
    return found


def _module(path: str) -> str:
    name = path.rpartition("/")[2].strip()
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            name = name[: -len(suffix)]
    return name.replace("-", "_")


def _lines(path: Path) -> list[str]:
    """The lines of the file that are neither empty nor a comment; none where it is missing."""
    return [line for line in map(str.strip, _text(path).splitlines()) if line and not line.startswith("#")]


def _text(path: Path) -> str:
    if os.path.realpath(path) == os.devnull or not path.is_file():
        return ""
    state = read_file(path)
    return state.text if state else ""
