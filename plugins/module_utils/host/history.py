# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: what runs asked of a subject, one after the other, so that a host can be brought back to any of them.

The options are kept and not what they led to: carried out again they lead there from wherever the host is, by the same
plan, with the same prediction and the same way back as every other run. They lie beside the subject's undo record, for
root only, and are forgotten with it.
"""

from __future__ import annotations

import json
import os
import typing as t
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import CaissonError, Fault, InputError
from . import moment
from .files import FileState, make_directories, read_file, remove_empty_directories, remove_file, write_file
from .lock import host_lock
from .undo import ROOT, UNDO_FILE

# Set by a playbook for all of its modules: when its run began, and who began it.
VARIABLE = "CAISSON_RUN"
KEPT_RUNS = 100
HISTORY_FILE = "history.json"
_LOCK = "history"
# The options by which a run is for some of a subject alone.
_SINGLE = ("controls", "parts")

Options = t.Dict[str, t.Any]
# Makes of the options of a run those that lead back to it, given those that were kept last; None where none do.
Kept = t.Callable[[Options, t.Optional[Options]], t.Optional[t.Mapping[str, t.Any]]]


def _single(options: t.Mapping[str, t.Any]) -> Options:
    """Those of the options by which the run is for some of the subject alone; none where it is for all of it."""
    return {name: options[name] for name in _SINGLE if options.get(name)}


def whole_runs(asked: Options, _last: Options | None) -> Options | None:
    """The options as they are, but of a run for some controls alone none: the rest stays as it was asked for before."""
    return None if _single(asked) else asked


@dataclass(frozen=True)
class Run:
    """A run that asked for something else than the one before.

    time: when it began, in UTC. by: who began it, empty if nobody said so. options: those of the module; None where the
    subject was given back what it had before its first hardening.
    """

    time: str
    by: str
    options: Options | None


class Asked(t.NamedTuple):
    """The options that a module follows. back: they, or that there were none, come from the history."""

    options: Options
    back: bool = False


class History:
    """The runs of one subject (``kernel``, ``daemon``, ...), the oldest first."""

    def __init__(self, subject: str, root: str = ROOT) -> None:
        self._subject = subject
        self._directory = Path(root) / subject
        self._path = self._directory / HISTORY_FILE
        # What was hardened already, and by whom is not known, has an unknown beginning.
        self._whole = not self._is_recorded()
        self.runs: list[Run] = []
        self._load()

    def asked(self, given: t.Mapping[str, t.Any], arguments: t.Mapping[str, t.Mapping[str, t.Any]]) -> Asked:
        """The options to follow: those that were given, or those of the moment that ``as_of`` names.

        given: the module's parameters. arguments: its argument spec. InputError where the moment cannot be read;
        CaissonError where it is not known what was asked for then.
        """
        options = {name: value for name, value in given.items() if name not in moment.ARGUMENT}
        single = _single(given)
        if not given["as_of"]:
            return Asked(options)
        wanted = moment.read(given["as_of"])
        if wanted is None:
            raise InputError([Fault(self._subject, "as_of", given["as_of"], "is no moment", moment.REMEDY)])
        reached = [run for run in self.runs if wanted.reaches(run.time)]
        if not reached and not self._whole:
            known = f"The first run that is known began at {self.runs[0].time}" if self.runs else "No run is known"
            raise CaissonError(
                f"{self._subject}: nobody knows what was asked for at {given['as_of']!r}. {known}; name a later "
                "moment, or none at all to go back to before the first hardening"
            )
        found = reached[-1].options if reached else None
        if found is None:
            return Asked({**options, "state": "absent"}, back=True)
        unknown = sorted(set(found) - set(arguments))
        if unknown:
            raise CaissonError(
                f"{self._subject}: what was asked for at {reached[-1].time} has {', '.join(unknown)}, which this "
                "version of the collection does not know; use the one that ran then"
            )
        # An option that came since has the default that it has for everybody who does not know it.
        defaults = {name: spec.get("default") for name, spec in arguments.items() if name not in moment.ARGUMENT}
        return Asked({**defaults, **found, **single}, back=True)

    def note(self, asked: Asked, kept: Kept = whole_runs) -> list[str]:
        """Keep what was carried out, or what *kept* makes of it; a warning where that is not possible."""
        try:
            with host_lock(_LOCK):
                self._note(asked, kept)
        except CaissonError as error:
            return [f"What this run asked of {self._subject} was not kept, so no run can go back to it: {error}"]
        return []

    def _note(self, asked: Asked, kept: Kept) -> None:
        absent = asked.options["state"] == "absent"
        single = _single(asked.options)
        if absent and not asked.back and not (single and self._is_recorded()):
            self._forget()
            return
        if asked.options["state"] not in ("present", "absent"):
            return  # a report
        self._load()
        if not (self.runs if absent else self.runs or self._is_recorded()):
            return  # nothing was ever changed, so there is nothing to go back from
        options = None
        if single or not absent:
            found = kept(asked.options, self.runs[-1].options if self.runs else None)
            if found is None:
                return
            # As it is read back: equal options have to be equal then.
            options = json.loads(json.dumps(found))
        if self.runs and self.runs[-1].options == options:
            return
        time, by = _this_run()
        self._write([*(run for run in self.runs if run.time != time), Run(time, by, options)])

    def _write(self, runs: list[Run]) -> None:
        self._whole = self._whole and len(runs) <= KEPT_RUNS
        self.runs = runs[-KEPT_RUNS:]
        make_directories(self._directory, mode=0o700)
        # In the order of each file that is kept whole.
        document = {"version": 1, "whole": self._whole, "runs": [asdict(run) for run in self.runs]}
        write_file(self._path, FileState((json.dumps(document, indent=1) + "\n").encode(), mode=0o600))

    def _forget(self) -> None:
        if self._path.exists():
            remove_file(self._path)
        remove_empty_directories([str(self._directory), str(self._directory.parent)])
        self.runs = []

    def _is_recorded(self) -> bool:
        return (self._directory / UNDO_FILE).exists()

    def _load(self) -> None:
        state = read_file(self._path)
        if state is None:
            return
        try:
            found = json.loads(state.content)
            self.runs = [Run(str(run["time"]), str(run["by"]), run["options"]) for run in found["runs"]]
            self._whole = bool(found["whole"])
        except (ValueError, KeyError, TypeError) as error:
            raise CaissonError(
                f"Failed to read the history {self._path}: {error!r}; remove it to go on without the earlier runs"
            ) from error


def _this_run() -> tuple[str, str]:
    """When the run began that this is part of, and who began it; outside of a playbook that says so it begins now."""
    time, _blank, by = os.environ.get(VARIABLE, "").partition(" ")
    told = moment.read(time)
    return (told.time, by) if told else (moment.now(), "")
