# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The variables of a run, as a survey gives them: flat texts and numbers, read here and nowhere else.

An empty answer counts as not given. Each fault is a sentence that says what to write instead.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.caisson.hardening.plugins.module_utils.host import moment

from . import window

CANARY_FIRST = ("1", "10%", "30%", "100%")
# A choice that counts as no answer, for AWX takes no empty one and gives the default to a job that was not asked.
AS_INVENTORY = "as the inventory says"
YES = frozenset(("yes", "true", "on", "1"))
NO = frozenset(("no", "false", "off", "0"))
DRIFT_ACTIONS = ("report", "snapshot", "recreate", "fail")

# What a variable's answer is; a tuple is a choice.
HOSTS, WAVES, FLAG, NUMBER, NAMES, SETTINGS, TEXT = "hosts waves flag number names settings text".split()
DRIFT, ROLLBACK = "drift rollback".split()
PERCENT, SECONDS, PORTS, WINDOW, MOMENT = "percent seconds ports window moment".split()
VARIABLES: dict[str, str | tuple[str, ...]] = {
    "harden_hosts": HOSTS,
    "harden_limit": HOSTS,
    "harden_serial": WAVES,
    "harden_canary_only": FLAG,
    "harden_profile": ("baseline", "strict"),
    "harden_install_docker": FLAG,
    "harden_kernel_settings": SETTINGS,
    "harden_audit_fails_on": ("changes", "open", "nothing"),
    "harden_max_fail_percentage": PERCENT,
    "harden_on_failure": ("leave", "restore"),
    "harden_window": WINDOW,
    "harden_pause": SECONDS,
    "harden_verify_ports": PORTS,
    "harden_verify_timeout": NUMBER,
    "harden_drain_tasks": TEXT,
    "harden_undrain_tasks": TEXT,
    "harden_lock_hours": NUMBER,
    "harden_take_over": FLAG,
    "harden_retry_file": TEXT,
    "restore_containers": FLAG,
    "restore_force": FLAG,
    "restore_to": MOMENT,
    "rollback_hosts": HOSTS,
    "rollback_containers": ROLLBACK,
    "rollback_docker_host": TEXT,
    "drift_hosts": HOSTS,
    "drift_on_drift": DRIFT,
    "drift_project": TEXT,
    "drift_ignore": NAMES,
    "drift_snapshot_repository": TEXT,
    "drift_docker_host": TEXT,
    "drift_parallel": NUMBER,
}
# What an inventory may say too is asked for under a name of its own: an extra variable, even an empty one, hides the
# inventory's of the same name.
ASKED = {
    "harden_run_profile": "harden_profile",
    "harden_run_install_docker": "harden_install_docker",
    "restore_run_containers": "restore_containers",
    "drift_run_on_drift": "drift_on_drift",
    "drift_run_project": "drift_project",
    "drift_run_ignore": "drift_ignore",
}
VARIABLES.update({answer: VARIABLES[name] for answer, name in ASKED.items()})
# The answers that a playbook reads, by the beginnings of their names.
PREFIXES = {
    "harden": ("harden_",),
    "restore": ("harden_", "restore_"),
    "rollback": ("rollback_",),
    "drift": ("drift_",),
}
LONGEST = 80  # characters of an answer that are repeated in a sentence
_NUMBER = re.compile(r"[1-9][0-9]*")
_WAVE = re.compile(r"[0-9]+%?")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_PATH = re.compile(r"/\S*")
_KEY = re.compile(r"[A-Za-z][\w*-]*([./][\w*-]+)+")


def text(value: t.Any) -> str:
    """The answer without the blanks around it; empty if none was given."""
    given = "" if value is None else str(value).strip()
    return "" if given == AS_INVENTORY else given


def waves(value: t.Any) -> list[str]:
    """The sizes of the waves as Ansible's serial takes them."""
    given = text(value)
    return [part.strip() for part in given.split(",")] if given else list(CANARY_FIRST)


def names(value: t.Any) -> list[str]:
    """The parts of a list with commas or line ends."""
    return [part.strip() for part in re.split(r"[,\n]", text(value)) if part.strip()]


def flag(value: t.Any) -> bool:
    return text(value).lower() in YES


def settings(value: t.Any) -> dict[str, str]:
    """Keys and values from lines of KEY=VALUE; a line that begins with # says nothing."""
    pairs = (line.partition("=") for line in _lines(value))
    return {key.strip(): given.strip() for key, _equals, given in pairs}


def read(kind: str | tuple[str, ...], value: t.Any) -> t.Any:
    """The answer as what the roles take."""
    readers: dict[t.Any, t.Callable[[t.Any], t.Any]] = {
        WAVES: waves,
        FLAG: flag,
        NAMES: names,
        DRIFT: names,
        ROLLBACK: lambda given: [{"name": name, "state": "rolled_back"} for name in names(given)],
        SETTINGS: settings,
        NUMBER: lambda given: int(text(given) or 0),
        PERCENT: lambda given: int(text(given).rstrip("%") or 0),
        SECONDS: lambda given: int(text(given) or 0),
        PORTS: lambda given: [int(port) for port in names(given)],
    }
    return readers.get(kind, text)(value)


def first_wave(sizes: t.Sequence[str], hosts: t.Sequence[str]) -> list[str]:
    """The hosts of the first wave, counted as Ansible counts."""
    size = sizes[0]
    number = int(len(hosts) * int(size[:-1]) / 100) if size.endswith("%") else int(size)
    return list(hosts[: max(number, 1)])


def faults(answers: t.Mapping[str, t.Any], playbook: str, hosts: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """A sentence for each answer that a run of *playbook* could not follow.

    *hosts* has the hosts that each pattern of the answers matches, by the variable's name.
    """
    found = []
    for name, kind in VARIABLES.items():
        said = ""
        if name.startswith(PREFIXES[playbook]):
            said = _fault(kind, answers.get(name), hosts.get(name, ()))
        if said:
            found.append(f"{name}: {_short(answers[name])} {said}")
    if playbook == "rollback" and not text(answers.get("rollback_containers")):
        found.append("rollback_containers: no container is named: write one or more names, as in web,db")
    removes = text(answers.get("restore_run_containers")) or answers.get("restore_containers")
    if playbook == "restore" and text(answers.get("restore_to")) and flag(removes):
        found.append("restore_containers: 'yes' removes containers, and restore_to leaves them: write one of the two")
    if not found and "harden_" in PREFIXES[playbook]:
        found += _apart(answers, hosts)
    return found


def _apart(answers: t.Mapping[str, t.Any], hosts: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """Two patterns that each match hosts, and no host together."""
    wanted, limit = text(answers.get("harden_hosts")) or "all", text(answers.get("harden_limit"))
    if not limit or set(hosts["harden_hosts"]) & set(hosts["harden_limit"]):
        return []
    return [f"harden_limit: {limit!r} has no host in common with harden_hosts, {wanted!r}: write one of its hosts"]


def _short(value: t.Any) -> str:
    said = repr(text(value))
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 4]}...'"


def _fault(kind: str | tuple[str, ...], value: t.Any, matched: t.Sequence[str]) -> str:
    given = text(value)
    if not given:
        return ""
    if isinstance(value, (list, tuple, dict)):
        return "is no text: write one, with commas between its parts"
    if isinstance(kind, tuple):
        return "" if given in kind else f"is unknown: write {' or '.join(kind)}"
    if kind == HOSTS:
        return "" if matched else "matches no host of the inventory: write a host, a group, or a pattern of them"
    if kind == FLAG:
        return "" if given.lower() in YES | NO else "is neither yes nor no: write yes or no"
    if kind == NUMBER:
        return "" if _NUMBER.fullmatch(given) else "is no whole number above 0: write one, as in 4"
    if kind == NAMES:
        return _names_fault(given, _PATH, "path", "/var/cache,/srv/uploads")
    if kind == ROLLBACK:
        return _names_fault(given, _NAME, "name of a container", "web,db")
    if kind == PERCENT:
        return "" if _at_most(given.rstrip("%"), 100) else "is no percentage: write a whole number from 0 to 100"
    if kind == SECONDS:
        return "" if _at_most(given, 86400) else "is no number of seconds: write a whole number from 0 to 86400"
    checks = {
        WAVES: _waves_fault,
        SETTINGS: _settings_fault,
        DRIFT: _drift_fault,
        PORTS: _ports_fault,
        WINDOW: window.fault,
        MOMENT: lambda given: "" if moment.read(given) else f"is no moment: {moment.REMEDY}",
    }
    return checks[kind](given) if kind in checks else ""


def _waves_fault(given: str) -> str:
    for part in waves(given):
        if not _WAVE.fullmatch(part):
            which = "is" if part == given else f"has {part!r}, which is"
            return f"{which} neither a number of hosts nor a percentage: write 5 or 10%"
        number = int(part.rstrip("%"))
        if number == 0:
            return "has a wave without a host: write 1 or more"
        if part.endswith("%") and number > 100:
            return "has a wave of more than all hosts: write 100% or less"
    return ""


def _at_most(given: str, most: int) -> bool:
    return re.fullmatch("[0-9]{1,9}", given) is not None and int(given) <= most


def _ports_fault(given: str) -> str:
    wrong = [port for port in names(given) if not (_at_most(port, 65535) and int(port))]
    return f"has {wrong[0]!r}, which is no port: write commas between them, as in 80,443" if wrong else ""


def _names_fault(given: str, allowed: re.Pattern[str], what: str, example: str) -> str:
    wrong = [name for name in names(given) if not allowed.fullmatch(name)]
    return f"has {wrong[0]!r}, which is no {what}: write commas between them, as in {example}" if wrong else ""


def _settings_fault(given: str) -> str:
    seen = set()
    for line in _lines(given):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not (equals and value and _KEY.fullmatch(key)):
            return f"has {line!r}, which is no setting: write a line KEY=VALUE for each, as in vm.max_map_count=262144"
        if key in seen:
            return f"names {key} twice: write it once"
        seen.add(key)
    return ""


def _drift_fault(given: str) -> str:
    wrong = [name for name in names(given) if name not in DRIFT_ACTIONS]
    return f"has {wrong[0]!r}, which is unknown: write {', '.join(DRIFT_ACTIONS)} or several of them" if wrong else ""


def _lines(value: t.Any) -> list[str]:
    lines = [line.strip() for line in re.split(r"[\n;]", text(value))]
    return [line for line in lines if line and not line.startswith("#")]
