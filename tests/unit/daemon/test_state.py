# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.controls.daemon import CONTROLS, settings
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import addresses
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.judge import findings
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.plan import Observed, Request, make
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.schema import KEYS, faults_of
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.state import Live, predicted


def outcomes(configured: dict, live: object = None, profile: str = "strict") -> dict:
    return {finding.control: finding.outcome for finding in findings(configured, live, profile)}


def test_every_control_is_judged_and_every_setting_serves_one_and_is_valid() -> None:
    assert list(outcomes({})) == [control.id for control in CONTROLS]
    known = {control.id for control in CONTROLS}
    for setting in settings("strict"):
        assert setting.control in known
        assert setting.key in KEYS
        assert faults_of({setting.key: setting.value}, "daemon.json") == []


@pytest.mark.parametrize("profile", ["baseline", "strict"])
def test_a_profile_meets_every_control_that_it_demands(profile: str) -> None:
    done = make(Request(profile=profile), Observed()).after
    found = outcomes(done, profile=profile)
    # These need what only the user knows: whom to map, which plugin to ask, where the logs go.
    open_ones = {"daemon.userns_remap", "daemon.authorization_plugin", "daemon.central_logging"}
    assert {name for name, outcome in found.items() if outcome == "fail"} == open_ones & set(found)


@pytest.mark.parametrize(
    ("configured", "control", "outcome"),
    [
        ({"hosts": ["tcp://0.0.0.0:2375"]}, "daemon.tcp_tls", "fail"),
        ({"hosts": ["tcp://0.0.0.0:2376"], "tlsverify": True}, "daemon.tcp_tls", "pass"),
        ({"hosts": ["unix:///x"]}, "daemon.tcp_tls", "not_applicable"),
        ({"insecure-registries": ["r:5000"]}, "daemon.insecure_registries", "fail"),
        ({"iptables": False}, "daemon.iptables", "fail"),
        ({"log-level": "debug"}, "daemon.log_level", "fail"),
        ({"experimental": True}, "daemon.experimental", "fail"),
        ({"seccomp-profile": "unconfined"}, "daemon.seccomp", "fail"),
        ({"storage-driver": "aufs"}, "daemon.storage_driver", "fail"),
        ({"log-driver": "json-file"}, "daemon.log_driver", "fail"),
        ({"log-driver": "json-file", "log-opts": {"max-size": "1m"}}, "daemon.log_driver", "pass"),
        ({"log-driver": "none"}, "daemon.log_driver", "fail"),
        ({"bridge": "none"}, "daemon.icc", "not_applicable"),
    ],
)
def test_a_control_tells_the_good_from_the_bad(configured: dict, control: str, outcome: str) -> None:
    assert outcomes(configured)[control] == outcome


def test_what_the_daemon_shows_counts_more_than_what_the_file_says() -> None:
    live = Live(icc=True, live_restore=False, log_driver="json-file", storage_driver="overlay2")
    found = outcomes({"icc": False, "live-restore": True, "log-driver": "local"}, live)
    assert {found[name] for name in ("daemon.icc", "daemon.live_restore", "daemon.log_driver")} == {"fail"}


@pytest.mark.parametrize(
    ("configured", "shown"),
    [
        (["r:5000"], {"IndexConfigs": {"r:5000": {"Secure": False}}}),
        (["10.1.2.3/8"], {"InsecureRegistryCIDRs": ["10.0.0.0/8"]}),
        (["2001:DB8::1/32"], {"InsecureRegistryCIDRs": ["2001:db8::/32"]}),
        (["10.0.0.1"], {"IndexConfigs": {"10.0.0.1": {"Secure": False}}}),
    ],
)
def test_insecure_registries_are_predicted_as_the_engine_shows_them(configured: list, shown: dict) -> None:
    own = ["127.0.0.0/8", "::1/128"]
    indexes = {"docker.io": {"Secure": True}, **shown.get("IndexConfigs", {})}
    networks = [*shown.get("InsecureRegistryCIDRs", []), *own]
    seen = addresses.insecure_registries({"IndexConfigs": indexes, "InsecureRegistryCIDRs": networks})
    before = Live(insecure_registries=addresses.insecure_registries({"InsecureRegistryCIDRs": own}))
    assert predicted(before, {"insecure-registries": configured}, ()).insecure_registries == seen
    assert outcomes({}, Live(insecure_registries=seen))["daemon.insecure_registries"] == "fail"
    assert outcomes({}, before)["daemon.insecure_registries"] == "pass"


def test_the_predicted_view_meets_the_controls_like_the_real_one() -> None:
    done = make(Request(profile="baseline"), Observed()).after
    live = predicted(Live(icc=True, log_driver="json-file", security=("name=seccomp,profile=default",)), done, ())
    assert "fail" not in outcomes(done, live, "baseline").values()
