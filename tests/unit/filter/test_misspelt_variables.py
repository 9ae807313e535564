# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.filter.misspelt_variables import (
    known_variables,
    misspelt_variables,
)


def test_every_role_has_its_variables_known() -> None:
    assert {"kernel_settings", "process_limits_state", "docker_daemon_install", "containers_list"} <= known_variables()


def test_names_that_roles_read_are_left_alone() -> None:
    assert misspelt_variables(known_variables()) == []


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("containers_lst", "containers_list"),
        ("kernel_setings", "kernel_settings"),
        ("kernel_setings_host", "kernel_settings_host"),
        ("kernel_setting_web_hosts", "kernel_settings_web_hosts"),
        ("kernel_settings_", "kernel_settings"),
        ("kernel_omit_", "kernel_omit"),
        ("harden_porfile", "harden_profile"),
        ("docker_deamon_install", "docker_daemon_install"),
    ],
)
def test_a_typing_mistake_is_named_with_what_was_meant(wrong: str, right: str) -> None:
    assert misspelt_variables([wrong]) == [f"no role reads the variable {wrong!r}; did you mean {right!r}?"]


@pytest.mark.parametrize("name", ["kernel_settings_all", "kernel_settings_host", "kernel_settings_50_web"])
def test_layers_of_the_settings_are_no_mistake(name: str) -> None:
    assert misspelt_variables([name]) == []


@pytest.mark.parametrize("name", ["kernel_version", "containers_of_the_shop", "docker_compose_dir"])
def test_variables_of_the_users_own_are_left_alone(name: str) -> None:
    assert misspelt_variables([name]) == []
