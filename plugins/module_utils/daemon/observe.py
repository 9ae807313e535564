# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: everything the plan depends on, gathered from the file, the process and the daemon."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ..controls.daemon import SECCOMP_PROFILE
from ..errors import CaissonError, Fault, InputError
from ..host.files import FileState, file_times, read_file
from ..host.undo import KEPT_BACKUPS, UndoStore
from . import flags, hidden, outdated, process, record, surroundings
from .companions import Companion
from .engine import Engine, NotAnsweringError
from .merge import Config, parse
from .plan import Observed, Request
from .schema import parse_version
from .service import Service, SystemdDaemon, choose
from .state import Live
from .unit_files import UnitFiles

DEFAULT_HOST = "unix:///var/run/docker.sock"
STOPPING_SECONDS = 15.0


@dataclass(frozen=True)
class Options:
    """The module's options, and whether it only predicts."""

    request: Request = field(default_factory=Request)
    state: str = "present"
    path: str = flags.DEFAULT_PATH
    docker_host: str = DEFAULT_HOST
    service_manager: str = "auto"
    service: str = "docker"
    pidfile: str = flags.DEFAULT_PIDFILE
    log_file: str = "/var/log/dockerd.log"
    start: bool = True
    timeout: float = 60
    assume_engine: bool = False
    engine_version: str = ""
    backups: int = KEPT_BACKUPS
    check: bool = False


@dataclass
class Host:
    """The host as found. engine is None where none is installed and that was allowed.

    disk: the file as it stands; file: as it was before the change that is being made, also by a run that was killed.
    times: when it was read and written, in nanoseconds; None where there is none or a run that was killed wrote it.
    """

    options: Options
    store: UndoStore
    disk: FileState | None
    file: FileState | None
    observed: Observed
    unfinished: bool = False
    times: tuple[int, int] | None = None
    unit: UnitFiles | None = None
    service: Service | None = None
    engine: Engine | None = None
    dockerd: str | None = None
    remark: str = ""
    containers: tuple[outdated.Container, ...] = ()
    since: t.Mapping[str, t.Any] = field(default_factory=dict)

    @property
    def standing(self) -> Config | None:
        """What the file says as it stands."""
        return _parsed(self.disk, self.options.path)


def look(options: Options, store: UndoStore) -> Host:
    """Gather it all. CaissonError with one sentence where the module cannot work on this host."""
    disk = read_file(options.path)
    unfinished = record.unfinished(store, options.path, disk)
    file = record.former(store) if unfinished else disk
    times = None if unfinished or disk is None else file_times(options.path)
    standing = _parsed(file, options.path)
    dockerd = process.dockerd_path()
    if dockerd is None and (options.state == "absent" or options.assume_engine):
        version = parse_version(options.engine_version)
        observed = Observed(
            standing,
            version=version,
            nofile_limit=process.open_files_limit(),
            cgroup_namespaces=Path("/proc/self/ns/cgroup").exists(),
            installed=False,
            companions=_beside(options, store, standing or {}, 0),
            seccomp_profile=_seccomp_profile(options),
        )
        return Host(options, store, disk, file, observed, unfinished, times)
    if dockerd is None:
        raise CaissonError(
            "No Docker engine is installed: dockerd is in none of the program directories; install one "
            "(the role docker_daemon does with docker_daemon_install: true)"
        )
    engine = _engine(options)
    new = process.recipe(_spawn(dockerd, options, {**(standing or {}), **options.request.config}), options.log_file)
    known = record.recipe(store, options.pidfile) or new
    service, remark = choose(options.service_manager, options.service, options.pidfile, known, options.timeout)
    live = _read(engine, service, options)
    given = flags.parse(service.command_line())
    _check_config_file(given.pop(flags.CONFIG_FILE, flags.DEFAULT_PATH), options)
    pid = service.pid()
    configured = {**(standing or {}), **given}
    if live is not None:
        live = surroundings.with_sockets(live, configured, pid)
    containers = surroundings.listed(engine, live)
    unit = service.files() if isinstance(service, SystemdDaemon) else None
    upcoming, own = _command_lines(service, unit, store, options)
    in_effect, uncertain = _in_effect(store, pid, options.path, _parsed(disk, options.path))
    observed = Observed(
        standing=standing,
        in_effect=in_effect,
        uncertain=uncertain,
        given=given,
        upcoming=upcoming,
        own=own,
        companions=_beside(options, store, configured, pid),
        existing=surroundings.existing(engine, live, containers, hidden.place(configured)["data-root"]),
        left=record.left(store),
        seccomp_profile=_seccomp_profile(options),
        remap_problem=surroundings.remap_problem(options.request.config.get("userns-remap")),
        asked_at="" if service.name == "none" else options.docker_host,
        live=live,
        version=parse_version(live.version if live else _version_of(dockerd)),
        nofile_limit=process.open_files_limit(pid or "self"),
        cgroup_namespaces=Path("/proc/self/ns/cgroup").exists(),
    )
    since = store.values().get(surroundings.SINCE) or {}
    held = (tuple(containers), since)
    return Host(options, store, disk, file, observed, unfinished, times, unit, service, engine, dockerd, remark, *held)


def _seccomp_profile(options: Options) -> str:
    return str(Path(options.path).with_name(Path(SECCOMP_PROFILE).name))


def _beside(options: Options, store: UndoStore, configured: Config, pid: int) -> tuple[Companion, ...]:
    """The files beside daemon.json; to bring back what was there before needs none."""
    if options.state == "absent":
        return ()
    wanted = {**configured, **options.request.config}
    return surroundings.beside(store, _seccomp_profile(options), options.request.tls, wanted, pid)


def _parsed(file: FileState | None, path: str) -> Config | None:
    return None if file is None else parse(file.content, path)


def _command_lines(
    service: Service, unit: UnitFiles | None, store: UndoStore, options: Options
) -> tuple[Config | None, Config | None]:
    """What the command line of the next start sets, and what it would set if nothing had been taken off it."""
    if isinstance(service, SystemdDaemon) and unit is not None and unit.command:
        own = flags.parse(unit.words)
        upcoming = flags.parse(service.configured_command_line())
    elif isinstance(service, process.PlainDaemon):
        upcoming = flags.parse(service.recipe()["command"])
        former = record.command(store, options.pidfile)
        own = flags.parse(former) if former else upcoming
    else:
        return None, None
    return _without_config_file(upcoming), _without_config_file(own)


def _without_config_file(given: Config) -> Config:
    return {name: value for name, value in given.items() if name != flags.CONFIG_FILE}


def as_it_stands(asked: dict[str, t.Any], _last: dict[str, t.Any] | None) -> dict[str, t.Any] | None:
    """The module's options that lead back to the file that is there.

    Those that were asked for do not: what they say is merged into the file, and so stays when nobody says it any more.
    """
    if asked["controls"]:
        return None  # all the rest stays as it was asked for before
    config = _parsed(read_file(asked["path"]), asked["path"]) or {}
    whole = {"config": config, "replace": True, "remove": [], "profile": "none"}
    return {**asked, **whole, "assume_engine": False, "engine_version": ""}


def require_root() -> None:
    if os.geteuid() != 0:
        raise CaissonError(f"No permission: this runs as user id {os.geteuid()} and must run as root; set become: true")


def validate(dockerd: str, content: bytes, path: str) -> None:
    """Let dockerd itself judge the file before it is written. Engines before 23.0 cannot."""
    with tempfile.TemporaryDirectory(prefix="caisson-") as directory:
        candidate = Path(directory) / "daemon.json"
        candidate.write_bytes(content)
        command = [dockerd, "--validate", "--config-file", str(candidate)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CaissonError(f"Failed to run {dockerd} --validate: {error}") from error
    if done.returncode:
        reason = " ".join(done.stderr.split()).replace(str(candidate), path)
        raise CaissonError(f"dockerd refuses the configuration, nothing was changed: {reason}")


def _engine(options: Options) -> Engine | None:
    try:
        return Engine(options.docker_host)
    except CaissonError:
        if options.check and options.assume_engine:
            return None
        raise


def _read(engine: Engine | None, service: Service, options: Options) -> Live | None:
    """The daemon's view, or None where it is down and this run may go on."""
    if engine is None:
        return None
    try:
        live = _read_settled(engine, service, options)
    except NotAnsweringError as error:
        pid = service.pid()
        if pid and service.name != "none":
            raise CaissonError(f"dockerd runs (process {pid}), but {error}; set docker_host to its address") from error
        if not options.start and options.state == "present" and service.name != "none":
            raise CaissonError(f"{error}; start it, or let this module do it with start: true") from error
        return None
    if not service.pid() and service.name == "pidfile":
        raise CaissonError(
            f"A daemon answers at {options.docker_host}, but {options.pidfile} names no dockerd: set pidfile to its "
            "pid file, or service_manager to none"
        )
    return live


def _read_settled(engine: Engine, service: Service, options: Options) -> Live:
    """The daemon's view, with patience for one that only just started or is about to end."""
    pid = service.pid()
    age = time.time() - process.start_time(pid) if process.alive(pid) else 0.0
    patience = options.timeout - age if age < options.timeout else STOPPING_SECONDS
    deadline = time.monotonic() + patience
    while True:
        try:
            return engine.read()
        except NotAnsweringError:
            if not process.alive(pid) or service.pid() != pid or time.monotonic() >= deadline:
                raise
        time.sleep(0.2)


def _check_config_file(used: str, options: Options) -> None:
    if os.path.realpath(used) != os.path.realpath(options.path):
        problem = f"is not the file that the daemon reads, which is {used}"
        raise InputError([Fault("docker_daemon_config", "path", options.path, problem, f"set path: {used}")])


def _spawn(dockerd: str, options: Options, config: Config) -> list[str]:
    """The command line for a plain daemon that does not run yet."""
    words = [dockerd]
    if options.path != flags.DEFAULT_PATH:
        words += ["--config-file", options.path]
    if options.docker_host != DEFAULT_HOST and not config.get("hosts"):
        words += ["--host", options.docker_host]
    if options.pidfile != flags.DEFAULT_PIDFILE and not config.get("pidfile"):
        words += ["--pidfile", options.pidfile]
    return words


def _in_effect(store: UndoStore, pid: int, path: str, standing: Config | None) -> tuple[Config | None, tuple[str, ...]]:
    """The file as the running daemon took it, and the keys of it that it has or not, for a run was killed meanwhile.

    None where the file was changed since and nobody noted when it was read.
    """
    if not pid:
        return standing or {}, ()
    marked, told = record.applied(store, pid), record.told(store, pid)
    if marked is not None and told is not None:
        either = {**marked, **told}
        return either, tuple(name for name in either if marked.get(name) != told.get(name))
    if marked is not None:
        return marked, ()
    if standing is None:
        return {}, ()
    # Start times are kept in hundredths of a second and computed from the uptime: allow for a second.
    return (standing if Path(path).stat().st_mtime <= process.start_time(pid) + 1 else None), ()


def _version_of(dockerd: str) -> str:
    done = subprocess.run([dockerd, "--version"], capture_output=True, text=True, timeout=30, check=False)
    words = done.stdout.split()
    return words[words.index("version") + 1] if "version" in words[:-1] else ""
