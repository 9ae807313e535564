# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import readback, schema

INFO = {"Driver": "overlay2", "ExperimentalBuild": False, "RegistryConfig": {"Mirrors": ["https://m/"]}}
BRIDGE = {"com.docker.network.driver.mtu": "1450", "com.docker.network.bridge.enable_ip_masquerade": "true"}


@pytest.mark.parametrize(
    ("configured", "unmet"),
    [
        ({}, []),
        ({"mtu": 1450, "ip-masq": True, "storage-driver": "overlay2", "registry-mirrors": ["https://m"]}, []),
        ({"mtu": 1400}, ["mtu"]),
        ({"ip-masq": False}, ["ip-masq"]),
        ({"registry-mirrors": []}, ["registry-mirrors"]),
        ({"experimental": True, "storage-driver": "vfs"}, ["storage-driver", "experimental"]),
    ],
)
def test_what_the_daemon_shows_is_compared_in_its_own_words(configured: dict, unmet: list) -> None:
    assert readback.unmet(configured, readback.shown(INFO, BRIDGE)) == unmet


def test_a_host_without_a_default_bridge_shows_nothing_of_it() -> None:
    assert readback.unmet({"mtu": 9}, readback.shown(INFO, None)) == []


def test_what_the_daemon_tells_of_a_reload_is_compared() -> None:
    told = {"live-restore": "true", "max-concurrent-downloads": "3", "labels": '["a=b"]', "debug": "false"}
    wanted = {"live-restore": True, "max-concurrent-downloads": 2, "debug": False, "labels": ["x=y"]}
    assert readback.unmet_by_reload(wanted, told) == ["max-concurrent-downloads"]


def test_keys_that_go_are_reloaded_with_what_the_engine_has_without_them() -> None:
    former = {"debug": True, "labels": ["a=b"], "max-concurrent-downloads": 2, "icc": False, "live-restore": True}
    assert schema.explicit(former, {"icc": False, "live-restore": True}) == {
        "icc": False,
        "live-restore": True,
        "debug": False,
        "labels": [],
    }
