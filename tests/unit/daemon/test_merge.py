# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.mask import masked
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.merge import merged, parse, render, without
from ansible_collections.caisson.hardening.plugins.module_utils.errors import InputError
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text('az09"\\{:é', max_size=4)
NAMES = st.sampled_from(["icc", "dns", "log-opts", "mtu", "features"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT | st.lists(TEXT, max_size=2),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
CONFIGS = st.dictionaries(NAMES, VALUES, max_size=5)
# What stands in a file that dockerd accepts holds no null.
STANDING = CONFIGS.map(lambda config: merged({}, config))


@given(STANDING, CONFIGS, st.lists(NAMES, max_size=2))
def test_other_keys_are_always_kept(standing: dict, wanted: dict, remove: list) -> None:
    after = merged(standing, wanted, remove)
    for name, value in standing.items():
        if name not in wanted and name not in remove:
            assert after[name] == value


@given(STANDING, CONFIGS, st.lists(NAMES, max_size=2))
def test_merging_again_changes_nothing(standing: dict, wanted: dict, remove: list) -> None:
    remove = [name for name in remove if name not in wanted]
    once = merged(standing, wanted, remove)
    assert merged(once, wanted, remove) == once


@given(STANDING)
def test_what_is_written_reads_back_the_same(config: dict) -> None:
    assert parse(render(config), "daemon.json") == config


def test_objects_are_merged_lists_replaced_and_null_removes_at_every_depth() -> None:
    standing = {"log-opts": {"a": "1", "b": "2"}, "dns": ["1"], "icc": True}
    wanted = {"log-opts": {"b": None, "c": "3"}, "dns": ["2"], "icc": None}
    assert merged(standing, wanted) == {"log-opts": {"a": "1", "c": "3"}, "dns": ["2"]}


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("log-opts.a", {"log-opts": {"b.c": "2"}, "dns": []}),
        ("log-opts.b.c", {"log-opts": {"a": "1"}, "dns": []}),
        ("log-opts", {"dns": []}),
        ("log-opts.none", {"log-opts": {"a": "1", "b.c": "2"}, "dns": []}),
        ("dns.x", {"log-opts": {"a": "1", "b.c": "2"}, "dns": []}),
    ],
)
def test_a_dot_leads_into_an_object_unless_a_key_is_written_with_it(path: str, left: dict) -> None:
    assert without({"log-opts": {"a": "1", "b.c": "2"}, "dns": []}, path) == left


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b'{\n  "icc": false,\n}', "line 3 column 1"),
        (b"[1]", "not a JSON object"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_json_object_is_refused_with_the_place(content: bytes, part: str) -> None:
    with pytest.raises(InputError, match=part):
        parse(content, "/etc/docker/daemon.json")


def test_an_empty_file_is_an_empty_object() -> None:
    assert parse(b" \n", "daemon.json") == {}


def test_secrets_are_masked_by_name_and_in_urls() -> None:
    shown = json.dumps(
        masked({"log-opts": {"splunk-token": "hunter2"}, "proxies": {"http-proxy": "http://u:hunter3@p:1"}, "mtu": 1})
    )
    assert "hunter" not in shown
    assert "@p:1" in shown
