# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.caisson.hardening.plugins.filter.merge_named import merge_named
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.sampled_from("abc")
LAYERS = st.dictionaries(
    st.sampled_from(["x", "x_group", "x_host"]),
    st.dictionaries(NAMES, st.integers()).map(lambda d: [{"name": name, "v": v} for name, v in d.items()]),
)


def test_options_of_a_later_layer_win_and_the_others_stay() -> None:
    layers = {
        "x_host": [{"name": "web", "memory": "1g", "env": {"B": "2", "C": None}}],
        "x": [{"name": "web", "image": "web:1", "memory": "256m", "env": {"A": "1", "C": "3"}}, {"name": "db"}],
    }
    assert merge_named(layers) == [
        {"name": "web", "image": "web:1", "memory": "1g", "env": {"A": "1", "B": "2"}},
        {"name": "db"},
    ]


def test_an_inherited_entry_is_taken_back_and_a_later_layer_may_have_it_again() -> None:
    layers: dict[str, t.Any] = {"x": [{"name": "a", "v": 1}, {"name": "b"}], "x_group": [{"name": "a", "omit": True}]}
    assert merge_named(layers) == [{"name": "b"}]
    assert merge_named({**layers, "x_host": [{"name": "a", "w": 2}]}) == [{"name": "b"}, {"name": "a", "w": 2}]


def test_waivers_are_merged_by_their_control_and_other_lists_are_replaced() -> None:
    layers = {
        "x": [{"name": "a", "ports": [1, 2], "waivers": [{"control": "c1", "reason": "old"}, {"control": "c2"}]}],
        "x_host": [{"name": "a", "ports": [3], "waivers": [{"control": "c1", "reason": "new"}, {"control": "c3"}]}],
    }
    (merged,) = merge_named(layers)
    assert merged["ports"] == [3]
    assert merged["waivers"] == [{"control": "c1", "reason": "new"}, {"control": "c2"}, {"control": "c3"}]
    assert "waivers" not in merge_named({**layers, "x_zz": [{"name": "a", "waivers": None}]})[0]


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ({"web": {}}, "x_group is no list"),
        ("web", "x_group is no list"),
        (["web"], r"x_group\[0\] has no name"),
        ([{"image": "secret"}], r"x_group\[0\] has no name"),
        ([{"name": "a"}, {"name": "a"}], "x_group has 'a' twice"),
        ([{"name": "a", "waivers": [{"reason": "r"}]}], r"x_group: a: waivers\[0\] has no control"),
    ],
)
def test_layer_that_is_none_is_named_and_not_shown(layer: t.Any, said: str) -> None:
    with pytest.raises(AnsibleFilterError, match=said) as refused:
        merge_named({"x": [], "x_group": layer})
    assert "secret" not in str(refused.value)


@given(LAYERS)
def test_each_entry_is_that_of_the_last_layer_that_has_it(layers: dict[str, list[dict[str, t.Any]]]) -> None:
    last = {entry["name"]: entry["v"] for name in sorted(layers) for entry in layers[name]}
    assert {entry["name"]: entry["v"] for entry in merge_named(layers)} == last
