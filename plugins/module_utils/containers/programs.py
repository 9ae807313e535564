# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which distinct programs run in a container, from its process table. Pure.

One application may have many processes: workers of the same program count once, and so do an init and a shell that only
start something else. What somebody started beside it (a health check, an exec) has its parent outside of the container
and does not count. Programs are told apart by their command lines, for there the worker's title still begins with its
program's name; an interpreter is told apart by its script.
"""

from __future__ import annotations

import posixpath
import re
import typing as t
from dataclasses import dataclass

# Reap zombies and pass signals on; they run what they are given and nothing else.
_INITS = frozenset("catatonit docker-init dumb-init pause pid1 podman-init tini tini-static".split())
# Start another program and wait for it; where they have no child they are the application.
_SHELLS = frozenset("ash bash busybox-sh dash fish ksh mksh sh zsh".split())
_LAUNCHERS = _SHELLS | frozenset(
    "bundle chroot doas gosu npm npx pdm pipenv pnpm poetry runuser setpriv su su-exec sudo timeout uv xvfb-run"
    " yarn".split()
)
# Keep several programs running, which is the engine's own work; by the program, the name by which it is known.
_SUPERVISORS = {
    **dict.fromkeys(("s6-svscan", "s6-supervise", "s6-linux-init-shutdownd", "s6-ipcserverd"), "s6"),
    **dict.fromkeys(("runit", "runit-init", "runsv", "runsvdir", "my_init"), "runit"),
    **dict.fromkeys(("systemd", "init"), "systemd"),
    **dict.fromkeys(("PM2", "pm2", "pm2-runtime", "pm2-docker"), "pm2"),
    **dict.fromkeys(("svscan", "supervise"), "daemontools"),
    **{name: name for name in ("circusd", "dinit", "forego", "foreman", "forever", "god", "goreman", "hivemind")},
    **{name: name for name in ("honcho", "horust", "monit", "multirun", "overmind", "supervisord")},
}
_SCHEDULERS = frozenset("atd anacron cron crond fcron supercronic".split())
_INTERPRETERS = re.compile(
    r"\A(?:python|pypy|ruby|perl|php|node|nodejs|bun|deno|lua|luajit|java|Rscript|tclsh|guile)[\d.]*\Z"
)
# Options of interpreters that take the next word.
_TAKES = frozenset("-I -W -X -classpath -cp -d -p -r --class-path --import --loader --module-path --require".split())
_OWN_HELPERS = re.compile(r"\A-c from multiprocessing\.")  # what Python itself starts for an application
# Programs made of several executables, by the one that starts the others.
_PARTS = {
    **dict.fromkeys(("epmd", "erl_child_setup", "inet_gethost", "rabbitmq-server", "heart"), "beam.smp"),
    **dict.fromkeys(("chrome", "chrome_crashpad_handler", "chrome-sandbox", "nacl_helper"), "chromium"),
    **{f"dovecot/{name}": "dovecot" for name in ("anvil", "auth", "config", "imap", "imap-login", "log", "stats")},
}
_SHOWN = 120  # characters of a command line


@dataclass(frozen=True)
class Process:
    """A process of a container; pids as the engine reports them. comm: the kernel's name of it, where it is known."""

    pid: int
    ppid: int
    args: str
    comm: str = ""


@dataclass(frozen=True)
class Programs:
    """The distinct programs, each by its name, and the supervisors among them."""

    names: tuple[str, ...] = ()
    supervisors: tuple[str, ...] = ()

    def evidence(self) -> str | None:
        """What is against there being one application, or None."""
        if len(self.names) + len(self.supervisors) < 2:
            return None
        found = f"runs {_listed(self.supervisors + self.names)}"
        if self.supervisors:
            return f"{found}; {_listed(self.supervisors)} is a supervisor, which is the engine's own work"
        scheduler = next((name for name in self.names if name in _SCHEDULERS), "")
        return f"{found}; {scheduler} is a scheduler, which belongs outside" if scheduler else found


def _listed(names: t.Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def read(top: t.Mapping[str, t.Any], last: str) -> list[Process]:
    """The processes of an engine's answer with the columns pid, ppid and *last*, which is args or comm."""
    rows: t.Iterable[t.Sequence[str]] = top.get("Processes") or ()
    # Podman gives each line as one word.
    split = (row[0].split(None, 2) if len(row) == 1 else row for row in rows)
    return [
        Process(int(row[0]), int(row[1]), **{"args": "", last: " ".join(row[2:]).strip()})
        for row in split
        if len(row) > 2 and row[0].isdigit() and row[1].isdigit()
    ]


def lasting(first: t.Iterable[Process], second: t.Iterable[Process]) -> list[Process]:
    """Those of the first look that the second, which read their names, still saw."""
    names = {process.pid: process.comm for process in second}
    return [
        Process(process.pid, process.ppid, process.args, names[process.pid])
        for process in first
        if process.pid in names
    ]


def judge(processes: t.Sequence[Process], root: int) -> Programs | None:
    """The distinct programs of the tree below process *root*; None where that is not among the processes."""
    tree = _tree(processes, root)
    if not tree:
        return None
    by_pid = {process.pid: process for process in tree}
    parents = {process.ppid for process in tree}
    found: dict[str, None] = {}
    supervisors: dict[str, None] = {}
    by_comm: dict[str, str] = {}
    for process in tree:
        words = _words(process.args)
        name = _base(words)
        if process.args.endswith("<defunct>") or not name or name in _INITS or _is_helper(words, process, by_pid):
            continue
        program = _program(words)
        family = _family(process, name, program)
        passive = process.pid in parents or _is_fork(process, by_pid)
        if family:
            supervisors.setdefault(family, None)
        elif not (passive and _launcher(name, program)):
            # Workers that gave themselves another title are still of the same executable.
            same = process.comm if process.comm and not _interprets(name) and name not in _SHELLS else ""
            found.setdefault(by_comm.setdefault(same, program) if same else program, None)
    return Programs(tuple(found), tuple(supervisors))


def _tree(processes: t.Sequence[Process], root: int) -> list[Process]:
    """The process *root* and all its descendants, parents first. Some engines number from within the container."""
    if all(process.pid != root for process in processes):
        root = 1
    children: dict[int, list[Process]] = {}
    for process in processes:
        children.setdefault(process.ppid, []).append(process)
    found = [process for process in processes if process.pid == root]
    for process in found:  # grows while it is walked
        found += children.pop(process.pid, ())
    return found


def _words(args: str) -> list[str]:
    """The words of a command line or of the title that a program gave itself."""
    return args.strip().strip("[]").split() or [""]


def _base(words: t.Sequence[str]) -> str:
    """The program's own name: without directory, the dash of a login shell and the colon of a title."""
    name = posixpath.basename(words[0].rstrip(":")) or words[0]
    name = name[1:] if name.startswith("-") else name
    if name == "busybox" and len(words) > 1:
        return "busybox-sh" if words[1] in _SHELLS else words[1]
    return name


def _interprets(name: str) -> bool:
    return _INTERPRETERS.match(name) is not None


def _program(words: t.Sequence[str]) -> str:
    """What the command line runs, by the name under which it counts."""
    name = _base(words)
    if name in _SHELLS:
        script = next((word for word in words[1:] if not word.startswith(("-", "+"))), "")
        return f"{name} {script}" if script and "-c" not in words[1:3] else name
    if words[0].endswith(":") or not _interprets(name):
        inner = "/".join(words[0].split("/")[-2:])
        return _PARTS.get(name, _PARTS.get(inner, name))
    script = _script(words)
    return f"{name} {script}"[:_SHOWN] if script else name


def _script(words: t.Sequence[str]) -> str:
    """The script, module or class that an interpreter was given; of code on the command line, its beginning."""
    position = 1
    while position < len(words):
        word = words[position]
        if word in ("-m", "-jar", "-c", "-e", "--eval") and position + 1 < len(words):
            return " ".join(words[position : position + (4 if word not in ("-m", "-jar") else 2)])
        if word in _TAKES:
            position += 2
        elif word.startswith("-"):
            position += 1
        else:
            return word
    return ""


def _launcher(name: str, program: str) -> bool:
    script = (
        re.sub(r"(-cli)?(\.c?js)?\Z", "", posixpath.basename(program.rsplit(maxsplit=1)[-1]))
        if _interprets(name)
        else ""
    )
    return name in _LAUNCHERS or script in _LAUNCHERS


def _family(process: Process, name: str, program: str) -> str:
    """The supervisor that the process belongs to, or the empty string."""
    script = posixpath.basename(program.rsplit(maxsplit=1)[-1]) if _interprets(name) else ""
    for known in (name, process.comm, script):
        if known in _SUPERVISORS:
            return _SUPERVISORS[known]
    return ""


def _is_fork(process: Process, by_pid: t.Mapping[int, Process]) -> bool:
    """Whether a shell is a copy that its parent made of itself, as for a loop in a pipe."""
    parent = by_pid.get(process.ppid)
    while parent is not None:
        if parent.args == process.args:
            return True
        parent = by_pid.get(parent.ppid)
    return False


def _is_helper(words: t.Sequence[str], process: Process, by_pid: t.Mapping[int, Process]) -> bool:
    """Whether an interpreter started it for the application that runs in it."""
    options = " ".join(words[1:])
    parent = by_pid.get(process.ppid)
    return bool(_interprets(_base(words)) and _OWN_HELPERS.match(options)) and parent is not None
