# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mount options and the text of /etc/fstab: what is added, what stays, what comes back."""

from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.mounts import fstab
from ansible_collections.caisson.hardening.plugins.module_utils.mounts.keep import fstab_text
from ansible_collections.caisson.hardening.plugins.module_utils.mounts.options import (
    as_shown,
    merge,
    missing,
    rebase,
    split,
)
from ansible_collections.caisson.hardening.plugins.module_utils.mounts.view import PLAIN
from hypothesis import given
from hypothesis import strategies as st

WORDS = ["defaults", "rw", "nosuid", "suid", "nodev", "dev", "noexec", "exec", "size=1g", "mode=1777", "x-a"]
FIELDS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6, unique=True).map(",".join)
WANTED = st.lists(st.sampled_from(["nosuid", "nodev", "noexec"]), min_size=1, unique=True).map(tuple)
LINES = st.lists(st.sampled_from(["# text", "", "UUID=1 / ext4 defaults 0 1", "proc /proc proc defaults 0 0 # end"]))


@given(FIELDS, WANTED)
def test_merged_options_have_what_is_wanted_and_keep_all_else(field: str, wanted: tuple[str, ...]) -> None:
    have = split(field)
    merged = merge(have, wanted)
    assert not missing(merged, wanted)
    others = [option for option in have if "=" in option or option in ("defaults", "rw", "x-a")]
    assert [option for option in merged if option in others] == others
    assert merge(merged, wanted) == merged


@given(FIELDS, WANTED, WANTED)
def test_options_come_back_after_any_change_of_ours(
    field: str, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    have = split(field)
    once = merge(have, first)
    assert rebase(once, have, "/tmp") == have
    twice = merge(rebase(once, have, "/tmp"), second)
    assert twice == merge(have, second)
    assert rebase(twice, have, "/tmp") == have


def test_last_of_two_contradicting_options_counts() -> None:
    assert missing(("noexec", "exec"), ["noexec"]) == ("noexec",)
    assert missing(("exec", "noexec"), ["noexec"]) == ()
    assert merge(("noexec", "exec"), ["noexec"]) == ("noexec",)


@pytest.mark.parametrize("shown,wanted,lacks", [
    ("hidepid=invisible", "hidepid=2", ()), ("hidepid=ptraceable", "hidepid=2", ()), ("hidepid=4", "hidepid=2", ()),
    ("hidepid=noaccess", "hidepid=2", ("hidepid=2",)), ("rw", "hidepid=2", ("hidepid=2",)), ("rw", "gid=0", ()),
    ("gid=4", "gid=4", ()), ("gid=4", "gid=5", ("gid=5",)), ("rw", "hidepid=0", ()),
])  # fmt: skip
def test_levels_of_hidepid_are_compared_by_strictness(shown: str, wanted: str, lacks: tuple[str, ...]) -> None:
    assert missing(split(shown), [wanted]) == lacks


def test_live_options_are_in_the_order_of_the_kernel() -> None:
    assert as_shown(("relatime", "hidepid=2", "noexec", "rw", "nosuid")) == (
        "rw", "nosuid", "noexec", "relatime", "hidepid=2"
    )  # fmt: skip


@given(LINES, FIELDS, WANTED, WANTED, st.booleans())
def test_fstab_comes_back_byte_for_byte(
    lines: list[str], field: str, first: tuple[str, ...], second: tuple[str, ...], has_line: bool
) -> None:
    text = "".join(f"{line}\n" for line in [*lines, *([f"tmpfs\t/tmp  tmpfs {field}\t0  0"] if has_line else [])])
    recorded = field if has_line else ""
    once = fstab_text(text, "/tmp", first, recorded, PLAIN)
    assert not missing(fstab.find(once, "/tmp").options, first)  # type: ignore[union-attr]
    assert fstab_text(once, "/tmp", first, recorded, PLAIN) == once
    twice = fstab_text(once, "/tmp", second, recorded, PLAIN)
    assert twice == fstab_text(text, "/tmp", second, recorded, PLAIN)
    assert fstab_text(twice, "/tmp", (), recorded, PLAIN) == text


def test_comment_of_a_line_that_is_gone_makes_no_other_line_ours() -> None:
    ours = fstab_text("", "/tmp", ("nosuid",), "", PLAIN)
    spoiled = ours.splitlines(keepends=True)[0] + "tmpfs /var/tmp tmpfs defaults 0 0\n"
    assert fstab.find(spoiled, "/var/tmp").ours is False  # type: ignore[union-attr]
    assert fstab_text(spoiled, "/tmp", (), "", PLAIN) == "tmpfs /var/tmp tmpfs defaults 0 0\n"


def test_line_without_options_gets_some() -> None:
    assert fstab_text("tmpfs /tmp tmpfs\n", "/tmp", ("nosuid",), None, PLAIN) == "tmpfs /tmp tmpfs nosuid\n"


@pytest.mark.parametrize("line", ["tmpfs /tmp/ tmpfs rw 0 0", r"tmpfs /\164mp tmpfs rw 0 0", "  tmpfs /tmp tmpfs rw"])
def test_mount_point_is_known_in_each_spelling(line: str) -> None:
    assert fstab.find(f"# /tmp\n{line}\n", "/tmp") == fstab.Entry(1, "rw", False)


def test_new_line_keeps_the_flags_that_the_mount_has() -> None:
    text = fstab_text("", "/proc", ("hidepid=2",), "", "rw,nosuid,nodev,noexec,relatime")
    assert text.endswith("proc /proc proc defaults,nosuid,nodev,noexec,hidepid=2 0 0\n")
