# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The transaction on daemon.json: the new settings are in effect, or the former file is back and the daemon up."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace
from pathlib import Path

from ..controls.model import score
from ..errors import CaissonError, InputError
from ..host.files import FileState, make_directories, missing_directories, remove_empty_directories, set_file_times
from ..host.guard import guarded
from ..host.lock import host_lock
from ..host.undo import UndoStore
from . import loopback, plan, record, refusals, state, surroundings, takeover, tls
from .judged import configured_after, judged, since
from .mask import masked
from .merge import Config, parse, render, shown_text
from .observe import Host, Options, look, require_root, validate
from .transaction import Transaction

SUBJECT = "daemon"
VALIDATES = (23, 0)


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
    if (
        host.dockerd
        and content != (host.disk or FileState(b"")).content
        and (host.observed.version or (0, 0)) >= VALIDATES
    ):
        validate(host.dockerd, render(_that_stands(decided)), host.options.path)
    new = FileState(content, host.file.mode, host.file.uid, host.file.gid) if host.file else FileState(content)
    return _carry_out(host, decided, new if decided.write else host.file, takeover.decide(host, decided.taken))


def _that_stands(decided: plan.Plan) -> Config:
    """The settings without those that name certificates which this run has yet to make: dockerd looks for the files."""
    missing = {each.key for each in decided.companions if each.before is None}
    if missing.isdisjoint(tls.FILES):
        return decided.after
    return {name: value for name, value in decided.after.items() if name not in tls.SETTINGS}


def _absent(host: Host) -> dict[str, t.Any]:
    """The file from before the first run, byte for byte, and the daemon's own command line."""
    recorded = host.store.files()
    if host.options.path not in recorded:
        if not host.options.check and not recorded:
            host.store.clear()
        unchanged = plan.Plan(host.observed.standing, host.observed.standing or {})
        return _result(host, unchanged, [], host.observed.live)
    original = recorded[host.options.path]
    after = {} if original is None else parse(original.content, host.options.path)
    hiding = refusals.hiding(host.options.request, host.observed, after)
    if hiding:
        raise InputError(hiding)
    command_line = takeover.decide(host, ())
    observed = host.observed
    if command_line.sentence and observed.own is not None:
        observed = replace(observed, given=observed.own, running=observed.given)
    decided = plan.decide(observed, after, anew=bool(command_line.sentence), exact=True)
    if decided.need == plan.START:
        decided = plan.Plan(decided.before, after)
    elif _only_since_us(host) and not decided.start:
        decided = replace(decided, need=plan.STOP, notes=(), shut=plan.opens_loopback(refusals.former(observed)))
    result = _carry_out(host, decided, original, command_line)
    if not host.options.check:
        times = record.times(host.store, host.options.path)
        if original is not None and times:
            set_file_times(host.options.path, times)
        surroundings.restore(host.store)
        _forget(host)
    return {**result, "changed": True}


def _only_since_us(host: Host) -> bool:
    """Whether the daemon did not run before the first run, and nobody has anything from it now."""
    live, pid = host.observed.live, host.service.pid() if host.service else 0
    return live is not None and not live.running and record.started(host.store, host.options.path, pid)


def _forget(host: Host) -> None:
    """Nothing of this file is ours any more; of another daemon's it may be."""
    made = host.store.directories()
    for path in [host.options.path, *([host.unit.path] if host.unit else [])]:
        host.store.forget_file(path)
    surroundings.forget(host.store)
    record.forget_started(host.store, host.options.path)
    if host.store.files():
        host.store.commit()
    else:
        host.store.clear()
        remove_empty_directories(made)


def _carry_out(
    host: Host, decided: plan.Plan, new: FileState | None, command_line: takeover.CommandLine
) -> dict[str, t.Any]:
    """Do, or predict, what the plan says."""
    acts = decided.need if host.service is None or host.service.name != "none" else plan.LEAVE
    if acts != decided.need or host.engine is None:
        decided = replace(decided, start=())
    if decided.shut and acts != plan.LEAVE and host.engine is not None:
        decided = replace(decided, close=loopback.routing(host.engine.bridges()))
    actions = _actions(host, decided, acts, new, command_line)
    live: state.Live | None
    if host.options.check or not actions:
        if not host.options.check and host.unfinished:
            record.end(host.store)
        live = _predicted(host, decided, acts)
        return _result(host, decided, actions, live)
    first = host.options.path not in host.store.files()
    backup = _record(host, decided, command_line)
    transaction = Transaction(host, decided, acts, new, command_line)

    def take_over() -> str:
        outcome = transaction.take_over(UndoStore(SUBJECT))
        _taken_back(host, first)
        return outcome

    with guarded("docker_daemon_config", take_over):
        try:
            live = transaction.run()
            decided = replace(decided, notes=(*decided.notes, *transaction.remarks))
        except CaissonError:
            _taken_back(host, first)
            raise
        if host.observed.installed:  # else the engine's first start has yet to show what it makes of the file
            _finish(host, decided, acts)
    return {**_result(host, decided, actions, live), **({"backup": str(backup)} if backup else {})}


def _taken_back(host: Host, first: bool) -> None:
    record.end(host.store)
    if first:
        _forget(host)


def _finish(host: Host, decided: plan.Plan, acts: str) -> None:
    if host.service and host.service.name != "none" and host.options.state == "present":
        record.mark_applied(host.store, host.service.pid(), decided.after)
        surroundings.keep_since(host.store, since(host, decided))
        if acts == plan.START:
            record.keep_started(host.store, host.options.path)
    record.end(host.store)


def _record(host: Host, decided: plan.Plan, command_line: takeover.CommandLine) -> Path | None:
    """What undo needs, and what the daemon has in effect now, before anything changes."""
    path = host.options.path
    if path not in host.store.files():
        record.keep_times(host.store, path, host.times)
    host.store.record_file(path, host.file)
    surroundings.record(host.store, decided.companions)
    command_line.remember(host)
    record.begin(host.store, path, host.file, host.unfinished)
    host.store.record_directories(missing_directories(Path(path).parent))
    host.store.commit()
    make_directories(Path(path).parent)
    pid = host.service.pid() if host.service else 0
    if pid and host.observed.in_effect is not None:
        record.mark_applied(host.store, pid, host.observed.in_effect)
    if host.service:
        record.keep_recipe(host.store, host.service, host.options.pidfile)
    host.store.commit()
    if host.file is None or host.options.state == "absent" or not host.options.backups:
        return None
    return host.store.backup(path, host.file, host.options.backups)


def _actions(
    host: Host, decided: plan.Plan, acts: str, new: FileState | None, command_line: takeover.CommandLine
) -> list[str]:
    found = [each.sentence for each in decided.companions if each.sentence]
    if new != host.disk:
        found.append(_file_action(host, decided, new))
    if decided.stop and acts == plan.RESTART:
        found.append(f"stop the containers that dockerd leaves behind: {', '.join(decided.stop)}")
    if decided.live_restore_first and acts == plan.RESTART:
        found.append("reload dockerd, so that live-restore holds before the restart")
    if command_line.sentence:
        found.append(command_line.sentence)
    if acts != plan.LEAVE:
        found.append(f"{acts} dockerd")
    if decided.close:
        found.append(f"take route_localnet and its rule of the firewall back from {', '.join(decided.close)}")
    if decided.carried and acts == plan.RESTART:
        found.append("reload dockerd without live-restore, which was on for the restart")
    if decided.start:
        found.append(f"start the containers that were left where dockerd is then: {', '.join(decided.start)}")
    if host.options.state == "absent":
        found += [f"restore {path}" for path in surroundings.to_restore(host.store)]
    return found


def _file_action(host: Host, decided: plan.Plan, new: FileState | None) -> str:
    path, before = host.options.path, host.standing or {}
    if new is None:
        return f"remove {path}"
    changed = sorted(name for name, value in decided.after.items() if before.get(name) != value)
    removed = sorted(name for name in before if name not in decided.after)
    parts = [f"set {', '.join(changed)}"] if changed else []
    parts += [f"remove {', '.join(removed)}"] if removed else []
    return f"write {path}: {'; '.join(parts) or 'the former bytes'}"


def _predicted(host: Host, decided: plan.Plan, acts: str) -> state.Live | None:
    if host.observed.live is None or acts == plan.LEAVE:
        return host.observed.live
    if acts == plan.STOP:
        return None
    return state.predicted(host.observed.live, configured_after(host, decided), decided.deferred)


def _result(host: Host, decided: plan.Plan, actions: list[str], live: state.Live | None) -> dict[str, t.Any]:
    untold = host.service is not None and host.service.name == "none" and decided.need != plan.LEAVE
    notes = list(decided.notes)
    if untold:
        notes.append(f"the daemon must still {decided.need} to take the file over: service_manager is none")
    verdict = judged(host, decided, live, untold)
    file_after = decided.after if host.disk is not None or decided.after else None
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
            "before": shown_text(host.standing),
            "after": shown_text(file_after),
        },
        "findings": [finding.as_dict() for finding in verdict.after],
        "score": score(verdict.before, verdict.after),
        "outdated_containers": verdict.outdated,
        "undo": str(host.store.path),
        "warnings": [*notes, *verdict.warnings],
    }
