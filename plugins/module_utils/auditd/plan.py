# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which audit rules an engine's host should have, and what is done about it. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ..controls.model import FAIL, NOT_APPLICABLE, PASS, Finding
from ..host.changes import HEADER, ChangeSet, FileText, file_change
from .catalogue import DAEMON_JSON, DATA_ROOT, WATCHES, Watch, control_id
from .rules import KEY, AuditRule, parse, render, without

PRESENT, ABSENT = "present", "absent"
RULES_FILE = "/etc/audit/rules.d/60-caisson-docker.rules"
# What augenrules makes of all files below rules.d when auditd starts.
MERGED_FILE = "/etc/audit/audit.rules"
# ... and what it keeps of the former one, where the two differ.
FORMER_FILE = f"{MERGED_FILE}.prev"
MODE = 0o640
# The kernel refuses a watch below a directory that is not there, augenrules stops at the first refusal, and Debian 13
# does not start auditd then. So the directory is made before the rules are loaded, as containerd would make it.
BOOT_FILE = "/etc/tmpfiles.d/caisson-docker-audit.conf"
BOOT_TEXT = "d /run/containerd 0711 root root -\n"
LOCKED = "the audit configuration is locked until the next boot"


@dataclass(frozen=True)
class Observed:
    """The host.

    engine: whether one is installed. data_root, daemon_json: the engine's.
    paths: those of the catalogue and these two that are there, each with the file or directory behind its links.
    unable: why the kernel's rules can be neither read nor changed, or the empty string. locked: they cannot be changed.
    loaded: the kernel's watches. file, merged, previous, boot: the files as they stand. recorded: an earlier run wrote
    ours, over original and boot_original, and found previous_original.
    """

    engine: bool = True
    paths: t.Mapping[str, str] = field(default_factory=dict)
    data_root: str = "/var/lib/docker"
    daemon_json: str = "/etc/docker/daemon.json"
    unable: str = ""
    locked: bool = False
    loaded: tuple[AuditRule, ...] = ()
    file: FileText | None = None
    merged: FileText | None = None
    recorded: bool = False
    original: FileText | None = None
    previous: FileText | None = None
    previous_original: FileText | None = None
    boot: FileText | None = None
    boot_original: FileText | None = None

    @property
    def ours(self) -> set[tuple[str, str, str]]:
        """What the kernel has loaded of ours."""
        return {rule.listed for rule in self.loaded if rule.key == KEY}


@dataclass(frozen=True)
class AuditPlan:
    """What will be done. rules: those that the host should have."""

    changes: ChangeSet
    rules: tuple[AuditRule, ...] = ()
    warnings: tuple[str, ...] = ()


def wanted(observed: Observed) -> dict[str, tuple[AuditRule, ...]]:
    """The rules of each watch of the catalogue that this host has something for."""
    found = {watch.name: tuple(_rules(watch, observed)) for watch in WATCHES} if observed.engine else {}
    return {name: rules for name, rules in found.items() if rules}


def make_plan(state: str, observed: Observed) -> AuditPlan:
    """The plan of a run; where the kernel's rules are out of reach, nothing is done."""
    if observed.unable:
        unable = f"No audit rule was set: {observed.unable}"
        return AuditPlan(ChangeSet(), (), (unable,) if state == PRESENT else ())
    every = [rule for each in wanted(observed).values() for rule in each] if state == PRESENT else []
    # Links of several watches may lead to one file, and the kernel takes no rule twice.
    rules = tuple({rule.listed: rule for rule in every}.values())
    after = FileText(render(HEADER, rules), MODE) if rules else _former(observed)
    at_boot = FileText(HEADER + BOOT_TEXT) if rules else _former_boot(observed)
    files = (*file_change(RULES_FILE, observed.file, after), *file_change(BOOT_FILE, observed.boot, at_boot))
    if not rules and observed.recorded:
        files += (*_merged_without_ours(observed), *_former_without_ours(observed))
    missing = [rule for rule in rules if rule.listed not in observed.ours]
    extra = observed.ours - {rule.listed for rule in rules}
    reload = ""
    if (missing or extra) and not observed.locked:
        parts = [f"load {_count(missing)}"] if missing else []
        parts += [f"unload {_count(extra)}"] if extra else []
        reload = " and ".join(parts)
    changes = ChangeSet(
        files=files,
        originals=_originals(observed) if rules else {},
        reload=reload,
        clear=observed.recorded and not rules,
    )
    return AuditPlan(changes, rules, (f"{LOCKED}; the rules change then",) if (missing or extra) and not reload else ())


def findings(observed: Observed) -> list[Finding]:
    """One finding for each path of the catalogue."""
    needed = wanted(observed)
    return [
        Finding(control_id(watch.name), "docker engine", *_judge(needed.get(watch.name, ()), observed))
        for watch in WATCHES
    ]


def predicted(observed: Observed, plan: AuditPlan) -> Observed:
    """The host as the plan leaves it."""
    if not plan.changes.reload:
        return observed
    others = tuple(rule for rule in observed.loaded if rule.key != KEY)
    return replace(observed, loaded=(*others, *plan.rules))


def _rules(watch: Watch, observed: Observed) -> t.Iterator[AuditRule]:
    own = {DATA_ROOT: observed.data_root, DAEMON_JSON: observed.daemon_json}
    paths = (own[watch.name],) if watch.name in own else watch.paths
    # A rule for a link would tell of the link alone.
    real = [path if watch.volatile else observed.paths.get(path) for path in paths]
    for path in dict.fromkeys(real):
        if path is not None:
            yield AuditRule(path, watch.permissions, KEY, watch.field)


def _former(observed: Observed) -> FileText | None:
    return observed.original if observed.recorded else observed.file


def _originals(observed: Observed) -> dict[str, FileText | None]:
    return {RULES_FILE: _former(observed), BOOT_FILE: _former_boot(observed), **_kept(observed)}


def _former_boot(observed: Observed) -> FileText | None:
    return observed.boot_original if observed.recorded else observed.boot


def _merged_without_ours(observed: Observed) -> tuple[t.Any, ...]:
    """augenrules may have taken our lines over since; they go from there too, and the rest stays byte for byte."""
    if observed.merged is None or observed.file is None:
        return ()
    text = without(observed.merged.text, parse(observed.file.text))
    return file_change(MERGED_FILE, observed.merged, replace(observed.merged, text=text))


def _kept(observed: Observed) -> dict[str, FileText | None]:
    """What augenrules will replace when it takes our lines over, as it was before the first run."""
    return {FORMER_FILE: observed.previous_original if observed.recorded else observed.previous}


def _former_without_ours(observed: Observed) -> tuple[t.Any, ...]:
    """augenrules made this file for our lines' sake where there was none; one that was there is its own affair."""
    if observed.previous is None or observed.previous_original is not None:
        return ()
    return file_change(FORMER_FILE, observed.previous, None)


def _judge(rules: tuple[AuditRule, ...], observed: Observed) -> tuple[str, str]:
    if not rules:
        return NOT_APPLICABLE, "there is none"
    if observed.unable:
        return FAIL, observed.unable
    missing = [rule.path for rule in rules if not _covered(rule, observed.loaded)]
    if missing:
        return FAIL, f"no rule is loaded for {', '.join(missing)}{f'; {LOCKED}' if observed.locked else ''}"
    return PASS, f"watched: {', '.join(rule.path for rule in rules)}"


def _covered(rule: AuditRule, loaded: t.Iterable[AuditRule]) -> bool:
    """Whether the kernel has this rule, or another one on the same path that tells as much."""
    return any(other.path == rule.path and set(rule.permissions) <= set(other.permissions) for other in loaded)


def _count(rules: t.Sized) -> str:
    return "1 audit rule" if len(rules) == 1 else f"{len(rules)} audit rules"
