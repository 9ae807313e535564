# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading and writing sysctl.conf(5) texts."""

from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.conf import (
    ConfigFile,
    assignments,
    comes_after,
    ordered,
    overrides,
    render,
)
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.keys import KEYS
from hypothesis import given
from hypothesis import strategies as st


def test_assignments_are_read_as_sysctl_reads_them() -> None:
    text = "# c\n; c\n\nkernel.a = 1\n-kernel/b=2 \nkernel.a=3\n -net.ipv4.conf.x/1.y = 4\t5\n"
    text += "net.*.z = 1\n-kernel.c\nnonsense\n=1\n"
    assert assignments(text) == {"kernel.a": "3", "kernel.b": "2", "net.ipv4.conf.x/1.y": "4 5"}


@given(st.text())
def test_no_text_is_too_odd_to_read(text: str) -> None:
    assert all("=" not in key for key in assignments(text))


@given(st.dictionaries(st.sampled_from(sorted(KEYS)), st.integers().map(str)))
def test_what_is_written_is_read_back(values: dict[str, str]) -> None:
    assert assignments(render(values)) == values
    assert render(values) == render(dict(reversed(list(values.items()))))


def test_switch_that_resets_others_is_written_before_them() -> None:
    keys = [
        "net.ipv4.conf.eth0.forwarding",
        "net.ipv4.conf.default.forwarding",
        "net.ipv4.conf.all.forwarding",
        "kernel.sysrq",
        "net.ipv4.ip_forward",
    ]
    assert ordered(keys) == [keys[4], keys[3], keys[2], keys[1], keys[0]]


@pytest.mark.parametrize(
    ("path", "ours", "after"),
    [
        ("/usr/lib/sysctl.d/99-protect-links.conf", "/etc/sysctl.d/99-security-caisson.conf", False),
        ("/etc/sysctl.d/99-sysctl.conf", "/etc/sysctl.d/99-security-caisson.conf", True),
        ("/run/sysctl.d/99-zzz.conf", "/etc/sysctl.d/99-security-caisson.conf", True),
        ("/etc/sysctl.d/10-a.conf", "/etc/sysctl.d/99-security-caisson.conf", False),
        ("/etc/sysctl.conf", "/etc/sysctl.d/zz.conf", True),
        ("/etc/sysctl.d/zz.conf", "/etc/sysctl.conf", False),
        ("/etc/sysctl.conf", "/etc/sysctl.conf", False),
    ],
)
def test_files_come_in_the_order_of_their_names(path: str, ours: str, after: bool) -> None:
    assert comes_after(path, ours) is after


def test_last_file_counts_among_those_that_override() -> None:
    later = [
        ConfigFile("/etc/sysctl.d/99-y.conf", "kernel.a = 0\nkernel.b = 0\n"),
        ConfigFile("/etc/sysctl.d/99-z.conf", "kernel.a = 1\n"),
    ]
    wanted = {"kernel.a": "1", "kernel.b": "1"}
    assert overrides("/ours", later, wanted) == {"kernel.b": ("/etc/sysctl.d/99-y.conf", "0")}
