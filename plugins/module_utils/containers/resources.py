# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Readers of the options that share the host's resources out: memory, processors, block devices. Pure."""

from __future__ import annotations

import re
import typing as t

from ..errors import shown
from . import records, values
from .units import Wrong, parse_size

Rate = t.Tuple[str, int]  # the device's path, and bytes or operations a second

# Our option for the rates of devices, and the engine's name for it.
RATES = {
    "device_read_bps": "BlkioDeviceReadBps",
    "device_read_iops": "BlkioDeviceReadIOps",
    "device_write_bps": "BlkioDeviceWriteBps",
    "device_write_iops": "BlkioDeviceWriteIOps",
}
_PART = re.compile(r"\A([0-9]{1,4})(?:-([0-9]{1,4}))?\Z")


def cpuset(value: t.Any) -> str:
    """Numbers and ranges such as ``0-2,4``, sorted and as short as can be."""
    remedy = "write numbers and ranges, such as 0-2,4"
    numbers: set[int] = set()
    for part in values.words([value] if isinstance(value, int) else value):
        match = _PART.match(part)
        if not match or int(match[1]) > int(match[2] or match[1]):
            raise Wrong(f"has {shown(part)}, which is no number and no range", remedy)
        numbers.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    if not numbers:
        raise Wrong("is empty", remedy)
    return ",".join(_ranges(sorted(numbers)))


def _ranges(numbers: t.Sequence[int]) -> t.Iterator[str]:
    first = 0
    for place, number in enumerate(numbers, 1):
        if place == len(numbers) or numbers[place] != number + 1:
            yield str(number) if numbers[first] == number else f"{numbers[first]}-{number}"
            first = place


def _weight(least: int, most: int, what: str) -> t.Callable[[t.Any], int]:
    """A number in a range, or 0 for the engine's default."""
    number = values.integer(0, most, what)

    def reader(value: t.Any) -> int:
        found = number(value)
        if 0 < found < least:
            raise Wrong(f"is out of range for {what}", f"write a number from {least} to {most}, or leave it out")
        return found

    return reader


def _rates(rate: t.Callable[[t.Any], int]) -> t.Callable[[t.Any], tuple[Rate, ...]]:
    def reader(value: t.Any) -> tuple[Rate, ...]:
        found: dict[str, int] = {}
        for item in records.entries(value, ("path", "rate"), "path"):
            device = values.path(item["path"])
            if device in found:
                raise Wrong(f"has {shown(device)} twice", "keep one")
            found[device] = rate(item.get("rate"))
            if not found[device]:
                raise Wrong(f"has no rate for {shown(device)}", "add rate, more than 0")
        return tuple(sorted(found.items()))

    return reader


_bytes, _operations = _rates(parse_size), _rates(values.integer(0, 10**12, "a number of operations a second"))

READERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "memory_reservation": parse_size,
    "memory_swappiness": values.integer(0, 100, "a swappiness"),
    "oom_killer": values.boolean,
    "oom_score_adj": values.integer(-1000, 1000, "a score"),
    "cpu_shares": _weight(2, 262144, "a number of CPU shares"),
    "cpuset_cpus": cpuset,
    "cpuset_mems": cpuset,
    "blkio_weight": _weight(10, 1000, "a weight"),
    "device_read_bps": _bytes,
    "device_read_iops": _operations,
    "device_write_bps": _bytes,
    "device_write_iops": _operations,
    "storage_opts": lambda value: values.text_map(value, re.compile(r"\A[a-z][\w.-]*\Z"), "write size: 10G"),
}
