# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each option takes effect, a second run finds nothing to do, and limits change under the running process."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, waiver

Json = t.Dict[str, t.Any]
MIB = 1024**2
BLOCK = next(
    (f"/dev/{each.name}" for each in sorted(Path("/sys/block").glob("*")) if Path(f"/dev/{each.name}").exists()), ""
)


@pytest.fixture
def cgroup(api: docker.APIClient) -> str:
    return str(api.info()["CgroupVersion"])


def namespace(kind: str) -> str:
    return os.readlink(f"/proc/self/ns/{kind}")


NO_MKDIR = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}],
}

# The options; a command in the container, and what it has to say.
EFFECTS: dict[str, tuple[Json, str, str]] = {
    "score": ({"oom_score_adj": 500}, "cat /proc/1/oom_score_adj", "500\n"),
    "pid": ({"pid_mode": "host", "waivers": waiver("pid_mode", "selinux")}, "readlink /proc/self/ns/pid", "HOST pid"),
    "ipc": ({"ipc_mode": "host", "waivers": waiver("ipc_mode", "selinux")}, "readlink /proc/self/ns/ipc", "HOST ipc"),
    "uts": ({"uts": "host", "waivers": waiver("uts_mode")}, "readlink /proc/self/ns/uts", "HOST uts"),
    "cgroupns": (
        {"cgroupns_mode": "host", "waivers": waiver("cgroupns_mode")}, "readlink /proc/self/ns/cgroup", "HOST cgroup"
    ),
    "shared": ({"ipc_mode": "shareable", "waivers": waiver("ipc_mode")}, "true", ""),
    "userns": ({"userns_mode": "host", "waivers": waiver("userns_mode")}, "true", ""),
    "groups": ({"groups": ["1234"]}, "id -G", "1234"),
    "device": (
        {"devices": ["/dev/zero:/dev/nil:r"], "waivers": waiver("devices")}, "head -c 3 /dev/nil | wc -c", "3\n"
    ),
    "rule": ({"device_cgroup_rules": ["c 1:5 mr"], "waivers": waiver("device_cgroup_rules")}, "true", ""),
    "dns": (
        {"dns_servers": ["192.0.2.53"], "dns_opts": ["ndots:3"], "dns_search_domains": ["example.org"]},
        "cat /etc/resolv.conf", "search example.org",
    ),
    "hosts": ({"etc_hosts": {"bank": "192.0.2.1", "six": "2001:db8::0001"}}, "cat /etc/hosts", "192.0.2.1\tbank\n"),
    "domain": ({"hostname": "web", "domainname": "example.org"}, "cat /etc/hosts", "web.example.org web"),
    "tty": ({"tty": True, "command": ["cat"]}, "true", ""),  # without a terminal, cat would end
    "stdin": ({"interactive": True, "command": ["cat"]}, "true", ""),
    "exposed": ({"exposed_ports": ["8080", "53/udp"]}, "true", ""),
    "paths": (
        {"security_opts": ["systempaths=unconfined"], "waivers": waiver("system_paths")},
        "grep -c ' /proc/sys ' /proc/self/mounts", "0\n",
    ),
    "masked": ({}, "grep -c ' /proc/sys ' /proc/self/mounts", "1\n"),
    "profile": ({"security_opts": ['seccomp={"defaultAction": "SCMP_ACT_ALLOW"}'], "waivers": waiver("seccomp")},
                "grep Seccomp: /proc/self/status", "2\n"),
    "lines": ({"security_opts": [f"seccomp={json.dumps(NO_MKDIR, indent=2)}\n"], "waivers": waiver("seccomp")},
              "mkdir /tmp/x 2>&1; true", "Operation not permitted"),
    "label": ({"security_opts": ["label:disable", "apparmor:unconfined"], "waivers": waiver("selinux", "apparmor")},
              "true", ""),
}  # fmt: skip


def test_each_option_takes_effect_and_a_second_run_finds_nothing_to_do(deployer: Deployer) -> None:
    specs = [deployer.spec(name, **options) for name, (options, _line, _said) in EFFECTS.items()]
    predicted, first = deployer.run(*specs, check=True), deployer.deploy(*specs)
    assert predicted["actions"] == first["actions"]
    for name, (_options, line, said) in EFFECTS.items():
        answer = deployer.shell(name, line)[1]
        wanted = namespace(said.split()[1]) if said.startswith("HOST ") else said
        assert wanted in answer, name
    again = deployer.deploy(*specs)
    assert again["actions"] == []
    assert [each["evidence"] for each in again["findings"] if each["outcome"] == "fail"] == []
    assert {"8080/tcp", "53/udp"} == set(deployer.inspect("exposed")["Config"]["ExposedPorts"])
    # And every one of them is taken away again where it is not named.
    plain = [deployer.spec(name) for name in EFFECTS]
    mended = deployer.deploy(*plain)
    assert {entry["name"]: entry["action"] for entry in mended["containers"]} == {
        deployer.name(name): "unchanged" if name == "masked" else "recreated" for name in EFFECTS
    }
    assert deployer.deploy(*plain)["actions"] == []


def test_what_this_machine_may_not_start_is_compared_too(deployer: Deployer) -> None:
    """A privileged container, and a driver that is not there: created, and not started."""
    idle = {"state": "present"}
    specs = [
        deployer.spec("root", privileged=True, **idle, waivers=waiver("privileged", "system_paths", "selinux")),
        deployer.spec("gpu", device_requests=[{"capabilities": [["gpu"]], "options": {"a": "b"}}], **idle,
                      waivers=waiver("device_requests")),
        deployer.spec("first", oom_score_adj=-5, **idle, waivers=waiver("oom_score_adj")),
    ]  # fmt: skip
    deployer.deploy(*specs)
    assert deployer.inspect("root")["HostConfig"]["Privileged"]
    assert deployer.inspect("gpu")["HostConfig"]["DeviceRequests"][0]["Count"] == -1
    assert deployer.deploy(*specs)["actions"] == []
    plain = [deployer.spec(name, **idle) for name in ("root", "gpu", "first")]
    reasons = [entry["reasons"] for entry in deployer.deploy(*plain)["containers"]]
    assert "privileged: true -> false" in reasons[0]
    assert "device_requests: gpu all a=b -> none" in reasons[1]
    assert "oom_score_adj: -5 -> 0" in reasons[2]


def test_another_runtime_is_used_and_taken_back(deployer: Deployer) -> None:
    info = deployer.api.info()
    other = next((name for name in info["Runtimes"] if name != info["DefaultRuntime"] and "runc.v2" in name), "")
    assert other, "the engine has no second runtime"
    spec = deployer.spec("web", runtime=other)
    deployer.deploy(spec)
    assert deployer.inspect("web")["HostConfig"]["Runtime"] == other
    assert deployer.deploy(spec)["actions"] == []
    assert f"runtime: {other} -> runc" in deployer.deploy(deployer.spec("web"))["containers"][0]["reasons"]


def test_a_cgroup_parent_holds_the_container(deployer: Deployer) -> None:
    parent = "/caisson-test/apps" if deployer.api.info()["CgroupDriver"] == "cgroupfs" else "caisson-apps.slice"
    spec = deployer.spec("web", cgroup_parent=parent, waivers=waiver("cgroup_parent"))
    deployer.deploy(spec)
    pid = deployer.inspect("web")["State"]["Pid"]
    assert f"{parent}/" in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
    assert deployer.deploy(spec)["actions"] == []


# A limit, before and after; its file by cgroup version 1 and 2, and what it holds after; what is said of it.
LIVE: dict[str, tuple[Json, Json, dict[str, tuple[str, str]], str]] = {
    "memory": (
        {"memory": "32m"}, {"memory": "40m"},
        {"1": ("memory/memory.limit_in_bytes", str(40 * MIB)), "2": ("memory.max", str(40 * MIB))},
        "memory: 32m -> 40m",
    ),
    "swap": (
        {"memory_swap": "64m"}, {"memory_swap": "96m"},
        {"1": ("memory/memory.memsw.limit_in_bytes", str(96 * MIB)), "2": ("memory.swap.max", str(64 * MIB))},
        "memory_swap: 64m -> 96m",
    ),
    "reservation": (
        {"memory_reservation": "16m"}, {"memory_reservation": "24m"},
        {"1": ("memory/memory.soft_limit_in_bytes", str(24 * MIB)), "2": ("memory.low", str(24 * MIB))},
        "memory_reservation: 16m -> 24m",
    ),
    "set-reservation": (
        {}, {"memory_reservation": "24m"},
        {"1": ("memory/memory.soft_limit_in_bytes", str(24 * MIB)), "2": ("memory.low", str(24 * MIB))},
        "memory_reservation: none -> 24m",
    ),
    "cpus": (
        {"cpus": 0.5}, {"cpus": 0.25}, {"1": ("cpu/cpu.cfs_quota_us", "25000"), "2": ("cpu.max", "25000 100000")},
        "cpus: 0.5 -> 0.25",
    ),
    "shares": (
        {"cpu_shares": 512}, {"cpu_shares": 2048}, {"1": ("cpu/cpu.shares", "2048"), "2": ("cpu.weight", "79")},
        "cpu_shares: 512 -> 2048",
    ),
    "set-shares": (
        {}, {"cpu_shares": 512}, {"1": ("cpu/cpu.shares", "512"), "2": ("cpu.weight", "20")}, "cpu_shares: none -> 512"
    ),
    "cpuset": (
        {"cpuset_cpus": "0"}, {"cpuset_cpus": "1"}, {"1": ("cpuset/cpuset.cpus", "1"), "2": ("cpuset.cpus", "1")},
        "cpuset_cpus: 0 -> 1",
    ),
    "set-mems": (
        {}, {"cpuset_mems": "0"}, {"1": ("cpuset/cpuset.mems", "0"), "2": ("cpuset.mems", "0")},
        "cpuset_mems: none -> 0",
    ),
    "pids": (
        {"pids_limit": 32}, {"pids_limit": 40}, {"1": ("pids/pids.max", "40"), "2": ("pids.max", "40")},
        "pids_limit: 32 -> 40",
    ),
    "free-pids": (
        {"pids_limit": 32}, {"pids_limit": 0, "waivers": waiver("pids_limit")},
        {"1": ("pids/pids.max", "max"), "2": ("pids.max", "max")}, "pids_limit: 32 -> unlimited",
    ),
}  # fmt: skip


def test_limits_change_under_the_running_process(deployer: Deployer, cgroup: str) -> None:
    # A label would make a recreation of it, so what needs a waiver has it from the first.
    given = {"swap": waiver("memory_swap"), "free-pids": waiver("pids_limit")}
    before = [deployer.spec(name, **first, waivers=given.get(name)) for name, (first, *_rest) in LIVE.items()]
    after = [
        deployer.spec(name, **{**second, "waivers": given.get(name)}) for name, (_first, second, *_rest) in LIVE.items()
    ]
    deployer.deploy(*before)
    pids = {name: deployer.inspect(name)["State"]["Pid"] for name in LIVE}
    predicted, result = deployer.run(*after, check=True), deployer.deploy(*after)
    assert predicted["actions"] == result["actions"]
    for (name, (_first, _second, files, reason)), entry in zip(LIVE.items(), result["containers"]):
        assert entry["action"] == "updated"
        assert reason in entry["reasons"]
        assert deployer.inspect(name)["State"]["Pid"] == pids[name]
        path, holds = files[cgroup]
        assert deployer.shell(name, f"cat /sys/fs/cgroup/{path}") == (0, f"{holds}\n"), name
    assert deployer.deploy(*after)["actions"] == []


def test_a_limit_that_is_taken_away_recreates(deployer: Deployer) -> None:
    """The engine's update call reads 0 as "leave it as it is"."""
    limits = {"memory_reservation": "16m", "cpu_shares": 512, "cpuset_cpus": "0", "cpuset_mems": "0"}
    specs = [deployer.spec(name.replace("_", "-"), **{name: value}) for name, value in limits.items()]
    deployer.deploy(*specs)
    result = deployer.deploy(*({**spec, name: None} for spec, name in zip(specs, limits)))
    assert [entry["action"] for entry in result["containers"]] == ["recreated"] * len(limits)
    assert deployer.deploy(*({**spec, name: None} for spec, name in zip(specs, limits)))["actions"] == []


def test_limits_that_do_not_change_on_a_living_container_hold(deployer: Deployer, cgroup: str) -> None:
    if cgroup != "1":
        held: dict[str, tuple[Json, str, str]] = {}
    else:
        held = {
            "swappiness": ({"memory_swappiness": 10}, "memory/memory.swappiness", "10\n"),
            "zero": ({"memory_swappiness": 0}, "memory/memory.swappiness", "0\n"),
            "killer": ({"oom_killer": True, "waivers": waiver("oom_kill")}, "memory/memory.oom_control", "disable 1"),
        }
    throttle = "io.max" if cgroup == "2" else "blkio/blkio.throttle.read_bps_device"
    assert BLOCK, "the machine has no block device"
    held["rate"] = ({"device_read_bps": [{"path": BLOCK, "rate": "1m"}]}, throttle, str(MIB))
    specs = [deployer.spec(name, **options) for name, (options, *_rest) in held.items()]
    deployer.deploy(*specs)
    for name, (_options, path, said) in held.items():
        assert said in deployer.shell(name, f"cat /sys/fs/cgroup/{path}")[1], name
    assert deployer.deploy(*specs)["actions"] == []
    plain = deployer.deploy(*(deployer.spec(name) for name in held))
    assert {entry["action"] for entry in plain["containers"]} == {"recreated"}


def test_a_weight_that_the_kernel_has_not_is_said_and_left_out(deployer: Deployer, cgroup: str) -> None:
    """It holds, or the run says that it does not; in both cases a second run finds nothing to do."""
    first = deployer.deploy(deployer.spec("web", blkio_weight=300))
    left_out = "has no blkio_weight" in str(first.get("warnings"))
    assert left_out is (deployer.inspect("web")["HostConfig"]["BlkioWeight"] != 300)
    changed = deployer.deploy(deployer.spec("web", blkio_weight=400))
    assert changed["changed"] is not left_out
    assert deployer.deploy(deployer.spec("web", blkio_weight=400))["actions"] == []


def test_a_processor_that_the_host_has_not_leaves_the_running_one_alone(deployer: Deployer) -> None:
    spec = deployer.spec("web", cpuset_cpus="0")
    deployer.deploy(spec)
    pid = deployer.inspect("web")["State"]["Pid"]
    refused = deployer.run({**spec, "cpuset_cpus": "4000"})
    assert refused["failed"]
    assert "Failed to update the container" in refused["msg"]
    assert "CPUs are not available" in refused["msg"]
    assert deployer.inspect("web")["State"]["Pid"] == pid


def test_a_link_to_a_sensitive_path_is_seen_through(deployer: Deployer, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "harmless").symlink_to("/etc")
    (tmp_path / "link").symlink_to(deployer.docker_host.replace("unix://", ""))
    for link, control in (("harmless", "host_paths"), ("link", "docker_socket")):
        spec = deployer.spec("web", volumes=[f"{tmp_path}/{link}:/data:ro"])
        refused = deployer.run(spec)
        assert f"container.{control}: mounts has {tmp_path}/{link}, which is /" in refused["msg"], link
        assert deployer.names() == set()
    # Of a container that runs, it is found where the link was turned after the mount.
    (tmp_path / "data").mkdir()
    (tmp_path / "turned").symlink_to(tmp_path / "data")
    spec = deployer.spec("web", volumes=[f"{tmp_path}/turned:/data:ro"])
    deployer.deploy(spec)
    (tmp_path / "turned").unlink()
    (tmp_path / "turned").symlink_to("/etc/ssh")
    assert "container.host_paths" in deployer.run(spec)["msg"]
