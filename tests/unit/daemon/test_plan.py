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
    decide,
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
    plan = make(
        Request({"icc": True, "live-restore": None}, "baseline", ("userland-proxy",), waivers=leave), observed()
    )
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
        ({"debug": True}, {}, RELOAD),
        ({"default-shm-size": "1m"}, {}, RESTART),
        ({"live-restore": True, "labels": ["a=b"]}, {}, RELOAD),
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


@pytest.mark.parametrize("wanted", [{}, {"live-restore": True}])
def test_what_a_killed_run_left_open_is_told_to_the_daemon_again(wanted: dict[str, t.Any]) -> None:
    seen = observed(in_effect={"live-restore": True}, uncertain=("live-restore",))
    assert decide(seen, wanted).need == RELOAD


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


RUNNING = Live(running=2, log_driver="json-file", icc=True)


@pytest.mark.parametrize(
    "more", [{"live": Live(running=2, icc=True, swarm=True)}, {"live": RUNNING, "given": {"live-restore": False}}]
)
def test_a_restart_that_stops_containers_is_told(more: dict) -> None:
    plan = make(Request({"icc": False}), observed(**more))
    assert "stops 2 running containers" in " ".join(plan.notes)
    assert (plan.carried, plan.live_restore_first) == (False, False)


def test_a_restart_is_carried_where_containers_run_and_the_settings_have_no_live_restore() -> None:
    plan = make(Request({"icc": False}), observed(live=RUNNING))
    assert (plan.need, plan.carried, plan.live_restore_first, plan.deferred) == (RESTART, True, True, ("icc",))
    assert "stops" not in " ".join(plan.notes)
    assert not make(Request({"icc": False}), observed()).carried


def test_replace_keeps_nothing_of_the_file_and_remove_leaves_the_profile_out() -> None:
    standing = {"mtu": 9, "bogus": 1, "labels": ["a=b"]}
    assert after(Request({"debug": True}, replace=True), standing=standing) == {"debug": True}
    gone, leave = ("icc", "default-ulimits.core"), waivers("icc", "core_limit")
    found = after(Request(profile="strict", replace=True, remove=gone, waivers=leave), standing=standing)
    assert "icc" not in found and set(found["default-ulimits"]) == {"nofile"}


def test_a_nested_key_that_is_removed_and_given_is_refused() -> None:
    with pytest.raises(InputError, match=r"log-opts\.tag.* is also given in config"):
        make(Request({"log-opts": {"tag": "x"}}, remove=("log-opts.tag",)), observed())


def test_flags_are_taken_over_on_request_only_and_named_otherwise() -> None:
    unit = {"hosts": ["fd://"], "containerd": "/run/c.sock"}
    wanted = {"hosts": ["fd://", "unix:///run/second.sock"]}
    with pytest.raises(InputError, match="flags: take_over"):
        make(Request(wanted), observed(given=unit))
    plan = make(Request(wanted, flags="take_over"), observed(given=unit, own=unit, upcoming=unit))
    assert (plan.taken, plan.need) == (("hosts",), RESTART)
    taken = {"containerd": "/run/c.sock"}
    again = observed(standing=wanted, given=taken, own=unit, upcoming=taken)
    assert make(Request(wanted, flags="take_over"), again).need == LEAVE
    dropped = make(Request({"hosts": None}, flags="take_over"), again)
    assert (dropped.taken, dropped.after, dropped.need) == ((), {}, RESTART)


def test_a_flag_of_the_next_start_conflicts_though_the_running_daemon_has_it_not() -> None:
    with pytest.raises(InputError, match="debug"):
        make(Request({"debug": True}), observed(given={}, upcoming={"debug": True}))


def test_flags_that_weaken_the_profile_are_taken_over_and_others_stay() -> None:
    given = {"icc": True, "userland-proxy": False, "log-driver": "syslog"}
    plan = make(Request(profile="baseline", flags="take_over"), observed(given=given, own=given))
    assert (plan.taken, plan.after["icc"]) == (("icc",), False)
    assert not {"userland-proxy", "log-driver"} & set(plan.after)


@pytest.mark.parametrize(
    ("hosts", "fine"),
    [
        (["fd://"], True),
        (["unix:///run/docker.sock", "unix:///x"], True),
        (["unix:///x"], False),
        ([], False),
    ],
)
def test_the_socket_where_the_daemon_is_asked_must_stay(hosts: list, fine: bool) -> None:
    asked = observed(asked_at="unix:///var/run/docker.sock")
    if fine:
        assert make(Request({"hosts": hosts}), asked).after == {"hosts": hosts}
    else:
        with pytest.raises(InputError, match="add unix:///var/run"):
            make(Request({"hosts": hosts}), asked)


def test_flags_that_nobody_may_change_conflict_still() -> None:
    with pytest.raises(InputError, match="debug"):
        make(Request({"debug": True}, flags="take_over"), observed(given={"debug": True}))


def test_the_end_of_socket_activation_is_told() -> None:
    unit = {"hosts": ["fd://"]}
    host = observed(given=unit, own=unit, asked_at="unix:///run/docker.sock")
    plan = make(Request({"hosts": ["unix:///run/docker.sock"]}, flags="take_over"), host)
    assert "must be started at boot by itself" in " ".join(plan.notes)


def test_without_an_engine_the_file_is_planned_for_the_version_that_comes() -> None:
    host = Observed(version=(20, 10), installed=False)
    plan = make(Request({"proxies": {"http-proxy": "http://p"}, "mtu": 1400}), host)
    assert (plan.after, plan.need) == ({"mtu": 1400}, LEAVE)


def test_a_daemon_that_is_down_is_started() -> None:
    assert make(BASELINE, observed(live=None)).need == START


def test_icc_that_stays_off_when_the_setting_goes_while_containers_run_is_told() -> None:
    live = Live(running=1, icc=False, live_restore=True)
    plan = make(Request(remove=("icc",)), observed(standing={"icc": False}, live=live))
    assert "icc stays off" in " ".join(plan.notes)


def test_an_exact_way_back_does_not_leave_icc_off() -> None:
    live = Live(running=1, icc=False, live_restore=True)
    host = observed(standing={"icc": False, "live-restore": True}, live=live)
    assert (decide(host, {}, exact=True).carried, decide(host, {}).carried) == (False, True)
    still = observed(standing={"mtu": 9, "live-restore": True}, live=Live(running=1, icc=True, live_restore=True))
    assert decide(still, {}, exact=True).carried
