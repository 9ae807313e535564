# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is called free of hidden values, Ansible's own removal leaves as it is."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible.module_utils.common.parameters import remove_values
from ansible_collections.caisson.hardening.plugins.module_utils.containers.hidden import is_free
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text("abc1.é-", max_size=5)
SCALARS = st.none() | st.booleans() | st.integers(-200, 200) | st.floats(allow_nan=False) | TEXT
RESULTS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))


@given(RESULTS, st.sets(TEXT, max_size=3))
def test_what_is_free_is_left_alone_by_ansible_and_what_it_leaves_is_free(value: t.Any, hidden: set[str]) -> None:
    assert is_free(value, hidden) <= (remove_values(value, hidden) == value)
    if "" not in hidden and remove_values(value, hidden) == value:
        assert is_free(value, hidden)


@pytest.mark.parametrize("value", [{"a": ["x", {"b": "the key"}]}, ["key"], {"port": 1443}, "keys"])
def test_a_hidden_value_is_found_in_depth_and_as_a_part(value: t.Any) -> None:
    assert not is_free({"a": [value]}, {"key", "443"})
    assert is_free({"a": [value]}, {"other"})


class Tagged(str):
    """As Ansible hands values over."""

    __slots__ = ()


@pytest.mark.parametrize("value", [Tagged("x"), ("x",), {"x"}, b"x", datetime.date(2030, 1, 1)])
def test_other_types_are_left_to_ansible(value: t.Any) -> None:
    assert not is_free([value], ())
