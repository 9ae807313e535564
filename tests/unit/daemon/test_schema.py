# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import schema


@pytest.mark.parametrize(
    ("config", "option", "part"),
    [
        ({"live-restore": "true"}, "live-restore", "not a boolean"),
        ({"icc": 0}, "icc", "not a boolean"),
        ({"mtu": "1500"}, "mtu", "whole number"),
        ({"mtu": True}, "mtu", "whole number"),
        ({"log-driver": 1}, "log-driver", "not a string"),
        ({"dns": "1.1.1.1"}, "dns", "list of strings"),
        ({"dns": [1]}, "dns[0]", "not a string"),
        ({"log-opts": {"max-file": 3}}, "log-opts.max-file", "not a string"),
        ({"log-opts": []}, "log-opts", "not an object"),
        ({"features": {"buildkit": "on"}}, "features.buildkit", "not a boolean"),
        ({"default-ulimits": {"nofile": 1024}}, "default-ulimits.nofile", "not an object"),
        ({"default-ulimits": {"nofile": {"Name": "nofile", "Hard": 1}}}, "default-ulimits.nofile", "lacks Soft"),
        (
            {"default-ulimits": {"nofile": {"Name": "x", "Hard": 1, "Soft": 1}}},
            "default-ulimits.nofile.Name",
            "own name",
        ),
        (
            {"default-ulimits": {"nofile": {"Name": "nofile", "Hard": 1, "Soft": 2}}},
            "default-ulimits.nofile.Soft",
            "above",
        ),
        (
            {"default-ulimits": {"nofiles": {"Name": "nofiles", "Hard": 1, "Soft": 1}}},
            "default-ulimits.nofiles",
            "'nofile'",
        ),
        ({"default-address-pools": [{"base": "10.0.0.0/8"}]}, "default-address-pools[0]", "lacks size"),
        ({"runtimes": {"x": {"paths": "/x"}}}, "runtimes.x.paths", "did you mean 'path'"),
        ({"default-ipc-mode": "host"}, "default-ipc-mode", "not one of its values"),
        ({"live_restore": True}, "live_restore", "did you mean 'live-restore'"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_its_remedy(config: dict, option: str, part: str) -> None:
    (fault,) = schema.faults_of(config, "daemon.json")
    assert fault.option == option
    assert part in str(fault)
    assert fault.remedy


def test_every_fault_is_found_at_once() -> None:
    assert len(schema.faults_of({"icc": "no", "mtu": "x", "nonsense": 1}, "daemon.json")) == 3


def test_an_engine_newer_than_the_schema_is_left_to_judge_unknown_keys_itself() -> None:
    assert schema.faults_of({"key-of-tomorrow": 1}, "daemon.json", (31, 0)) == []


def test_a_secret_in_a_wrong_value_is_masked() -> None:
    (fault,) = schema.faults_of({"proxies": {"http-proxy": ["http://u:hunter2@proxy"]}}, "daemon.json")
    assert "hunter2" not in str(fault)


@pytest.mark.parametrize(
    ("key", "version", "has"),
    [
        ("default-cgroupns-mode", (20, 10), True),
        ("proxies", (20, 10), False),
        ("proxies", (23, 0), True),
        ("default-network-opts", (23, 0), False),
        ("log-format", (26, 1), True),
        ("cluster-store", (20, 10), True),
        ("cluster-store", (26, 1), False),
        ("oom-score-adjust", (24, 0), True),
        ("proxies", None, True),
        ("no-such-key", (28, 0), False),
    ],
)
def test_each_key_is_known_for_the_engines_that_have_it(key: str, version: tuple, has: bool) -> None:
    assert schema.engine_has(key, version) is has


@pytest.mark.parametrize(
    ("text", "version"), [("20.10.24+dfsg1", (20, 10)), ("v28.2.2", (28, 2)), ("", None), ("nightly", None)]
)
def test_a_version_is_read_from_what_the_engine_says(text: str, version: object) -> None:
    assert schema.parse_version(text) == version
