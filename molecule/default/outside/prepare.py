# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Before the first run: what the checks need on the hosts, and what the hosts are like."""

from __future__ import annotations

import json

import pytest
from ansible_collections.caisson.hardening.tests.support import outside

# A mistake that is made on real hosts: everybody may use the engine's socket, now and after each start.
# systemctl edit writes override.conf.
OPEN_SOCKET = """
set -e
mkdir -p /etc/systemd/system/docker.socket.d
for file in 10-open.conf override.conf; do
    printf '[Socket]\\nSocketMode=0666\\n' > /etc/systemd/system/docker.socket.d/$file
done
systemctl daemon-reload
chmod 0666 /run/docker.sock
"""


@pytest.mark.parametrize("host", outside.hosts(), ids=lambda host: host.name)
def test_prepared(host: outside.Outside) -> None:
    outside.load_busybox(host)
    host.said(OPEN_SOCKET)
    outside.STATE.mkdir(parents=True, exist_ok=True)
    (outside.STATE / f"{host.name}.json").write_text(json.dumps(host.state(), indent=1), encoding="utf-8")
