# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is found in the archive of a file system, and that a broken archive is not taken for a whole one."""

from __future__ import annotations

import io
import posixpath
import tarfile
import tracemalloc
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.images import content, tar_stream
from hypothesis import given, settings
from hypothesis import strategies as st

Made = t.Tuple[str, bytes, int, t.Union[bytes, str], t.Dict[str, str]]


def regular(name: str, mode: int = 0o644, content: bytes = b"x", **headers: str) -> Made:
    return (name, tarfile.REGTYPE, mode, content, headers)


def folder(name: str, mode: int = 0o755) -> Made:
    return (name, tarfile.DIRTYPE, mode, b"", {})


def link(name: str, target: str) -> Made:
    return (name, tarfile.SYMTYPE, 0o777, target, {})


def archive(*made: Made) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, mode, content, headers in made:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.uid, entry.gid, entry.pax_headers = kind, mode, 7, 8, headers
            if isinstance(content, str):
                entry.linkname = content
                tar.addfile(entry)
            else:
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def pieces(data: bytes, size: int) -> t.Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def survey(*made: Made, size: int = 1000) -> content.Content:
    return content.survey(tar_stream.entries(pieces(archive(*made), size)))


def paths(found: t.Iterable[t.Any]) -> list[str]:
    return [each.path for each in found]


def test_nothing_is_found_where_nothing_is() -> None:
    assert survey(folder("tmp", 0o1777), folder("srv"), regular("srv/app", 0o755)) == content.Content()


def test_setuid_and_setgid_files_are_found_and_setgid_directories_are_not() -> None:
    found = survey(
        regular("usr/bin/su", 0o4755),
        regular("usr/bin/wall", 0o2755),
        regular("bin/both", 0o6711),
        folder("var/mail", 0o2775),
        (("bin/hard", tarfile.LNKTYPE, 0o4755, "usr/bin/su", {})),
    )
    assert paths(found.setuid) == ["/bin/both", "/bin/hard", "/usr/bin/su"]
    assert paths(found.setgid) == ["/bin/both", "/usr/bin/wall"]
    assert found.setuid[2] == content.Privileged("/usr/bin/su", 0o4755, 7, 8)


def test_what_is_writable_for_everybody_is_counted_save_sticky_directories_and_links() -> None:
    found = survey(
        folder("tmp", 0o1777),
        folder("open", 0o777),
        regular("open/file", 0o666),
        link("open/link", "file"),
        *(regular(f"many/{number}", 0o646) for number in range(100)),
    )
    assert found.world_writable == 102
    assert found.world_writable_sample[-2:] == ["/open", "/open/file"]
    assert len(found.world_writable_sample) == content.SAMPLE


def test_shells_and_package_managers_are_found_through_links_inside_the_image() -> None:
    found = survey(
        link("bin", "usr/bin"),
        regular("usr/bin/dash", 0o755),
        link("usr/bin/sh", "dash"),
        link("usr/bin/bash", "/bin/dash"),
        link("usr/bin/zsh", "/etc/alternatives/zsh"),
        link("etc/alternatives/zsh", "/nowhere"),
        link("usr/bin/ksh", "ksh"),
        regular("usr/bin/fish", 0o644),
        regular("busybox/ash", 0o755),
        regular("usr/share/bug/dpkg", 0o755),
        regular("usr/bin/pip3.11", 0o755),
        link("usr/bin/npm", "../lib/npm/cli.js"),
        regular("usr/lib/npm/cli.js", 0o755),
        regular("opt/lib/python3.12/site-packages/pip/__main__.py"),
    )
    assert [(each.name, each.target) for each in found.shells] == [
        ("ash", "/busybox/ash"),
        ("bash", "/usr/bin/dash"),
        ("dash", "/usr/bin/dash"),
        ("sh", "/usr/bin/dash"),
    ]
    assert [(each.name, each.target) for each in found.package_managers] == [
        ("pip", "/opt/lib/python3.12/site-packages/pip/__main__.py"),
        ("npm", "/usr/lib/npm/cli.js"),
        ("pip3.11", "/usr/bin/pip3.11"),
    ]


@given(
    st.dictionaries(
        st.sampled_from([f"/{a}{b}" for a in "abc" for b in ("", "/d", "/e")]),
        st.sampled_from(["a", "/b", "../c", "./d", "/", "..", "e/../../a"]),
    )
)
def test_links_that_lead_anywhere_never_leave_the_image_nor_go_round_for_ever(links: dict[str, str]) -> None:
    for path in ["/a/d/e", "/b/../c", "/c"]:
        found = content.resolve(path, links)
        assert found == "" or (found.startswith("/") and posixpath.normpath(found) == found)


DPKG = b"""Package: one
Status: install ok installed
Description: first
 Package: not a field
 .
 Status: deinstall ok config-files

Package: gone
Status: deinstall ok config-files

Package: half
Status: install ok unpacked
"""


def test_packages_are_counted_by_manager() -> None:
    found = survey(
        regular("var/lib/dpkg/status", content=DPKG),
        regular("var/lib/dpkg/status.d/base", content=b"Package: base\nVersion: 1\n"),
        regular("var/lib/dpkg/status.d/base.md5sums", content=b"Package: not one\n"),
        regular("lib/apk/db/installed", content=b"C:x\nP:musl\nV:1\n\nP:zlib\nT:P:x\n\n"),
        regular("var/lib/pacman/local/a-1/desc"),
        regular("var/lib/pacman/local/b-1/desc"),
        regular("usr/lib/sysimage/rpm/rpmdb.sqlite"),
    )
    assert found.packages == {"dpkg": 3, "apk": 2, "pacman": 2, "rpm": None}


def test_a_database_that_is_too_large_is_not_counted_and_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "MOST_DATABASE", 10)
    assert survey(regular("var/lib/dpkg/status", content=DPKG)).packages == {"dpkg": None}


_NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789+-.", min_size=1, max_size=12)
_TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\n\r"), max_size=30)
_STATES = {
    "installed": 1,
    "unpacked": 1,
    "half-configured": 1,
    "triggers-pending": 1,
    "config-files": 0,
    "not-installed": 0,
}


@given(st.lists(st.tuples(_NAMES, st.sampled_from([*_STATES, ""]), st.lists(_TEXT, max_size=3), st.booleans())))
def test_the_dpkg_database_is_counted_whatever_its_descriptions_say(
    packages: list[tuple[str, str, list[str], bool]],
) -> None:
    stanzas = []
    for name, state, lines, first in packages:
        fields = [f"Package: {name}"] + ([f"Status: install ok {state}"] if state else [])
        described = ["Description: " + "".join(lines[:1]), *(f" {line}" for line in lines)]
        stanzas.append("\n".join([*described, *fields] if first else [*fields, *described]))
    expected = sum(_STATES.get(state, 1) for _name, state, _lines, _first in packages)
    assert content.dpkg_packages("\n\n".join(stanzas).encode()) == expected


@given(st.lists(st.tuples(_NAMES, st.lists(st.tuples(st.sampled_from("CVATSILkq"), _TEXT), max_size=4))))
def test_the_apk_database_is_counted_whatever_its_fields_say(packages: list[tuple[str, t.Any]]) -> None:
    stanzas = [f"P:{name}\n" + "".join(f"{key}:{value}\n" for key, value in rest) for name, rest in packages]
    assert content.apk_packages("\n".join(stanzas).encode()) == len(packages)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_readers(data: bytes) -> None:
    assert content.dpkg_packages(data) >= 0
    assert content.apk_packages(data) >= 0
    assert all(number >= 0 for number in content.users(data).values())
    content.file_capabilities(data)


def test_users_are_read_and_the_first_of_a_name_counts() -> None:
    found = survey(regular("etc/passwd", content=b"root:x:0:0::/:/bin/sh\nroot:x:5:5\ntoor:x:0:0\nbad\n+nis\nx:y:z\n"))
    assert found.users == {"root": 0, "toor": 0}


def test_file_capabilities_are_named() -> None:
    raw = bytes.fromhex("0100000200300000000000000000000000000000")  # as setcap cap_net_admin,cap_net_raw+ep writes it
    found = survey(regular("bin/ping", 0o755, **{"SCHILY.xattr.security.capability": raw.decode("latin-1")}))
    assert found.capabilities == {"/bin/ping": ("NET_ADMIN", "NET_RAW")}
    assert content.file_capabilities(b"\x01\0\0\x02" + bytes(8) + b"\x80\0\0\0" + bytes(4)) == ("BPF",)


def test_keys_and_passwords_are_known_by_their_names() -> None:
    found = survey(
        regular("root/.ssh/id_ed25519"),
        regular("root/.ssh/id_ed25519.pub"),
        regular("app/.docker/config.json"),
        regular("etc/ssh/ssh_host_rsa_key"),
        regular("etc/ssh/ssh_host_rsa_key.pub"),
        regular("root/.netrc", content=b""),
        regular("app/config.json"),
    )
    assert found.secret_files == ["/app/.docker/config.json", "/etc/ssh/ssh_host_rsa_key", "/root/.ssh/id_ed25519"]


@given(st.integers(1, 3000))
@settings(max_examples=30, deadline=None)
def test_the_pieces_in_which_an_archive_comes_make_no_difference(size: int) -> None:
    made = [
        regular("var/lib/dpkg/status", content=DPKG * 9),
        regular("large", content=bytes(9000)),
        *(regular(f"x{number}/{'long' * 40}", 0o4755) for number in range(3)),
        regular("etc/passwd", content=b"a:x:1:1"),
    ]
    assert survey(*made, size=size) == survey(*made, size=10**9)


@pytest.mark.parametrize("cut", [1, 512, 1024, 1025, 1536, 3000])
def test_an_archive_that_breaks_off_is_an_error(cut: int) -> None:
    whole = archive(regular("bin/su", 0o4755), regular("bin/sh", 0o755, content=bytes(2000))).rstrip(b"\0")
    whole += bytes(-len(whole) % 512 + 512 * 4 + 1024)  # the data of the last file, and the end
    assert paths(content.survey(tar_stream.entries([whole])).setuid) == ["/bin/su"]
    with pytest.raises(tar_stream.BrokenArchive):
        content.survey(tar_stream.entries([whole[:-cut]]))


@pytest.mark.parametrize("data", [b"", b"no archive at all", b"x" * 4096])
def test_what_is_no_archive_is_an_error(data: bytes) -> None:
    with pytest.raises(tar_stream.BrokenArchive):
        content.survey(tar_stream.entries([data]))


def test_memory_does_not_grow_with_the_image() -> None:
    def many() -> t.Iterator[bytes]:
        for number in range(3000):
            yield archive(regular(f"data/{number}", content=bytes(20000)))[:-8192].ljust(20992, b"\0")
        yield bytes(1024)

    tracemalloc.start()
    try:
        assert content.survey(tar_stream.entries(many())) == content.Content()
        assert tracemalloc.get_traced_memory()[1] < 2 * 1024**2
    finally:
        tracemalloc.stop()
