# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which keys of single interfaces are set, and what the kernel makes of two values."""

from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.conf import assignments, render
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.interfaces import (
    after_switches,
    candidates,
    default_of,
    effective,
    given_back,
    inheriting,
    interface_of,
    loose,
    needed,
    own_interfaces,
)
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.keys import KEYS
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.plan import Observed, make_plan
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.spec import parse

SEND = "net.ipv4.conf.all.send_redirects"
RP = "net.ipv4.conf.all.rp_filter"
ETH = "net.ipv4.conf.eth0.send_redirects"


def test_every_key_of_interfaces_has_its_rule_and_no_other_key_has_one() -> None:
    assert {key for key, entry in KEYS.items() if entry.combine} == {key for key in KEYS if ".conf." in key}


@pytest.mark.parametrize(
    ("name", "everywhere", "own", "in_force"),
    [
        ("net.ipv4.conf.all.accept_source_route", "0", "1", "0"),
        ("net.ipv4.conf.all.send_redirects", "0", "1", "1"),
        ("net.ipv4.conf.all.log_martians", "1", "0", "1"),
        ("net.ipv4.conf.all.rp_filter", "1", "2", "2"),
        ("net.ipv4.conf.all.rp_filter", "1", "0", "1"),
        ("net.ipv6.conf.all.accept_redirects", "0", "1", "1"),
        ("net.ipv6.conf.all.accept_source_route", "0", "1", "0"),
        ("net.ipv6.conf.all.accept_source_route", "0", "-1", "-1"),
    ],
)
def test_kernel_goes_by_both_values_by_the_keys_rule(name: str, everywhere: str, own: str, in_force: str) -> None:
    assert effective(name, everywhere, own) == in_force


def test_interfaces_of_engines_are_not_the_hosts() -> None:
    engines = [
        "lo",
        "docker0",
        "docker_gwbridge",
        "br-0123456789ab",
        "veth1a2b3c4",
        "podman1",
        "cni0",
        "all",
        "default",
    ]
    assert own_interfaces([*engines, "eth0", "br-lan", "bond0.7", "wg0"]) == ("bond0.7", "br-lan", "eth0", "wg0")


def test_only_what_would_be_in_force_in_spite_of_all_is_set_and_stays_set() -> None:
    followed = candidates([SEND, RP, "kernel.sysrq"], ["eth0", "bond0.7"])
    assert followed["net.ipv4.conf.bond0/7.send_redirects"] == SEND and len(followed) == 4
    live = dict.fromkeys(followed, "1")
    demanded = {SEND: "0", RP: "1"}
    first = needed(demanded, followed, live, {})
    assert first == {ETH: "0", "net.ipv4.conf.bond0/7.send_redirects": "0"}
    hardened = {**live, **first}
    assert needed(demanded, followed, hardened, dict.fromkeys(first, "1")) == first
    assert needed(demanded, followed, hardened, {}) == {}
    assert needed(demanded, followed, {}, {ETH: "1"}) == {ETH: "0"}, "an interface that is gone keeps its line"


def test_interface_by_which_a_key_is_not_in_force_is_named() -> None:
    followed = candidates([SEND, RP], ["eth0"])
    assert loose({SEND: "0", ETH: "1"}, SEND, "0", followed) == [ETH]
    assert loose({SEND: "0", ETH: "0"}, SEND, "0", followed) == []


def test_line_of_an_interface_may_fail_at_boot_and_is_read_back() -> None:
    values = {SEND: "0", ETH: "0", "net.ipv4.conf.bond0/7.send_redirects": "0"}
    assert f"\n-{ETH} = 0\n" in render(values) and f"\n{SEND} = 0\n" in render(values)
    assert assignments(render(values)) == values
    assert interface_of("net.ipv4.conf.bond0/7.send_redirects") == "bond0.7" and not interface_of(SEND)


def test_switch_of_forwarding_resets_what_the_kernel_resets() -> None:
    off = {
        "net.ipv4.ip_forward": "0",
        "net.ipv4.conf.all.forwarding": "0",
        "net.ipv4.conf.default.forwarding": "0",
        "net.ipv4.conf.all.accept_redirects": "1",
        "net.ipv6.conf.all.forwarding": "0",
    }
    then = after_switches(off, {"net.ipv4.ip_forward": "1"})
    assert then["net.ipv4.conf.default.forwarding"] == "1" and then["net.ipv4.conf.all.accept_redirects"] == "0"
    assert then["net.ipv6.conf.all.forwarding"] == "0" and then["net.ipv4.ip_forward"] == "0"
    assert after_switches(off, {}) == off


def test_value_that_the_switch_resets_is_set_after_it() -> None:
    redirects = "net.ipv4.conf.all.accept_redirects"
    observed = Observed({"net.ipv4.ip_forward": "0", redirects: "1"})
    plan = make_plan(parse(settings={"net.ipv4.ip_forward": 1, redirects: 1}), observed)
    assert plan.changes.actions()[1:] == [
        "set net.ipv4.ip_forward from '0' to '1'",
        f"set {redirects} from '0' to '1'",
    ]
    assert plan.changes.remember == observed.values


def test_what_outlives_a_reboot_follows_the_default_and_what_goes_with_a_container_does_not() -> None:
    names = ("all", "default", "lo", "veth12", "docker0", "br-0123456789ab", "eth0.7")
    keys = inheriting(["net.ipv4.conf.default.rp_filter", "net.ipv4.conf.all.log_martians", "vm.swappiness"], names)
    assert keys == {f"net.ipv4.conf.{name}.rp_filter" for name in ("docker0", "br-0123456789ab", "eth0/7")}
    assert {default_of(key) for key in keys} == {"net.ipv4.conf.default.rp_filter"}


def test_only_what_follows_our_default_is_given_back() -> None:
    names = ("anew", "untouched", "by_hand", "gone")
    anew, untouched, by_hand, gone = (f"net.ipv4.conf.{name}.rp_filter" for name in names)
    former = {anew: "0", untouched: "1", by_hand: "0", gone: "0"}
    live = {anew: "1", untouched: "1", by_hand: "2"}
    assert given_back(former, live, {"net.ipv4.conf.default.rp_filter": "1"}) == {anew: "0"}
    assert given_back(former, live, {}) == {}
