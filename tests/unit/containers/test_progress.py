# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said of long work: when, in which words, and how it comes through to the screen."""

from __future__ import annotations

import os
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import progress, progress_file
from ansible_collections.caisson.hardening.plugins.plugin_utils.progress import (
    MOST_SHOWN,
    Tail,
    printable,
    read_command,
    read_interval,
)
from hypothesis import given
from hypothesis import strategies as st

TOKEN = "0123456789abcdef"
MB = 1_000_000


class Said(progress.Progress):
    """Keeps what is said, by a clock that the test sets."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: self.now)
        self.now = 0.0
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        self.lines.append(line)


def test_a_lasting_step_is_said_every_few_seconds_and_a_new_one_at_once() -> None:
    said = Said()
    for said.now in (0, 1, 4.9, 5, 9, 10.5):
        said.keep_saying("web", "waiting", f"{said.now:.0f} s")
    said.keep_saying("web", "unpacking")
    said.keep_saying("db", "waiting", "0 s")
    waits = [f"web: waiting ({seconds} s)" for seconds in (0, 5, 10)]
    assert said.lines == [*waits, "web: unpacking", "db: waiting (0 s)"]


def layer(status: str, name: str, current: int = 0, total: int = 0) -> dict[str, t.Any]:
    detail = {"current": current * MB, "total": total * MB} if total else {}
    return {"status": status, "id": name, "progressDetail": detail}


def test_a_pull_is_added_up_over_its_layers() -> None:
    pull = progress.Pull("web:1")
    told = []
    for line in (
        {"status": "Pulling from library/web", "id": "1"},
        layer("Already exists", "old"),
        layer("Pulling fs layer", "a"),
        layer("Pulling fs layer", "b"),
        layer("Downloading", "a", 10, 100),
        layer("Downloading", "b", 5, 20),
        layer("Download complete", "b"),
        layer("Extracting", "b", 7, 20),
        layer("Verifying Checksum", "a"),
        layer("Pull complete", "b"),
        layer("Extracting", "a", 50, 100),
        layer("Pull complete", "a"),
        {"status": "Status: Downloaded newer image for web:1"},
    ):
        pull.take(line)
        told.append((pull.step.split()[0], pull.detail))
    assert told[:4] == [("pulling", "")] * 4
    assert told[4:] == [
        ("pulling", "10 of 100 MB or more"),
        ("pulling", "15 of 120 MB"),
        ("pulling", "30 of 120 MB"),
        ("pulling", "30 of 120 MB"),
        ("unpacking", "7 of 120 MB"),
        ("unpacking", "20 of 120 MB"),
        ("unpacking", "70 of 120 MB"),
        ("unpacking", "120 of 120 MB"),
        ("unpacking", "120 of 120 MB"),
    ]


def test_a_layer_that_is_fetched_anew_is_not_unpacked_yet() -> None:
    pull = progress.Pull("web:1")
    for status, current in (("Downloading", 9_000_000), ("Pull complete", None), ("Downloading", 1_000_000)):
        pull.take({"status": status, "id": "a", "progressDetail": {"current": current}})
    assert (pull.step.split()[0], pull.detail) == ("pulling", "1 of 1 MB")


STATUS = st.sampled_from(
    ["Pulling fs layer", "Downloading", "Extracting", "Download complete", "Pull complete", "x", None]
)
NUMBER = st.none() | st.integers(0, 10**9)


@given(st.lists(st.tuples(STATUS, st.sampled_from("abc"), NUMBER, NUMBER)))
def test_no_order_of_the_lines_makes_more_done_than_there_is(lines: list[tuple[t.Any, ...]]) -> None:
    pull = progress.Pull("web:1")
    for status, name, current, total in lines:
        pull.take({"status": status, "id": name, "progressDetail": {"current": current, "total": total}})
        if pull.detail:
            words = pull.detail.split()
            assert int(words[0]) <= int(words[2])


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        ("starting", ("waiting for health", "12 s of 60 s")),
        ("none", ("watching that it keeps running", "12 s of 30.5 s")),
    ],
)
def test_words_at_the_gate(health: str, expected: tuple[str, str]) -> None:
    assert progress.at_gate(health, 12.3, 30.5, 60.0) == expected


def test_names_are_few() -> None:
    assert progress.names(["web"]) == "web"
    assert progress.names(["web", "db", "cache"]) == "web and 2 more"


def lines_of(*texts: str, first: int = 1) -> str:
    return b"".join(progress.record(number, text) for number, text in enumerate(texts, first)).decode()


def test_only_new_and_whole_lines_are_news() -> None:
    tail = Tail()
    assert tail.take("") == []
    assert tail.take(lines_of("web: creating", "web: starting")[:-4]) == ["web: creating"]
    assert tail.known == 1
    assert tail.take(lines_of("web: starting", "web: replaced", first=2)) == ["web: starting", "web: replaced"]
    assert tail.take(lines_of("web: starting", "web: replaced", first=2)) == []


def test_noise_of_a_terminal_is_passed_over() -> None:
    noise = (
        "\r\nWelcome to host\r\n7 days left\r\n" + lines_of("web: creating").replace("\n", "\r\n") + "[sudo] bye\r\n"
    )
    assert Tail().take(noise) == ["web: creating"]


def test_of_one_step_only_the_last_is_news_and_many_are_cut() -> None:
    waits = ["web: waiting (0 s of 60 s)", "db: waiting (0 s of 60 s)", "web: waiting (5 s of 60 s)", "web: replaced"]
    assert Tail().take(lines_of(*waits)) == [waits[1], waits[2], waits[3]]
    many = Tail().take(lines_of(*(f"web{number}: starting" for number in range(MOST_SHOWN + 5))))
    assert len(many) == MOST_SHOWN + 1
    assert many[0] == "(5 lines are left out)"


@given(st.text())
def test_nothing_that_a_terminal_obeys_gets_through(text: str) -> None:
    for shown in (printable(text), *Tail().take(f"1 {text}\n")):
        assert shown.isprintable()
        assert len(shown) <= progress.LONGEST


def test_an_escape_is_shown_and_not_obeyed() -> None:
    assert Tail().take("1 web: \x1b]0;title\x07\x1b[2Jdone\u202e\n") == ["web: ?]0;title??[2Jdone?"]


@given(st.text())
def test_what_the_module_writes_is_one_line_of_ascii(text: str) -> None:
    written = progress.record(1, text)
    assert written.count(b"\n") == 1
    written.decode("ascii")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, 5), (True, 5), (False, 0), ("no", 0), (0, 0), ("0", 0), (2, 2), ("2.5", 2.5), ("1", 1)],
)
def test_intervals(value: t.Any, seconds: float) -> None:
    assert read_interval(value) == seconds


@pytest.mark.parametrize("value", ["often", -1, 0.5, "nan", "inf", 1e9, [], {}])
def test_wrong_intervals_are_refused_with_what_to_write(value: t.Any) -> None:
    with pytest.raises(ValueError, match="write a number from 1 to 3600, or 0 for none"):
        read_interval(value)


def test_the_command_reads_from_the_first_unknown_line() -> None:
    assert f'tail -n +8 "$d/caisson-progress-{TOKEN}"' in read_command(TOKEN, 7)


def test_the_file_is_private_and_gone_at_the_end_and_stale_ones_with_it(tmp_path: Path) -> None:
    stale, other = tmp_path / "caisson-progress-1", tmp_path / "caisson-progress-2"
    for path in (stale, other):
        path.touch()
    os.utime(stale, (time.time() - 2 * progress_file.STALE,) * 2)
    said = progress_file.ProgressFile(TOKEN, tmp_path)
    path = tmp_path / f"caisson-progress-{TOKEN}"
    assert not path.exists()
    said.say("web", "creating")
    assert path.read_text() == "1 web: creating\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert not stale.exists() and other.exists()
    said.close()
    said.say("web", "starting")
    assert not path.exists()


@pytest.mark.parametrize("trap", ["file", "link", "no directory"])
def test_a_place_that_is_taken_is_left_alone_and_the_work_goes_on(tmp_path: Path, trap: str) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    place = tmp_path
    path = tmp_path / f"caisson-progress-{TOKEN}"
    if trap == "link":
        path.symlink_to(target)
    elif trap == "file":
        path.write_text("mine")
    else:
        place = target
    said = progress_file.ProgressFile(TOKEN, place)
    said.say("web", "creating")
    said.close()
    assert target.read_text() == "mine"
    assert trap == "no directory" or path.read_text() == "mine"


@pytest.mark.parametrize("token", ["", "web", "../../etc/passwd0", "A" * 32])
def test_without_a_token_nothing_is_written(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv(progress.VARIABLE, token)
    assert not isinstance(progress_file.listener(), progress_file.ProgressFile)
