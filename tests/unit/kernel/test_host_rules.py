# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host's traits make of a profile, row by row, and that the catalogue is complete."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.controls.model import NOT_APPLICABLE, PASS
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.findings import findings
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.host_rules import (
    ADVERTISED,
    EXPECTED,
    RND_BITS,
    RULES,
    HostTraits,
    adjust,
    expecting,
    harmful,
    interface_values,
)
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.keys import KEYS, KNOWN, profile_values
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.left_alone import LEFT_ALONE
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.spec import parse
from ansible_collections.caisson.hardening.tests.support.kernel_page import PAGE, page
from hypothesis import given
from hypothesis import strategies as st

PLAIN = HostTraits(machine="x86_64")
SEEN = "seen there"
# Each rule again, by hand: trait, keys, what becomes of them.
NAMESPACES = "user.max_user_namespaces"
TABLE: dict[str, dict[str, str | None]] = {
    "docker": dict.fromkeys(
        ("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding", "net.ipv4.conf.default.forwarding")
    ),
    "ipv6_networks": dict.fromkeys(
        f"net.ipv6.conf.{scope}.{name}" for scope in ("all", "default") for name in ("forwarding", "disable_ipv6")
    ),
    "rootless": {
        "kernel.unprivileged_userns_clone": None,
        "kernel.apparmor_restrict_unprivileged_unconfined": None,
        "net.ipv4.ip_unprivileged_port_start": None,
        NAMESPACES: None,
    },
    "userns_remap": {NAMESPACES: None},
    "userns_clone": {NAMESPACES: None},
    "no_resource_right": {NAMESPACES: None},
    "user_namespaces": {NAMESPACES: None},
    "advertised": {
        **dict.fromkeys(f"net.ipv6.conf.{scope}.{name}" for scope in ("all", "default")
                        for name in ("accept_ra", "autoconf", "router_solicitations")),
        **dict.fromkeys(f"net.ipv6.conf.default.{name}" for name in
                        ("accept_ra_defrtr", "accept_ra_pinfo", "accept_ra_rtr_pref", "max_addresses")),
    },
    "asymmetric": {"net.ipv4.conf.all.rp_filter": "2", "net.ipv4.conf.default.rp_filter": "2"},
}  # fmt: skip


def with_trait(trait: str) -> HostTraits:
    value: t.Any = (SEEN,) if trait == "advertised" else SEEN
    return dataclasses.replace(PLAIN, **{trait: value})


def test_table_has_every_trait_of_a_rule() -> None:
    assert set(TABLE) == {rule.trait for rule in RULES}


@pytest.mark.parametrize("trait", TABLE)
def test_trait_changes_exactly_its_keys_and_says_what_was_seen(trait: str) -> None:
    found = adjust("strict", with_trait(trait))
    assert {key: each.value for key, each in found.items()} == TABLE[trait]
    assert all(SEEN in each.why for each in found.values())


@pytest.mark.parametrize("trait", TABLE)
def test_baseline_holds_no_value_that_a_trait_would_have_to_change(trait: str) -> None:
    assert set(adjust("baseline", with_trait(trait))) <= set(LEFT_ALONE)


def test_plain_host_takes_the_profile_as_it_is() -> None:
    assert adjust("strict", PLAIN) == {}


@given(
    st.builds(
        HostTraits,
        rootless=st.sampled_from(["", SEEN]),
        userns_remap=st.sampled_from(["", SEEN]),
        advertised=st.sampled_from([(), ("eth0",)]),
        asymmetric=st.sampled_from(["", SEEN]),
        machine=st.sampled_from(["", "x86_64", "aarch64", "armv7l", "riscv64", "s390x"]),
        rnd_bits=st.none() | st.integers(8, 33),
    ),
    st.sampled_from(["baseline", "strict"]),
)
def test_no_host_gets_a_value_that_the_profile_does_not_know(traits: HostTraits, profile: str) -> None:
    values = parse(profile=profile)
    demanded = dataclasses.replace(values, adjusted=adjust(profile, traits)).demanded()
    assert set(demanded) <= set(profile_values(profile))
    if traits.rootless or traits.userns_remap:
        assert NAMESPACES not in demanded
    if traits.advertised:
        assert not set(demanded) & set(ADVERTISED)


@pytest.mark.parametrize(
    ("machine", "built", "value"),
    [
        ("x86_64", None, "32"),
        ("x86_64", 28, "28"),
        ("aarch64", 33, "33"),
        ("aarch64", None, None),
        ("armv7l", 15, "15"),
        ("i686", None, "16"),
        ("riscv64", None, "24"),
        ("", None, None),
    ],
)
def test_randomness_is_the_kernels_most_then_the_architectures_or_left_alone(
    machine: str, built: int | None, value: str | None
) -> None:
    traits = HostTraits(machine=machine, rnd_bits=built)
    spec = dataclasses.replace(parse(profile="strict"), adjusted=adjust("strict", traits))
    assert spec.demanded().get("vm.mmap_rnd_bits") == value


def test_architectures_are_those_whose_most_depends_on_nothing_else() -> None:
    assert not [machine for machine in RND_BITS if machine.startswith(("arm", "aarch64", "mips", "ppc"))]


@pytest.mark.parametrize(("machine", "value"), [("armv7l", "32768"), ("aarch64", "65536"), ("x86_64", "65536")])
def test_lowest_address_is_where_programs_of_the_machine_begin(machine: str, value: str) -> None:
    traits = HostTraits(machine=machine)
    spec = dataclasses.replace(parse(profile="baseline"), adjusted=adjust("baseline", traits))
    assert spec.demanded()["vm.mmap_min_addr"] == value


def test_interface_that_forwards_and_is_advertised_to_gets_the_value_for_both() -> None:
    traits = HostTraits(advertised=("eth0", "vlan.7"), ipv6_forwarding=True)
    assert interface_values(traits) == {
        "net.ipv6.conf.eth0.accept_ra": "2",
        "net.ipv6.conf.vlan/7.accept_ra": "2",
    }
    assert interface_values(dataclasses.replace(traits, ipv6_forwarding=False)) == {}


@pytest.mark.parametrize("trait", EXPECTED)
def test_what_is_expected_counts_like_what_is_seen(trait: str) -> None:
    assert set(adjust("strict", expecting(PLAIN, [trait]))) == set(TABLE[trait])
    assert expecting(with_trait(trait), [trait]) == with_trait(trait)


def test_value_that_the_host_does_not_bear_is_warned_of_and_others_are_not() -> None:
    traits = with_trait("rootless")
    assert "cannot start without user namespaces (seen there)" in harmful({NAMESPACES: "0"}, traits)[0]
    assert harmful({NAMESPACES: "28633", "net.ipv4.ip_unprivileged_port_start": "80"}, traits) == []
    assert harmful({NAMESPACES: "0"}, PLAIN) == []


def test_finding_names_what_was_adjusted_and_why() -> None:
    traits = dataclasses.replace(with_trait("rootless"), rnd_bits=28)
    spec = dataclasses.replace(parse(profile="strict"), adjusted=adjust("strict", traits))
    found = {each.control: each for each in findings(spec, {NAMESPACES: "9", "vm.mmap_rnd_bits": "28"}, {}, {})}
    left = found[f"kernel.{NAMESPACES}"]
    assert left.outcome == NOT_APPLICABLE and SEEN in left.evidence
    bits = found["kernel.vm.mmap_rnd_bits"]
    assert bits.outcome == PASS and "28 for 32: the most that this kernel was built for" in bits.evidence


def test_every_researched_key_has_a_value_or_a_reason() -> None:
    lines = (Path(__file__).parent / "data" / "researched_keys.txt").read_text(encoding="utf-8").split()
    assert len(lines) == 87 and set(lines) == KNOWN
    for key in lines:
        assert (key in KEYS and KEYS[key].values) or LEFT_ALONE[key].reason


def test_page_is_made_from_the_catalogue() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m ...tests.support.kernel_page"
