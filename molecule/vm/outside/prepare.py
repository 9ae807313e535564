# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Before the first run: containers that talk to each other and to the world, and all that the hosts are like."""

from __future__ import annotations

import json

import pytest
from ansible_collections.caisson.hardening.tests.support import container_network, outside


@pytest.mark.parametrize("host", outside.hosts(), ids=lambda host: host.name)
def test_prepared(host: outside.Outside) -> None:
    container_network.start(host)
    assert container_network.works(host) == container_network.WORKS
    # Before the look at the host, for it makes the user that they are mapped to.
    assert container_network.remapped_root(host) > 0
    outside.STATE.mkdir(parents=True, exist_ok=True)
    (outside.STATE / f"{host.name}.json").write_text(json.dumps(host.whole_state(), indent=1), encoding="utf-8")
