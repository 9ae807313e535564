# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: what a run keeps for the runs after it, beside the undo record.

MARK: what the running daemon has in effect, and what it was told since, which it may have or not. RECIPE: how a plain
daemon is started. PENDING: what was there before a run that has not ended; of a run that was killed, the next one takes
the file from there and not the half of it that stands. COMMANDS: the command lines of plain daemons from which flags
were taken. TIMES: those of the files that undo brings back; they tell whether a running daemon has a file. LEFT: the
containers that were stopped as the engine left its data, with what tells where that lies. STARTED: the files of the
daemons that did not run before.
"""

from __future__ import annotations

import typing as t

from ..host.files import FileState
from ..host.undo import UndoStore, decode, digest_of, encode
from . import process
from .merge import Config
from .service import Service

MARK, RECIPE, PENDING, COMMANDS, TIMES, LEFT, STARTED = (
    "applied",
    "plain_daemon",
    "pending",
    "commands",
    "times",
    "left",
    "started",
)


def mark_applied(store: UndoStore, pid: int, config: Config) -> None:
    """Remember what file that very daemon has taken over, for what it does not show itself."""
    _replace(store, MARK, {"identity": process.identity(pid), "config": config})
    store.commit()


def applied(store: UndoStore, pid: int) -> Config | None:
    """What that very daemon took over, where it is known."""
    mark: t.Any = store.values().get(MARK)
    if isinstance(mark, dict) and mark.get("identity") == process.identity(pid):
        return dict(mark["config"])
    return None


def mark_told(store: UndoStore, pid: int, config: Config) -> None:
    """Remember what that daemon is about to be told: a run that is killed meanwhile does not see what came of it."""
    mark: t.Any = store.values().get(MARK)
    if isinstance(mark, dict) and mark.get("identity") == process.identity(pid):
        _replace(store, MARK, {**mark, "told": config})
        store.commit()


def told(store: UndoStore, pid: int) -> Config | None:
    """What that very daemon was told last, where nobody saw what came of it."""
    mark: t.Any = store.values().get(MARK)
    if isinstance(mark, dict) and mark.get("identity") == process.identity(pid) and "told" in mark:
        return dict(mark["told"])
    return None


def keep_recipe(store: UndoStore, service: Service, pidfile: str) -> None:
    """Keep how a plain daemon is started: a run that is killed while it is down would leave nobody who knows."""
    if isinstance(service, process.PlainDaemon):
        _replace(store, RECIPE, {pidfile: service.recipe()})


def recipe(store: UndoStore, pidfile: str) -> dict[str, t.Any] | None:
    return dict(store.values().get(RECIPE) or {}).get(pidfile)


def begin(store: UndoStore, path: str, former: FileState | None, unfinished: bool) -> None:
    """Say that the file is being changed; what it was before stands until :func:`end`.

    unfinished: what stands there was written by a run that did not come to its end.
    """
    written = store.values()[PENDING]["written"] if unfinished else []
    _replace(store, PENDING, {"path": path, "former": encode(former), "written": written})


def begin_restart(store: UndoStore) -> None:
    """Say that the daemon is about to be restarted: one that still runs may have been told to end already."""
    pending = store.values().get(PENDING)
    if pending:
        _replace(store, PENDING, {**pending, "restarts": True})
        store.commit()


def restarts(store: UndoStore) -> bool:
    """Whether the run that has not ended began to restart the daemon."""
    return bool((store.values().get(PENDING) or {}).get("restarts"))


def expect(store: UndoStore, content: FileState | None) -> None:
    """Say what is about to be written."""
    pending = store.values().get(PENDING)
    if pending and digest(content) not in pending["written"]:
        _replace(store, PENDING, {**pending, "written": [*pending["written"], digest(content)]})
        store.commit()


def end(store: UndoStore) -> None:
    store.forget_value(PENDING)
    store.commit()


def unfinished(store: UndoStore, path: str, disk: FileState | None) -> bool:
    """Whether what stands there was written by a run that did not come to its end."""
    pending: t.Any = store.values().get(PENDING)
    return bool(pending) and pending["path"] == path and digest(disk) in pending["written"]


def former(store: UndoStore) -> FileState | None:
    """The file from before the run that did not come to its end."""
    return decode(store.values()[PENDING]["former"])


def keep_command(store: UndoStore, pidfile: str, command: t.Sequence[str]) -> None:
    """Keep a plain daemon's command line from before flags were taken off it."""
    known = dict(store.values().get(COMMANDS) or {})
    if pidfile not in known:
        _replace(store, COMMANDS, {**known, pidfile: list(command)})


def command(store: UndoStore, pidfile: str) -> list[str] | None:
    return dict(store.values().get(COMMANDS) or {}).get(pidfile)


def keep_times(store: UndoStore, path: str, times: tuple[int, int] | None) -> None:
    known = dict(store.values().get(TIMES) or {})
    if times and path not in known:
        _replace(store, TIMES, {**known, path: list(times)})


def times(store: UndoStore, path: str) -> tuple[int, int] | None:
    found = dict(store.values().get(TIMES) or {}).get(path)
    return (found[0], found[1]) if found else None


def keep_started(store: UndoStore, path: str) -> None:
    """Remember that the daemon with that file did not run before."""
    _replace(store, STARTED, sorted({path, *(store.values().get(STARTED) or ())}))
    store.commit()


def started(store: UndoStore, path: str, pid: int) -> bool:
    """Whether that daemon runs only since a run started it, and is still the one that the last run left."""
    return path in (store.values().get(STARTED) or ()) and applied(store, pid) is not None


def forget_started(store: UndoStore, path: str) -> None:
    _replace(store, STARTED, [each for each in store.values().get(STARTED) or () if each != path])


def leave(store: UndoStore, place: Config, names: t.Sequence[str]) -> None:
    """Remember what is about to be stopped, since the engine leaves that place."""
    if names:
        others = [each for each in store.values().get(LEFT) or () if each[0] != place]
        # A run that was killed may have stopped some already.
        known = dict.fromkeys([*left_at(store, place), *names])
        _replace(store, LEFT, [*others, [place, list(known)]])
        store.commit()


def left(store: UndoStore) -> tuple[tuple[Config, tuple[str, ...]], ...]:
    """What was stopped as the engine left its data, and has not been started again since."""
    return tuple((place, tuple(names)) for place, names in store.values().get(LEFT) or ())


def left_at(store: UndoStore, place: Config) -> tuple[str, ...]:
    """What was left at that place."""
    return tuple(name for there, names in left(store) if there == place for name in names)


def returned(store: UndoStore, place: Config) -> None:
    """Forget what was left there: it runs again."""
    known = store.values().get(LEFT) or []
    if any(each[0] == place for each in known):
        _replace(store, LEFT, [each for each in known if each[0] != place])
        store.commit()


def digest(content: FileState | None) -> str:
    return "absent" if content is None else digest_of(content.content)


def _replace(store: UndoStore, name: str, value: t.Any) -> None:
    store.forget_value(name)
    store.record_value(name, value)
