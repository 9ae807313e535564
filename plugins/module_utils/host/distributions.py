# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The distributions that are supported, and how each starts its kernel. Pure data, and who is who by os-release(5)."""

from __future__ import annotations

import shlex
import typing as t
from dataclasses import dataclass

GRUB, GRUBBY = "grub", "grubby"
TESTED, BY_DATA, UNKNOWN = "tested", "by data", "unknown"


@dataclass(frozen=True)
class Distribution:
    """One release.

    version: what VERSION_ID begins with.
    bootloader: GRUB with the drop-ins of Debian, or grubby for the entries of the Boot Loader Specification.
    status: tested, or by its documentation.
    """

    id: str
    version: str
    bootloader: str
    status: str = BY_DATA


_RHEL = ("rhel", "rocky", "almalinux")

DISTRIBUTIONS: tuple[Distribution, ...] = (
    Distribution("debian", "11", GRUB),
    Distribution("debian", "12", GRUB, TESTED),
    Distribution("debian", "13", GRUB, TESTED),
    Distribution("ubuntu", "22.04", GRUB),
    Distribution("ubuntu", "24.04", GRUB),
    *(Distribution(name, version, GRUBBY) for name in _RHEL for version in ("8", "9", "10")),
)


def parse_os_release(text: str) -> dict[str, str]:
    """The fields of os-release; lines that its shell syntax does not allow are passed over."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and name.isidentifier():
            try:
                fields[name] = "".join(shlex.split(value)[:1])
            except ValueError:
                continue
    return fields


def find(fields: t.Mapping[str, str]) -> Distribution:
    """The distribution of the fields. One not in the table has the bootloader of the family it names, if any."""
    name, version = fields.get("ID", ""), fields.get("VERSION_ID", "")
    for each in DISTRIBUTIONS:
        if each.id == name and (version == each.version or version.startswith(f"{each.version}.")):
            return each
    family = {name, *fields.get("ID_LIKE", "").split()}
    bootloader = GRUB if family & {"debian", "ubuntu"} else GRUBBY if family & {"rhel", "fedora", *_RHEL} else ""
    return Distribution(name, version, bootloader, UNKNOWN)


def warning(distribution: Distribution) -> str:
    """What to tell on a distribution that is not tested; empty for the others."""
    if distribution.status == TESTED:
        return ""
    full = f"{distribution.id} {distribution.version}".strip() or "This system, which does not name itself,"
    if distribution.status == UNKNOWN:
        return f"{full} is not among the supported distributions; look at what was done before you rely on it"
    return f"{full} is supported by its documentation and was not tested"
