# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: one change of the daemon's file and command line, brought into effect or taken back.

Where containers run, a restart is carried: live-restore holds before it, and while it lasts, also where the settings
before or after it do not have it. What stands in the file meanwhile is written down first (`record`), so that the run
after one that was killed knows it for what it is.
"""

from __future__ import annotations

import time
import typing as t

from ..errors import CaissonError
from ..host.files import FileState, read_file, remove_file, set_file_times, write_file
from ..host.undo import UndoStore
from . import flags, hidden, loopback, plan, process, readback, record, refusals, state, surroundings
from .engine import Engine
from .judged import configured_after
from .mask import masked_text
from .merge import Config, parse, render
from .observe import STOPPING_SECONDS, Host
from .schema import explicit
from .service import LOG_LINES, Service
from .takeover import CommandLine, refuse_flags

RELOAD_SECONDS = 15.0
# A daemon that is the same for so long is not just about to be replaced by the next.
SETTLED_SECONDS = 2.0


class Transaction:
    """Brings *new* into effect on the host, by what the plan says."""

    def __init__(
        self, host: Host, decided: plan.Plan, acts: str, new: FileState | None, command_line: CommandLine
    ) -> None:
        self._host, self._decided, self._acts, self._new = host, decided, acts, new
        self._command_line = command_line
        former = host.file
        self._former_config: Config = {} if former is None else parse(former.content, host.options.path)
        self._access = new or former or FileState(b"")
        self._inherited = False
        # What the user should know, though it is no reason to take everything back.
        self.remarks: list[str] = []
        self._before = process.identity(host.service.pid()) if host.service else ""

    def run(self) -> state.Live | None:
        """What the daemon shows then. CaissonError says what failed and what the host is like now."""
        host, service = self._host, self._host.service
        configured = configured_after(host, self._decided)
        try:
            surroundings.put(self._decided.companions, host.options.request.tls, configured)
            if service is None or self._acts == plan.LEAVE:
                self._put(self._new)
                self._start_left(configured)
                return host.observed.live
            if self._acts == plan.STOP:
                self._stop(service)
                return None
            live = surroundings.with_sockets(self._tell(service), configured, service.pid())
            self._start_left(configured)
        except CaissonError as error:
            tail = _tail(service) if service else ""
            outcome = self._rolled_back()
            raise CaissonError(f"Failed to bring the new settings into effect: {error}; {outcome}{tail}") from error
        return live

    def _tell(self, service: Service) -> state.Live:
        """Make the daemon take the file over, and read back that it did."""
        decided = self._decided
        if self._acts == plan.RELOAD:
            return self._reload_to(service, decided.after, self._new, self._host.observed.in_effect or {})
        if decided.stop:
            record.leave(self._host.store, hidden.place(refusals.former(self._host.observed)), decided.stop)
            self._engine().stop(decided.stop)
        if decided.live_restore_first:
            self._live_restore_first(service)
        self._change_command_line()
        carried = {**decided.after, "live-restore": True} if decided.carried else decided.after
        self._put(self._stage(carried) if decided.carried else self._new)
        record.begin_restart(self._host.store)
        (service.start if self._acts == plan.START else service.restart)(self._host.options.path)
        live = self._wait(service)
        refuse_flags(self._host, decided.taken)
        _refuse_unmet(self._unmet({**carried, **self._flags(service)}, live))
        loopback.close(decided.close)
        if decided.carried:
            live = self._reload_to(service, decided.after, self._new, carried)
        return live

    def _stop(self, service: Service) -> None:
        """End a daemon that did not run before."""
        self._change_command_line()
        self._put(self._new)
        record.begin_restart(self._host.store)
        service.stop()
        loopback.close(self._decided.close)

    def _live_restore_first(self, service: Service) -> None:
        decided = self._decided
        whole = not decided.carried and not decided.taken
        # A daemon whose command line still has what the new file has would refuse the new file.
        staged = {**self._former_config, "live-restore": True}
        self._put(self._new if whole else self._stage(staged))
        self._reload(service, decided.after if whole else staged, {"live-restore": True})

    def _reload_to(self, service: Service, after: Config, content: FileState | None, former: Config) -> state.Live:
        """Reload the daemon, that has *former*, so that *after* is in effect, and leave *content* as its file."""
        named = explicit(former, after)
        staged = named != after or content is None
        self._put(self._stage(named) if staged else content)
        live = self._reload(service, named, {**named, **self._flags(service)})
        if staged:
            self._put(content)
        record.mark_applied(self._host.store, service.pid(), after)
        return live

    def _reload(self, service: Service, content: Config, wanted: Config) -> state.Live:
        """Have the daemon read its file, that says *content*, until it shows what is *wanted*."""
        record.mark_told(self._host.store, service.pid(), content)
        moment = time.time_ns()
        service.reload()
        deadline = time.monotonic() + min(RELOAD_SECONDS, self._host.options.timeout)
        while True:
            live = self._wait(service)
            told = self._engine().reloaded_since(moment)
            unmet = self._unmet(wanted, live) + (readback.unmet_by_reload(wanted, told) if told else [])
            if told is not None and not unmet:
                return live
            if time.monotonic() >= deadline:
                _refuse_unmet(unmet)
                raise CaissonError("the daemon did not say that it reloaded its file")
            time.sleep(0.2)

    def _unmet(self, wanted: Config, live: state.Live) -> list[str]:
        return [name for name in state.mismatches(wanted, live) if name not in self._decided.deferred]

    def take_over(self, store: UndoStore) -> str:
        """Take back what the process did that this one was forked from, and that is dead now; what came of it.

        store: the record as it stands now. CaissonError where the daemon does not come up.
        """
        self._host.store, self._inherited = store, True
        if self._host.service and record.restarts(store):
            self._settle(self._host.service)
        deadline = time.monotonic() + self._host.options.timeout
        while True:
            try:
                return self._take_back()
            except CaissonError:
                # The daemon may not have come to rest in spite of the patience.
                if time.monotonic() >= deadline:
                    raise
            time.sleep(1)

    def _settle(self, service: Service) -> None:
        """Wait until a restart that was begun has come to its end: the daemon is another or none, and stays so."""
        seen = self._before
        begun = since = time.monotonic()
        while time.monotonic() < since + SETTLED_SECONDS or seen == self._before:
            if time.monotonic() > begun + min(self._host.options.timeout, STOPPING_SECONDS):
                return  # it was not told yet
            pid = service.pid()
            now = process.identity(pid) if process.alive(pid) else ""
            if now != seen:
                seen, since = now, time.monotonic()
            time.sleep(0.1)

    def _rolled_back(self) -> str:
        """The former file and the daemon as it was; what came of it, for the message."""
        try:
            return self._take_back()
        except CaissonError as error:
            return f"{self._former_is()}, but the daemon does not come up with it either ({error}): start it by hand"

    def _former_is(self) -> str:
        return "the former file is back" if self._host.file else "the file is removed again"

    def _take_back(self) -> str:
        host, service, former = self._host, self._host.service, self._former_is()
        try:
            surroundings.take_back(self._decided.companions, host.store)
            if self._command_line.sentence and service is not None:
                self._command_line.take_back(host)
            if service is None or self._acts == plan.LEAVE:
                self._put(host.file)
                return former
            if self._acts == plan.START and not host.unfinished:
                self._put(host.file)
                service.stop()
                return f"{former}; the daemon did not run before and does not run now"
            self._bring_back(service)
            self._start_again(refusals.former(host.observed))
        finally:
            if host.times and read_file(host.options.path) == host.file:
                set_file_times(host.options.path, host.times)
        return "; ".join([f"{former} and the daemon runs with it", *self.remarks])

    def _bring_back(self, service: Service) -> None:
        host, former = self._host, self._former_config
        if self._before and process.identity(service.pid()) == self._before:
            self._reload_to(service, former, host.file, {**self._decided.after, "live-restore": True})
        else:
            live = host.observed.live
            carried = live is not None and plan.can_carry(host.observed) and former.get("live-restore") is not True
            lasting = {**former, "live-restore": True}
            self._put(self._stage(lasting) if carried else host.file)
            if carried and self._inherited and process.alive(service.pid()):
                # The dead one may have told this daemon to end its containers with it.
                self._reload(service, lasting, {"live-restore": True})
            service.replace(host.options.path)
            self._wait(service)
            if carried:
                self._reload_to(service, former, host.file, lasting)
        if host.times is None:
            record.mark_applied(host.store, service.pid(), former)

    def _start_left(self, configured: Config) -> None:
        if self._decided.start:
            self._start_again(configured)

    def _start_again(self, config: Config) -> None:
        """Start what was stopped as the engine left the data where it is by this configuration."""
        place = hidden.place(config)
        self.remarks += self._engine().start(record.left_at(self._host.store, place))
        record.returned(self._host.store, place)

    def _change_command_line(self) -> None:
        if self._command_line.sentence:
            self._command_line.apply(self._host)

    def _stage(self, config: Config) -> FileState:
        return FileState(render(config), self._access.mode, self._access.uid, self._access.gid)

    def _put(self, content: FileState | None) -> None:
        path = self._host.options.path
        if read_file(path) == content:
            return
        record.expect(self._host.store, content)
        if content is None:
            remove_file(path)
        else:
            write_file(path, content)

    def _flags(self, service: Service) -> Config:
        """What the running daemon's command line sets."""
        given = flags.parse(service.command_line())
        return {name: value for name, value in given.items() if name != flags.CONFIG_FILE}

    def _wait(self, service: Service) -> state.Live:
        return self._engine().wait(self._host.options.timeout, service.alive)

    def _engine(self) -> Engine:
        """The engine, which only a prediction may lack."""
        if self._host.engine is None:
            raise CaissonError("The Docker SDK for Python is missing")
        return self._host.engine


def _refuse_unmet(unmet: t.Sequence[str]) -> None:
    if unmet:
        raise CaissonError(f"not in effect according to the daemon: {', '.join(dict.fromkeys(unmet))}")


def _tail(service: Service) -> str:
    lines = [masked_text(line)[:400] for line in service.log_tail() if line.strip()][-LOG_LINES:]
    return ". The daemon's last lines:\n" + "\n".join(lines) if lines else ""
