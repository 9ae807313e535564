# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The value of a state's field as a text fit to be shown. Pure."""

from __future__ import annotations

import hashlib
import typing as t

from . import resources
from .records import Network
from .units import format_cpus, format_duration, format_size

_SIZES = frozenset({"memory", "memory_swap", "shm_size"})


def show(name: str, value: t.Any) -> str:
    """The value of a field as a text; of the environment, only that there is one."""
    if name == "env":
        return "present"
    if value is None:
        return "none"
    if name == "memory_reservation":
        return format_size(value) if value else "none"
    if name in _SIZES:
        return format_size(value)
    if name == "cpus":
        return format_cpus(value)
    if name == "pids_limit":
        return str(value or "unlimited")
    if name in ("cpu_shares", "blkio_weight"):
        return str(value or "none")
    if name == "published_ports":
        return ", ".join(sorted(f"{host or '*'}:{outer or '?'}:{inner}" for inner, host, outer in value)) or "none"
    if name == "mounts":
        _target, kind, source, read_only, propagation = value
        rest = f" ({propagation})" if propagation not in ("", "rprivate") else ""
        return f"{kind} {source or 'anonymous'}{' read-only' if read_only else ''}{rest}"
    if name == "healthcheck":
        times = {key: format_duration(value[key]) for key in ("interval", "timeout", "start_period", "start_interval")}
        return f"{' '.join(value['test'])} {times} retries={value['retries']}"
    if name in resources.RATES:
        return ", ".join(f"{path}={rate}" for path, rate in value) or "none"
    if name == "security_opts":
        return ", ".join(sorted(map(_security_opt, value))) or "none"
    return _show_plain(value)


def _security_opt(given: str) -> str:
    """The option; of a seccomp profile's content, by what it can be told from another."""
    key, _equals, value = given.partition("=")
    profile = key == "seccomp" and value.lstrip().startswith("{")
    return f"seccomp=profile {hashlib.sha256(value.encode()).hexdigest()[:12]}" if profile else given


def _show_plain(value: t.Any) -> str:
    if isinstance(value, Network):
        parts = [*sorted(value.aliases), value.ipv4_address, value.ipv6_address, *sorted(value.extras)]
        return "attached" + (f" as {', '.join(filter(None, parts))}" if any(parts) else "")
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" if item else key for key, item in sorted(value.items())) or "none"
    if isinstance(value, (tuple, list)):
        return " ".join(map(str, value)) or "none"
    if isinstance(value, frozenset):
        return ", ".join(sorted(map(str, value))) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if str(value) else "none"
