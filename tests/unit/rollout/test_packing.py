# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The garbage collector is left as it was found."""

from __future__ import annotations

import gc
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.plugin_utils.packing import uncollected


@pytest.fixture(params=[True, False])
def before(request: pytest.FixtureRequest) -> t.Iterator[bool]:
    was = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if was else gc.disable)()


def test_nothing_is_collected_meanwhile(before: bool) -> None:
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled() is before


def test_a_failure_leaves_it_as_it_was(before: bool) -> None:
    with pytest.raises(ValueError, match="no"), uncollected():
        raise ValueError("no")
    assert gc.isenabled() is before
