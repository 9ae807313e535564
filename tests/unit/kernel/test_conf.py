# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading and writing sysctl.conf(5) texts."""

from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.conf import (
    Line,
    assignments,
    lines,
    ordered,
    render,
)
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.keys import KEYS
from hypothesis import given
from hypothesis import strategies as st

A = "kernel.a"


def test_assignments_are_read_as_sysctl_reads_them() -> None:
    text = "# c\n; c\n\nkernel.a = 1\n-kernel/b=2 \nkernel.a=3\n -net.ipv4.conf.x/1.y = 4\t5\n"
    text += "net.*.z = 1\n-kernel.c\nnonsense\n=1\n"
    assert assignments(text) == {"kernel.a": "3", "kernel.b": "2", "net.ipv4.conf.x/1.y": "4 5"}


@pytest.mark.parametrize(
    ("text", "systemd", "procps"),
    [
        ("kernel.a=1", [(A, "1")], [(A, "1")]),
        ("\t kernel/a \t= 1 2 \t", [(A, "1 2")], [(A, "1 2")]),
        ("/kernel/a = 1", [(A, "1")], [(A, "1")]),
        ("kernel//a = 1", [(A, "1")], [(A, "1")]),
        ("kernel..a = 1", [(A, "1")], [(A, "1")]),
        ("kernel/./a = 1", [(A, "1")], [(A, "1")]),
        ("net.x/1.y = 1", [("net.x/1.y", "1")], [("net.x/1.y", "1")]),
        ("net/x.1/y = 1", [("net.x/1.y", "1")], [("net.x/1.y", "1")]),
        ("-kernel.a = 1", [(A, "1")], [(A, "1")]),
        ("-kernel.a", [(A, None)], [(A, None)]),
        ("-kernel.*", [("kernel.*", None)], [("kernel.*", None)]),
        ("kernel.a =", [(A, "")], [(A, "")]),
        ("kernel.a = b=c", [(A, "b=c")], [(A, "b=c")]),
        ("kernel.a = # b", [(A, "# b")], [(A, "# b")]),
        ("# kernel.a = 1", [], []),
        (" ;kernel.a = 1", [], []),
        ("kernel.a", [], []),
        ("= 1", [], []),
        ("-", [], []),
        ("- = 1", [], []),
        ("kernel/../a = 1", [], []),
        ("kernel.a = 1\r\nkernel.a = 2\r\n", [(A, "1"), (A, "2")], [(A, "1"), (A, "2")]),
        # Where the two differ.
        ("- kernel.a = 1", [(A, "1")], []),
        ("--kernel.a = 1", [("-kernel.a", "1")], [(A, "1")]),
        ("\fkernel.a = 1", [("\fkernel.a", "1")], [(A, "1")]),
        ("kernel.a = 1\rkernel.a = 2", [(A, "1"), (A, "2")], [(A, "1\rkernel.a = 2")]),
        ("kernel.a = 1\0kernel.a = 2", [(A, "1"), (A, "2")], [(A, "1")]),
    ],
)
def test_line_is_read_as_each_tool_reads_it(
    text: str, systemd: list[tuple[str, str | None]], procps: list[tuple[str, str | None]]
) -> None:
    assert [(line.key, line.value) for line in lines(text)] == systemd
    assert [(line.key, line.value) for line in lines(text, procps=True)] == procps


def test_line_knows_its_number_and_place() -> None:
    text = "# one\r\n\r\n -kernel.a=1\nkernel.[b]=2\n"
    for procps in (False, True):
        first, second = lines(text, procps)
        assert first == Line(A, "1", 3, 9) and not first.pattern
        assert second.number == 4 and text[second.start :] == "kernel.[b]=2\n" and second.pattern


@given(st.text(), st.booleans())
def test_no_text_is_too_odd_to_read(text: str, procps: bool) -> None:
    found = lines(text, procps)
    assert all("=" not in line.key for line in found)
    assert all(text.count("\n", 0, line.start) < line.number for line in found)


@given(st.dictionaries(st.sampled_from(sorted(KEYS)), st.integers().map(str)))
def test_what_is_written_is_read_back(values: dict[str, str]) -> None:
    assert assignments(render(values)) == values
    assert render(values) == render(dict(reversed(list(values.items()))))


@pytest.mark.parametrize("values", [{A: ""}, {A: "1\nkernel.b = 2"}, {"-kernel.a": "1"}, {"# a": "1"}, {A: " 1"}])
def test_file_that_would_be_read_otherwise_is_never_written(values: dict[str, str]) -> None:
    with pytest.raises(CaissonError, match="read back"):
        render(values)


def test_switch_that_resets_others_is_written_before_them() -> None:
    keys = [
        "net.ipv4.conf.eth0.forwarding",
        "net.ipv4.conf.default.forwarding",
        "net.ipv4.conf.all.forwarding",
        "kernel.sysrq",
        "net.ipv4.ip_forward",
    ]
    assert ordered(keys) == [keys[4], keys[3], keys[2], keys[1], keys[0]]
