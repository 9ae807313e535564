# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Valid specs, put together at random of many spellings of all options; the same ones again for the same seed.

A spec is drawn in groups of options that have to fit each other, so that redrawing some groups gives another valid one.
"""

from __future__ import annotations

import random
import typing as t
from dataclasses import dataclass
from pathlib import Path

Json = t.Dict[str, t.Any]

SUBNET = "10.213.0.0/16"
ENV: tuple[Json, ...] = (
    *({"A": "1"}, {"A": 1, "B": ""}, {"LINES": "a\nb\n", "TAB": "\t"}, {"\u00fcml\u00e4ut": "\u65e5\u672c"},
      {"PATH": "/bin:/x"}),
    *({"A": "x=y=z"}, {"QUOTES": "'\"`$HOME", "A": "$(id)"}, {"a.b-c": " spaces "}, {"FROM_IMAGE": "mine"},
      {"ESC": "\x1b[31m"}),
)  # fmt: skip
LABELS: tuple[Json, ...] = (
    *({"team": ""}, {"note": "x=y"}, {"com.example.\u00fc": "\u2603\nsecond"}, {"n": 5}, {"from": "me"},
      {"json": '{"a": [1]}'}),
)  # fmt: skip
HEALTH: tuple[Json, ...] = (
    {"test": "true", "interval": "300ms"},
    {"test": ["CMD", "true"], "interval": "0.25", "timeout": "1m"},
    {"test": ["CMD-SHELL", "exit 0"], "interval": "0.2s", "retries": 1, "start_period": "0s"},
    {"test": ["CMD", "test", "a b", "=", "a b"], "interval": "250000us", "start_period": "1.5s", "timeout": 5},
    {"test": "NONE"},
    {"test": ["NONE"]},
)
MEMORY: tuple[Json, ...] = (
    *({"memory": "32m"}, {"memory": 33554432}, {"memory": "32768k"}, {"memory": "0.03125g"}, {"memory": " 32 MiB "}),
    *({"memory": "24mb", "memory_swap": "24m"}, {"memory": "24m", "memory_swap": "0.046875g"}, {"memory": "0"}),
    *({"memory": "24m", "memory_swap": "-1"}, {"memory": "33333333"}, {"memory": "32m", "memory_swap": "unlimited"}),
)
TMPFS: tuple[str, ...] = (
    *("size=1m", "size=1048576", "mode=0700,uid=10001,size=2m,nosuid", "exec,size=4096k", "size=50%", "ro,size=1m"),
    *("nr_inodes=1k,strictatime,size=1g", "noatime,nodiratime,size=1.5m", "size=8m,suid,nosuid,dev", "mode=1777,gid=7"),
    *("", "rw,size=64K,sync", "noexec,exec,noexec", "uid=0,gid=0,mode=755"),
)
MOUNTS: tuple[Json, ...] = (
    {"volumes": ["PREFIX-data:/data"]},
    {"volumes": ["PREFIX-data:/data/:ro", "/anonymous"]},
    {"volumes": ["/usr/share:/host:ro,rprivate", "PREFIX-b:/b:rw"]},
    {"volumes": "/usr/share:/host:ro"},
    {"mounts": [{"target": "/data", "source": "PREFIX-data", "type": "volume", "read_only": "yes"}]},
    {"mounts": [{"target": "//host/", "source": "/usr/share/", "type": "bind", "read_only": True}]},
    {"mounts": [{"target": "/host", "source": "/usr/share", "type": "bind", "propagation": "private"}]},
    {"mounts": [{"target": "/scratch"}], "volumes": ["PREFIX-data:/a/b/c"]},
    {"volumes": ["PREFIX-data:/tmp"]},
)
SECURITY: tuple[Json, ...] = (
    *(
        {"cap_drop": ["ALL"]},
        {"cap_drop": "all"},
        {"cap_drop": ["CAP_CHOWN", "net_raw"]},
        {"capabilities": ["cap_chown"]},
    ),
    *({"capabilities": "chown, SETUID"}, {"capabilities": ["NET_BIND_SERVICE", "CAP_KILL"], "cap_drop": ["CAP_ALL"]}),
    *({"security_opts": ["no-new-privileges"]}, {"security_opts": ["no-new-privileges:true"]}),
    *({"security_opts": ["seccomp=unconfined", "no-new-privileges=false"]}, {"cap_drop": []}),
)
LIMITS: tuple[Json, ...] = (
    *({"cpus": 0.5}, {"cpus": "0.25"}, {"cpus": 1}, {"cpus": 0.123456}, {"cpus": 0}, {"pids_limit": "64"},
      {"pids_limit": -1}),
    *({"ulimits": ["nofile:64:128"]}, {"ulimits": "core:0, nofile:100"}, {"ulimits": ["memlock:65536",
      "stack:65536:8388608"]}),
    *({"shm_size": "1m"}, {"shm_size": 1048577}, {"ulimits": ["core:1024:2048", "nproc:5000"], "pids_limit": 0}),
)  # fmt: skip
LOGS: tuple[Json, ...] = (
    *({"log_driver": "json-file"}, {"log_driver": "none"}, {"log_options": {"max-size": "1m", "compress": "false"}}),
    *(
        {
            "log_driver": "json-file",
            "log_options": {"max-size": "64k", "max-file": 2, "labels": "team", "tag": "{{.Name}}"},
        },
    ),
    *({"log_driver": "local", "log_options": {"mode": "non-blocking", "max-buffer-size": "1m"}},),
)
RESTARTS: tuple[Json, ...] = (
    *({"restart_policy": False}, {"restart_policy": "no"}, {"restart_policy": "always"}, {"restart_retries": "3"}),
    *({"restart_policy": "unless-stopped"}, {"restart_policy": "on-failure", "restart_retries": 0}),
)
STOPS: tuple[Json, ...] = (
    *({"stop_signal": value} for value in ("TERM", "sigint", 15, "37", "RTMIN+3", "SIGRTMAX-1", " quit ")),
    *({"stop_timeout": value} for value in (0, "2")),
)
SYSCTLS: tuple[Json, ...] = (
    *({"net.core.somaxconn": "100"}, {"net.ipv4.ip_unprivileged_port_start": 0, "kernel.shmmax": 1073741824}),
    *({"fs.mqueue.msg_max": 20}, {"net.ipv4.tcp_syncookies": 1, "kernel.sem": "100 1000 32 10"}),
)
PROCESS: tuple[Json, ...] = (
    *({"command": "sleep 1000"}, {"command": ["sleep", "1000"]}, {"command": ["sh", "-c", "sleep 1000; : '\u00fc\n'",
      ""]}),
    *({"entrypoint": ["sleep"], "command": "1000"}, {"entrypoint": "/bin/sh,-c,sleep 1000"},
      {"command": "sh -c 'sleep 1000'"}),
    *({"command": ["sleep", 1000], "init": "no"}, {"command": "sleep 1000", "working_dir": "//tmp/../var/"}),
)  # fmt: skip
INHERITED: tuple[Json, ...] = (
    {},
    {"command": "900"},
    {"entrypoint": ["sleep", "800"]},
    {"entrypoint": ["sleep"], "command": [7000]},
)
WEIGHTS: tuple[Json, ...] = (
    *({"cpu_shares": 512}, {"cpu_shares": "1024"}, {"cpuset_cpus": "0"}, {"cpuset_cpus": "0-1", "cpuset_mems": "0"}),
    *({"memory_reservation": "16m"}, {"memory_reservation": 12582912}, {"blkio_weight": 300}, {"oom_score_adj": 500}),
    {"oom_score_adj": "0", "cpu_shares": 2},
)
# What the second version of control groups lacks.
OF_CGROUP_1: tuple[Json, ...] = ({"memory_swappiness": 0}, {"memory_swappiness": "60"}, {"oom_killer": "yes"})
CGROUP_1 = not Path("/sys/fs/cgroup/cgroup.controllers").exists()
# Rates are those of a disk, and not each machine has one that can be named.
DISK = next((f"/dev/{each.name}" for each in sorted(Path("/sys/block").glob("[nsvx]*d[a-z]*"))
             if Path("/dev", each.name).is_block_device()), "")  # fmt: skip
RATES: tuple[Json, ...] = (
    {"device_read_bps": [{"path": DISK, "rate": "1m"}]},
    {"device_write_bps": [{"path": DISK, "rate": 1048576}]},
    {"device_read_iops": [{"path": DISK, "rate": 100}], "device_write_iops": [{"path": DISK, "rate": "7"}]},
)
NAMESPACES: tuple[Json, ...] = (
    *({"ipc_mode": "shareable"}, {"ipc_mode": "none"}, {"pid_mode": "host"}, {"pid_mode": "private"}),
    *({"cgroupns_mode": "host"}, {"cgroupns_mode": "private"}, {"uts": "private"}, {"userns_mode": "host"}),
    {"cgroup_parent": "/caisson-test/drawn"},
)
DEVICES: tuple[Json, ...] = (
    *({"devices": ["/dev/zero"]}, {"devices": "/dev/zero:/dev/nought:r"}, {"devices": ["/dev/null:/dev/n:mrw"]}),
    *({"device_cgroup_rules": ["c 1:3 r"]}, {"device_cgroup_rules": "c 1:* rwm, b 7:0 r"}),
    *({"groups": ["10002", 7]}, {"groups": "app"}, {"privileged": "yes"}, {"runtime": "runc"}),
)
TERMINALS: tuple[Json, ...] = (
    *({"tty": True}, {"interactive": "yes"}, {"tty": "no", "interactive": True}),
    *({"exposed_ports": ["9000", "9001/udp"]}, {"exposed_ports": "9000-9002, 9001/tcp"}, {"exposed_ports": [80]}),
)
NAMES: tuple[Json, ...] = (
    *({"domainname": "example.org"}, {"dns_servers": ["192.0.2.1", "2001:db8::1"]}, {"dns_opts": "ndots:1, rotate"}),
    *({"dns_search_domains": ["example.org", "b.example"]}, {"etc_hosts": {"Db": "192.0.2.7", "gate": "host-gateway"}}),
    *({"etc_hosts": {"six": "2001:db8::7"}, "dns_servers": "192.0.2.1,192.0.2.2"}, {"dns_opts": ["edns0"]}),
)
LIFE: tuple[Json, ...] = (
    *({"keep_previous": True}, {"update_order": "stop-first"}, {"update_order": "auto"}),
    *({"drift_ignore": ["/data/", "/var/*.tmp"]}, {"drift_ignore": "/run"}),
    {"waivers": [{"control": "container.user", "reason": "a test: '\u00fc\"", "expires": "2999-12-31"}]},
)
SECRETS: tuple[Json, ...] = (
    {"secrets": [{"name": "db", "value": "two lines\n\u00fc\n", "uid": 10001}]},
    {
        "secrets": [{"name": "db", "value_b64": "AAECAw==", "uid": "7", "gid": 7, "mode": "0444"}],
        "secrets_rotation": "in_place",
    },
    {
        "secrets": [
            {"name": "key", "value": "key", "uid": 0, "gid": 10001, "mode": "440", "target": "/run/secrets/key.pem"},
            {"name": "blanks", "value": "  x  ", "uid": 10001, "target": "none"},
        ]
    },
)
# The container of the tests' own that is there before all others.
DEPENDENCIES: tuple[Json, ...] = (
    {"depends_on": [{"name": "PREFIX-first"}]},
    {"depends_on": [{"name": "PREFIX-first", "condition": "started"}]},
)
USERS = ("10001", 10001, "10001:10001", "app", "0", "10001:app", "65534")
HOSTNAMES = ("web", "a.b-c.example", "Web1")
NETWORKS = ("project", "internal", "none", "word", "fixed", "both", "bridge", "aliases")


@dataclass
class Place:
    """Where a spec is to run: what belongs to it alone, so that specs that run side by side do not meet."""

    prefix: str
    number: int
    image: str
    rich: bool  # the image brings an entrypoint, a check, volumes and more of its own
    # The engine is inside a container, which has neither a disk nor an IPv6 loopback, and takes no secrets from here.
    inner: bool = False

    def drawn(self, dice: random.Random) -> list[Json]:
        """One dictionary for each group of options."""
        return [group(dice) for group in self.groups()]

    def groups(self) -> list[t.Callable[[random.Random], Json]]:
        rare = [NAMESPACES, DEVICES, *([OF_CGROUP_1] if CGROUP_1 else [])]
        if not self.inner:
            rare += [SECRETS, *([RATES] if DISK else [])]
        return [
            self._state,
            self._process,
            self._wiring,
            self._storage,
            self._health,
            *map(_maybe, _SIMPLE),
            *map(_rarely, map(_one_of, rare)),
            lambda dice: _placed(_rarely(_one_of(DEPENDENCIES))(dice), self.prefix),
        ]

    def spec(self, drawn: t.Iterable[Json]) -> Json:
        found: Json = {"name": f"{self.prefix}-{self.number}", "image": self.image, "stop_timeout": 1}
        for group in drawn:
            found.update(group)
        return found

    def changed(self, drawn: list[Json], dice: random.Random) -> list[Json]:
        """The same, but for some of the groups."""
        groups = self.groups()
        chosen = dice.sample(range(len(groups)), dice.randint(1, 4))
        return [groups[index](dice) if index in chosen else group for index, group in enumerate(drawn)]

    def _state(self, dice: random.Random) -> Json:
        found: Json = {"state": dice.choice(("started",) * 6 + ("stopped", "present"))}
        if dice.random() < 0.3:
            found["pull"] = "never"
        return found

    def _process(self, dice: random.Random) -> Json:
        found = dict(dice.choice(INHERITED if self.rich else PROCESS))
        if not self.rich or dice.random() < 0.4:
            found["user"] = dice.choice(USERS)
        return found

    def _wiring(self, dice: random.Random) -> Json:
        mode = dice.choice(NETWORKS)
        fixed = {"name": f"{self.prefix}-net", "ipv4_address": f"10.213.1.{self.number + 10}"}
        kinds: dict[str, Json] = {
            "project": {},
            "internal": {"internal": "yes"},
            "none": {"networks": []},
            "word": {"networks": [{"name": "none"}]},
            "fixed": {"networks": [fixed]},
            "both": {"networks": [{"name": self.prefix, "aliases": "one,two"}, {**fixed, "aliases": ["x.y"]}]},
            "bridge": {"networks": [{"name": "bridge"}]},
            "aliases": {"networks": [{"name": self.prefix, "aliases": ["db", f"{self.prefix}-{self.number}", "Db_2"]}]},
        }
        found = dict(kinds[mode])
        port = 20000 + 10 * self.number
        if mode not in ("none", "word", "internal") and dice.random() < 0.5:
            choices: list[t.Any] = [["127.0.0.1::80"], ["[::1]::81/udp"], [f"127.0.0.1:{port}:8080/tcp"], 8081]
            choices += [
                [f"{port}-{port + 1}:90-91"],
                "127.0.0.1::82,127.0.0.1::83",
                [f"127.0.0.1:{port}:1", f"[::1]:{port}:1"],
            ]
            usable = [each for each in choices if not self.inner or "::1" not in str(each)]
            found["published_ports"] = dice.choice(usable)
        if dice.random() < 0.3:
            found["hostname"] = dice.choice(HOSTNAMES)
        if dice.random() < 0.3:
            found["sysctls"] = dice.choice(SYSCTLS)
        if mode not in ("none", "word") and dice.random() < 0.4:
            found.update(dice.choice(NAMES))
        return found

    def _storage(self, dice: random.Random) -> Json:
        found: Json = {}
        if dice.random() < 0.5:
            places = dice.sample(("/tmp", "/run", "/var/cache", "//scratch/x/"), dice.randint(1, 3))
            found["tmpfs"] = [f"{place}:{_shuffled(dice.choice(TMPFS), dice)}".rstrip(":") for place in places]
        if dice.random() < 0.5:
            text = dice.choice(MOUNTS)
            if "tmpfs" in found and text["volumes" if "volumes" in text else "mounts"] == ["PREFIX-data:/tmp"]:
                del found["tmpfs"]
            found.update(_placed(text, self.prefix))
        if dice.random() < 0.2:
            found["read_only"] = dice.choice((False, "true", "no"))
        return found

    def _health(self, dice: random.Random) -> Json:
        if dice.random() < 0.5:
            return {}
        return {"healthcheck": dice.choice((*HEALTH, {"interval": "400ms", "retries": 5}) if self.rich else HEALTH)}


def _one_of(kinds: tuple[Json, ...]) -> t.Callable[[random.Random], Json]:
    return lambda dice: dict(dice.choice(kinds))


_SIMPLE: tuple[t.Callable[[random.Random], Json], ...] = (
    lambda dice: {"env": dice.choice(ENV)},
    lambda dice: {"labels": dice.choice(LABELS)},
    _one_of(MEMORY),
    _one_of(SECURITY),
    _one_of(LIMITS),
    _one_of(LOGS),
    _one_of(RESTARTS),
    _one_of(STOPS),
    _one_of(WEIGHTS),
    _one_of(TERMINALS),
    _one_of(LIFE),
)


def _maybe(group: t.Callable[[random.Random], Json]) -> t.Callable[[random.Random], Json]:
    return lambda dice: group(dice) if dice.random() < 0.6 else {}


def _rarely(group: t.Callable[[random.Random], Json]) -> t.Callable[[random.Random], Json]:
    return lambda dice: group(dice) if dice.random() < 0.25 else {}


def _shuffled(options: str, dice: random.Random) -> str:
    """The options in another order, unless one takes back another, for then the last one counts."""
    parts = options.split(",")
    opposites = [part for part in parts if part.startswith("no") and part[2:] in parts]
    if not opposites:
        dice.shuffle(parts)
    return ",".join(parts)


def _placed(given: t.Any, prefix: str) -> t.Any:
    if isinstance(given, str):
        return given.replace("PREFIX", prefix)
    if isinstance(given, list):
        return [_placed(item, prefix) for item in given]
    return {key: _placed(item, prefix) for key, item in given.items()} if isinstance(given, dict) else given
