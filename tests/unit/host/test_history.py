# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The history of a subject: what is kept of its runs, and what it leads back to."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError, InputError
from ansible_collections.caisson.hardening.plugins.module_utils.host import history
from ansible_collections.caisson.hardening.plugins.module_utils.host.history import Asked, History
from ansible_collections.caisson.hardening.plugins.module_utils.host.undo import UndoStore
from ansible_collections.caisson.hardening.plugins.module_utils.rollout.records import look

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "level": {"type": "int", "default": 1},
    "extra": {"type": "str", "default": "none"},
    "state": {"type": "str", "default": "present"},
    "as_of": {"type": "str"},
}


class Host:
    """One subject of a host, whose module sets a level."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root, self._patch = str(root), patch
        self.path = root / "kernel" / "history.json"

    def run(self, hour: int, by: str = "", **given: t.Any) -> dict[str, t.Any]:
        """A run that began at that hour of a day; the options that it followed."""
        self._patch.setenv(history.VARIABLE, f"2030-01-01T{hour:02}:00:00Z {by}".strip())
        params = {name: spec.get("default") for name, spec in ARGUMENTS.items()}
        runs = History("kernel", self.root)
        asked = runs.asked({**params, **given}, ARGUMENTS)
        store = UndoStore("kernel", self.root)
        if asked.options["state"] == "present":
            store.record_value("level", 0)
            store.commit()
        else:
            store.clear()
        assert runs.note(asked) == []
        return asked.options

    def hours(self) -> list[str]:
        return [run.time[11:13] for run in History("kernel", self.root).runs]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(history, "_LOCK", f"history-{os.getpid()}")
    return Host(tmp_path, monkeypatch)


def test_the_last_run_up_to_a_moment_is_followed(host: Host) -> None:
    host.run(1, level=1)
    host.run(3, level=3)
    host.run(5, level=5)
    for moment, level in (("01:00:00Z", 1), ("02:59:59Z", 1), ("03:00:00Z", 3), ("23:00:00Z", 5)):
        asked = History("kernel", host.root).asked(
            {"level": 9, "extra": "x", "state": "absent", "as_of": f"2030-01-01T{moment}"}, ARGUMENTS
        )
        assert asked == Asked({"level": level, "extra": "none", "state": "present"}, back=True)
    assert host.run(7, as_of="before 2030-01-01T03:00:00Z")["level"] == 1
    assert host.run(8, as_of="2030-01-01T06:00:00+00:00")["level"] == 5, "the way back can be taken back"
    assert host.hours() == ["01", "03", "05", "07", "08"]


def test_what_is_asked_again_is_no_new_run_and_writes_nothing(host: Host) -> None:
    host.run(1, level=2, extra="é")
    before = (host.path.read_bytes(), host.path.stat().st_mtime_ns)
    host.run(2, level=2, extra="é")
    assert (host.path.read_bytes(), host.path.stat().st_mtime_ns) == before
    assert host.path.stat().st_mode & 0o777 == 0o600 and host.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_run_that_asks_twice_is_one(host: Host) -> None:
    host.run(1, level=1)
    host.run(2, level=2)
    host.run(2, level=3)
    assert host.hours() == ["01", "02"]
    assert host.run(3, as_of="2030-01-01T02:00:00Z")["level"] == 3


def test_before_the_first_run_lies_the_original_and_the_later_runs_stay_known(host: Host) -> None:
    host.run(2, level=2)
    assert host.run(3, as_of="2030-01-01T01:00:00Z")["state"] == "absent"
    assert not (host.path.parent / "undo.json").exists() and host.hours() == ["02", "03"]
    assert host.run(4, as_of="2030-01-01T03:30:00Z")["state"] == "absent"
    assert host.hours() == ["02", "03"]
    assert host.run(5, as_of="2030-01-01T02:00:00Z") == {"level": 2, "extra": "none", "state": "present"}


def test_an_undo_forgets_all_and_leaves_nothing(host: Host) -> None:
    host.run(1)
    host.run(2, state="absent")
    assert list(Path(host.root).glob("*")) == [] or not host.path.parent.exists()
    assert host.run(3, as_of="2030-01-01T01:00:00Z")["state"] == "absent"
    assert not host.path.parent.exists()


def test_what_was_hardened_before_its_runs_were_known_is_not_guessed(host: Host) -> None:
    store = UndoStore("kernel", host.root)
    store.record_value("level", 0)
    store.commit()
    with pytest.raises(CaissonError, match="No run is known; name a later moment"):
        host.run(1, as_of="2030-01-01T00:00:00Z")
    host.run(2, level=2)
    with pytest.raises(CaissonError, match="The first run that is known began at 2030-01-01T02:00:00Z"):
        host.run(3, as_of="2030-01-01T01:00:00Z")
    assert host.run(3, as_of="2030-01-01T02:00:00Z")["level"] == 2


def test_only_the_newest_runs_are_kept_and_what_came_before_is_not_guessed(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "KEPT_RUNS", 3)
    for hour in range(1, 6):
        host.run(hour, level=hour)
    assert host.hours() == ["03", "04", "05"]
    with pytest.raises(CaissonError, match="nobody knows"):
        host.run(6, as_of="2030-01-01T02:00:00Z")


def test_a_report_and_a_run_for_some_controls_are_no_state_to_go_back_to(host: Host) -> None:
    host.run(1, level=1)
    runs = History("kernel", host.root)
    assert runs.note(Asked({"level": 2, "state": "report"})) == []
    assert runs.note(Asked({"level": 2, "state": "present", "controls": ["daemon.icc"]})) == []
    assert host.hours() == ["01"]


def test_what_leads_back_may_be_other_options_than_those_that_were_asked_for(host: Host) -> None:
    host.run(1, level=1)
    runs = History("kernel", host.root)
    host.run(2, level=2)
    assert (
        runs.note(Asked({"level": 2, "extra": "x", "state": "present"}), lambda given, _last: {**given, "level": 7})
        == []
    )
    assert host.run(3, as_of="2030-01-01T02:00:00Z") == {"level": 7, "extra": "x", "state": "present"}


def test_an_option_that_came_since_has_its_default_and_one_that_went_is_refused(host: Host) -> None:
    host.run(1, level=4)
    document = json.loads(host.path.read_text(encoding="utf-8"))
    del document["runs"][0]["options"]["extra"]
    host.path.write_text(json.dumps(document), encoding="utf-8")
    assert host.run(2, as_of="2030-01-01T01:00:00Z") == {"level": 4, "extra": "none", "state": "present"}
    document["runs"][0]["options"]["gone"] = 1
    host.path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(CaissonError, match="has gone, which this version of the collection does not know"):
        host.run(3, as_of="2030-01-01T01:00:00Z")


def test_a_wrong_moment_and_a_broken_file_are_refused_with_a_way_out(host: Host) -> None:
    with pytest.raises(InputError, match="as_of: 'monday' is no moment; write one with its zone"):
        host.run(1, as_of="monday")
    host.run(1)
    host.path.write_text('{"runs": [1]}', encoding="utf-8")
    with pytest.raises(CaissonError, match="remove it to go on"):
        host.run(2)


def test_a_history_that_cannot_be_written_is_a_warning(host: Host) -> None:
    host.run(1)
    runs = History("kernel", host.root)
    host.path.unlink()
    host.path.mkdir()
    (warning,) = runs.note(Asked({"level": 2, "extra": "x", "state": "present"}))
    assert "no run can go back to it" in warning


def test_the_runs_of_all_subjects_are_listed_by_their_beginning(host: Host) -> None:
    host.run(1, "ann from control1", level=1)
    host.run(2, "bob from control1", level=2)
    other = History("daemon", host.root)
    store = UndoStore("daemon", host.root)
    store.record_value("x", 0)
    store.commit()
    assert other.note(Asked({"state": "present"})) == []
    expected = [
        {"time": "2030-01-01T01:00:00Z", "by": "ann from control1", "subjects": ["kernel"]},
        {"time": "2030-01-01T02:00:00Z", "by": "bob from control1", "subjects": ["daemon", "kernel"]},
    ]
    assert look([], host.root)["runs"] == expected
    assert [run["subjects"] for run in look(["dae"], host.root)["runs"]] == [["daemon"]]


def test_a_run_for_some_controls_alone_is_kept_only_where_it_is_known_what_the_others_are(host: Host) -> None:
    host.run(1, level=1)
    runs = History("kernel", host.root)
    asked = Asked({"level": 2, "state": "present", "controls": ["kernel.one"]})
    assert runs.note(asked) == [] and host.hours() == ["01"]
    os.environ[history.VARIABLE] = "2030-01-01T02:00:00Z"
    assert runs.note(asked, lambda options, last: {**last, **options, "controls": []} if last else None) == []
    assert [run.options["level"] for run in History("kernel", host.root).runs if run.options] == [1, 2]


def test_undoing_some_controls_alone_forgets_nothing_while_something_is_recorded(host: Host) -> None:
    host.run(1, level=1)
    asked = Asked({"level": 1, "state": "absent", "controls": ["kernel.one"]})
    assert History("kernel", host.root).note(asked) == [] and host.hours() == ["01"]
    UndoStore("kernel", host.root).clear()
    assert History("kernel", host.root).note(asked) == [] and not host.path.exists()


def test_the_way_back_for_some_controls_keeps_to_them(host: Host) -> None:
    host.run(1, level=1)
    given = {"level": 9, "state": "absent", "as_of": "2030-01-01T05:00:00Z", "controls": ["kernel.one"]}
    arguments = {**ARGUMENTS, "controls": {"type": "list", "default": []}}
    assert History("kernel", host.root).asked(given, arguments).options["controls"] == ["kernel.one"]
