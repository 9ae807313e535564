# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Podman reports, brought to what Docker would have said: recorded inspects of real containers of Podman 4.3."""

from __future__ import annotations

import copy
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import payload, plan, podman, spec, state
from ansible_collections.caisson.hardening.plugins.module_utils.containers.networks import NetworkSpec
from ansible_collections.caisson.hardening.plugins.module_utils.containers.observe import anonymous_volumes, observe
from ansible_collections.caisson.hardening.plugins.module_utils.containers.programs import read
from ansible_collections.caisson.hardening.plugins.module_utils.containers.rules import Context, judge

Json = t.Dict[str, t.Any]
FIXTURES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in Path(__file__).parent.glob("podman_inspects/*.json")
}
DAEMON = state.Daemon(podman=True, cgroup_version="1")


def wanted(name: str, daemon: state.Daemon = DAEMON, **options: t.Any) -> tuple[spec.Spec, state.State]:
    recorded = FIXTURES[name]
    one = spec.parse_specs([{**recorded["options"], **options}])[0]
    image = state.Image(recorded["image"]["Id"], recorded["image"]["Config"])
    return one, podman.adapted(state.resolve(one, image, daemon, "cf-fix"), daemon)


def recorded(name: str) -> Json:
    return copy.deepcopy(FIXTURES[name])


def seen(found: Json, *, started: bool = True) -> state.State:
    return observe(podman.as_docker(found["inspect"], found["native"], found["runtime"] if started else None))


def said(before: state.State, after: state.State) -> list[str]:
    return list(map(str, plan.differences(after, before)))


def test_fixtures_are_there() -> None:
    assert set(FIXTURES) == {"plain", "rich"}


@pytest.mark.parametrize("started", [True, False])
@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_what_was_made_from_a_spec_is_no_difference_from_it(name: str, started: bool) -> None:
    assert said(seen(recorded(name), started=started), wanted(name)[1]) == []


def test_without_its_translation_the_same_container_would_differ_in_much() -> None:
    found = plan.differences(wanted("plain")[1], observe(recorded("plain")["inspect"]))
    assert {"cap_drop", "ipc_mode", "network_mode", "runtime", "system_paths", "uts"} <= {each.field for each in found}


@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_an_inspect_is_not_changed_by_being_read_and_damaged_ones_are_read_too(name: str) -> None:
    found = recorded(name)
    seen(found)
    assert found == FIXTURES[name]
    found["inspect"]["Config"]["Labels"][podman.ASKED_LABEL] = "no JSON"
    assert said(seen(found), wanted(name)[1])
    assert podman.as_docker({"Id": "x"}, {}, None)["HostConfig"]["CapDrop"] == ["ALL"]


def _put(*path: t.Any) -> t.Callable[[Json], None]:
    """Sets what the path leads to; its last part is the value."""

    def change(found: Json) -> None:
        for key in path[:-2]:
            found = found[key]
        found[path[-2]] = path[-1]

    return change


RULE = {"allow": True, "type": "c", "major": 1, "minor": 5, "access": "r"}
OWN = {"io.container.manager": "libpod", "io.podman.annotations.init": "TRUE", "org.systemd.property.KillSignal": "15"}
DRIFTS: list[tuple[t.Callable[[Json], None], str]] = [
    (
        _put("inspect", "HostConfig", "Annotations", {**OWN, "run.oci.keep_original_groups": "1"}),
        "host_config.Annotations: run.oci.keep_original_groups=1 -> none",
    ),
    (_put("native", "BoundingCaps", ["CAP_SYS_ADMIN"]), "capabilities: SYS_ADMIN -> none"),
    (_put("inspect", "HostConfig", "Privileged", True), "privileged: true -> false"),
    (_put("inspect", "HostConfig", "NetworkMode", "host"), "network_mode: host -> user"),
    (_put("inspect", "NetworkSettings", "Networks", {"podman": {}}), "network_mode: bridge -> user"),
    (_put("inspect", "HostConfig", "IpcMode", "host"), "ipc_mode: host -> private"),
    (_put("inspect", "HostConfig", "UTSMode", "host"), "uts: host -> none"),
    (_put("inspect", "HostConfig", "Tmpfs", "/x", "rw,rprivate"), "tmpfs./x: none -> absent"),
    (_put("native", "OCIRuntime", "crun"), "runtime: crun -> runc"),
    (_put("runtime", "linux", "maskedPaths", []), "system_paths: unconfined -> masked"),
    (_put("runtime", "linux", "readonlyPaths", None), "system_paths: unconfined -> masked"),
    (_put("runtime", "linux", "seccomp", None), "security_opts: "),
    (_put("runtime", "linux", "sysctl", {"net.core.somaxconn": "9"}), "sysctls.net.core.somaxconn: 9 -> absent"),
    (_put("inspect", "Config", "Env", ["PATH=/bin", "TOKEN=x"]), "env.TOKEN: present -> absent"),
    (_put("inspect", "Config", "Entrypoint", ["env"]), "entrypoint: env -> none"),
    (_put("inspect", "Config", "Labels", {}), "labels.caisson.hardening.asked: absent -> "),
]


@pytest.mark.parametrize(("change", "reason"), DRIFTS, ids=lambda each: each if isinstance(each, str) else "")
def test_what_somebody_changed_is_a_difference(change: t.Callable[[Json], None], reason: str) -> None:
    found = recorded("plain")
    change(found)
    assert [line for line in said(seen(found), wanted("plain")[1]) if line.startswith(reason)]


def test_annotations_of_its_own_are_no_difference() -> None:
    found = recorded("plain")
    found["inspect"]["HostConfig"]["Annotations"] = dict(OWN)
    assert said(seen(found), wanted("plain")[1]) == []


def test_a_device_has_the_access_that_the_runtime_gives_it() -> None:
    found = recorded("plain")
    found["inspect"]["HostConfig"]["Devices"] = [{"PathOnHost": "/dev/zero", "PathInContainer": "/dev/z"}]
    found["runtime"]["linux"]["devices"] = [{"path": "/dev/z", "major": 1, "minor": 5}]
    found["runtime"]["linux"]["resources"]["devices"] = [{"allow": False, "access": "rwm"}, RULE]
    assert seen(found)["devices"] == ("/dev/zero:/dev/z:r",)
    assert seen(found, started=False)["devices"] == ("/dev/zero:/dev/z:rwm",)


def test_an_address_that_was_asked_for_is_compared_with_the_one_in_force() -> None:
    found = recorded("rich")
    assert seen(found)["networks"]["cf-fix"].ipv4_address == "10.213.9.9"
    found["inspect"]["NetworkSettings"]["Networks"]["cf-fix"]["IPAddress"] = "10.213.9.8"
    assert [line for line in said(seen(found), wanted("rich")[1]) if line.startswith("networks.cf-fix: ")]


def test_a_sysctl_of_the_distribution_counts_only_where_it_was_asked_for() -> None:
    found = recorded("plain")
    found["runtime"]["linux"]["sysctl"] = {"net.ipv4.ping_group_range": "0 0"}
    assert said(seen(found), wanted("plain")[1]) == []
    label = {podman.ASKED_LABEL: json.dumps({"sysctls": {"net.ipv4.ping_group_range": "0 0"}})}
    found["inspect"]["Config"]["Labels"].update(label)
    assert seen(found)["sysctls"] == {"net.ipv4.ping_group_range": "0 0"}


def test_a_check_without_a_state_is_no_check() -> None:
    found = recorded("plain")
    assert found["inspect"]["State"]["Health"]["Status"] == ""
    assert "Health" not in podman.as_docker(found["inspect"], found["native"], found["runtime"])["State"]


@pytest.mark.parametrize("option", ["sysctls", "published_ports", "log_options"])
def test_what_podman_does_not_tell_is_in_force_only_by_a_new_container(option: str) -> None:
    values = {"sysctls": {"net.core.somaxconn": "7"}, "published_ports": ["127.0.0.1::9"], "log_options": {"tag": "x"}}
    found = recorded("plain")
    lines = said(seen(found), wanted("plain", **{option: values[option]})[1])
    assert [line for line in lines if line.startswith(option)]


def test_the_spec_is_adapted_and_every_control_is_kept() -> None:
    one, meant = wanted("plain")
    assert meant["tmpfs"]["/var/tmp"] == {"noexec": "", "nosuid": "", "nodev": "", "size": "16777216", "mode": "1777"}
    assert "uid" not in meant["tmpfs"]["/tmp"]
    assert (meant["log_driver"], meant["log_options"]) == ("json-file", {"max-size": "10m"})
    recorded_image = FIXTURES["plain"]["image"]
    docker = state.resolve(one, state.Image(recorded_image["Id"], recorded_image["Config"]), state.Daemon(), "cf-fix")
    context = Context(str(one.image), name=one.name)
    assert judge(meant, context) == judge(docker, context)
    body = payload.create_body(one, meant, anonymous_volumes(recorded("plain")["inspect"]))
    assert body["Env"] == ["PATH=/bin"]
    assert "CgroupnsMode" not in body["HostConfig"]
    newer = wanted("plain", state.Daemon(podman=True))[1]
    assert newer["cgroupns_mode"] == "private"
    assert "/var/tmp" not in wanted("plain", read_only=False)[1]["tmpfs"]
    assert wanted("plain", tmpfs=["/var/tmp:size=1m"])[1]["tmpfs"]["/var/tmp"]["size"] == "1048576"


def test_networks_are_made_without_what_podman_does_not_hold_and_that_is_said() -> None:
    open_, closed = NetworkSpec("a", internal=False, icc=True), NetworkSpec("b")
    made, warned = podman.networks([open_, closed])
    assert [(each.icc, each.host_access) for each in made] == [(None, False), (None, True)]
    assert warned == ["network 'b': icc: false and host_access: false cannot be held by Podman, and is left out"]


def test_a_line_of_the_process_table_in_one_word_is_read() -> None:
    found = read({"Processes": [["1     0 /run/podman-init -- sleep 1000"], ["6     1 sleep 1000"]]}, "args")
    assert [(each.pid, each.ppid, each.args) for each in found] == [
        (1, 0, "/run/podman-init -- sleep 1000"),
        (6, 1, "sleep 1000"),
    ]
