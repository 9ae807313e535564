# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The recommended boot parameters."""

from __future__ import annotations

from ansible_collections.caisson.hardening.plugins.module_utils.boot import catalogue, dropin

BY_NAME = {each.name: each for each in catalogue.PARAMETERS}


def test_names_are_unique_and_the_values_are_not_refused() -> None:
    assert len(BY_NAME) == len(catalogue.PARAMETERS)
    assert dropin.faults({each.name: each.value for each in catalogue.PARAMETERS}) == []


def test_what_breaks_something_is_strict_only() -> None:
    assert [each.name for each in catalogue.profile("baseline") if each.breaks] == []
    assert set(catalogue.profile("baseline")) < set(catalogue.profile("strict")) == set(catalogue.PARAMETERS)


def test_version_and_architecture_decide() -> None:
    assert catalogue.applies(BY_NAME["vsyscall"], (6, 1), "x86_64")
    assert not catalogue.applies(BY_NAME["vsyscall"], (6, 1), "aarch64")
    assert not catalogue.applies(BY_NAME["randomize_kstack_offset"], (5, 10), "x86_64")


def test_the_build_may_have_it_already() -> None:
    config = "CONFIG_INIT_ON_ALLOC_DEFAULT_ON=y\n# CONFIG_SLAB_MERGE_DEFAULT is not set\nCONFIG_AUDIT=y\n"
    assert [each.name for each in catalogue.PARAMETERS if catalogue.built_in(each, config)] == [
        "init_on_alloc",
        "slab_nomerge",
    ]
    assert not catalogue.built_in(BY_NAME["slab_nomerge"], "CONFIG_SLAB_MERGE_DEFAULT=y\n")
