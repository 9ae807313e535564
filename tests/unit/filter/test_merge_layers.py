# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.caisson.hardening.plugins.filter.merge_layers import merge_layers
from hypothesis import given
from hypothesis import strategies as st

LAYER = st.dictionaries(st.sampled_from("abcd"), st.integers() | st.none())


def test_later_names_win_key_by_key() -> None:
    layers = {"x_host": {"a": 3}, "x": {"a": 1, "b": 1, "c": 1}, "x_group": {"a": 2, "b": 2}}
    assert merge_layers(layers) == {"a": 3, "b": 2, "c": 1}


def test_null_takes_an_inherited_key_back_and_a_later_layer_may_set_it_again() -> None:
    assert merge_layers({"x": {"a": 1}, "x_group": {"a": None}}) == {}
    assert merge_layers({"x": {"a": 1}, "x_group": {"a": None}, "x_host": {"a": 2}}) == {"a": 2}


def test_dictionaries_inside_are_merged_too() -> None:
    layers = {"x": {"a": {"b": 1, "c": 1}, "d": 1}, "x_host": {"a": {"b": None}, "d": {"e": 1, "f": None}}}
    assert merge_layers(layers) == {"a": {"c": 1}, "d": {"e": 1}}


def test_empty_layers_change_nothing() -> None:
    assert merge_layers({"x": {"a": 1}, "x_group": None, "x_host": {}}) == {"a": 1}
    assert merge_layers({}) == {}


@pytest.mark.parametrize("layer", ["a=1", ["a"], 1, True])
def test_layer_that_is_no_dictionary_is_named(layer: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="x_group is"):
        merge_layers({"x": {}, "x_group": layer})


@given(st.dictionaries(st.text(), LAYER))
def test_each_key_has_the_value_of_the_last_layer_that_names_it(layers: dict[str, dict[str, int | None]]) -> None:
    merged = merge_layers(layers)
    for key in "abcd":
        said = [layers[name][key] for name in sorted(layers) if key in layers[name]]
        assert merged.get(key) == (said[-1] if said else None)
