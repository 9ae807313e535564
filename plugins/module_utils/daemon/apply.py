# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The transaction on daemon.json: the new settings are in effect, or the former file is back and the daemon up."""

from __future__ import annotations

import contextlib
import time
import typing as t
from pathlib import Path

from ..controls.model import score
from ..errors import CaissonError, InputError
from ..host.files import (
    FileState,
    make_directories,
    remove_empty_directories,
    remove_file,
    write_file,
)
from ..host.lock import host_lock
from ..host.undo import UndoStore
from . import plan, process, refusals, state, surroundings
from .engine import Engine
from .judged import judged, since
from .mask import masked, masked_text
from .merge import Config, parse, render, shown_text
from .observe import Host, Options, keep_recipe, look, mark_applied, require_root, validate
from .service import LOG_LINES, Service

SUBJECT = "daemon"
RELOAD_SECONDS = 15.0


def run(options: Options) -> dict[str, t.Any]:
    """Bring the host to the wished state; the module's result."""
    require_root()
    # A prediction changes nothing, so it waits for nobody.
    with contextlib.nullcontext() if options.check else host_lock(SUBJECT, timeout=options.timeout):
        host = look(options, UndoStore(SUBJECT))
        return _absent(host) if options.state == "absent" else _present(host)


def _present(host: Host) -> dict[str, t.Any]:
    decided = plan.make(host.options.request, host.observed)
    content = render(decided.after)
    if host.dockerd and decided.write and (host.observed.version or (0, 0)) >= (23, 0):
        validate(host.dockerd, content, host.options.path)
    new = FileState(content, host.file.mode, host.file.uid, host.file.gid) if host.file else FileState(content)
    return _carry_out(host, decided, new if decided.write else host.file)


def _absent(host: Host) -> dict[str, t.Any]:
    """The file from before the first run, byte for byte."""
    recorded = host.store.files()
    if host.options.path not in recorded:
        unchanged = plan.Plan(host.observed.standing, host.observed.standing or {})
        return _result(host, unchanged, [], host.observed.live)
    original = recorded[host.options.path]
    after = {} if original is None else parse(original.content, host.options.path)
    hiding = refusals.hiding(host.options.request, host.observed, after)
    if hiding:
        raise InputError(hiding)
    decided = plan.decide(host.observed, after)
    if decided.need == plan.START:
        decided = plan.Plan(decided.before, after)
    result = _carry_out(host, decided, original)
    if not host.options.check:
        surroundings.restore(host.store)
        made = host.store.directories()
        host.store.clear()
        remove_empty_directories(made)
    return {**result, "changed": True}


def _carry_out(host: Host, decided: plan.Plan, new: FileState | None) -> dict[str, t.Any]:
    """Do, or predict, what the plan says."""
    acts = decided.need if host.service is None or host.service.name != "none" else plan.LEAVE
    actions = _actions(host, decided, acts, new)
    live: state.Live | None
    if host.options.check or not actions:
        live = _predicted(host, decided, acts)
        return _result(host, decided, actions, live)
    backup = None
    if host.options.state == "present":
        backup = _record(host, decided)
    live = _transaction(host, decided, acts, new)
    return {**_result(host, decided, actions, live), **({"backup": str(backup)} if backup else {})}


def _record(host: Host, decided: plan.Plan) -> Path | None:
    """What undo needs, and what the daemon has in effect now, before anything changes."""
    path = host.options.path
    host.store.record_file(path, host.file)
    surroundings.record(host.store, decided.companions)
    host.store.commit()
    host.store.record_directories(make_directories(Path(path).parent))
    pid = host.service.pid() if host.service else 0
    if pid and host.observed.in_effect is not None:
        mark_applied(host.store, pid, host.observed.in_effect)
    if host.service:
        keep_recipe(host.store, host.service, host.options.pidfile)
    host.store.commit()
    return host.store.backup(path, host.file) if host.file else None


def _transaction(host: Host, decided: plan.Plan, acts: str, new: FileState | None) -> state.Live | None:
    service = host.service
    before = process.identity(service.pid()) if service else ""
    try:
        surroundings.put(decided.companions, host.options.request.tls, {**decided.after, **host.observed.given})
        _put(host.options.path, new)
    except CaissonError:
        surroundings.take_back(decided.companions, host.store)
        raise
    if service is None or acts == plan.LEAVE:
        return host.observed.live
    try:
        live = _tell(host, service, decided, acts)
    except CaissonError as error:
        tail = _tail(service)
        surroundings.take_back(decided.companions, host.store)
        outcome = _roll_back(host, service, acts, before, decided.stop)
        raise CaissonError(f"Failed to bring the new settings into effect: {error}; {outcome}{tail}") from error
    if host.options.state == "present":
        mark_applied(host.store, service.pid(), decided.after)
        surroundings.keep_since(host.store, since(host, decided))
    return surroundings.with_sockets(live, {**decided.after, **host.observed.given}, service.pid())


def _tell(host: Host, service: Service, decided: plan.Plan, acts: str) -> state.Live:
    """Make the daemon take the file over, and read back that it did."""
    configured = {**decided.after, **host.observed.given}
    if decided.stop:
        _engine(host).stop(decided.stop)
    if decided.live_restore_first:
        live = _reload(host, service, {"live-restore": True}, ())
    if acts == plan.RELOAD:
        return _reload(host, service, configured, decided.deferred)
    start = service.start if acts == plan.START else service.restart
    start(host.options.path)
    live = _wait(host, service)
    _refuse_unmet([name for name in state.mismatches(configured, live) if name not in decided.deferred])
    return live


def _reload(host: Host, service: Service, wanted: Config, deferred: t.Sequence[str]) -> state.Live:
    moment = int(time.time())
    service.reload()
    deadline = time.monotonic() + min(RELOAD_SECONDS, host.options.timeout)
    while True:
        live = _wait(host, service)
        unmet = [name for name in state.mismatches(wanted, live) if name not in deferred]
        if not unmet and _engine(host).reloaded_since(moment):
            return live
        if time.monotonic() >= deadline:
            _refuse_unmet(unmet)
            raise CaissonError("the daemon did not say that it reloaded its file")
        time.sleep(0.2)


def _wait(host: Host, service: Service) -> state.Live:
    return _engine(host).wait(host.options.timeout, service.alive)


def _engine(host: Host) -> Engine:
    """The engine, which only a prediction may lack."""
    if host.engine is None:
        raise CaissonError("The Docker SDK for Python is missing")
    return host.engine


def _refuse_unmet(unmet: t.Sequence[str]) -> None:
    if unmet:
        raise CaissonError(f"not in effect according to the daemon: {', '.join(unmet)}")


def _roll_back(host: Host, service: Service, acts: str, before: str, stopped: t.Sequence[str] = ()) -> str:
    """The former file and the daemon as it was; what came of it, for the message."""
    _put(host.options.path, host.file)
    former = "the former file is back" if host.file else "the file is removed again"
    if acts == plan.START:
        service.stop()
        return f"{former}; the daemon did not run before and does not run now"
    try:
        if before and process.identity(service.pid()) == before:
            service.reload()
        else:
            service.stop()
            service.start(host.options.path)
        _wait(host, service)
        _engine(host).start(stopped)
    except CaissonError as error:
        return f"{former}, but the daemon does not come up with it either ({error}): start it by hand"
    return f"{former} and the daemon runs with it"


def _tail(service: Service) -> str:
    lines = [masked_text(line)[:400] for line in service.log_tail() if line.strip()][-LOG_LINES:]
    return ". The daemon's last lines:\n" + "\n".join(lines) if lines else ""


def _put(path: str, new: FileState | None) -> None:
    if new is None:
        remove_file(path)
    else:
        write_file(path, new)


def _actions(host: Host, decided: plan.Plan, acts: str, new: FileState | None) -> list[str]:
    found = [each.sentence for each in decided.companions if each.sentence]
    if new != host.file:
        found.append(_file_action(host.options.path, decided, new))
    if decided.stop and acts == plan.RESTART:
        found.append(f"stop the containers that dockerd leaves behind: {', '.join(decided.stop)}")
    if decided.live_restore_first and acts == plan.RESTART:
        found.append("reload dockerd, so that live-restore holds before the restart")
    if acts != plan.LEAVE:
        found.append(f"{acts} dockerd")
    if host.options.state == "absent":
        found += [f"restore {path}" for path in surroundings.to_restore(host.store)]
    return found


def _file_action(path: str, decided: plan.Plan, new: FileState | None) -> str:
    if new is None:
        return f"remove {path}"
    before = decided.before or {}
    changed = sorted(name for name, value in decided.after.items() if before.get(name) != value)
    removed = sorted(name for name in before if name not in decided.after)
    parts = [f"set {', '.join(changed)}"] if changed else []
    parts += [f"remove {', '.join(removed)}"] if removed else []
    return f"write {path}: {'; '.join(parts) or 'the former bytes'}"


def _predicted(host: Host, decided: plan.Plan, acts: str) -> state.Live | None:
    if host.observed.live is None or acts == plan.LEAVE:
        return host.observed.live
    return state.predicted(host.observed.live, {**decided.after, **host.observed.given}, decided.deferred)


def _result(host: Host, decided: plan.Plan, actions: list[str], live: state.Live | None) -> dict[str, t.Any]:
    untold = host.service is not None and host.service.name == "none" and decided.need != plan.LEAVE
    notes = list(decided.notes)
    if untold:
        notes.append(f"the daemon must still {decided.need} to take the file over: service_manager is none")
    verdict = judged(host, decided, live, untold)
    file_after = decided.after if host.file is not None or decided.after else None
    return {
        "changed": bool(actions),
        "actions": actions,
        "msg": "; ".join(filter(None, [host.remark, ", then ".join(actions) or "nothing to do"])),
        "decision": decided.need,
        "service_manager": host.service.name if host.service else "",
        "config": masked(decided.after),
        "diff": {
            "before_header": host.options.path,
            "after_header": host.options.path,
            "before": shown_text(decided.before),
            "after": shown_text(file_after),
        },
        "findings": [finding.as_dict() for finding in verdict.after],
        "score": score(verdict.before, verdict.after),
        "outdated_containers": verdict.outdated,
        "undo": str(host.store.path),
        "warnings": [*notes, *verdict.warnings],
    }
