# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what is wanted and what is found to what is written and whether the daemon must be told. Pure."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field, replace

from ..controls import daemon as controls
from ..errors import Fault, InputError
from . import flags, hidden, listeners, readback, refusals, standing, tls
from .companions import Companion
from .mask import masked
from .merge import Config, in_order_of, merged, without
from .schema import KEYS, Version, engine_has, faults_of
from .state import Live, mismatches

LEAVE, RELOAD, RESTART, START, STOP = "none", "reload", "restart", "start", "stop"
REFUSE, TAKE_OVER = "refuse", "take_over"


@dataclass(frozen=True)
class Request:
    """What the user asked for. controls: those that the run is about; all where there are none."""

    config: Config = field(default_factory=dict)
    profile: str = controls.NONE
    remove: tuple[str, ...] = ()
    replace: bool = False
    flags: str = REFUSE
    waivers: tuple[t.Mapping[str, t.Any], ...] = ()
    controls: tuple[str, ...] = ()
    allow_hidden: bool = False
    tls: tls.Request | None = None


@dataclass(frozen=True)
class Observed:
    """What the plan depends on.

    standing: the file's object, None where there is no file.
    in_effect: the file's object as the running daemon took it; None where that is not known.
    uncertain: the keys of it of which a killed run left open whether the daemon has them.
    given: the settings on the daemon's command line; running: those of the running daemon where these are others.
    upcoming, own: those of its next start, and of a command line from which nothing was taken; None where as given.
    asked_at: the address where the daemon is asked, which has to stay.
    installed: whether there is an engine to be told anything.
    companions: the files beside daemon.json. existing: what a moved data root would hide. left: what runs stopped as
    the engine left its data, by the place of it.
    remap_problem: why the wanted userns-remap cannot work on this host.
    """

    standing: Config | None = None
    in_effect: Config | None = None
    uncertain: tuple[str, ...] = ()
    given: Config = field(default_factory=dict)
    running: Config | None = None
    upcoming: Config | None = None
    own: Config | None = None
    asked_at: str = ""
    installed: bool = True
    live: Live | None = None
    version: Version | None = None
    nofile_limit: int = controls.NOFILE_HARD
    cgroup_namespaces: bool = True
    companions: tuple[Companion, ...] = ()
    existing: hidden.Existing = field(default_factory=hidden.Existing)
    left: tuple[tuple[Config, tuple[str, ...]], ...] = ()
    seccomp_profile: str = controls.SECCOMP_PROFILE
    remap_problem: str = ""
    today: datetime.date = field(default_factory=datetime.date.today)


@dataclass(frozen=True)
class Plan:
    """after: the file's new object. need: what the daemon must do. notes: what the user should know.

    carried: live-restore is held on for the restart alone, so that containers outlive it.
    taken: the settings whose flags the command line has to be without.
    companions: the files beside it that are to be written. stop: containers that end before the daemon leaves them.
    start: those that ended so before and are where it is then: it returns to them, or a run was killed before it left.
    shut: the bridges have a way to loopback that they will not need. close: those of them that have it.
    """

    before: Config | None
    after: Config
    need: str = LEAVE
    live_restore_first: bool = False
    notes: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()
    carried: bool = False
    taken: tuple[str, ...] = ()
    companions: tuple[Companion, ...] = ()
    stop: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    shut: bool = False
    close: tuple[str, ...] = ()

    @property
    def write(self) -> bool:
        return self.after != (self.before or {})

    @property
    def changed(self) -> bool:
        return self.write or self.need != LEAVE or bool(self.companions or self.start)


def check_request(request: Request, version: Version | None) -> list[Fault]:
    """What is wrong with the options themselves."""
    where = "docker_daemon_config"
    given = {name: value for name, value in request.config.items() if value is not None}
    found = faults_of(_without_none(given), where, version)
    found += [
        Fault(where, "remove", name, "is also given in config", "name it in one of the two")
        for name in request.remove
        if without(given, name) != given
    ]
    return found


def make(request: Request, observed: Observed) -> Plan:
    """The plan; InputError with every fault of the options, of the standing file and of the two together."""
    notes: list[str] = []
    faults = check_request(request, observed.version)
    config = _that_the_engine_has(refusals.with_tls(request), observed, notes)
    base = {} if request.replace else merged(observed.standing or {}, {}, request.remove)
    running, own = observed.given, observed.own or {}
    # Where the command line is nobody's to change, its flags stay and conflict.
    take_over = request.flags == TAKE_OVER and observed.own is not None
    if take_over:
        profile = {each.key: each.value for each in controls.settings(request.profile, observed.nofile_limit)}
        observed = replace(observed, given=flags.without_weaker(own, profile))
    wanted = merged_wants(base, config, request, observed, notes)
    after = merged(_without_foreign_log_options(base, wanted), wanted)
    if request.replace:
        after = in_order_of(config, after)
    taken = tuple(flags.conflicting(after, own)) if take_over else ()
    faults += _file_faults(after, {fault.option for fault in faults}, observed, take_over)
    faults += listeners.fault(after, observed.standing or {}, observed.asked_at)
    left = {name: value for name, value in own.items() if name not in taken}
    lasting = replace(observed, given=left, running=running) if take_over else observed
    faults += refusals.refused(request, lasting, after, {fault.option for fault in faults})
    if faults:
        raise InputError(faults)
    if listeners.ends_activation(taken, own, after):
        notes.append(
            f"systemd no longer hands {listeners.ACTIVATED} over: the daemon must be started at boot by itself"
        )
    if take_over:
        return decide(lasting, after, notes, taken, left != running)
    return decide(observed, after, notes)


def decide(
    observed: Observed,
    after: Config,
    notes: t.Sequence[str] = (),
    taken: tuple[str, ...] = (),
    anew: bool = False,
    exact: bool = False,
) -> Plan:
    """What the daemon must do so that *after* is in effect.

    anew: its command line changes, so it has to restart. exact: the default bridge has to be as it was, too.
    """
    told, live = list(notes), observed.live
    beside = [each for each in observed.companions if each.counts(after)]
    written = tuple(each for each in beside if each.changes)
    if not observed.installed:
        return Plan(observed.standing, after, LEAVE, notes=tuple(told), companions=written)
    moved = refusals.moved(observed, after)
    told += [hidden.sentence(moved, observed.existing)] if moved else []
    if live is None:
        there = refusals.left_there(observed, after)
        return Plan(observed.standing, after, START, notes=tuple(told), taken=taken, companions=written, start=there)
    configured = {**after, **observed.given}
    keeps = configured.get("live-restore") is True
    unmet = mismatches(configured, live)
    # With containers that outlive it the daemon does not set up the default bridge anew: a restart would not help.
    opens = live.icc is False and configured.get("icc") is not False
    narrow = live.port_address not in (None, "", "0.0.0.0") and not configured.get("ip")
    can = can_carry(observed) and not (exact and (opens or narrow))
    outlived = bool(live.running) and (keeps or can) and not moved
    anew = anew or any(each.new_to_the_daemon for each in beside)
    deferred = tuple(name for name in unmet if name in readback.BRIDGE and outlived)
    open_keys = [*observed.uncertain, *(name for name in unmet if name not in deferred)]
    need = RESTART if anew else step(observed.in_effect, after, open_keys)
    if deferred:
        told.append(
            f"{', '.join(deferred)} takes effect when the daemon restarts while no container runs ({live.running} run "
            "now): stop them, then run this again"
        )
    if need != LEAVE and outlived and opens and "icc" not in deferred:
        told.append("icc stays off on the default bridge until the daemon restarts while no container runs")
    carried = need == RESTART and not keeps and bool(live.running) and can and not moved
    if need == RESTART and live.running and not keeps and not carried and not moved:
        bridge = f"{'icc' if opens else 'ip'} of the default bridge is set up while none runs"
        why = bridge if exact and (opens or narrow) else "live-restore cannot be on"
        told.append(f"the restart stops {live.running} running containers, because {why}")
    first = need == RESTART and (keeps or carried) and not live.live_restore and "live-restore" not in observed.given
    return Plan(
        observed.standing,
        after,
        need,
        live_restore_first=first and not moved,
        notes=tuple(told),
        deferred=deferred,
        carried=carried,
        taken=taken,
        companions=written,
        stop=observed.existing.running if moved else (),
        start=refusals.left_there(observed, after),
        shut=need == RESTART and opens_loopback(refusals.former(observed)) and not opens_loopback(configured),
    )


def opens_loopback(config: Config) -> bool:
    """Whether the engine gives its bridges a way to the host's loopback addresses, having no proxy for those."""
    return config.get("userland-proxy") is False


def can_carry(observed: Observed) -> bool:
    """Whether live-restore can be switched on, be it for a restart alone."""
    return observed.live is not None and not observed.live.swarm and "live-restore" not in observed.given


def step(former: Config | None, after: Config, unmet: t.Iterable[str] = ()) -> str:
    """Whether the daemon must restart, reload or nothing when its file goes from *former* (None: unknown) to *after*.

    unmet: keys whose value is known not to be in effect, whatever the file was.
    """
    if former is None:
        return RESTART
    differing = {name for name in {**former, **after} if former.get(name) != after.get(name)} | set(unmet)
    if not differing:
        return LEAVE
    for name in differing:
        key = KEYS.get(name)
        if key is None or not key.reloadable or (name not in after and not key.removable):
            return RESTART
    return RELOAD


def merged_wants(base: Config, config: Config, request: Request, observed: Observed, notes: list[str]) -> Config:
    """The profile's settings that are to be written, under the user's own."""
    wanted: Config = {}
    driver_stands = standing.driver_is_good(base, config, observed.given)
    for setting in controls.settings(request.profile, observed.nofile_limit, observed.seccomp_profile):
        name, value = setting.key, setting.value
        if request.controls and setting.control not in request.controls:
            continue
        if standing.stands_well(name, base):
            continue
        if name in request.remove or (name in config and name not in ("log-opts", "default-ulimits")):
            continue
        if setting.control == "daemon.log_driver" and driver_stands:
            continue
        if name == "default-ulimits":
            value = {limit: item for limit, item in value.items() if not standing.has_limit(limit, base, config)}
            if not value:
                continue
        why_not = _unfit(name, {**base, **config, **observed.given}, observed)
        if why_not:
            notes.append(f"{name} of profile {request.profile} is left out: {why_not}")
            continue
        wanted = merged(wanted, {name: value})
    if "log-opts" in wanted and config.get("log-driver") not in (None, controls.LOG_DRIVER):
        del wanted["log-opts"]
    for path in request.remove:
        wanted = {name: value for name, value in without(wanted, path).items() if value != {}}
    return _over(wanted, config)


def _over(wanted: Config, config: Config) -> Config:
    """Like :func:`merged`, but a None of the user stays, for the merge with the file."""
    result = dict(wanted)
    for name, value in config.items():
        below = result.get(name)
        result[name] = _over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def _unfit(name: str, configured: Config, observed: Observed) -> str:
    """Why this host cannot have the profile's setting, or the empty string."""
    if not engine_has(name, observed.version):
        return f"engine {_text(observed.version)} does not have it"
    if name in observed.given:
        return "the daemon's command line sets it"
    if name in ("icc", "userland-proxy") and configured.get("iptables") is False:
        return "it needs iptables, which is off"
    if name == "live-restore" and observed.live is not None and observed.live.swarm:
        return "a member of a swarm does not start with it"
    if name == "default-cgroupns-mode" and not observed.cgroup_namespaces:
        return "the kernel has no cgroup namespaces"
    return ""


def _that_the_engine_has(config: Config, observed: Observed, notes: list[str]) -> Config:
    kept: Config = {}
    for name, value in config.items():
        if name in KEYS and not engine_has(name, observed.version):
            notes.append(f"{name} is left out: engine {_text(observed.version)} does not have it")
        else:
            kept[name] = value
    return kept


def _without_foreign_log_options(base: Config, wanted: Config) -> Config:
    """Options belong to one driver: another one refuses them and the daemon would not start."""
    if wanted.get("log-driver", base.get("log-driver", "json-file")) == base.get("log-driver", "json-file"):
        return base
    return {name: value for name, value in base.items() if name != "log-opts"}


def _file_faults(after: Config, told: set[str], observed: Observed, take_over: bool) -> list[Fault]:
    """Faults of the file as it would stand, without the options that are told of already."""
    where = "daemon.json"
    found = [fault for fault in faults_of(after, where, observed.version) if fault.option not in told]
    for name in after:
        if name in KEYS and not engine_has(name, observed.version):
            problem = f"stands under a name that engine {_text(observed.version)} does not have"
            found.append(Fault(where, name, masked(after[name], name), problem, f"take it out with remove: [{name}]"))
    for name in [] if take_over else flags.conflicting(after, {**(observed.upcoming or {}), **observed.given}):
        problem = "stands on the daemon's command line too, and dockerd refuses to start with both"
        remedy = "set flags: take_over to have the flag taken off the command line, or keep it out of the file"
        found.append(Fault(where, name, masked(after[name], name), problem, remedy))
    return found


def _without_none(config: Config) -> Config:
    return merged({}, config)


def _text(version: Version | None) -> str:
    return "of unknown version" if version is None else f"{version[0]}.{version[1]}"
