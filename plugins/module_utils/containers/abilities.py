# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which limits the kernel of an engine's host can hold, and what is to be said where it cannot. Pure.

An engine leaves out in silence what its kernel cannot hold: it would be asked for again in every run.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import fields

from .spec import Spec
from .state import LIMITS, Daemon

# A field of the engine's information, and the limits that hang on it.
_HELD = {
    "MemoryLimit": ("memory", "memory_reservation"),
    "SwapLimit": ("memory_swap",),
    "CpuCfsQuota": ("cpus",),
    "CPUShares": ("cpu_shares",),
    "CPUSet": ("cpuset_cpus", "cpuset_mems"),
    "PidsLimit": ("pids_limit",),
    "OomKillDisable": ("oom_killer",),
}
# What an engine warns of in its information, by cgroup version 1 and 2.
_WARNED = {
    "blkio_weight": ("blkio weight", "io.weight"),
    "device_read_bps": ("blkio throttle.read_bps_device", "io.max (rbps)"),
    "device_read_iops": ("blkio throttle.read_iops_device", "io.max (riops)"),
    "device_write_bps": ("blkio throttle.write_bps_device", "io.max (wbps)"),
    "device_write_iops": ("blkio throttle.write_iops_device", "io.max (wiops)"),
}
_UNASKED = {field.name: field.default for field in fields(Spec)}
# Set for every container, asked for or not.
_ALWAYS = ("cpus", "memory", "memory_swap", "pids_limit")


def limits(info: t.Mapping[str, t.Any]) -> frozenset[str]:
    """The limits that the kernel can hold, from what ``GET /info`` says; what it says nothing of counts as held."""
    missing = {limit for key, hang in _HELD.items() if not info.get(key, True) for limit in hang}
    warned = " ".join(map(str, info.get("Warnings") or ())).lower()
    missing |= {limit for limit, words in _WARNED.items() if any(f"no {word}" in warned for word in words)}
    if str(info.get("CgroupVersion") or "1") != "1":
        missing |= {"memory_swappiness", "oom_killer"}  # cgroup 2 has neither
    elif _major(info.get("KernelVersion")) >= 5:
        missing.add("blkio_weight")  # went with the scheduler that held it, and the engine does not say so
    return LIMITS - missing


def _major(version: t.Any) -> int:
    head = str(version or "").partition(".")[0]
    return int(head) if re.match(r"\A[0-9]{1,4}\Z", head) else 0


def warnings(specs: t.Iterable[Spec], daemon: Daemon) -> list[str]:
    """What is said of the limits that are left out: those that every container has, and those that one asks for."""
    given = list(specs)
    said = []
    bare = daemon.rootless and daemon.cgroup_version == "1"
    who = "an engine without root, under cgroup version 1," if bare else "this host's kernel"
    if daemon.podman and daemon.cgroup_version == "1" and any(spec.wants_container for spec in given):
        said.append("Podman under cgroup version 1 gives containers the host's cgroup namespace")
    for limit in sorted(LIMITS - daemon.limits):
        asked = [spec.name for spec in given if getattr(spec, limit) != _UNASKED[limit]]
        if limit in _ALWAYS:
            said.append(f"{who} cannot limit {limit}; it is left out")
        elif asked:
            said.append(f"this host's kernel or cgroup version has no {limit}; it is left out of {', '.join(asked)}")
    return said
