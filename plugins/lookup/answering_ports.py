# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: answering_ports
version_added: 0.1.0
short_description: The TCP ports of a host that take a connection from the control node
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Connects to each port, to all of them at the same time, and closes the connection at once.
options:
  _terms:
    description: The ports.
    type: list
    elements: int
    required: true
  host:
    description: The name or the address of the host.
    type: str
    required: true
  timeout:
    description: How many seconds one connection may take.
    type: float
    default: 1.5
  wait:
    description: For how many seconds it is tried until all of them answer.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: See which ports of this host answer
  ansible.builtin.debug:
    msg: "{{ query('caisson.hardening.answering_ports', 22, 443, host=ansible_host) }}"
"""

RETURN = r"""
_raw:
  description: The ports that answer, in their order.
  type: list
  elements: int
"""

import contextlib
import socket
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible.plugins.lookup import LookupBase

AT_ONCE = 32
PAUSE = 0.5


def answers(host: str, port: int, timeout: float) -> bool:
    """Whether the port takes a connection within so many seconds."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=timeout):
        return True
    return False


def answering(host: str, ports: t.Sequence[int], timeout: float, wait: float = 0) -> list[int]:
    """Those of the ports that answer, once all do or the seconds to wait are over."""
    if not ports:
        return []
    deadline = time.monotonic() + wait
    with ThreadPoolExecutor(min(AT_ONCE, len(ports))) as pool:
        while True:
            found = list(pool.map(lambda port: answers(host, port, timeout), ports))
            if all(found) or time.monotonic() >= deadline:
                return [port for port, here in zip(ports, found) if here]
            time.sleep(PAUSE)


class LookupModule(LookupBase):  # type: ignore[misc]
    """The lookup, by the name under which playbooks find it."""

    def run(self, terms: list[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[int]:
        self.set_options(var_options=variables, direct=kwargs)
        ports = [int(port) for port in terms]
        return answering(self.get_option("host"), ports, self.get_option("timeout"), self.get_option("wait"))
