# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sizes, CPU counts and durations: from what people write to what the engine counts in. Pure."""

from __future__ import annotations

import math
import re
import typing as t

KIB = 1024
MIB = 1024**2
NANO = 10**9

_SIZE = re.compile(r"\A(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kmgtp]?)(?:i?b)?\Z", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_LARGEST = 2**63 - 1  # the engine counts in signed 64-bit integers


class Wrong(ValueError):
    """A value that an option does not take.

    problem: the end of the sentence "<option>: <value> ...". remedy: what to write instead.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}; {remedy}")


def parse_size(value: t.Any) -> int:
    """Bytes of a size such as ``512m`` or ``1.5g``. Units are powers of 1024, as the engine reads them."""
    remedy = "write a number of bytes with a unit, such as 512m or 2g"
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Wrong("is not a size", remedy)
    if isinstance(value, float) and not math.isfinite(value):
        raise Wrong("is not a size", remedy)
    if isinstance(value, (int, float)) and value < 0:
        raise Wrong("is negative", remedy)
    match = _SIZE.match(str(value).strip()) if str(value).isascii() else None
    if match is None:
        raise Wrong("is not a size", remedy)
    size = int(float(match["number"]) * 1024 ** _POWERS[match["unit"].lower()])
    if size > _LARGEST:
        raise Wrong("is larger than any memory", remedy)
    return size


def format_size(size: int | None) -> str:
    """The size as people write it; exact, so in bytes where no unit fits."""
    if size is None or size == 0:
        return "unlimited"
    if size < 0:
        return "unlimited"
    for unit, power in (("g", 3), ("m", 2), ("k", 1)):
        if size % 1024**power == 0:
            return f"{size // 1024**power}{unit}"
    return f"{size}b"


def parse_cpus(value: t.Any) -> int:
    """Nano-CPUs of a number of CPUs such as ``0.5``; 0 is no limit."""
    remedy = "write a number of CPUs such as 0.5 or 2"
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Wrong("is not a number of CPUs", remedy)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise Wrong("is not a number of CPUs", remedy) from None
    if not math.isfinite(number) or number < 0 or number > 2**20:
        raise Wrong("is not a possible number of CPUs", remedy)
    nano = round(number * NANO)
    if 0 < nano < NANO // 100:
        raise Wrong("is less than the engine can limit to", "write 0.01 or more")
    return nano


def format_cpus(nano: int | None) -> str:
    return "unlimited" if not nano else f"{nano / NANO:g}"


def parse_duration(value: t.Any) -> int:
    """Nanoseconds of a duration such as ``30s`` or ``1m30s``; a bare number is seconds."""
    remedy = "write a duration with units, such as 30s or 1m30s"
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Wrong("is not a duration", remedy)
    text = str(value).strip()
    parts = _DURATION_PART.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        nano = sum(round(float(number) * _SECONDS[unit] * NANO) for number, unit in parts)
    else:
        try:
            number = float(text)
        except ValueError:
            raise Wrong("is not a duration", remedy) from None
        if not math.isfinite(number) or number < 0:
            raise Wrong("is not a possible duration", remedy)
        nano = round(number * NANO)
    if nano > _LARGEST:
        raise Wrong("is longer than the engine can count", remedy)
    if 0 < nano < 10**6:
        raise Wrong("is shorter than the engine accepts", "write 1ms or more")
    return nano


def format_duration(nano: int) -> str:
    seconds = nano / NANO
    return f"{seconds:g}s" if seconds >= 1 or not nano else f"{seconds * 1000:g}ms"
