# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an engine reported, held against what was asked: recorded inspects of real containers."""

from __future__ import annotations

import copy
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import (
    payload,
    plan,
    render,
    rules,
    spec,
    state,
)
from ansible_collections.caisson.hardening.plugins.module_utils.containers.observe import anonymous_volumes, observe

Json = t.Dict[str, t.Any]
FIXTURES = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in Path(__file__).parent.glob("fixtures/*.json")
}


def wanted(name: str, **options: t.Any) -> tuple[spec.Spec, state.State]:
    recorded = FIXTURES[name]
    one = spec.parse_specs([{**recorded["options"], **options}])[0]
    image = state.Image(recorded["image"]["Id"], recorded["image"]["Config"])
    return one, state.resolve(one, image, state.Daemon(), "cf-fix")


def inspect(name: str) -> Json:
    return copy.deepcopy(FIXTURES[name]["inspect"])


def said(found: t.Iterable[plan.Difference]) -> list[str]:
    return [each.field for each in found]


def test_fixtures_are_there() -> None:
    assert {"plain", "rich", "isolated", "host"} <= set(FIXTURES)


@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_what_was_made_from_a_spec_is_no_difference_from_it(name: str) -> None:
    assert plan.differences(wanted(name)[1], observe(inspect(name))) == ()


@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_a_spec_and_an_inspect_fill_the_same_fields(name: str) -> None:
    assert set(wanted(name)[1]) == set(observe(inspect(name)))


@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_the_engine_was_given_what_it_reports(name: str) -> None:
    one, asked = wanted(name)
    found = inspect(name)
    body = payload.create_body(one, asked, anonymous_volumes(found))
    for key in (
        "Memory",
        "MemorySwap",
        "NanoCpus",
        "PidsLimit",
        "ReadonlyRootfs",
        "Init",
        "IpcMode",
        "ShmSize",
        "Tmpfs",
    ):
        assert body["HostConfig"][key] == found["HostConfig"][key], key


def spelled_differently(found: Json) -> None:
    """As other engines put the same."""
    host, config = found["HostConfig"], found["Config"]
    for key in ("Binds", "Devices", "Dns", "ExtraHosts", "GroupAdd", "VolumesFrom", "DeviceCgroupRules", "Links"):
        host[key] = [] if host.get(key) is None else host[key]
    host.pop("DeviceRequests", None)
    host["MemorySwappiness"], host["OomKillDisable"] = -1, None
    host["CapDrop"] = ["CAP_ALL"]
    host["SecurityOpt"] = ["no-new-privileges"]
    host["Tmpfs"] = {key: ",".join(reversed(value.split(","))) for key, value in host["Tmpfs"].items()}
    host["Ulimits"].reverse()
    host["MaskedPaths"].append("/proc/interrupts")
    config["OnBuild"], config["Entrypoint"] = None, config["Entrypoint"] or []
    for network in found["NetworkSettings"]["Networks"].values():
        network["DNSNames"], network["MacAddress"] = ["x"], "02:42:ac:11:00:02"


def as_docker_25(found: Json) -> None:
    """The address that the engine made stands where one that was asked for does; the aliases are those given."""
    for network in found["NetworkSettings"]["Networks"].values():
        made = [f"{int(part):02x}" for part in filter(None, network["IPAddress"].split("."))]
        found["Config"]["MacAddress"] = network["MacAddress"] = ":".join(["02", "42", *made]) if made else ""
        short = found["Id"][:12]
        network["Aliases"] = [alias for alias in network["Aliases"] or () if alias != short] or None
        network["DNSNames"] = [found["Name"].lstrip("/"), short]
    found["HostConfig"]["ConsoleSize"] = [24, 80]
    found["HostConfig"]["MaskedPaths"] += ["/proc/interrupts", "/sys/devices/virtual/powercap"]
    for key in ("KernelMemory", "KernelMemoryTCP"):
        found["HostConfig"].pop(key, None)


def as_docker_29(found: Json) -> None:
    """On a host with cgroup version 2: no swappiness and OOM switch; what is not set is left out."""
    as_docker_25(found)
    config, host = found["Config"], found["HostConfig"]
    config.pop("MacAddress", None)
    for key in ("Domainname", "Entrypoint", "OnBuild", "Volumes", "User", "WorkingDir", "Labels", "ExposedPorts"):
        if not config.get(key):
            config.pop(key, None)
    host["MemorySwappiness"] = host["OomKillDisable"] = None
    host["PidsLimit"] = host["PidsLimit"] or None
    host["Annotations"], host["DeviceRequests"], host["Sysctls"] = {}, [], host.get("Sysctls") or None
    for key in ("Links", "Dns", "DnsOptions", "DnsSearch", "BlkioWeightDevice"):
        host[key] = []
    host["CapAdd"] = [f"CAP_{name}" for name in host["CapAdd"] or ()]
    host["CgroupnsMode"] = host["CgroupnsMode"] or "private"
    for network in found["NetworkSettings"]["Networks"].values():
        network.update(
            GwPriority=0, MacAddress="66:1b:5e:9c:0d:12", DriverOpts=None, IPAMConfig=network["IPAMConfig"] or None
        )
    for mount in host.get("Mounts") or ():
        if mount["Type"] == "bind":
            mount["BindOptions"] = {"Propagation": "rprivate", "ReadOnlyNonRecursive": False}
    found["ImageManifestDescriptor"] = {"digest": "sha256:" + "1" * 64}
    if config.get("Healthcheck"):
        config["Healthcheck"]["StartInterval"] = 5 * 10**9


def processors_twice(found: Json) -> None:
    """As an engine tells them that holds a quota of a period, with names of limits as the kernel has them."""
    host = found["HostConfig"]
    host["CpuPeriod"], host["CpuQuota"] = 100000, host["NanoCpus"] // 10**4
    for limit in host["Ulimits"]:
        limit["Name"] = f"RLIMIT_{limit['Name'].upper()}"


@pytest.mark.parametrize("spelling", [spelled_differently, as_docker_25, as_docker_29, processors_twice])
@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_other_spellings_of_the_same_are_no_difference(name: str, spelling: t.Callable[[Json], None]) -> None:
    found = inspect(name)
    spelling(found)
    assert plan.differences(wanted(name)[1], observe(found)) == ()


DRIFTS: list[tuple[str, str, t.Any, str]] = [
    ("HostConfig", "CapAdd", ["CAP_SYS_ADMIN"], "capabilities"),
    ("HostConfig", "CapAdd", ["CAP_OF_TOMORROW"], "capabilities"),
    ("HostConfig", "Privileged", True, "privileged"),
    ("HostConfig", "SecurityOpt", ["something:new"], "security_opts"),
    ("HostConfig", "UsernsMode", "host", "userns_mode"),
    ("HostConfig", "PidMode", "container:x", "pid_mode"),
    ("HostConfig", "Annotations", {"a": "b"}, "host_config.Annotations"),
    ("HostConfig", "KernelMemory", 5, "host_config.KernelMemory"),
    ("HostConfig", "NewPower", True, "host_config.NewPower"),
    ("HostConfig", "Runtime", "other", "runtime"),
    ("HostConfig", "Tmpfs", {"/tmp": "strange"}, "tmpfs./run"),
    ("HostConfig", "MaskedPaths", None, "system_paths"),
    ("HostConfig", "VolumesFrom", ["other"], "volumes_from"),
    ("HostConfig", "DeviceRequests", [{"Driver": "gpu"}], "device_requests"),
    ("Config", "StopSignal", "NONSENSE", "stop_signal"),
    ("Config", "WorkingDir", "relative", "working_dir"),
    ("Config", "Hostname", "other", "hostname"),
    ("Config", "MacAddress", "02:00:00:00:00:01", "mac_address"),
    ("Config", "OpenStdin", True, "interactive"),
    ("Config", "ExposedPorts", {"1/tcp": {}}, "exposed_ports"),
    ("Config", "Healthcheck", {"Test": ["CMD", "true"], "StartInterval": 1}, "healthcheck"),
    ("HostConfig", "CpuQuota", 5, "cpu_quota"),
    ("HostConfig", "CpuPeriod", 5000, "host_config.CpuPeriod"),
    ("HostConfig", "CpuRealtimeRuntime", 5, "host_config.CpuRealtimeRuntime"),
    ("HostConfig", "BlkioWeight", 500, "blkio_weight"),
    ("HostConfig", "BlkioWeightDevice", [{"Path": "/dev/a", "Weight": 9}], "blkio_weight_device"),
    ("HostConfig", "BlkioDeviceWriteIOps", [{"Path": "/dev/a", "Rate": 9}], "device_write_iops"),
    ("HostConfig", "Links", ["/db:/web/db"], "links"),
    ("HostConfig", "StorageOpt", {"size": "1T"}, "storage_opts.size"),
    ("HostConfig", "DnsOptions", ["ndots:9"], "dns_opts"),
    ("HostConfig", "CpusetCpus", "nonsense", "cpuset_cpus"),
    ("HostConfig", "DeviceCgroupRules", ["of tomorrow"], "device_cgroup_rules"),
    ("HostConfig", "Devices", [{"PathOnHost": "nowhere", "PathInContainer": "", "CgroupPermissions": ""}], "devices"),
    (
        "HostConfig",
        "Mounts",
        [{"Type": "bind", "Target": "/a", "ReadOnly": True, "BindOptions": {"ReadOnlyNonRecursive": True}}],
        "host_config.Mounts",
    ),
    (
        "HostConfig",
        "Mounts",
        [{"Type": "volume", "Target": "/a", "VolumeOptions": {"Subpath": "../other"}}],
        "host_config.Mounts",
    ),
]


@pytest.mark.parametrize(("part", "key", "value", "field"), DRIFTS)
def test_what_was_changed_is_named_by_its_field(part: str, key: str, value: t.Any, field: str) -> None:
    found = inspect("plain")
    found[part][key] = value
    assert field in said(plan.differences(wanted("plain")[1], observe(found)))


def test_a_difference_in_the_environment_never_shows_its_value() -> None:
    found = inspect("rich")
    found["Config"]["Env"] = ["MODE=hunter2", "NEW=hunter2", "PATH=/bin"]
    differences = plan.differences(wanted("rich")[1], observe(found))
    assert said(differences) == ["env.EMPTY", "env.MODE", "env.NEW"]
    assert "hunter2" not in str([str(each) for each in differences])
    assert "prod" not in str([str(each) for each in differences])


def test_a_log_drivers_token_is_not_shown() -> None:
    recorded = FIXTURES["plain"]
    given = {"log_driver": "splunk", "log_options": {"splunk-token": "hunter2", "tag": "web"}}
    found = inspect("plain")
    found["HostConfig"]["LogConfig"] = {"Type": "splunk", "Config": {"splunk-token": "hunter1", "splunk-url": "x"}}
    shown = [str(each) for each in plan.differences(wanted("plain", **given)[1], observe(found))]
    assert "log_options.splunk-token: another value -> the value given" in shown
    assert "log_options.tag: absent -> web" in shown
    assert "hunter" not in str(shown)
    masked = render.masked({**recorded["options"], **given})
    assert masked["log_options"] == {"splunk-token": render.MASK, "tag": "web"}


def test_what_is_shown_of_the_arguments_is_what_was_given() -> None:
    shown = render.masked({"project": "shop", "networks": None, "containers": [{"name": "web", "memory": None}, 7]})
    assert shown == {"project": "shop", "networks": None, "containers": [{"name": "web"}, render.MASK]}


def test_what_an_image_has_put_into_a_label_reaches_no_terminal() -> None:
    found = inspect("plain")
    found["Config"]["Labels"]["a\x1b[2J"] = "\x1b[31mred\nand more\u202e\x9b"
    told = [str(each) for each in plan.differences(wanted("plain")[1], observe(found))]
    assert told == [r"labels.a\x1b[2J: \x1b[31mred\nand more\u202e\x9b -> absent"]


def test_a_limit_that_the_host_cannot_hold_is_neither_asked_for_nor_compared() -> None:
    recorded = FIXTURES["plain"]
    one = spec.parse_specs([recorded["options"]])[0]
    image = state.Image(recorded["image"]["Id"], recorded["image"]["Config"])
    asked = state.resolve(one, image, state.Daemon(limits=frozenset({"memory", "cpus", "pids_limit"})), "cf-fix")
    found = inspect("plain")
    found["HostConfig"]["MemorySwap"] = -1
    assert plan.differences(asked, observe(found)) == ()
    assert "MemorySwap" not in payload.update_body(asked)


def test_options_that_the_daemon_adds_to_its_own_driver_are_no_difference() -> None:
    recorded = FIXTURES["plain"]
    one = spec.parse_specs([recorded["options"]])[0]
    image = state.Image(recorded["image"]["Id"], recorded["image"]["Config"])
    found = inspect("plain")
    found["HostConfig"]["LogConfig"]["Config"]["compress"] = "true"
    for driver, fields in (("local", []), ("syslog", ["log_options.compress"])):
        asked = state.resolve(one, image, state.Daemon(log_driver=driver), "cf-fix")
        assert said(plan.differences(asked, observe(found))) == fields


def test_an_observed_container_is_judged_by_the_same_spellings_and_never_stops_a_run() -> None:
    found = inspect("plain")
    bound = ["::ffff:0.0.0.0", "of tomorrow", None]
    ports = ["8080-8090", "443-445", "", "of tomorrow", None]
    found["HostConfig"]["PortBindings"] = {"80": [{"HostIp": ip, "HostPort": port} for ip in bound for port in ports]}
    found["HostConfig"]["SecurityOpt"] = ["apparmor=unconfined ", "label:type:spc_t", "label", "="]
    judged = rules.judge(observe(found), rules.Context("web:1"))
    assert judged["container.apparmor"] == "security_opts has apparmor=unconfined"
    assert judged["container.selinux"] == "security_opts has label=type:spc_t"
    assert "0.0.0.0:8080-8090" in str(judged["container.port_address"])
    assert judged["container.privileged_port"] == "published_ports has the host's 443-445"
