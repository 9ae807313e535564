# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which distribution a host has, and what that means for it."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.caisson.hardening.plugins.module_utils.host import distributions
from ansible_collections.caisson.hardening.tests.support.shell import ROOT
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "bootloader", "status"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n', "grub", "tested"),
        ("ID=debian\nVERSION_ID=11\n", "grub", "by data"),
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n', "grub", "by data"),
        ("ID=ubuntu\nID_LIKE=debian\nVERSION_ID='20.04'\n", "grub", "unknown"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n', "grubby", "by data"),
        ('ID="rhel"\nVERSION_ID="10.0"\n', "grubby", "by data"),
        ("ID=linuxmint\nID_LIKE='ubuntu debian'\nVERSION_ID=22\n", "grub", "unknown"),
        ("ID=alpine\nVERSION_ID=3.20\n", "", "unknown"),
        ("ID=debian\n", "grub", "unknown"),
        ("", "", "unknown"),
    ],
)
def test_who_it_is(text: str, bootloader: str, status: str) -> None:
    found = distributions.find(distributions.parse_os_release(text))
    assert (found.bootloader, found.status) == (bootloader, status)
    assert bool(distributions.warning(found)) is (status != "tested")


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    distributions.find(distributions.parse_os_release(text))


def test_the_role_names_the_platforms_of_the_table() -> None:
    names = {"debian": "Debian", "ubuntu": "Ubuntu"}
    releases = {"11": "bullseye", "12": "bookworm", "13": "trixie", "22.04": "jammy", "24.04": "noble"}
    told = yaml.safe_load((ROOT / "roles/kernel/meta/main.yml").read_text(encoding="utf-8"))["galaxy_info"]["platforms"]
    assert {(each["name"], version) for each in told for version in each["versions"]} == {
        (names.get(each.id, "EL"), releases.get(each.version, each.version)) for each in distributions.DISTRIBUTIONS
    }
