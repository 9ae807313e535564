# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mounts, networks, healthcheck and waivers."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import records
from ansible_collections.caisson.hardening.plugins.module_utils.containers.units import Wrong

WAIVER = {"control": "container.user", "reason": "needed", "expires": "2030-01-31"}


@pytest.mark.parametrize(
    ("given", "mount"),
    [
        ("data:/data", ("/data", "volume", "data", False, "")),
        ("data:/data:ro", ("/data", "volume", "data", True, "")),
        ("/data", ("/data", "volume", "", False, "")),
        ("/srv:/data/", ("/data", "bind", "/srv", False, "rprivate")),
        ("/srv/:/data:ro,rslave", ("/data", "bind", "/srv", True, "rslave")),
    ],
)
def test_the_short_form_of_a_volume_is_a_mount(given: str, mount: tuple[t.Any, ...]) -> None:
    assert records.volumes([given]) == [mount]
    target, kind, source, read_only, propagation = mount
    long: dict[str, t.Any] = {"target": target, "type": kind, "read_only": read_only}
    long.update({"source": source} if source else {}, **({"propagation": propagation} if propagation else {}))
    assert records.mounts([long]) == [mount]


def test_a_network_takes_its_options() -> None:
    given = {"name": "back", "aliases": ["db", "pg"], "ipv4_address": "10.0.0.2", "ipv6_address": "fd00::2"}
    assert records.networks([given]) == (records.Network("back", frozenset({"db", "pg"}), "10.0.0.2", "fd00::2"),)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"test": "true"}, {"test": ("CMD-SHELL", "true")}),
        ({"test": "NONE"}, {"test": ("NONE",)}),
        ({"test": ["NONE", "x"]}, {"test": ("NONE",)}),
        (
            {"test": ["CMD", "a"], "interval": "5s", "retries": "2"},
            {"test": ("CMD", "a"), "interval": 5 * 10**9, "retries": 2},
        ),
        ({"interval": "5s"}, {"interval": 5 * 10**9}),
    ],
)
def test_a_healthcheck_holds_what_was_given_and_nothing_else(given: dict[str, t.Any], read: dict[str, t.Any]) -> None:
    assert records.healthcheck(given) == read


@pytest.mark.parametrize(("day", "expired"), [(30, False), (31, False), (1, True)])
def test_a_waiver_counts_on_its_last_day_and_not_after(day: int, expired: bool) -> None:
    today = datetime.date(2030, 2 if expired else 1, day)
    assert records.waivers([WAIVER])[0].expired(today) is expired


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"control": "container.usr"}, "container.user"),
        ({"control": "kernel"}, "names no control"),
        ({"control": "daemon.icc"}, "names no control of containers"),
        ({"reason": " "}, "empty"),
        ({"reason": None}, "no reason"),
        ({"expires": "soon"}, "YYYY-MM-DD"),
        ({"expires": "20300131"}, "YYYY-MM-DD"),
        ({"expires": "2030-02-30"}, "YYYY-MM-DD"),
        ({"expires": None}, "YYYY-MM-DD"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_waiver_without_its_parts_is_refused(change: dict[str, t.Any], said: str) -> None:
    with pytest.raises(Wrong, match=said):
        records.waivers([{**WAIVER, **change}])


def test_a_date_as_yaml_reads_it_is_a_date() -> None:
    assert records.waivers([{**WAIVER, "expires": datetime.date(2030, 1, 31)}])[0].expires == "2030-01-31"


def test_two_waivers_of_one_control_are_refused() -> None:
    with pytest.raises(Wrong, match="twice"):
        records.waivers([WAIVER, WAIVER])
