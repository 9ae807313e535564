# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may stand in daemon.json: every key, its type, and the engines that have it. Pure data and rules."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ..errors import Fault, nearest
from .mask import masked

Version = t.Tuple[int, int]
# Newer engines may have keys that are not listed here; there `dockerd --validate` is the judge.
NEWEST_KNOWN: Version = (28, 99)
OLDEST: Version = (20, 10)


@dataclass(frozen=True)
class Key:
    """One key of daemon.json.

    kind: the type of its value, one of the names in CHECKS.
    since, until: the first engine that has it, and the first that no longer does.
    reloadable: SIGHUP takes a changed value over; resets: and also its removal.
    off: what to reload in place of a key that goes, where its mere absence would change nothing.
    flag: the command line's name of the same setting, where it differs.
    """

    name: str
    kind: str
    since: Version = OLDEST
    until: Version | None = None
    reloadable: bool = False
    resets: bool = False
    flag: str = ""
    choices: tuple[str, ...] = ()
    off: t.Any = None

    @property
    def removable(self) -> bool:
        """Whether a reload is enough where the key goes."""
        return self.reloadable and (self.resets or self.off is not None)


def _keys(kind: str, names: str) -> list[Key]:
    return [Key(name, kind) for name in names.split()]


_LISTED: list[Key] = [
    *_keys("bool", "icc init ip-forward ip-masq ip6tables iptables ipv6 no-new-privileges raw-logs rootless"),
    *_keys("bool", "selinux-enabled tls tlsverify userland-proxy cri-containerd experimental"),
    *_keys("int", "cpu-rt-period cpu-rt-runtime mtu network-control-plane-mtu"),
    *_keys("str", "bip bridge cgroup-parent containerd containerd-namespace containerd-plugins-namespace data-root"),
    *_keys("str", "default-gateway default-gateway-v6 exec-root fixed-cidr fixed-cidr-v6 group host-gateway-ip"),
    *_keys("str", "init-path ip log-driver metrics-addr pidfile seccomp-profile storage-driver"),
    *_keys("str", "swarm-default-advertise-addr tlscacert tlscert tlskey userland-proxy-path userns-remap"),
    *_keys("strings", "dns"),
    Key("debug", "bool", reloadable=True, off=False),
    Key("live-restore", "bool", reloadable=True, off=False),
    Key("max-concurrent-downloads", "int", reloadable=True, resets=True),
    Key("max-concurrent-uploads", "int", reloadable=True, resets=True),
    Key("max-download-attempts", "int", reloadable=True, resets=True),
    Key("shutdown-timeout", "int", reloadable=True, off=15),
    Key("network-diagnostic-port", "int", reloadable=True, resets=True),
    Key("default-runtime", "str", reloadable=True, off="runc"),
    Key("default-shm-size", "str", reloadable=True),
    Key("default-ipc-mode", "str", reloadable=True, choices=("private", "shareable"), off="private"),
    Key("default-cgroupns-mode", "str", reloadable=True, choices=("host", "private")),
    Key("log-level", "str", choices=("debug", "info", "warn", "error", "fatal", "panic", "trace")),
    Key("authorization-plugins", "strings", reloadable=True, flag="authorization-plugin", off=[]),
    Key("labels", "strings", reloadable=True, flag="label", off=[]),
    Key("insecure-registries", "strings", reloadable=True, flag="insecure-registry", off=[]),
    Key("registry-mirrors", "strings", reloadable=True, flag="registry-mirror", off=[]),
    Key("allow-nondistributable-artifacts", "strings", reloadable=True),
    Key("dns-opts", "strings", flag="dns-opt"),
    Key("dns-search", "strings"),
    Key("exec-opts", "strings", flag="exec-opt"),
    Key("hosts", "strings", flag="host"),
    Key("node-generic-resources", "strings", flag="node-generic-resource"),
    Key("storage-opts", "strings", flag="storage-opt"),
    Key("log-opts", "string_map", flag="log-opt"),
    Key("features", "bool_map", reloadable=True, resets=True, flag="feature"),
    Key("builder", "object"),
    Key("default-address-pools", "pools", flag="default-address-pool"),
    Key("default-ulimits", "ulimits", flag="default-ulimit"),
    Key("runtimes", "runtimes", reloadable=True, flag="add-runtime"),
    Key("proxies", "string_map", since=(23, 0)),
    Key("default-network-opts", "map_map", since=(24, 0), flag="default-network-opt"),
    Key("cdi-spec-dirs", "strings", since=(25, 0), flag="cdi-spec-dir"),
    Key("log-format", "str", since=(25, 0), choices=("text", "json")),
    Key("bip6", "str", since=(28, 0)),
    Key("host-gateway-ips", "strings", since=(28, 0)),
    Key("ip-forward-no-drop", "bool", since=(28, 0)),
    Key("allow-direct-routing", "bool", since=(28, 2)),
    Key("oom-score-adjust", "int", until=(25, 0)),
    Key("api-cors-header", "str", until=(28, 0)),
    Key("cluster-advertise", "str", until=(23, 0)),
    Key("cluster-store", "str", until=(23, 0)),
    Key("cluster-store-opts", "string_map", until=(23, 0), flag="cluster-store-opt"),
]
KEYS: dict[str, Key] = {key.name: key for key in _LISTED}
PROXY_NAMES = ("http-proxy", "https-proxy", "no-proxy")


def parse_version(text: str) -> Version | None:
    """``20.10.24+dfsg1`` or a package's ``5:20.10.24-3`` → (20, 10); None for what is no version."""
    found = re.match(r"(?:\d+:)?v?(\d+)\.(\d+)", text or "")
    return (int(found.group(1)), int(found.group(2))) if found else None


def engine_has(name: str, version: Version | None) -> bool:
    """Whether an engine of that version has the key; an unknown version is taken for a current one."""
    key, engine = KEYS.get(name), version or NEWEST_KNOWN
    return key is not None and key.since <= engine and (key.until is None or engine < key.until)


def explicit(former: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What to reload for *after* where the daemon has *former*: the mere absence of some keys would change nothing."""
    gone = {name: KEYS[name].off for name in former if name in KEYS and name not in after}
    return {**after, **{name: off for name, off in gone.items() if off is not None}}


def faults_of(config: t.Mapping[str, t.Any], where: str, version: Version | None = None) -> list[Fault]:
    """Everything wrong with a configuration: unknown keys and values of the wrong type."""
    found: list[Fault] = []
    for name, value in config.items():
        key = KEYS.get(name)
        if key is not None:
            found += [
                Fault(where, option, masked(shown, option), problem, remedy)
                for option, shown, problem, remedy in CHECKS[key.kind](name, value)
            ]
            if key.choices and isinstance(value, str) and value not in key.choices:
                found.append(Fault(where, name, value, "is not one of its values", f"write {_one_of(key.choices)}"))
        elif version is None or version <= NEWEST_KNOWN:
            hint = nearest(name, KEYS)
            found.append(
                Fault(
                    where, name, value, f"stands under a name that dockerd does not know{hint}", "correct or remove it"
                )
            )
    return found


def _one_of(choices: t.Sequence[str]) -> str:
    return "one of " + ", ".join(choices)


Complaint = t.Tuple[str, t.Any, str, str]


def _typed(kind: type | tuple[type, ...], problem: str, remedy: str) -> t.Callable[[str, t.Any], list[Complaint]]:
    def check(option: str, value: t.Any) -> list[Complaint]:
        # A bool is an int to Python, not to dockerd.
        good = isinstance(value, kind) and not (isinstance(value, bool) and kind is int)
        return [] if good else [(option, value, problem, remedy)]

    return check


_check_bool = _typed(bool, "is not a boolean", "write true or false without quotes")
_check_int = _typed(int, "is not a whole number", "write a number without quotes")
_check_str = _typed(str, "is not a string", "write it in quotes")


def _check_strings(option: str, value: t.Any) -> list[Complaint]:
    if not isinstance(value, (list, tuple)):
        return [(option, value, "is not a list of strings", "write a list")]
    return [complaint for index, item in enumerate(value) for complaint in _check_str(f"{option}[{index}]", item)]


_Check = t.Callable[[str, t.Any], t.List[Complaint]]


def _mapping_of(inner: _Check) -> _Check:
    def check(option: str, value: t.Any) -> list[Complaint]:
        complaints = _check_object(option, value)
        if not complaints:
            for name, item in value.items():
                complaints += inner(f"{option}.{name}", item)
        return complaints

    return check


def _check_object(option: str, value: t.Any) -> list[Complaint]:
    return (
        [] if isinstance(value, dict) else [(option, value, "is not an object", "write a mapping of names to values")]
    )


def _fields(option: str, value: t.Any, allowed: t.Mapping[str, _Check], required: t.Sequence[str]) -> list[Complaint]:
    complaints = _check_object(option, value)
    if complaints:
        return complaints
    for name, item in value.items():
        if name in allowed:
            complaints += allowed[name](f"{option}.{name}", item)
        else:
            remedy = f"write {_one_of(tuple(allowed))}"
            complaints.append((f"{option}.{name}", item, f"is an unknown field{nearest(name, allowed)}", remedy))
    missing = [name for name in required if name not in value]
    if missing:
        complaints.append((option, value, f"lacks {', '.join(missing)}", f"give {', '.join(missing)}"))
    return complaints


ULIMIT_NAMES = tuple(
    "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split()
)


def _check_ulimits(option: str, value: t.Any) -> list[Complaint]:
    complaints = _check_object(option, value)
    for name, limit in {} if complaints else value.items():
        where = f"{option}.{name}"
        if name not in ULIMIT_NAMES:
            complaints.append(
                (where, limit, f"is no limit that Linux has{nearest(name, ULIMIT_NAMES)}", "correct its name")
            )
        fields = {"Name": _check_str, "Hard": _check_int, "Soft": _check_int}
        wrong = _fields(where, limit, fields, ("Name", "Hard", "Soft"))
        complaints += wrong
        if wrong:
            continue
        if limit["Name"] != name:
            complaints.append((f"{where}.Name", limit["Name"], "is not the limit's own name", f"write {name!r}"))
        if -1 < limit["Hard"] < limit["Soft"]:
            complaints.append((f"{where}.Soft", limit["Soft"], "is above Hard", f"write at most {limit['Hard']}"))
    return complaints


def _check_pools(option: str, value: t.Any) -> list[Complaint]:
    if not isinstance(value, (list, tuple)):
        return [(option, value, "is not a list of pools", "write a list of objects with base and size")]
    fields = {"base": _check_str, "size": _check_int}
    return [
        c for index, pool in enumerate(value) for c in _fields(f"{option}[{index}]", pool, fields, ("base", "size"))
    ]


def _check_runtime(option: str, value: t.Any) -> list[Complaint]:
    fields: dict[str, _Check] = {
        "path": _check_str,
        "runtimeArgs": _check_strings,
        "runtimeType": _check_str,
        "options": _check_object,
    }
    return _fields(option, value, fields, ())


CHECKS: dict[str, _Check] = {
    "bool": _check_bool,
    "int": _check_int,
    "str": _check_str,
    "strings": _check_strings,
    "string_map": _mapping_of(_check_str),
    "bool_map": _mapping_of(_check_bool),
    "map_map": _mapping_of(_mapping_of(_check_str)),
    "object": _check_object,
    "pools": _check_pools,
    "runtimes": _mapping_of(_check_runtime),
    "ulimits": _check_ulimits,
}
