# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: what stands around daemon.json and counts for it: files that it names, users, data, sockets, containers."""

from __future__ import annotations

import contextlib
import json
import pwd
import socket
import time
import typing as t
from dataclasses import replace
from pathlib import Path

from ..errors import Fault, InputError
from ..host.files import (
    make_directories,
    missing_directories,
    read_file,
    remove_empty_directories,
    remove_file,
    write_file,
)
from ..host.transaction import to_state, to_text
from ..host.undo import UndoStore
from . import companions, container_process, hidden, openssl, outdated, process, sockets, tls
from .engine import Engine
from .merge import Config
from .state import Live

SINCE = "defaults_since"
OURS = "companions"
_NEEDED_IDS = 65536


def beside(
    store: UndoStore, seccomp_profile: str, request: tls.Request | None, configured: Config, pid: int
) -> tuple[companions.Companion, ...]:
    """The files beside daemon.json as they are and are to be. CaissonError where certificates cannot be made."""
    began = process.start_time(pid) if process.alive(pid) else 0.0

    def before(path: str) -> t.Any:
        return to_text(read_file(path))

    def stale(path: str) -> bool:
        # Start times are kept in hundredths of a second and computed from the uptime: allow for a second.
        with contextlib.suppress(OSError):
            return bool(began) and Path(path).stat().st_mtime > began + 1
        return False

    found = [companions.profile(seccomp_profile, before, stale)]
    if request is not None:
        names = tls.server_names(request, configured, socket.gethostname())
        issues = tls.issues(request, openssl.look(request.directory), names, time.time())
        made = companions.certificates(request, issues, before, stale)
        _refuse_foreign(request, [each for each in made if each.path not in _ours(store)])
        found += made
    return tuple(found)


def _refuse_foreign(request: tls.Request, files: t.Iterable[companions.Companion]) -> None:
    """Certificates that somebody else made have clients that trust them: they are not replaced."""
    foreign = [each.path for each in files if each.changes and each.before is not None]
    if foreign:
        problem = f"holds {', '.join(foreign)}, which this module did not make, and which would be replaced"
        remedy = "choose another directory, or name those certificates in config and set tls to false"
        raise InputError([Fault("docker_daemon_config", "tls_directory", request.directory, problem, remedy)])


def record(store: UndoStore, files: t.Sequence[companions.Companion]) -> None:
    """Keep what each file was before the first run."""
    for each in files:
        store.record_file(each.path, to_state(each.before))
        store.record_directories(missing_directories(Path(each.path).parent))
    known = _ours(store)
    store.forget_value(OURS)
    store.record_value(OURS, sorted({*known, *(each.path for each in files)}))


def keep_since(store: UndoStore, since: t.Mapping[str, t.Any]) -> None:
    """Remember since when each default is in force that containers take along."""
    store.forget_value(SINCE)
    store.record_value(SINCE, dict(since))
    store.commit()


def forget(store: UndoStore) -> None:
    """These files are no longer ours."""
    for path in _ours(store):
        store.forget_file(path)
    store.forget_value(OURS)
    store.forget_value(SINCE)


def _ours(store: UndoStore) -> list[str]:
    return list(store.values().get(OURS) or ())


def put(files: t.Sequence[companions.Companion], request: tls.Request | None, configured: Config) -> None:
    """Write the files; certificates are made first, so that nothing is written where that fails."""
    made = {}
    if request is not None and any(each.after is None for each in files):
        names = tls.server_names(request, configured, socket.gethostname())
        issues = tls.issues(request, openssl.look(request.directory), names, time.time())
        made = openssl.make(issues, request)
    for each in files:
        wanted = to_state(each.after or made.get(each.path))
        if wanted is not None:
            inside = request is not None and each.path.startswith(f"{request.directory}/")
            make_directories(Path(each.path).parent, tls.DIRECTORY_MODE if inside else 0o755)
            write_file(each.path, wanted)


def take_back(files: t.Sequence[companions.Companion], store: UndoStore) -> None:
    """The files as they were before this run, and no empty directory that it made."""
    for each in files:
        former = to_state(each.before)
        if former is None:
            remove_file(each.path)
        elif read_file(each.path) != former:
            write_file(each.path, former)
    if files:
        remove_empty_directories(store.directories())


def to_restore(store: UndoStore) -> list[str]:
    """The files beside daemon.json that are not as they were before the first run."""
    files = store.files()
    return [path for path in _ours(store) if path in files and read_file(path) != files[path]]


def restore(store: UndoStore) -> None:
    """Bring them back, or their absence."""
    files = store.files()
    for path in to_restore(store):
        original = files[path]
        if original is None:
            remove_file(path)
        else:
            write_file(path, original)


def existing(
    engine: Engine | None, live: Live | None, containers: t.Iterable[outdated.Container], root: str
) -> hidden.Existing:
    """What the engine holds; of one that is down, what its data root shows."""
    if engine is None or live is None:
        return hidden.Existing(tuple(sorted(_on_disk(Path(root)))), data_root=root)
    listed = sorted(containers, key=lambda each: each.name)
    return hidden.Existing(
        containers=tuple(each.name for each in listed),
        running=tuple(each.name for each in listed if each.running),
        images=live.images,
        volumes=engine.volumes(),
        data_root=live.data_root or root,
    )


def _on_disk(root: Path) -> t.Iterator[str]:
    with contextlib.suppress(OSError):
        for path in (root / "containers").glob("*/config.v2.json"):
            name = path.parent.name[:12]
            with contextlib.suppress(OSError, ValueError, AttributeError):
                name = str(json.loads(path.read_bytes()).get("Name") or name).lstrip("/")
            yield name


def listed(engine: Engine | None, live: Live | None) -> list[outdated.Container]:
    """The engine's containers, with what their processes have."""
    if engine is None or live is None:
        return []
    return container_process.seen(engine.containers())


def with_sockets(live: Live, configured: Config, pid: int) -> Live:
    """The daemon's view, with what its TCP sockets answer."""
    return replace(live, tcp=sockets.answers(configured, pid))


def remap_problem(value: t.Any) -> str:
    """Why the engine could not map the ids of that user, or the empty string. `default` it arranges itself."""
    if not value or not isinstance(value, str) or value == "default":
        return ""
    user, _colon, group = value.partition(":")
    try:
        name = pwd.getpwuid(int(user)).pw_name if user.isdigit() else pwd.getpwnam(user).pw_name
    except KeyError:
        return f"names the user {user}, whom this host does not have"
    for file, owner in (("/etc/subuid", name), ("/etc/subgid", group or name)):
        if not _has_ids(file, owner):
            return f"needs at least {_NEEDED_IDS} ids for {owner} in {file}, and there are none"
    return ""


def _has_ids(file: str, owner: str) -> bool:
    with contextlib.suppress(OSError):
        for line in Path(file).read_text(encoding="utf-8", errors="replace").splitlines():
            fields = line.split(":")
            if len(fields) == 3 and fields[0] == owner and fields[2].isdigit() and int(fields[2]) >= _NEEDED_IDS:
                return True
    return False


def changed_at(path: str) -> float:
    """When the file was written last; 0 where there is none."""
    with contextlib.suppress(OSError):
        return Path(path).stat().st_mtime
    return 0.0
