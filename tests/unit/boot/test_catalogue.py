# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The recommended boot parameters."""

from __future__ import annotations

from ansible_collections.caisson.hardening.plugins.module_utils.boot import catalogue, refused
from ansible_collections.caisson.hardening.plugins.module_utils.controls.catalogue import CONTROLS

BY_NAME = {each.name: each for each in catalogue.PARAMETERS}


def test_names_are_unique_and_the_values_are_not_refused() -> None:
    assert len(BY_NAME) == len(catalogue.PARAMETERS)
    assert refused.faults({each.name: each.value for each in catalogue.PARAMETERS}) == []


def test_what_breaks_something_is_strict_only() -> None:
    assert [each.name for each in catalogue.profile("baseline") if each.breaks] == []
    assert all(each.breaks for each in catalogue.PARAMETERS if each.strict)
    assert catalogue.profile("none") == ()
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


def test_a_kernel_built_without_a_feature_does_not_need_its_parameter() -> None:
    assert catalogue.lacks_support(BY_NAME["lockdown"], "# CONFIG_SECURITY_LOCKDOWN_LSM is not set\n")
    assert not catalogue.lacks_support(BY_NAME["lockdown"], "CONFIG_SECURITY_LOCKDOWN_LSM=y\n")
    assert not catalogue.lacks_support(BY_NAME["lockdown"], "")


def test_each_has_a_control_of_its_own() -> None:
    ids = [each.control for each in catalogue.PARAMETERS]
    assert len(set(ids)) == len(ids) and set(ids) <= set(CONTROLS)
