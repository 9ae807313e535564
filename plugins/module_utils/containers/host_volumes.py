# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of the host a volume hands in, as the options of the engine's `local` driver say. Pure."""

from __future__ import annotations

import typing as t

Options = t.Mapping[str, str]

# What the kernel mounts from a device of the host, and what it mounts from memory or a server.
DEVICE_TYPES = frozenset("ext2 ext3 ext4 xfs btrfs f2fs vfat exfat iso9660 squashfs".split())
OTHER_TYPES = frozenset("tmpfs nfs nfs4 cifs smb3 9p virtiofs ceph".split())


class HostVolume(t.NamedTuple):
    """path: of the host, or empty where it is no path; then *what* says what is mounted."""

    path: str
    read_only: bool
    what: str = ""


def words(options: Options) -> list[str]:
    return [word.strip() for word in options.get("o", "").split(",") if word.strip()]


def binds(options: Options) -> bool:
    return bool({"bind", "rbind"} & set(words(options)))


def is_read_only(given: t.Sequence[str]) -> bool:
    """Of ro and rw among the words the last one counts."""
    return [word for word in given if word in ("ro", "rw")][-1:] == ["ro"]


def host_volume(driver: str, options: Options) -> HostVolume | None:
    """What of the host the volume is, or None where it is nothing of it or nobody can tell."""
    kind, device = options.get("type", ""), options.get("device", "")
    if driver != "local" or not device:
        return None
    read_only = is_read_only(options.get("o", "").split(","))  # the engine takes no word with a space around
    if binds(options):
        # The engine mounts a relative path as well, from its own working directory, which is the root.
        return HostVolume("/" + device.lstrip("/"), read_only)
    if kind in OTHER_TYPES:
        return None
    what = f"the file system on {device}" if kind in DEVICE_TYPES or not kind else f"a mount of the type {kind}"
    return HostVolume("", read_only, what)
