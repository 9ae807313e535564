# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sizes, CPU counts and durations: from what people write to what the engine counts in. Pure."""

from __future__ import annotations

import re
import typing as t
from fractions import Fraction

KIB = 1024
MIB = 1024**2
NANO = 10**9

# Digits are bounded, so that no arithmetic on what somebody wrote can run away.
_NUMBER = r"[0-9]{1,30}(?:\.[0-9]{1,30})?"
_SIZE = re.compile(rf"\A(?P<number>{_NUMBER})\s*(?P<unit>[kmgtp]?)(?:i?b)?\Z", re.IGNORECASE | re.ASCII)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_PLAIN = re.compile(rf"\A{_NUMBER}\Z")
_DURATION_PART = re.compile(rf"({_NUMBER})(ns|us|µs|ms|s|m|h)")
_DURATION = re.compile(rf"\A(?:{_DURATION_PART.pattern})+\Z")
_NANOS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": NANO, "m": 60 * NANO, "h": 3600 * NANO}
_LARGEST = 2**63 - 1  # the engine counts in signed 64-bit integers


class Wrong(ValueError):
    """A value that an option does not take.

    problem: the end of the sentence "<option>: <value> ...". remedy: what to write instead.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}; {remedy}")


def _written(value: t.Any, what: str, remedy: str) -> str:
    """A scalar as its text; what no scalar is, or a number too long to be written, is Wrong."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Wrong(f"is not {what}", remedy)
    if isinstance(value, (int, float)) and value < 0:
        raise Wrong("is negative", remedy)
    if isinstance(value, int) and value > 10 * _LARGEST:
        raise Wrong("is larger than the engine can count", remedy)
    return f"{value:.12f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value).strip()


def parse_size(value: t.Any) -> int:
    """Bytes of a size such as ``512m`` or ``1.5g``. Units are powers of 1024, as the engine reads them."""
    remedy = "write a number of bytes with a unit, such as 512m or 2g"
    match = _SIZE.match(_written(value, "a size", remedy))
    if match is None:
        raise Wrong("is not a size", remedy)
    size = int(Fraction(match["number"]) * 1024 ** _POWERS[match["unit"].lower()])
    if size > _LARGEST:
        raise Wrong("is larger than any memory", remedy)
    return size


def format_size(size: int | None) -> str:
    """The size as people write it; exact, so in bytes where no unit fits."""
    if size is None or size <= 0:
        return "unlimited"
    for unit, power in (("g", 3), ("m", 2), ("k", 1)):
        if size % 1024**power == 0:
            return f"{size // 1024**power}{unit}"
    return f"{size}b"


def parse_cpus(value: t.Any) -> int:
    """Nano-CPUs of a number of CPUs such as ``0.5``; 0 is no limit."""
    remedy = "write a number of CPUs such as 0.5 or 2"
    found = _written(value, "a number of CPUs", remedy)
    if not _PLAIN.match(found):
        raise Wrong("is not a number of CPUs", remedy)
    nano = round(Fraction(found) * NANO)
    if nano > 2**20 * NANO:
        raise Wrong("is not a possible number of CPUs", remedy)
    if 0 < nano < NANO // 100:
        raise Wrong("is less than the engine can limit to", "write 0.01 or more")
    return nano


def format_cpus(nano: int | None) -> str:
    return _decimal(nano, NANO) if nano else "unlimited"


def parse_duration(value: t.Any) -> int:
    """Nanoseconds of a duration such as ``30s`` or ``1m30s``; a bare number is seconds."""
    remedy = "write a duration with units, such as 30s or 1m30s"
    found = _written(value, "a duration", remedy)
    if _DURATION.match(found):
        nano = sum(round(Fraction(number) * _NANOS[unit]) for number, unit in _DURATION_PART.findall(found))
    elif _PLAIN.match(found):
        nano = round(Fraction(found) * NANO)
    else:
        raise Wrong("is not a duration", remedy)
    if nano > _LARGEST:
        raise Wrong("is longer than the engine can count", remedy)
    if 0 < nano < 10**6:
        raise Wrong("is shorter than the engine accepts", "write 1ms or more")
    return nano


def format_duration(nano: int) -> str:
    return f"{_decimal(nano, NANO)}s" if nano >= NANO or not nano else f"{_decimal(nano, 10**6)}ms"


def _decimal(number: int, unit: int) -> str:
    """number / unit, exactly; the unit is a power of ten."""
    whole, rest = divmod(number, unit)
    fraction = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{fraction}" if fraction else str(whole)
