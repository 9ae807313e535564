# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is refused, what passes by which evidence, and what engines of other versions get."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ansible_collections.caisson.hardening.plugins.module_utils.controls.daemon import CONTROLS, KEYS_OF
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import addresses, hidden, seccomp
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.companions import Companion
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.judge import findings
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.outdated import (
    TRACKED,
    Container,
    outdated,
    since_when,
    warning,
)
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.plan import (
    LEAVE,
    RESTART,
    Observed,
    Request,
    make,
)
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.schema import KEYS
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.state import Live, predicted
from ansible_collections.caisson.hardening.plugins.module_utils.errors import InputError
from hypothesis import given
from hypothesis import strategies as st

ROLE = Path(__file__).resolve().parents[3] / "roles" / "docker_daemon"
FRESH = Live(
    log_driver="json-file", storage_driver="overlay2", default_runtime="runc", icc=True, port_address="0.0.0.0"
)
NEW_NETWORKS = {"bridge": {"com.docker.network.bridge.host_binding_ipv4": "127.0.0.1"}}


def judged(configured: dict, live: Live | None = None, **more: t.Any) -> dict[str, tuple[str, str]]:
    found = findings(configured, live, "strict", **more)
    return {finding.control.partition(".")[2]: (finding.outcome, finding.evidence) for finding in found}


def waiver(name: str, expires: str = "2999-12-31") -> dict:
    return {"control": f"daemon.{name}", "reason": "a test", "expires": expires}


def refusal(request: Request, **more: t.Any) -> str:
    with pytest.raises(InputError) as refused:
        make(request, Observed(**{"live": FRESH, "version": (20, 10), "in_effect": {}, **more}))
    return str(refused.value)


def test_every_key_of_a_control_is_one_that_dockerd_has_and_every_tag_of_the_role_a_control() -> None:
    known = [control.id for control in CONTROLS]
    assert set(KEYS_OF) <= set(known)
    assert {key for keys in KEYS_OF.values() for key in keys} <= set(KEYS)
    tasks = yaml.safe_load((ROLE / "tasks" / "main.yml").read_text(encoding="utf-8"))
    tasks += [task for block in tasks for task in block.get("block", ())]
    tags = next(task["tags"] for task in tasks if "caisson.hardening.docker_daemon_config" in task)
    assert tags == ["docker_daemon", *known]
    readme = (ROLE / "README.md").read_text(encoding="utf-8")
    assert [name for name in known if f"`{name}`" not in readme] == []


def test_the_profile_that_the_role_ships_is_the_one_that_the_module_installs() -> None:
    assert (ROLE / "files" / "caisson-seccomp.json").read_text(encoding="utf-8") == seccomp.text()


@pytest.mark.parametrize(
    ("config", "control", "outcome"),
    [
        ({"userns-remap": "default"}, "userns_remap", "pass"),
        ({"cgroup-parent": "/mine"}, "cgroup_parent", "fail"),
        ({"storage-driver": "devicemapper", "storage-opts": ["dm.basesize=20G"]}, "devicemapper_base_size", "fail"),
        ({"storage-driver": "devicemapper"}, "devicemapper_base_size", "pass"),
        ({"authorization-plugins": ["opa"]}, "authorization_plugin", "pass"),
        ({"log-driver": "local"}, "central_logging", "fail"),
        ({"log-driver": "none"}, "central_logging", "fail"),
        ({"log-driver": "journald"}, "central_logging", "fail"),
        ({"log-driver": "syslog"}, "central_logging", "fail"),
        ({"log-driver": "syslog", "log-opts": {"syslog-address": "tcp+tls://l:6514"}}, "central_logging", "pass"),
        ({"log-driver": "fluentd"}, "central_logging", "pass"),
        ({"debug": True}, "log_level", "fail"),
        ({"default-ulimits": {"nofile": {"Name": "nofile", "Soft": -1, "Hard": -1}}}, "default_ulimits", "fail"),
        ({"default-ulimits": {"core": "0:1024"}}, "core_limit", "fail"),
        ({"seccomp-profile": "/etc/docker/mine.json"}, "seccomp_profile", "pass"),
        ({"metrics-addr": "127.0.0.1:9323"}, "metrics_address", "pass"),
        ({"metrics-addr": "[::]:9323"}, "metrics_address", "fail"),
        ({"metrics-addr": ":9323"}, "metrics_address", "fail"),
        ({"default-address-pools": [{"base": "100.64.0.0/12", "size": 24}]}, "address_pools", "pass"),
        ({"default-address-pools": [{"base": "0.0.0.0/0", "size": 24}]}, "address_pools", "fail"),
        ({"max-concurrent-uploads": 0}, "transfer_limits", "fail"),
        ({"shutdown-timeout": 3600}, "shutdown_timeout", "fail"),
        ({"hosts": ["0.0.0.0:2375"]}, "tcp_tls", "fail"),
        ({"hosts": ["tcp://10.0.0.1:2376"], "tls": True}, "tcp_tls", "fail"),
        ({"hosts": ["fd://", "unix:///x"]}, "tcp_tls", "not_applicable"),
    ],
)
def test_a_control_tells_the_good_from_the_bad(config: dict, control: str, outcome: str) -> None:
    assert judged(config, version=(20, 10))[control][0] == outcome


def test_what_the_daemon_shows_counts_more_than_its_settings() -> None:
    live = replace(
        FRESH,
        security=("name=seccomp,profile=unconfined", "name=rootless"),
        tcp=(("tcp://127.0.0.1:2375", addresses.PLAIN),),
        pools=("9.0.0.0/8",),
        debug=True,
    )
    found = judged({"seccomp-profile": "/p.json", "hosts": ["tcp://127.0.0.1:2375"], "tlsverify": True}, live)
    failing = ("tcp_tls", "seccomp", "seccomp_profile", "address_pools", "log_level", "authorization_plugin")
    assert {found[name][0] for name in failing} == {"fail"}
    assert (found["rootless"][0], found["userns_remap"][0]) == ("pass", "not_applicable")


@pytest.mark.parametrize(("version", "networks"), [((20, 10), None), ((24, 0), NEW_NETWORKS), ((26, 1), NEW_NETWORKS)])
def test_the_defaults_of_new_networks_are_set_where_the_engine_has_them(version: tuple, networks: dict | None) -> None:
    plan = make(Request(profile="strict"), Observed(live=FRESH, version=version, in_effect={}))
    assert plan.after.get("default-network-opts") == networks
    assert any("default-network-opts" in note for note in plan.notes) == (networks is None)
    live = predicted(FRESH, plan.after, ())
    assert judged(plan.after, live, version=version)["port_address"][0] == "pass"
    if networks:
        without = {**plan.after, "default-network-opts": {}}
        assert judged(without, predicted(FRESH, without, ()), version=version)["port_address"][0] == "fail"


def test_a_value_that_the_file_has_and_that_serves_the_control_stays() -> None:
    standing = {"ip": "10.0.0.5", "seccomp-profile": "/etc/docker/mine.json"}
    found = make(Request(profile="strict"), Observed(standing, live=FRESH, version=(20, 10), in_effect=standing)).after
    assert {key: found[key] for key in standing} == standing


def test_plain_tcp_is_refused_wherever_it_stands_and_tls_or_a_waiver_allows_it() -> None:
    by_flag = {"given": {"hosts": ["tcp://0.0.0.0:2375"]}}
    for profile in ("baseline", "none"):
        assert "breaks daemon.tcp_tls" in refusal(Request(profile=profile), **by_flag)
        assert "breaks daemon.tcp_tls" in refusal(Request(profile=profile), standing={"hosts": ["tcp://:2375"]})
    leave = (waiver("tcp_tls"),)
    for request in (Request(waivers=leave), Request({"tlsverify": True})):
        assert make(request, Observed(live=FRESH, in_effect={}, **by_flag))
    assert "breaks daemon.tcp_tls" in refusal(Request(waivers=(waiver("tcp_tls", "2001-01-01"),)), **by_flag)


def test_a_tcp_socket_that_systemd_opens_for_the_daemon_is_refused_too() -> None:
    opened = replace(FRESH, tcp=(("tcp://0.0.0.0:2375", addresses.PLAIN),))
    activated: dict = {"live": opened, "given": {"hosts": ["fd://"]}}
    assert "tcp://0.0.0.0:2375 answers anybody" in refusal(Request(profile="baseline"), **activated)
    assert make(Request({"tlsverify": True}), Observed(in_effect={}, **activated)).after == {"tlsverify": True}


def test_only_what_the_user_asks_for_himself_is_refused_and_only_under_a_profile_that_demands_it() -> None:
    assert "breaks daemon.icc" in refusal(Request({"icc": True}, "baseline"))
    assert "breaks daemon.central_logging" in refusal(Request({"log-driver": "local"}, "strict"))
    assert make(Request({"icc": True}), Observed(live=FRESH, in_effect={})).after == {"icc": True}
    stands = {"insecure-registries": ["registry.example:5000"]}
    assert (
        make(Request(profile="baseline"), Observed(stands, live=FRESH, in_effect=stands)).after.keys() >= stands.keys()
    )


def test_a_flag_that_is_taken_over_into_the_file_moves_nothing() -> None:
    here = {"data-root": "/srv/docker"}
    existing = hidden.Existing(("a",), ("a",))
    host = {"live": replace(FRESH, running=1), "existing": existing, "given": here, "own": here, "in_effect": {}}
    plan = make(Request(here, flags="take_over"), Observed(version=(20, 10), **host))
    assert (plan.taken, plan.stop) == (("data-root",), ())
    elsewhere = Request({"data-root": "/elsewhere"}, flags="take_over")
    assert "allow_hidden" in refusal(elsewhere, **host)


def test_every_fault_of_the_waivers_and_what_they_do_not_allow_is_told_at_once() -> None:
    bad = ({"control": "daemon.icc", "reason": "", "expires": "soon"}, waiver("log_level"), waiver("log_level"))
    said = refusal(Request({"icc": True, "debug": True}, "baseline", waivers=bad))
    assert "4 faults" in said
    for part in ("waivers[0].reason", "waivers[0].expires", "waivers[2].control", "breaks daemon.icc"):
        assert part in said


def test_what_hides_containers_needs_the_word_and_stops_the_running_ones_first() -> None:
    existing = hidden.Existing(("a", "b"), ("b",), images=3, volumes=1)
    found = {"existing": existing, "live": replace(FRESH, running=1)}
    for config in ({"userns-remap": "default"}, {"data-root": "/srv/docker"}):
        said = refusal(Request(config), **found)
        assert "2 containers (a, b), 3 images, 1 volumes" in said
        plan = make(Request(config, allow_hidden=True), Observed(in_effect={}, version=(20, 10), **found))
        assert (plan.need, plan.stop, plan.live_restore_first) == (RESTART, ("b",), False)
        assert "2 containers (a, b)" in " ".join(plan.notes)
    taken_back = {"standing": {"userns-remap": "default"}, "in_effect": {"userns-remap": "default"}}
    assert "allow_hidden" in refusal(Request(remove=("userns-remap",)), **found, **taken_back)
    empty = {"live": FRESH, "in_effect": {}, "existing": hidden.Existing()}
    assert make(Request({"userns-remap": "default"}), Observed(**empty)).need == RESTART
    unmapped = refusal(Request({"userns-remap": "me"}), remap_problem="names the user me, whom this host does not have")
    assert "whom this host does not have" in unmapped


def test_a_file_beside_daemon_json_that_the_daemon_has_not_read_restarts_it() -> None:
    profile = Companion("/p.json", None, None, "seccomp-profile", "write it", changes=True)
    named = {"seccomp-profile": "/p.json"}
    live = replace(FRESH, security=("name=seccomp,profile=/p.json",))

    def need(config: dict, companion: Companion) -> tuple[str, int]:
        plan = make(Request(config), Observed(config, config, live=live, companions=(companion,)))
        return plan.need, len(plan.companions)

    assert need(named, profile) == (RESTART, 1)
    assert need(named, replace(profile, changes=False)) == (LEAVE, 0)
    assert need(named, replace(profile, changes=False, stale=True)) == (RESTART, 0)
    assert need({}, profile) == (LEAVE, 0)
    assert need(named, replace(profile, key="")) == (LEAVE, 1)


CONFIGURED = {
    "log-driver": "local",
    "no-new-privileges": True,
    "default-cgroupns-mode": "private",
    "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 16384}},
}
OLD = Container(
    "old", created=10, log_driver="json-file", cgroupns="host", no_new_privileges=False, nofile=-1, core=0, started=10
)


@pytest.mark.parametrize(
    ("change", "old"),
    [
        (
            {},
            [
                "log driver json-file, now local",
                "may gain new privileges",
                "ulimit nofile unlimited, now 16384",
                "the host's cgroup namespace",
            ],
        ),
        ({"running": False}, None),
        (
            {"created": 200},
            ["may gain new privileges", "ulimit nofile unlimited, now 16384"],
        ),
        (
            {
                "created": 200,
                "security": ("no-new-privileges=false",),
                "nofile": 65536,
                "ulimits": (("nofile", 65536),),
            },
            None,
        ),
        ({"created": 200, "no_new_privileges": True, "nofile": 16384}, None),
        ({"created": 200, "no_new_privileges": None, "nofile": None}, None),
    ],
)
def test_a_container_is_outdated_by_what_it_has_not_by_what_it_chose(change: dict, old: list | None) -> None:
    since = {key: [CONFIGURED.get(key), 100.0] for key in TRACKED}
    found = outdated([replace(OLD, **change)], CONFIGURED, since)
    assert found == ([{"name": "old", "outdated": old}] if old else [])
    assert ("old (" in warning(found)) == bool(old)


def test_the_time_of_a_default_is_kept_until_it_changes() -> None:
    first = since_when({}, {"log-driver": "local"}, CONFIGURED, 50.0, 100.0)
    assert (first["log-driver"], first["no-new-privileges"]) == (["local", 50.0], [True, 100.0])
    assert since_when(first, CONFIGURED, CONFIGURED, 70.0, 200.0) == first
    changed = since_when(first, CONFIGURED, {**CONFIGURED, "log-driver": "syslog"}, 70.0, 200.0)
    assert changed["log-driver"] == ["syslog", 200.0]


def test_a_waiver_that_expires_today_still_counts() -> None:
    today = datetime.date(2026, 5, 1)
    request = Request({"icc": True}, "baseline", waivers=(waiver("icc", "2026-05-01"),))
    assert make(request, Observed(live=FRESH, in_effect={}, today=today)).after["icc"] is True
    with pytest.raises(InputError):
        make(request, Observed(live=FRESH, in_effect={}, today=today + datetime.timedelta(days=1)))


@given(st.text())
def test_any_text_as_an_address_is_judged_without_a_crash(text: str) -> None:
    host, port = addresses.split(text)
    assert isinstance(host, str)
    assert port >= 0
    assert addresses.wildcard(text) in (True, False)
    assert addresses.loopback(text) in (True, False)
    assert len(addresses.predicted({"hosts": [text]})) <= 1


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("tcp://127.0.0.1:2375", "127.0.0.1", 2375),
        ("tcp://[::1]:2376", "::1", 2376),
        ("0.0.0.0:1", "0.0.0.0", 1),
        (":9323", "", 9323),
        ("::", "::", 0),
        ("tcp://host.example/path", "host.example", 0),
    ],
)
def test_addresses_are_read_as_dockerd_reads_them(address: str, host: str, port: int) -> None:
    assert addresses.split(address) == (host, port)
