# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which file wins, rule by rule; the integration tests hold the rules against the real tools."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.host.changes import FileText
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.precedence import (
    LAST,
    PROCPS,
    SYSTEMD,
    BootFiles,
    Settled,
    interface_default,
    matches,
    overrides,
    unread,
)
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.takeover import file_changes, released, take
from hypothesis import given
from hypothesis import strategies as st

A, B = "kernel.a", "kernel.b"
OURS = "/etc/sysctl.d/50-ours.conf"
LATER = "/etc/sysctl.d/90-later.conf"


def files(texts: t.Mapping[str, str], links: t.Mapping[str, str] | None = None) -> BootFiles:
    """Files by path with their texts, and links by path with where they lead."""
    targets = {**{path: path for path in texts}, **(links or {})}
    return BootFiles(targets, {path: FileText(text) for path, text in texts.items()})


def value(found: BootFiles, key: str, reader: str) -> str | None:
    winner = Settled(found, reader).winner(key)
    return winner.line.value if winner else None


@pytest.mark.parametrize(
    ("texts", "links", "systemd", "procps"),
    [
        # By name across all directories, not by directory.
        ({"/etc/sysctl.d/10-a.conf": "1", "/usr/lib/sysctl.d/20-b.conf": "2"}, {}, "2", "2"),
        ({"/run/sysctl.d/9.conf": "1", "/etc/sysctl.d/10.conf": "2"}, {}, "1", "1"),
        ({"/etc/sysctl.d/Z.conf": "1", "/etc/sysctl.d/a.conf": "2"}, {}, "2", "2"),
        # The same name: the first directory counts.
        ({"/usr/lib/sysctl.d/a.conf": "1", "/usr/local/lib/sysctl.d/a.conf": "2"}, {}, "2", "2"),
        ({"/usr/local/lib/sysctl.d/a.conf": "1", "/run/sysctl.d/a.conf": "2"}, {}, "2", "2"),
        ({"/run/sysctl.d/a.conf": "1", "/etc/sysctl.d/a.conf": "2"}, {}, "2", "2"),
        ({"/lib/sysctl.d/a.conf": "1", "/usr/lib/sysctl.d/a.conf": "2"}, {}, "2", "2"),
        ({"/lib/sysctl.d/a.conf": "1"}, {}, "1", "1"),
        # Masks.
        ({"/usr/lib/sysctl.d/a.conf": "1"}, {"/etc/sysctl.d/a.conf": "/dev/null"}, None, None),
        ({"/usr/lib/sysctl.d/a.conf": "1"}, {"/run/sysctl.d/a.conf": "/nowhere"}, None, None),
        ({"/etc/sysctl.d/a.conf": "1"}, {"/run/sysctl.d/a.conf": "/dev/null"}, "1", "1"),
        # Names that are not read.
        ({"/etc/sysctl.d/a.txt": "1", "/etc/sysctl.d/b.conf.dpkg-old": "2"}, {}, None, None),
        ({"/etc/sysctl.d/.a.conf": "1"}, {}, None, "1"),
        ({"/opt/a.conf": "1"}, {}, None, None),
        # /etc/sysctl.conf, with and without the link.
        ({LAST: "1"}, {}, None, "1"),
        ({LAST: "1"}, {"/etc/sysctl.d/99-sysctl.conf": LAST}, "1", "1"),
        ({LAST: "1", "/etc/sysctl.d/99-z.conf": "2"}, {"/etc/sysctl.d/99-sysctl.conf": LAST}, "2", "1"),
    ],
)
def test_order_of_files(texts: dict[str, str], links: dict[str, str], systemd: str | None, procps: str | None) -> None:
    found = files({path: f"{A} = {text}\n" for path, text in texts.items()}, links)
    assert (value(found, A, SYSTEMD), value(found, A, PROCPS)) == (systemd, procps)


@pytest.mark.parametrize(
    ("text", "systemd", "procps"),
    [
        (f"{A} = 1\n{A} = 2", "2", "2"),
        (f"{A} = 1\nkernel.* = 2", "1", "1"),
        (f"kernel.* = 2\n{A} = 1", "1", "1"),
        ("kernel.* = 1\nkernel.[a] = 2", "2", "2"),
        (f"kernel.* = 1\n-{A}", None, None),
        (f"-{A}\nkernel.* = 1", None, None),
        (f"{A} = 1\n-{A}", None, "1"),
        (f"-{A}\n{A} = 1", "1", "1"),
        ("kernel.* = 1\n-kernel.*", None, "1"),
        # The same pattern with the same value stays where it was first; sysctl writes it twice.
        ("kernel.* = 1\nkernel.? = 2\nkernel.* = 1", "2", "1"),
        ("kernel.* = 1\nkernel.? = 2\nkernel.* = 3", "3", "3"),
        ("kernel.{a,b}* = 1", "1", None),
        ("net.* = 1\n*.b = 2\nkernel.a.* = 3", None, None),
    ],
)
def test_lines_of_one_key(text: str, systemd: str | None, procps: str | None) -> None:
    found = files({LATER: text})
    assert (value(found, A, SYSTEMD), value(found, A, PROCPS)) == (systemd, procps)


@pytest.mark.parametrize(
    ("pattern", "key", "does"),
    [
        ("net.ipv4.conf.*.x", "net.ipv4.conf.eth0/100.x", True),
        ("net.*.x", "net.ipv4.conf.x", False),
        ("net.ipv4.conf.[!l]*.x", "net.ipv4.conf.lo.x", False),
        ("net.ipv4.conf.[^l]*.x", "net.ipv4.conf.lo.x", False),
        ("net.ipv4.conf.{lo,eth?}.x*", "net.ipv4.conf.eth0.xy", True),
        ("net.ipv4.conf.ETH*.x", "net.ipv4.conf.eth0.x", False),
    ],
)
def test_pattern_matches_part_by_part(pattern: str, key: str, does: bool) -> None:
    assert matches(pattern, key) is does


def test_key_of_an_interface_has_its_default() -> None:
    assert interface_default("net.ipv6.conf.eth*.accept_ra") == "net.ipv6.conf.default.accept_ra"
    assert interface_default("net.ipv4.conf.*.*_redirects") == interface_default("net.ipv4.ip_forward") == ""


def test_value_that_means_the_same_is_no_override() -> None:
    found = files({OURS: "", LATER: f"{A} = 01\n{B} = 4  4\t1 7\n"})
    assert overrides(found, OURS, {A: "1", B: "4 4 1 7"}) == {}


def test_earlier_file_is_no_override_and_the_last_of_several_is_named() -> None:
    found = files(
        {
            "/etc/sysctl.d/10.conf": f"{A} = 0",
            OURS: f"{A} = 1",
            LATER: f"{A} = 2\n",
            "/run/sysctl.d/95.conf": f"\n{A}=3",
        }
    )
    assert overrides(found, OURS, {A: "1"})[A].as_dict()["file"] == "/run/sysctl.d/95.conf"
    assert overrides(files({"/etc/sysctl.d/10.conf": f"{A} = 0", OURS: f"{A} = 1"}), OURS, {A: "1"}) == {}


@pytest.mark.parametrize(
    ("links", "readers"),
    [({}, [SYSTEMD]), ({"/etc/sysctl.d/99-sysctl.conf": LAST}, []), ({"/etc/sysctl.d/a.conf": "/dev/null"}, [SYSTEMD])],
)
def test_file_that_a_tool_does_not_read_is_known(links: dict[str, str], readers: list[str]) -> None:
    assert unread(files({LAST: ""}, links), LAST) == readers


TEXT = st.lists(
    st.sampled_from(
        [f"{A} = 1", f" -{A}=2 ", f"-{A}", f"{B} = 3", "# c", "", "kernel.* = 4", f"{A} = 0\r", "net.ipv4.conf.*.x = 1"]
    )
).map("\n".join)
PATHS = ("/etc/sysctl.d/10.conf", LATER, LAST, "/run/sysctl.d/90-run.conf", "/usr/lib/sysctl.d/99-vendor.conf")
WANTED = {A: "0", "net.ipv4.conf.default.x": "0", "net.ipv4.conf.all.x": "0"}


@given(st.dictionaries(st.sampled_from(PATHS), TEXT), st.booleans())
def test_what_is_taken_over_wins_keeps_the_rest_and_comes_back(texts: dict[str, str], linked: bool) -> None:
    links = {"/etc/sysctl.d/99-sysctl.conf": LAST} if linked and LAST in texts else {}
    now = files({**texts, OURS: "".join(f"{key} = {wanted}\n" for key, wanted in WANTED.items())}, links)
    then, taken = take(now, OURS, WANTED, now)
    assert overrides(then, OURS, WANTED) == {} and bool(taken) == bool(file_changes(now, then, OURS))
    for reader in then.readers:
        assert value(then, B, reader) == value(now, B, reader), "other keys keep their values"
    back = released(then, OURS)
    assert back.contents == now.contents and back.targets == now.targets
    assert take(back, OURS, WANTED, then) == (then, taken)
