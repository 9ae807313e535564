# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Before the first run: what the hosts are like."""

from __future__ import annotations

import json

import pytest
from ansible_collections.caisson.hardening.tests.support import outside


@pytest.mark.parametrize("host", outside.hosts(), ids=lambda host: host.name)
def test_prepared(host: outside.Outside) -> None:
    outside.STATE.mkdir(parents=True, exist_ok=True)
    (outside.STATE / f"{host.name}.json").write_text(json.dumps(host.state(), indent=1), encoding="utf-8")
