# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the leave of a bridge to pass packets on to the host's loopback addresses, ``route_localnet``.

An engine without ``userland-proxy`` gives it to its bridges, for published ports on 127.0.0.1, and has the firewall
rewrite the address that such packets come from. When it has its proxy again it needs neither, but leaves the first to
them until they are made anew, and engine 20.10 the second too.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import typing as t

from ..host.procsys import ProcSys
from .process import search_path

_RULE = "POSTROUTING -o {} -m addrtype --src-type LOCAL -j MASQUERADE"
KEY = "net.ipv4.conf.{}.route_localnet"


def routing(bridges: t.Iterable[str]) -> tuple[str, ...]:
    """Those of the bridges that have it, where a new one would not, and from which it can be taken."""
    return tuple(sorted(_open(ProcSys(), bridges)))


def close(bridges: t.Iterable[str]) -> None:
    """Give the bridges what a new one would have. CaissonError where the kernel refuses that."""
    kernel = ProcSys()
    for bridge, usual in _open(kernel, bridges).items():
        kernel.write(_key(bridge), usual)
        _delete(_RULE.format(bridge))


def _open(kernel: ProcSys, bridges: t.Iterable[str]) -> dict[str, str]:
    """Each bridge from which it can be taken, with the value of a new one."""
    keys = {_key(bridge): bridge for bridge in bridges}
    values, _unreadable = kernel.read([KEY.format("default"), *keys])
    usual = values.pop(KEY.format("default"), None)
    if usual is None:
        return {}
    unusual = [key for key, value in values.items() if value != usual]
    return {keys[key]: usual for key in unusual if not kernel.unwritable([key])}


def _delete(rule: str) -> None:
    """Take a rule out of the firewall; some engines did so themselves, and without iptables none was set."""
    program = shutil.which("iptables", path=search_path())
    if program:
        command = [program, "--wait", "10", "--table", "nat", "--delete", *rule.split()]
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(command, capture_output=True, timeout=30, check=False)


def _key(bridge: str) -> str:
    return KEY.format(bridge.replace(".", "/"))
