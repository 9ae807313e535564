# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A table of wrong specs. Each option gets what no option of its type takes, and wrong values of its own.

An option that is new is in the table by its type in the argument specification, before anybody thinks of it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.hardening.plugins.module_utils.containers import options

Row = t.Tuple[str, t.Dict[t.Any, t.Any]]  # the option that is named, and what is given beside name and image

RED = "\x1b[31mred\x1b[0m"
LONG = "x" * 200_000
NO_UNICODE = "\ud800"
C1 = "a\x9b31mb"  # a terminal takes the one character for ESC [
TURNED = "a\u202eb"  # shows what follows from right to left
SECRET = "hunter2"
COMMANDS = (
    "web;id",
    "$(id)",
    "`id`",
    "web|id",
    "web&&id",
    "../../etc/passwd",
    "web\r\nX: y",
    "web%00",
    "'--",
    "{{ x }}",
)
_CHECKS: tuple[t.Any, ...] = ([], ["true"], [""], ["CMD"], ["CMD", 1.5], ["CMD", "a\0"], 5, {}, "", "a\nb", RED)
_CONTROLS: tuple[t.Any, ...] = ("container.usr", "", 5.5, RED, TURNED, LONG[:9000], None, [])
_REASONS: tuple[t.Any, ...] = ("", " ", None, [], "a\nb", RED, True, LONG)
NO_NUMBERS: tuple[t.Any, ...] = (
    *("many", "", " ", "1e3", "0x10", "\u0661\u0662", "1_000", "1 2", "--1", "9" * 400, RED, NO_UNICODE, "5\0"),
    *(True, [], [1], {}, {"a": 1}, float("nan"), float("inf"), 10**40, -(10**40), 10**5000),
)
NO_TEXT: tuple[t.Any, ...] = ("", " ", [], ["x"], {}, {"x": 1}, True, "a\nb", "a\0b", RED, NO_UNICODE, LONG, 10**40)
NO_LIST: tuple[t.Any, ...] = (
    True,
    1.5,
    {"a": 1},
    b"x",
    [None],
    [True],
    [1.5],
    [["a"]],
    [{"a": 1}],
    ["a\0b"],
    [NO_UNICODE],
    [LONG],
)
NO_LINES: tuple[t.Any, ...] = ([""], [" "], [RED], ["a\nb"], ["a\x7fb"], [C1 + " " + TURNED])
NO_MAP: tuple[t.Any, ...] = (
    *("text", 5, True, ["a=b"], [{"a": "b"}], {"": "x"}, {"a b": "x"}, {f"A{RED}": "x"}, {1: "x"}, {"a\0": "x"}),
    *({"a": None}, {"a": True}, {"a": 1.5}, {"a": ["x"]}, {"a": {"b": "c"}}, {"a": "x\0"}, {"a": NO_UNICODE}),
    *({"a": LONG}, {"a": 10**40}, {NO_UNICODE: "x"}, {LONG + "=": "x"}, {(1, 2): "x"}, {C1 + TURNED: [1]}),
)
NO_RECORDS: tuple[t.Any, ...] = (
    *("text", 5, True, {}, {"a": 1}, ["text"], [5], [None], [[]], [{}], [{"unknown": 1}], [{RED: 1}], [{5: 1}]),
    *([{LONG: 1}], [{NO_UNICODE: 1}], [{10**5000: 1}], [{TURNED: 1}]),
)
NO_RECORD: tuple[t.Any, ...] = ("text", 5, True, [], ["a"], {}, {"unknown": 1}, {RED: 1}, {5: 1}, {LONG: 1})
NO_FLAG: tuple[t.Any, ...] = ("perhaps", "", 2, -1, 1.5, [], {}, RED, "yes\0", LONG, NO_UNICODE, 10**40, "\uff59es")
NO_CHOICE: tuple[t.Any, ...] = ("sometimes", "", 5, True, [], {}, RED, LONG, NO_UNICODE, "Never", " no", C1, TURNED)


def _by_type(argument: t.Mapping[str, t.Any]) -> tuple[t.Any, ...]:
    """What no option of this type takes; nothing where the type says nothing."""
    kind, elements = argument["type"], argument.get("elements")
    if "choices" in argument:
        return NO_CHOICE
    if kind == "list":
        return {"str": NO_LIST, "dict": NO_RECORDS}.get(str(elements), ())
    if kind == "dict":
        return NO_RECORD if "options" in argument else NO_MAP
    known = {"bool": NO_FLAG, "int": (*NO_NUMBERS, 1.5), "float": NO_NUMBERS, "str": NO_TEXT, "path": NO_TEXT}
    return known.get(kind, ())


_WAIVER = {"control": "container.user", "reason": "why", "expires": "2030-01-01"}
_BIND = {"type": "bind", "source": "/srv", "target": "/srv"}

# Wrong values of an option beside those of its type.
OWN: dict[str, tuple[t.Any, ...]] = {
    "name": (*COMMANDS, "a", "-web", "w\u00e9b", "x" * 201, "web.caisson-next", "web.caisson-previous", TURNED, C1),
    "image": (
        *COMMANDS, "Web:1", "web:", "web:1:2", "web@sha256:12", "-web", "\u00e9:1", "x" * 600, "http://web:1", C1,
    ),
    "command": ({"a": 1}, 5, 1.5, True, "sh -c 'a", ["a", True], ["a", None], [["a"]], ["a\0b"], [LONG], [NO_UNICODE]),
    "entrypoint": ([], [""], "", "sh -c 'a"),
    "env": (*tuple({key: SECRET} for key in ("A=B", " A", "A\n", "A B", "\x7f")), {"A": [SECRET]}, SECRET, [SECRET]),
    "user": (*COMMANDS, "a b", "1:2:3", ":", "-1", "\u00fc", "a:", "$USER", ":0", C1, TURNED),
    "working_dir": ("srv", "./srv", "~", "$HOME", "C:\\srv", TURNED),
    "labels": ({"caisson.hardening.project": "x"}, {"caisson.hardening.waivers": "x"}, {"a\tb": "x"}),
    "hostname": (*COMMANDS, "-web", "web_1", "w" * 65, "web..x", "w\u00e9b", "web.", ".web", C1, TURNED),
    "healthcheck": (
        *({"test": value} for value in _CHECKS),
        *({"test": "true", key: v} for key in ("interval", "timeout", "start_period") for v in ("often", -1, "1us",
          "1d", RED)),
        *({"test": "true", "retries": value} for value in (0, -1, 1001, "many", 1.5, True, RED, LONG)),
    ),
    "tmpfs": (
        *("tmp", ["tmp"], ["/"], ["//"], ["/a/.."], ["/a", "/a/"], [""], ["/a\nb"], [f"/{RED}"]),
        *([f"/a:{flag}"] for flag in ("size=lots", "size=10%%", "size=-1", "mode=999", "mode=", "uid=me", "nosiud",
          "x=y")),
        *([f"/a:{flag}"] for flag in ("size", "gid=-1", "nr_inodes=many", "uid=" + "9" * 40, LONG[:9000], TURNED,
          "size=" + C1)),
    ),
    "mounts": (
        *([{"source": "x"}], [{"target": "/"}], [{"target": "x"}], [{"target": 5}], [{"target": "/x", "type": "bind"}]),
        *([{"target": "/x", "type": "nfs"}], [{"target": "/x", "source": "../x"}], [{"target": "/x", "source": RED}]),
        *([{"target": "/x", "propagation": "shared"}], [{**_BIND, "propagation": "sideways"}], [{**_BIND,
          "mode": "ro"}]),
        *([_BIND, _BIND], [{**_BIND, "read_only": "perhaps"}], [{**_BIND, "source": "srv"}], [{**_BIND,
          "target": RED}]),
        *([{"target": "/x", "source": LONG[:9000] + "/"}], [{"target": "/x", "source": TURNED}]),
    ),
    "volumes": (
        *NO_LINES[:4],
        *("a:b", ["a:/b:ro:x"], ["data:/b:rx"], ["data:/b:rshared"], ["da ta:/b"], ["/srv:"], ["xx:/a", "yy:/a"]),
        *([":/a:"], ["/a:/"], [f"{TURNED}:/a"], [f"data:/b:{C1}"], [LONG[:9000] + ":b"], ["data:/b:" + LONG[:9000]]),
    ),
    "cap_drop": (*NO_LINES, ["everything"], ["CAP_"], ["SYS ADMIN"], [5]),
    "capabilities": (
        *NO_LINES, ["NET_ADMN"], ["SYS ADMIN"], ["CAP_CAP_CHOWN"], ["\u017fYS_ADMIN"], ["ALL;id"], [LONG[:9000]],
    ),
    "security_opts": (
        *NO_LINES,
        *(["seccomp=/etc/profile.json"], ["seccomp="], ["privileged"], ["no-new-privileges=maybe"], ["apparmor"]),
        *(["label"], ["=x"], [LONG[:9000]]),
    ),
    "memory": ("lots", "12q", "-5m", -1, "1m", "9999999p", "1,5g", "1 000m", "0x1m", "1gb5", "\u0661m", "1" * 31),
    "memory_swap": ("1m", "swap", "-2", "-5m", 1, "1,5g"),
    "cpus": ("1,5", "inf", "nan", 10**9, 0.001, -1, "-0.5", "2 cpus", "1/2", "50%"),
    "pids_limit": (-2, 5000000, "all"),
    "ulimits": (
        *NO_LINES,
        *([f"{name}"] for name in ("files:1", "nofile:lots", "nofile:1:2:3", "nofile", "nofile:9:1", "nofile:-2",
          "nofile:")),
        *(["core:0", "core:1"], ["nofile=5:6"], [f"nofile:{'9' * 40}"], ["nofile:-1:5"], [f"{LONG[:9000]}:1"],
          [f"core:{C1}"]),
    ),
    "shm_size": ("big", 0, "0", "-1", "64mm"),
    "networks": (
        *([{"name": name}] for name in ("a b", "", "-x", "x/y", RED, TURNED, LONG[:9000], 5.5, None, "front;id")),
        *([{"name": "front"}, {"name": "front"}], [{"name": "host"}, {"name": "front"}], [{"name": "none"},
          {"name": "front"}]),
        *([{"name": "front", "ipv4_address": value}] for value in ("10.0.0.256", "fd00::1", "10.0.0.0/24", "", RED, 5,
          C1)),
        *([{"name": "front", "ipv6_address": value}] for value in ("fe80::1%eth0", "10.0.0.1", "::g", TURNED,
          LONG[:9000])),
        *([{"name": "front", "aliases": value}] for value in (["a b"], [""], ["-x"], [RED], {"a": 1}, 5, ["x" * 300],
          ["a\n"])),
    ),
    "published_ports": (
        *NO_LINES,
        *([v] for v in ("80:80:80:80", "x:80", "80:x", "0:80", "65536:80", "80:80/icmp", "90-80:90-80", "80-82:80-81")),
        *([v] for v in ("127.0.0.1:99999:80", "1-5000:1-5000", "\u0668\u0660:80", "80;id", "300.0.0.1:80:80",
          "[::1:80:80")),
        *([v] for v in ("80/", "-80", "80:", ":80:80:", "1.2.3:80:80", "0", "65536", LONG[:9000], f"{C1}:80:80",
          TURNED)),
        *(["80:80", "80:81"], ["127.0.0.1:80:80", "127.0.0.1:80:81"], {"80": 80}, True, 0, 65536, -80, 80.5),
    ),
    "log_driver": (*COMMANDS[:8], "lo cal", "-x", C1, TURNED),
    "log_options": ({"max size": "1m"}, {"-x": "1"}, {"max-size=1": "2"}, {"1": "x"}),
    "restart_policy": ("never", "on-failure:5", "yes"),
    "restart_retries": ("often", 1001, -1),
    "stop_timeout": ("-1", "soon", 86401, "10s"),
    "stop_signal": (
        "SIGFOO", "0", "65", "\u00b2", "SIGRTMIN+99", "TERM; id", "KILL", 9, "SIG", "-15", "\u017fIGTERM", C1,
        TURNED,
    ),
    "sysctls": (
        *({key: "1"} for key in ("kernel.panic", "vm.swappiness", "net", "net.", ".net", "net/ipv4/x", "NET.core.x",
          "net.a;b")),
        {"net.core.somaxconn": None},
    ),
    "waivers": (
        *([{**_WAIVER, "control": value}] for value in _CONTROLS),
        *([{**_WAIVER, "expires": v}] for v in ("tomorrow", "2030-13-01", "2030-02-30", "", "20300101", 2030, None,
          RED)),
        *([{**_WAIVER, "reason": value}] for value in _REASONS),
        *([{"control": "container.user"}], [_WAIVER, _WAIVER], [{**_WAIVER, "until": "x"}], "container.user"),
    ),
}  # fmt: skip

# Several options at once: which one is named, and what is given.
TOGETHER: tuple[Row, ...] = (
    ("memory_swap", {"memory": "64m", "memory_swap": "32m"}),
    ("memory_swap", {"memory": 0, "memory_swap": "1g"}),
    ("tmpfs", {"tmpfs": ["/data"], "volumes": ["data:/data"]}),
    ("tmpfs", {"tmpfs": ["/data/"], "mounts": [{"target": "//data"}]}),
    ("mounts", {"volumes": ["data:/data"], "mounts": [{"target": "/data"}]}),
    ("restart_retries", {"restart_policy": "no", "restart_retries": 3}),
    ("restart_retries", {"restart_policy": "always", "restart_retries": 3}),
    ("published_ports", {"networks": [], "published_ports": ["80:80"]}),
    ("image", {"image": None}),
    ("name", {"name": None}),
    *((str(key), {key: SECRET}) for key in ("memroy", "priviledged", "enviroment", "Name", "")),
    *(("", {key: SECRET}) for key in (5, RED, LONG, NO_UNICODE, TURNED, C1, 10**5000, ("a", 1), 1.5)),
)


def rows() -> list[Row]:
    """The whole table."""
    found: list[Row] = []
    for option, argument in options.container_options().items():
        found += [(option, {option: value}) for value in (*_by_type(argument), *OWN.get(option, ()))]
    return found + list(TOGETHER)
