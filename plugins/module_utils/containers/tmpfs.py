# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Readers of tmpfs mounts and their options. Pure."""

from __future__ import annotations

import re
import typing as t

from ..errors import shown
from . import values
from .units import Wrong, parse_size

FLAGS = frozenset(
    "rw ro exec noexec suid nosuid dev nodev sync async dirsync atime noatime diratime nodiratime"
    " relatime norelatime strictatime nostrictatime remount mand nomand".split()
)
_ID = re.compile(r"\A[0-9]{1,10}\Z")
VALUES = frozenset("size mode uid gid nr_inodes nr_blocks mpol".split())


def tmpfs_options(given: str) -> dict[str, str]:
    """The options of one tmpfs by name; a flag has the empty string. Sizes are in bytes, modes without leading 0."""
    found: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in given.split(","))):
        key, separator, value = item.partition("=")
        if not separator and key in FLAGS:
            opposite = key[2:] if key.startswith("no") else f"no{key}"
            found.pop({"rw": "ro", "ro": "rw"}.get(key, opposite), None)
            found[key] = ""
        elif separator and key in VALUES:
            found[key] = _tmpfs_value(key, value)
        else:
            raise Wrong(f"has {shown(item)}, which tmpfs does not know", "write options such as size=64m,mode=1777")
    found.pop("rw", None)  # what a tmpfs is anyway
    return found


def _tmpfs_value(key: str, value: str) -> str:
    if key == "size" and not re.match(r"\A[0-9]{1,3}%\Z", value):
        return str(parse_size(value))
    if key in ("uid", "gid", "nr_inodes", "nr_blocks") and not re.match(r"\A[0-9]{1,18}[kmg]?\Z", value):
        raise Wrong(f"has {shown(f'{key}={value}')}, which is not a number", f"write {key}=NUMBER")
    if key == "mode":
        if not re.match(r"\A[0-7]{1,5}\Z", value):
            raise Wrong(f"has the mode {shown(value)}", "write an octal mode, such as mode=1777")
        return format(int(value, 8), "o")
    return value


def owned(mounts: t.Mapping[str, t.Mapping[str, str]], user: str) -> dict[str, dict[str, str]]:
    """The mounts as the user's own, where the user is a number and no owner was written.

    runc before 1.1.8 gives a tmpfs the mode of the directory below it, and one that the image lacks 0755 from the
    second start on, whatever `mode` says. Root's then, the application could not write there.
    """
    owner = {key: part.lstrip("0") or "0" for key, part in zip(("uid", "gid"), user.split(":")) if _ID.match(part)}
    if owner.get("uid", "0") == "0":
        owner = {}
    return {
        target: dict(given) if {"uid", "gid"} & set(given) else {**given, **owner} for target, given in mounts.items()
    }


def tmpfs(value: t.Any) -> dict[str, dict[str, str]]:
    """``path[:options]`` each, by path."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, (list, tuple)):
        raise Wrong("is not a list", "write a list such as ['/tmp:size=64m']")
    found = {}
    for item in value:
        target, _colon, options = values.text(item).partition(":")
        if values.path(target) in found:
            raise Wrong(f"has {shown(target)} twice", "keep one")
        if values.path(target) == "/":
            raise Wrong("would cover the root", "name a directory below it")
        found[values.path(target)] = tmpfs_options(options)
    return found
