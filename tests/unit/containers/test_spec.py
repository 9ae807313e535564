# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The spec: hardened defaults, all faults at once, each naming container, option, value and remedy."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import options, spec
from ansible_collections.caisson.hardening.plugins.module_utils.containers.units import MIB
from ansible_collections.caisson.hardening.plugins.module_utils.errors import InputError

WAIVER = {"control": "container.user", "reason": "why", "expires": "2030-01-01"}
BIND = {"type": "bind", "source": "/srv", "target": "/srv"}

# option, wrong value, a word of the problem
WRONG: list[tuple[str, t.Any, str]] = [
    *(
        ("name", value, "name")
        for value in ("a", "-web", "web app", "web/1", "wéb", "web;rm", "$(id)", "x" * 201, "../web")
    ),
    ("name", "web\n", "control character"),
    ("name", "web.caisson-next", "replacement"),
    ("name", True, "string"),
    ("name", ["web"], "string"),
    *(
        ("image", value, "image")
        for value in ("Web:1", "web:", "web:1:2", "web@sha256:12", "we b", "-web", "web:1;id", "é:1", "x" * 600)
    ),
    ("image", "", "empty"),
    ("image", 1.5, "string"),
    ("state", "running", "values"),
    ("state", ["started"], "values"),
    ("pull", "sometimes", "values"),
    ("pull", True, "values"),
    ("command", "sh -c 'a", "split"),
    ("command", {"a": 1}, "command"),
    ("command", ["a", True], "not a string"),
    ("command", ["a\0b"], "NUL"),
    ("command", ["x" * 140000], "longer"),
    ("command", ["\ud800"], "Unicode"),
    ("entrypoint", [], "empty"),
    ("entrypoint", [""], "empty"),
    ("env", "lots", "dictionary"),
    ("env", ["A=1"], "dictionary"),
    *(("env", {key: "x"}, "key") for key in ("A=B", "", " A", "A\n", "A\x1b", "A B")),
    *(("env", {"A": value}, "string") for value in (True, 1.5, None, ["x"], {"x": 1}, b"bytes")),
    ("env", {"A": "x\0y"}, "NUL"),
    ("env", {"A": "\udcff"}, "Unicode"),
    ("env", {"A": "x" * 131072}, "longer"),
    ("env", {"A": 10**40}, "too large"),
    *(("user", value, "user") for value in ("a b", "1:2:3", ":", "-1", "ü", "a:", "$USER")),
    ("working_dir", "srv", "absolute"),
    ("working_dir", "/a\0b", "NUL"),
    ("labels", {"a b": "x"}, "key"),
    ("labels", {"a": None}, "string"),
    ("labels", {"caisson.hardening.project": "x"}, "collection"),
    ("labels", ["a"], "dictionary"),
    *(
        ("hostname", value, "host name")
        for value in ("-web", "web_1", "w" * 65, "web..x", "a" * 60 + "!", "wéb", "web.")
    ),
    ("init", "perhaps", "neither"),
    ("read_only", 2, "neither"),
    ("healthcheck", {}, "empty"),
    ("healthcheck", {"test": []}, "test"),
    ("healthcheck", {"test": ["true"]}, "test"),
    ("healthcheck", {"test": "true", "interval": "often"}, "duration"),
    ("healthcheck", {"test": "true", "interval": "1us"}, "shorter"),
    ("healthcheck", {"test": "true", "retries": 0}, "range"),
    ("healthcheck", {"tset": "true"}, "test"),
    ("healthcheck", "true", "dictionary"),
    ("tmpfs", ["tmp"], "absolute"),
    ("tmpfs", ["/"], "root"),
    ("tmpfs", ["/a", "/a/"], "twice"),
    ("tmpfs", ["/a:size=lots"], "size"),
    ("tmpfs", ["/a:size=10%%"], "size"),
    ("tmpfs", ["/a:mode=999"], "mode"),
    ("tmpfs", ["/a:uid=me"], "number"),
    ("tmpfs", ["/a:nosiud"], "tmpfs"),
    ("tmpfs", 5, "list"),
    ("mounts", [{"source": "x"}], "target"),
    ("mounts", [{"target": "/"}], "root"),
    ("mounts", [{"target": "x"}], "absolute"),
    ("mounts", [{"target": "/x", "type": "bind"}], "source"),
    ("mounts", [{"target": "/x", "type": "nfs"}], "values"),
    ("mounts", [{"target": "/x", "source": "../x"}], "volume name"),
    ("mounts", [{"target": "/x", "propagation": "shared"}], "propagation"),
    ("mounts", [{**BIND, "propagation": "sideways"}], "values"),
    ("mounts", [{**BIND, "mode": "ro"}], "unknown key"),
    ("mounts", ["/a:/b"], "dictionary"),
    ("mounts", [BIND, BIND], "two mounts"),
    ("volumes", ["a:/b:ro:x"], "volume"),
    ("volumes", ["data:/b:rx"], "mode"),
    ("volumes", ["data:/b:rshared"], "mode"),
    ("volumes", ["da ta:/b"], "volume name"),
    ("volumes", ["/srv:"], "empty"),
    ("volumes", ["xx:/a", "yy:/a"], "two mounts"),
    ("volumes", "a:b", "absolute"),
    ("cap_drop", ["everything"], "capability"),
    ("capabilities", ["NET_ADMN"], "NET_ADMIN"),
    ("capabilities", ["SYS ADMIN"], "capability"),
    ("capabilities", {"NET_RAW": True}, "list"),
    ("security_opts", ["seccomp=/etc/profile.json"], "file"),
    ("security_opts", ["seccomp="], "no value"),
    ("security_opts", ['seccomp={"defaultAction": "SCMP_ACT_ERRNO",}'], "not JSON"),
    ("security_opts", ["seccomp=" + '{"a":' * 20_000], "not JSON"),
    ("security_opts", ["privileged"], "security option"),
    ("security_opts", ["no-new-privileges=maybe"], "neither"),
    *(("memory", value, "size") for value in ("lots", "12q", "\u0661\u0662m", "1e9", True, [1], "0x10", "9" * 400)),
    ("memory", "-5m", "size"),
    ("memory", -1, "negative"),
    ("memory", "1m", "less"),
    ("memory", "9999999p", "larger"),
    ("memory_swap", "1m", "less than memory"),
    ("memory_swap", "swap", "size"),
    *(("cpus", value, "CPU") for value in ("many", "1,5", "inf", "nan", 10**9, True, "1_0", "2 cpus")),
    ("cpus", 0.001, "less"),
    ("cpus", -1, "negative"),
    *(("pids_limit", value, "processes") for value in (-2, 5000000, "many", 1.5, True)),
    *(
        ("ulimits", value, "limit")
        for value in (["files:1"], ["nofile:lots"], ["nofile:1:2:3"], ["nofile"], ["nofile:9:1"], ["nofile:-2"])
    ),
    ("ulimits", ["core:0", "core:1"], "twice"),
    ("shm_size", "big", "size"),
    ("shm_size", 0, "default"),
    ("networks", ["front"], "dictionary"),
    ("networks", [{"name": "a b"}], "network name"),
    ("networks", [{"name": "front"}, {"name": "front"}], "twice"),
    ("networks", [{"name": "host"}, {"name": "front"}], "excludes"),
    ("networks", [{"name": "front", "ipv4_address": "10.0.0.256"}], "IP address"),
    ("networks", [{"name": "front", "ipv4_address": "fd00::1"}], "ipv4_address"),
    ("networks", [{"name": "front", "ipv6_address": "fe80::1%eth0"}], "IP address"),
    ("networks", [{"name": "front", "aliases": ["a b"]}], "alias"),
    *(
        ("published_ports", [value], "port")
        for value in (
            "80:80:80:80",
            "x:80",
            "80:x",
            "0:80",
            "65536:80",
            "80:80/icmp",
            "90-80:90-80",
            "80-82:80-81",
            "127.0.0.1:99999:80",
            "1-5000:1-5000",
            "\u0668\u0660:80",
            "80;id",
        )
    ),
    ("published_ports", ["300.0.0.1:80:80"], "IP address"),
    ("published_ports", ["[::1:80:80"], "port"),
    ("published_ports", ["80:80", "80:81"], "twice"),
    ("published_ports", {"80": 80}, "list"),
    ("published_ports", True, "list"),
    ("log_driver", "lo cal", "log driver"),
    ("log_driver", "", "empty"),
    ("log_options", {"max size": "1m"}, "key"),
    ("log_options", {"max-size": None}, "string"),
    ("restart_policy", "never", "values"),
    ("restart_retries", "often", "restarts"),
    ("restart_retries", 1001, "range"),
    ("stop_timeout", "-1", "range"),
    ("stop_timeout", "soon", "seconds"),
    *(("stop_signal", value, "signal") for value in ("SIGFOO", "0", "65", "²", "SIGRTMIN+99", "TERM; id")),
    ("stop_signal", "KILL", "chance"),
    ("sysctls", {"kernel.panic": "1"}, "namespaced"),
    ("sysctls", {"net": "1"}, "key"),
    ("sysctls", {"net.core.somaxconn": None}, "string"),
    ("waivers", [{**WAIVER, "control": "container.usr"}], "container.user"),
    ("waivers", [{**WAIVER, "expires": "tomorrow"}], "YYYY-MM-DD"),
    ("waivers", [{"control": "container.user"}], "reason"),
    ("waivers", [WAIVER, WAIVER], "twice"),
    ("waivers", "container.user", "list"),
    ("memroy", "5m", "memory"),
    ("privileged", "perhaps", "neither"),
    *(("memory_reservation", value, "memory") for value in ("1g", "1m")),
    ("memory_reservation", "lots", "size"),
    *(("memory_swappiness", value, "swappiness") for value in (-1, 101, "some", True)),
    *(("oom_score_adj", value, "score") for value in (-1001, 1001, "low")),
    ("oom_killer", "perhaps", "neither"),
    *(("cpu_shares", value, "shares") for value in (1, -1, 262145, "half")),
    *(("cpuset_cpus", value, "range") for value in ("a", "3-1", "0-99999", "0..3", "1-")),
    ("cpuset_mems", "0;1", "range"),
    *(("blkio_weight", value, "weight") for value in (9, 1001, "heavy")),
    ("device_read_bps", "/dev/sda:1m", "list"),
    ("device_read_bps", [{"path": "sda", "rate": "1m"}], "absolute"),
    ("device_write_bps", [{"path": "/dev/sda", "rate": "fast"}], "size"),
    ("device_read_iops", [{"path": "/dev/sda", "rate": 0}], "rate"),
    ("device_write_iops", [{"path": "/dev/sda", "rate": 1}, {"path": "/dev//sda", "rate": 2}], "twice"),
    ("device_write_iops", [{"path": "/dev/sda", "speed": 1}], "unknown key"),
    *((name, "container:web", "left behind") for name in ("pid_mode", "ipc_mode")),
    *((name, "shared", "values") for name in ("pid_mode", "ipc_mode", "uts", "userns_mode", "cgroupns_mode")),
    ("cgroup_parent", "a b", "cgroup"),
    *(("devices", [value], "device") for value in ("/dev/a:/dev/b:rwx", "/dev/a:/dev/b:r:w", "/dev/a:/dev/b:")),
    ("devices", ["sda"], "absolute"),
    ("devices", ["/dev/a:/x", "/dev/b:/x"], "two devices"),
    *(("device_cgroup_rules", [value], "rule") for value in ("c 1:3", "d 1:3 r", "a *.* rwm", "c 1:3 rx")),
    ("device_requests", [{"driver": "nvidia"}], "capabilities"),
    ("device_requests", [{"capabilities": ["gpu"]}], "list of lists"),
    ("device_requests", [{"capabilities": [["gpu"]], "count": 1, "device_ids": ["0"]}], "both"),
    ("device_requests", [{"capabilities": [["gpu"]], "count": -2}], "devices"),
    ("groups", ["a b"], "group"),
    ("runtime", "run c", "runtime"),
    ("tty", 5, "neither"),
    ("interactive", [], "neither"),
    ("domainname", "-x", "host name"),
    ("dns_servers", ["dns.example.org"], "IP address"),
    ("dns_opts", ["ndots: 1"], "word"),
    ("dns_search_domains", ["a b"], "word"),
    ("etc_hosts", {"bank": "nowhere"}, "IP address"),
    ("etc_hosts", ["bank:1.2.3.4"], "dictionary"),
    *(("exposed_ports", [value], "port") for value in ("x", "80/icmp", "0", "90-80", "1-5000")),
    ("storage_opts", {"size": None}, "string"),
    ("security_opts", ["systempaths=masked"], "security option"),
    ("healthcheck", {"test": "true", "start_interval": "often"}, "duration"),
    (5, "x", "not an option"),
]


def parse(**given: t.Any) -> spec.Spec:
    return spec.parse_specs([{"name": "web", "image": "shop/web:1", **given}])[0]


@pytest.mark.parametrize(("option", "value", "said"), WRONG, ids=lambda each: repr(each)[:40])
def test_a_wrong_value_is_refused_by_name_value_and_remedy(option: str, value: t.Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        spec.parse_specs([{"name": "web", "image": "shop/web:1", option: value}])
    message = str(caught.value)
    fault = caught.value.faults[0]
    assert fault.where.startswith("container ")
    assert said in message
    assert fault.option in (str(option), "mounts")  # volumes become mounts
    assert fault.remedy
    assert len(message) < 700
    assert "\n" not in message.replace("\\n", "")


def test_the_table_of_wrong_specs_is_large() -> None:
    assert len(WRONG) >= 150


def test_every_fault_of_every_container_is_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        spec.parse_specs(
            [
                {"name": "one", "memory": "lots", "cpus": "many"},
                "text",
                {"image": "web:1"},
                {"name": "one", "image": "web:1"},
            ]
        )
    said = [(fault.where, fault.option) for fault in caught.value.faults]
    assert said == [
        ("container 'one'", "memory"),
        ("container 'one'", "cpus"),
        ("container 'one'", "image"),
        ("container 2", "containers"),
        ("container 3", "name"),
        ("containers", "name"),
    ]


@pytest.mark.parametrize(
    "given",
    [{"env": {"A": ["hunter2"]}}, {"env": "hunter2"}, {"enviroment": {"A": "hunter2"}}, {"env": {"A": "hunter2\0"}}],
)
def test_a_refused_environment_is_not_shown(given: dict[str, t.Any]) -> None:
    with pytest.raises(InputError) as caught:
        parse(**given)
    assert "hunter2" not in str(caught.value)


def test_what_is_not_given_is_hardened() -> None:
    found = parse()
    assert found.read_only
    assert found.init
    assert found.cap_drop == {"ALL"}
    assert not found.capabilities
    assert found.security_opts == {"no-new-privileges=true"}
    assert (found.memory, found.memory_swap, found.cpus, found.pids_limit) == (512 * MIB, 512 * MIB, 10**9, 256)
    assert found.ulimits == {"core": (0, 0), "nofile": (1024, 4096), "nproc": (4096, 4096)}
    assert set(found.tmpfs) == {"/tmp", "/run"}
    assert all({"noexec", "nosuid", "nodev", "size"} <= set(flags) for flags in found.tmpfs.values())
    assert found.log_options == {"max-size": "10m", "max-file": "3"}
    assert (found.restart_policy, found.restart_retries) == ("on-failure", 5)


def test_the_specs_defaults_are_the_options_defaults() -> None:
    given = {name: option["default"] for name, option in options.container_options().items() if "default" in option}
    assert parse(**{key: value for key, value in given.items() if key != "name"}) == parse()


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"memory": "64m"}, "memory_swap", 64 * MIB),
        ({"memory": 0}, "memory_swap", 0),
        ({"memory_swap": -1}, "memory_swap", -1),
        ({"tmpfs": ["/tmp:size=1m,exec"]}, "tmpfs", "exec"),
        ({"security_opts": ["apparmor=web"]}, "security_opts", {"apparmor=web", "no-new-privileges=true"}),
        ({"security_opts": ["no-new-privileges=false"]}, "security_opts", {"no-new-privileges=false"}),
        ({"log_driver": "syslog"}, "log_options", {}),
        (
            {"log_driver": "json-file", "log_options": {"max-file": "9"}},
            "log_options",
            {"max-size": "10m", "max-file": "9"},
        ),
        ({"restart_policy": "no"}, "restart_retries", 0),
        ({"ulimits": ["nofile:10"]}, "ulimits", {"core": (0, 0), "nofile": (10, 10), "nproc": (4096, 4096)}),
        ({"pids_limit": -1}, "pids_limit", 0),
        ({"volumes": ["cache:/run"]}, "tmpfs", "noexec"),
        ({"cpuset_cpus": "3,0-1, 2,7"}, "cpuset_cpus", "0-3,7"),
        ({"cpuset_cpus": 0}, "cpuset_cpus", "0"),
        ({"pid_mode": "private"}, "pid_mode", ""),
        ({"devices": ["/dev/a", "/dev/b:r", "/dev/c:/dev//d:mw"]}, "devices",
         ("/dev/a:/dev/a:rwm", "/dev/b:/dev/b:r", "/dev/c:/dev/d:wm")),
        ({"device_cgroup_rules": ["c 1:3 mr"]}, "device_cgroup_rules", ("c 1:3 rm",)),
        ({"device_read_bps": [{"path": "/dev/sda", "rate": "1m"}]}, "device_read_bps", (("/dev/sda", MIB),)),
        ({"etc_hosts": {"a": "::0001", "h": "host-gateway"}}, "etc_hosts", {"a": "::1", "h": "host-gateway"}),
        ({"exposed_ports": ["80", "90-91/udp"]}, "exposed_ports", {"80/tcp", "90/udp", "91/udp"}),
        ({"groups": [1000, "app"]}, "groups", {"1000", "app"}),
    ],
)  # fmt: skip
def test_what_follows_from_an_option(given: dict[str, t.Any], field: str, value: t.Any) -> None:
    found = getattr(parse(**given), field)
    assert value in found["/tmp"] if field == "tmpfs" else found == value


def test_a_mount_takes_the_place_of_a_default_tmpfs() -> None:
    assert set(parse(volumes=["cache:/run"]).tmpfs) == {"/tmp"}


def test_an_absent_container_needs_only_its_name() -> None:
    assert not spec.parse_specs([{"name": "web", "state": "absent"}])[0].wants_container
