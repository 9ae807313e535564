# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names and values of kernel settings, as sysctl.conf(5) and /proc/sys spell them. Pure."""

from __future__ import annotations

import re

_PART = re.compile(r"^[A-Za-z0-9_.:@+~-]+$")
_SWAP = str.maketrans("./", "/.")


def canonical_key(name: str) -> str:
    """The key in dotted form, ``net.ipv4.conf.eth0/100.rp_filter`` for a name that contains a dot.

    Both spellings of sysctl.conf(5) are taken: where a slash comes first, slashes separate.
    ValueError where it is no key at all.
    """
    name = name.strip()
    slash, dot = name.find("/"), name.find(".")
    if slash >= 0 and (dot < 0 or slash < dot):
        name = name.translate(_SWAP)
    for part in name.translate(_SWAP).split("/"):
        if not _PART.match(part) or not part.strip("."):
            raise ValueError(name)
    return name


def key_path(key: str) -> str:
    """The path below /proc/sys of a canonical key."""
    return key.translate(_SWAP)


def path_key(path: str) -> str:
    """The canonical key of a path below /proc/sys."""
    return path.translate(_SWAP)


def canonical_value(value: str) -> str:
    """The value with its white space made single blanks, as tabs and blanks mean the same to the kernel."""
    return " ".join(value.split())
