# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.plan import (
    LEAVE,
    RELOAD,
    RESTART,
    START,
    Observed,
    Request,
    make,
    step,
)
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.state import Live
from ansible_collections.caisson.hardening.plugins.module_utils.errors import InputError

FRESH = Live(log_driver="json-file", storage_driver="overlay2", default_runtime="runc", icc=True)


def observed(**more: t.Any) -> Observed:
    more = {"live": FRESH, "version": (20, 10), "in_effect": more.get("standing") or {}, **more}
    return Observed(**more)


def after(request: Request, **more: t.Any) -> dict:
    return make(request, observed(**more)).after


BASELINE = Request(profile="baseline")


def waivers(*names: str) -> tuple:
    return tuple({"control": f"daemon.{name}", "reason": "a test", "expires": "2999-12-31"} for name in names)


def test_the_baseline_on_an_empty_host_is_exactly_this() -> None:
    assert after(BASELINE) == {
        "icc": False,
        "no-new-privileges": True,
        "live-restore": True,
        "userland-proxy": False,
        "log-driver": "local",
        "log-opts": {"max-size": "10m", "max-file": "3"},
        "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 16384}},
        "default-cgroupns-mode": "private",
    }


def test_strict_adds_that_no_core_is_dumped() -> None:
    assert after(Request(profile="strict"))["default-ulimits"]["core"] == {"Name": "core", "Soft": 0, "Hard": 0}


def test_the_limit_of_open_files_never_exceeds_what_the_daemon_may_give() -> None:
    assert after(BASELINE, nofile_limit=512)["default-ulimits"]["nofile"] == {
        "Name": "nofile",
        "Soft": 512,
        "Hard": 512,
    }


@pytest.mark.parametrize(
    ("standing", "config", "driver", "options"),
    [
        ({"log-driver": "syslog", "log-opts": {"tag": "x"}}, {}, "syslog", {"tag": "x"}),
        ({"log-opts": {"max-size": "1m"}}, {}, None, {"max-size": "1m"}),
        ({"log-driver": "json-file", "log-opts": {"env": "A"}}, {}, "local", {"max-size": "10m", "max-file": "3"}),
        ({"log-driver": "none"}, {}, "local", {"max-size": "10m", "max-file": "3"}),
        ({}, {"log-driver": "syslog"}, "syslog", None),
        ({}, {"log-driver": "json-file", "log-opts": {"max-size": "1m"}}, "json-file", {"max-size": "1m"}),
        ({}, {"log-opts": {"max-size": "1m"}}, "local", {"max-size": "1m", "max-file": "3"}),
        ({"log-opts": {"env": "A"}}, {"log-driver": "syslog"}, "syslog", None),
        ({"log-driver": "syslog", "log-opts": {"tag": "x"}}, {"log-opts": {"tag": None}}, "syslog", {}),
    ],
)
def test_log_options_never_meet_a_driver_that_they_are_not_for(
    standing: dict, config: dict, driver: str | None, options: dict | None
) -> None:
    found = after(Request(config, "baseline"), standing=standing)
    assert (found.get("log-driver"), found.get("log-opts")) == (driver, options)


@pytest.mark.parametrize(
    ("more", "absent", "note"),
    [
        ({"given": {"icc": True}}, "icc", "command line"),
        ({"standing": {"iptables": False}}, "icc", "iptables"),
        ({"given": {"iptables": False}}, "userland-proxy", "iptables"),
        ({"cgroup_namespaces": False}, "default-cgroupns-mode", "cgroup namespaces"),
        ({"live": Live(swarm=True, icc=True)}, "live-restore", "swarm"),
        ({"given": {"log-driver": "syslog"}}, "log-driver", ""),
    ],
)
def test_what_the_host_cannot_have_is_left_out_and_told(more: dict, absent: str, note: str) -> None:
    plan = make(BASELINE, observed(**more))
    assert absent not in plan.after
    assert note in " ".join(plan.notes)


def test_the_users_own_setting_wins_over_the_profile() -> None:
    leave = waivers("icc", "live_restore", "userland_proxy")
    plan = make(Request({"icc": True, "live-restore": None}, "baseline", ("userland-proxy",), leave), observed())
    assert plan.after["icc"] is True
    assert not {"live-restore", "userland-proxy"} & set(plan.after)


def test_a_key_that_the_engine_lacks_is_left_out_and_told() -> None:
    plan = make(Request({"proxies": {"http-proxy": "http://p"}}), observed())
    assert plan.after == {}
    assert "proxies is left out: engine 20.10 does not have it" in plan.notes


@pytest.mark.parametrize(
    ("request_", "more", "parts"),
    [
        (Request({"hosts": ["fd://"]}), {"given": {"hosts": ["fd://"]}}, ["command line", "hosts"]),
        (Request({"debug": True}, remove=("debug",)), {}, ["also given in config"]),
        (Request({"iccc": False, "mtu": "x"}), {}, ["2 faults", "did you mean 'icc'", "whole number"]),
        (Request({"mtu": 9}), {"standing": {"bogus": 1}}, ["bogus"]),
        (Request({"mtu": 9}), {"standing": {"proxies": {}}}, ["proxies", "remove: [proxies]"]),
        (Request({"log-opts": {"a": "b"}}), {"standing": {"log-opts": {"c": 1}}}, ["log-opts.c"]),
    ],
)
def test_what_would_keep_the_daemon_from_starting_is_refused_before(
    request_: Request, more: dict, parts: list[str]
) -> None:
    with pytest.raises(InputError) as refused:
        make(request_, observed(**more))
    assert all(part in str(refused.value) for part in parts)


def test_a_standing_key_that_dockerd_does_not_know_can_be_removed() -> None:
    assert after(Request(remove=("bogus",)), standing={"bogus": 1, "mtu": 9}) == {"mtu": 9}


@pytest.mark.parametrize(
    ("former", "wanted", "needed"),
    [
        ({}, {}, LEAVE),
        ({"icc": False}, {"icc": False}, LEAVE),
        ({}, {"debug": True, "labels": ["a=b"]}, RELOAD),
        ({"debug": True}, {}, RESTART),
        ({"max-concurrent-downloads": 2}, {}, RELOAD),
        ({}, {"debug": True, "icc": False}, RESTART),
        (None, {}, RESTART),
    ],
)
def test_a_restart_is_made_only_where_a_reload_is_not_enough(former: t.Any, wanted: dict, needed: str) -> None:
    assert step(former, wanted) == needed


def test_a_hardened_daemon_needs_nothing() -> None:
    done = after(BASELINE)
    live = Live(
        log_driver="local", default_runtime="runc", live_restore=True, icc=False, security=("name=cgroupns",), running=3
    )
    plan = make(BASELINE, observed(standing=done, live=live))
    assert (plan.changed, plan.need, plan.notes) == (False, LEAVE, ())


def test_a_setting_that_stands_in_the_file_but_is_not_in_effect_is_brought_into_effect() -> None:
    request = Request({"live-restore": True})
    assert make(request, observed(standing={"live-restore": True})).need == RELOAD
    assert make(Request({"log-driver": "local"}), observed(standing={"log-driver": "local"})).need == RESTART


def test_live_restore_comes_first_so_that_containers_survive() -> None:
    plan = make(BASELINE, observed(live=Live(running=2, log_driver="json-file", default_runtime="runc", icc=True)))
    assert (plan.need, plan.live_restore_first) == (RESTART, True)


def test_icc_waits_for_a_restart_without_containers_and_causes_none_while_some_run() -> None:
    done = after(BASELINE)
    hardened = {"log_driver": "local", "default_runtime": "runc", "live_restore": True, "security": ("name=cgroupns",)}
    waiting = make(BASELINE, observed(standing=done, live=Live(running=1, icc=True, **hardened)))
    assert (waiting.need, waiting.deferred) == (LEAVE, ("icc",))
    assert "no container runs" in waiting.notes[0]
    assert make(BASELINE, observed(standing=done, live=Live(running=0, icc=True, **hardened))).need == RESTART


def test_a_restart_that_stops_containers_is_told() -> None:
    plan = make(Request({"icc": False}), observed(live=Live(running=2, log_driver="json-file", icc=True)))
    assert "stops 2 running containers" in " ".join(plan.notes)


def test_a_daemon_that_is_down_is_started() -> None:
    assert make(BASELINE, observed(live=None)).need == START
