# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalogue keeps to what it promises."""

from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.controls.catalogue import CONTROLS
from ansible_collections.caisson.hardening.plugins.module_utils.kernel_modules.catalogue import (
    CHOICE,
    ENTRIES,
    MODULES,
    Entry,
    canonical,
    demanded,
    protection,
)


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.name)
def test_an_entry_is_complete_and_denies_nothing_that_docker_needs(entry: Entry) -> None:
    assert entry.modules and entry.reason.endswith(".") and entry.references
    assert [module for module in entry.modules if protection(module) or canonical(module) != module] == []
    assert CONTROLS[f"kernel.module_{entry.name}"].references == entry.references


def test_no_module_is_in_two_entries() -> None:
    assert len(MODULES) == sum(len(entry.modules) for entry in ENTRIES.values())


def test_strict_contains_baseline_and_a_choice_is_in_neither() -> None:
    assert set(demanded("baseline")) < set(demanded("strict"))
    assert demanded("none") == {}
    assert not {entry.name for entry in ENTRIES.values() if entry.profile == CHOICE} & set(demanded("strict"))


@pytest.mark.parametrize(
    "module",
    "overlay bridge br_netfilter veth vxlan macvlan ipvlan ip_vs ip_vs_rr nf_tables nf_nat nft_compat xt_MASQUERADE"
    " x_tables ip_tables iptable_nat ip6table_filter nfnetlink ip_set_hash_ip squashfs virtio_net dm_crypt".split(),
)
def test_what_docker_or_the_start_needs_is_protected(module: str) -> None:
    assert protection(module)
