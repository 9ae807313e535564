# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The boot_parameters module with Debian's GRUB, whose own programs generate the menu (see tests/support/grub.py)."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.caisson.hardening.plugins.modules import boot_parameters
from ansible_collections.caisson.hardening.tests.support import images
from ansible_collections.caisson.hardening.tests.support.grub import GrubPlace, grub_place

DROPIN = "/etc/default/grub.d/99-caisson.cfg"
MENU = "/boot/grub/grub.cfg"
OWN = {"profile": "none", "parameters": {"audit": "1", "slab_nomerge": "", "panic": 30}}
WORDS = ["audit=1", "slab_nomerge", "panic=30"]
# GRUB 2.06 and 2.12. What is about the module more than about GRUB is tried with the first alone.
BOTH = pytest.mark.parametrize(
    "place", [images.GRUB, images.GRUB_TRIXIE], indirect=True, ids=lambda recipe: recipe.name
)


@pytest.fixture(scope="module", params=[images.GRUB], ids=lambda recipe: recipe.name)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[GrubPlace]:
    with grub_place(tmp_path_factory.mktemp("grub"), request.param) as made:
        yield made


@pytest.fixture
def host(place: GrubPlace) -> GrubPlace:
    place.fresh()
    return place


def last_values(host: GrubPlace, name: str) -> set[str]:
    """What each entry says last of the parameter."""
    return {[word for word in line.split() if word.partition("=")[0] == name][-1] for line in host.entries()}


def evidence(result: dict[str, t.Any], control: str) -> tuple[str, str]:
    found = next(each for each in result["findings"] if each["control"] == control)
    return found["outcome"], found["evidence"]


def test_report_tells_and_changes_nothing(host: GrubPlace) -> None:
    state = host.state()
    result = host.run()
    assert host.state() == state
    assert (
        not result["changed"]
        and not result["reboot_required"]
        and result["score"]["before"] == result["score"]["after"]
    )
    assert evidence(result, "kernel.boot_slab_nomerge") == ("fail", "running without slab_nomerge")


@BOTH
def test_every_entry_of_every_kernel_gets_the_parameters(host: GrubPlace) -> None:
    before = host.entries()
    result = host.run(state="present", profile="strict")
    assert result["changed"] and result["reboot_required"]
    wanted = {f"{name}={each['wanted']}".rstrip("=") for name, each in result["parameters"].items()}
    assert {"slab_nomerge", "mitigations=auto,nosmt"} <= wanted
    after = host.entries()
    assert len(after) == len(before) == 5
    assert all(wanted <= set(line.split()) for line in after)
    # Nothing else is different.
    assert [[word for word in line.split() if word not in wanted] for line in after] == [
        line.split() for line in before
    ]
    assert evidence(result, "kernel.boot_slab_nomerge") == (
        "fail",
        "running without slab_nomerge, set for the next boot",
    )


@BOTH
def test_after_the_reboot_the_controls_pass(host: GrubPlace) -> None:
    result = host.run(state="present")
    assert result["score"]["after"] < result["score"]["total"]
    host.reboot()
    result = host.run(state="present")
    assert not result["changed"] and not result["reboot_required"]
    assert result["score"]["before"] == result["score"]["after"] == result["score"]["total"]
    assert evidence(result, "kernel.boot_slab_nomerge") == ("pass", "running with slab_nomerge")
    assert host.run(state="absent")["reboot_required"] and host.run(state="absent")["reboot_required"]


def test_a_value_of_the_users_loses_and_is_named(host: GrubPlace) -> None:
    host.fresh(default="quiet audit=0", always="panic=5")
    assert {line.split()[-1] for line in host.entries()} == {"audit=0", "panic=5"}
    result = host.run(state="present", **OWN)
    assert result["conflicts"] == {"audit": ["0"], "panic": ["5"]}
    assert "audit=0 is set elsewhere" in str(result["warnings"])
    assert last_values(host, "audit") == {"audit=1"} and last_values(host, "panic") == {"panic=30"}
    assert not host.run(state="present", **OWN)["changed"]


def test_a_file_that_is_read_later_makes_the_run_fail_and_all_is_as_before(host: GrubPlace) -> None:
    host.sh("mkdir -p /etc/default/grub.d")
    host.write("/etc/default/grub.d/zz.cfg", 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX audit=0"\n')
    state = host.state()
    result = host.run(state="present", **OWN)
    assert result["failed"] and "audit=1 does not win" in result["msg"] and "Nothing was changed" in result["msg"]
    assert host.state() == state


@pytest.mark.parametrize("text", ["exit 3", "echo 'menuentry x {'", "sleep 0; kill -9 $PPID"])
def test_where_grub_fails_all_is_as_before(host: GrubPlace, text: str) -> None:
    host.write("/etc/grub.d/99_broken", f"#!/bin/sh\n{text}\n")
    host.sh("chmod 755 /etc/grub.d/99_broken")
    try:
        state = host.state()
        result = host.run(state="present", **OWN)
        assert result["failed"] and "grub-mkconfig ended with" in result["msg"], result
        assert host.state() == state
    finally:
        host.sh("rm /etc/grub.d/99_broken")


@BOTH
def test_second_run_and_check_change_nothing(host: GrubPlace) -> None:
    state = host.state()
    predicted = host.run(check=True, state="present", **OWN)
    assert host.state() == state and predicted["changed"]
    assert predicted == host.run(state="present", **OWN)
    state = host.state()
    for check in (True, False):
        assert not host.run(check=check, state="present", **OWN)["changed"]
    assert host.state() == state
    predicted = host.run(check=True, state="absent")
    assert host.state() == state
    assert predicted == host.run(state="absent")


@BOTH
def test_undo_brings_back_every_byte(host: GrubPlace) -> None:
    # Somebody added a line by hand, which no generator would bring back.
    host.sh(f"echo '# by hand' >> {MENU}; chmod 600 {MENU}")
    state = host.state()
    host.run(state="present", **OWN)
    host.run(state="present", profile="none", parameters={"panic": 10})
    assert last_values(host, "panic") == {"panic=10"} and "audit" not in " ".join(host.entries())
    host.run(state="absent")
    assert host.state() == state
    assert not host.run(state="absent")["changed"]


@BOTH
def test_a_new_kernel_has_the_parameters_and_outlives_the_undo(host: GrubPlace) -> None:
    host.run(state="present", **OWN)
    host.install("6.1.0-30-amd64")
    host.sh("update-grub 2>&1")
    assert all(set(WORDS) <= set(line.split()) for line in host.entries()) and len(host.entries()) == 7
    assert not host.run(state="present", **OWN)["changed"]
    # Also where it was generated here once more since.
    host.run(state="present", profile="none", parameters={"panic": 10})
    result = host.run(state="absent")
    assert f"regenerate {MENU}" in result["actions"]
    entries = host.entries()
    assert len(entries) == 7 and "6.1.0-30" in entries[0] and "panic" not in " ".join(entries)
    host.sh(f"test ! -e {DROPIN}; test ! -e /var/lib/caisson")
    menu = host.sh(f"cat {MENU}")
    host.sh("update-grub 2>&1")
    assert host.sh(f"cat {MENU}") == menu


def test_changes_by_hand_are_mended(host: GrubPlace) -> None:
    first = host.state()
    host.run(state="present", **OWN)
    state = host.state()
    for harm in (f"rm {DROPIN}", f"sed -i s/panic=30/panic=0/ {DROPIN} {MENU}", f"chmod 666 {DROPIN}"):
        host.sh(harm)
        assert host.run(state="present", **OWN)["changed"]
        assert host.sh(f"cat {DROPIN} {MENU} | md5sum") and last_values(host, "panic") == {"panic=30"}
        assert not host.run(state="present", **OWN)["changed"]
    assert [line for line in host.state().splitlines() if "/var/lib/caisson" not in line] == [
        line for line in state.splitlines() if "/var/lib/caisson" not in line
    ]
    host.run(state="absent")
    assert host.state() == first


def test_a_killed_run_is_made_good_and_undone(host: GrubPlace) -> None:
    first = host.state()
    host.write("/etc/grub.d/99_kill", "#!/bin/sh\nkill -9 $(cat /run/victim)\nsleep 5\n")
    host.sh("chmod 755 /etc/grub.d/99_kill")
    try:
        died = host.killed(state="present", **OWN)
    finally:
        host.sh("rm /etc/grub.d/99_kill")
    assert died and host.sh(f"cat {DROPIN}") and "panic" not in " ".join(host.entries())
    assert host.run(state="present", **OWN)["actions"] == [f"regenerate {MENU}"]
    assert last_values(host, "panic") == {"panic=30"}
    host.run(state="absent")
    host.sh("rm -rf /tmp/caisson-grub-* /tmp/ansible_* /run/victim")  # what the kill left of the run itself
    assert host.state() == first


def test_without_grub_setting_is_refused_and_the_report_works(host: GrubPlace) -> None:
    host.sh("rm -r /boot/grub")
    state = host.state()
    result = host.run(state="present")
    assert result["failed"] and "there is no /boot/grub/grub.cfg" in result["msg"]
    assert "findings" in host.run() and host.state() == state


def test_wrong_input_is_refused_at_once(host: GrubPlace) -> None:
    state = host.state()
    result = host.run(state="present", parameters={"init": "/bin/sh", "mitigations": "off"}, omit=["slab_merge"])
    assert result["failed"] and host.state() == state
    assert all(word in result["msg"] for word in ("parameters.init", "parameters.mitigations", "omit"))


def test_the_examples_run_as_they_are_written(host: GrubPlace) -> None:
    report, present, absent = (
        each["caisson.hardening.boot_parameters"] for each in yaml.safe_load(boot_parameters.EXAMPLES)
    )
    state = host.state()
    assert not host.run(**(report or {}))["changed"]
    assert host.run(**present)["changed"] and last_values(host, "panic") == {"panic=30"}
    assert "audit_backlog_limit" not in " ".join(host.entries())
    assert host.run(**absent)["changed"] and host.state() == state
