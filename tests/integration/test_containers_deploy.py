# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deploying, changing, and finding what somebody changed by hand."""

from __future__ import annotations

import typing as t

import docker
from ansible_collections.caisson.hardening.tests.support.containers import SLEEP, Deployer, actions_of, waiver

Json = t.Dict[str, t.Any]


RICH: Json = {
    "command": [*SLEEP],
    "env": {"MODE": "prod", "EMPTY": "", "UNICODE": "ünï", "LINES": "a\nb"},
    "labels": {"team": "", "note": "x=y"},
    "hostname": "rich",
    "working_dir": "/tmp/",
    "healthcheck": {"test": "true", "interval": "500ms", "start_period": "0s", "retries": 2},
    "tmpfs": ["/var/cache:mode=0700,uid=10001,size=2m,nosuid"],
    "capabilities": ["cap_chown"],
    "memory_swap": "48m",
    "cpus": 0.123456,
    "ulimits": ["nofile:64:128", "core:0"],
    "shm_size": "1m",
    "published_ports": ["127.0.0.1::80", "[::1]::81/udp"],
    "log_driver": "json-file",
    "log_options": {"max-size": "1m"},
    "restart_policy": "unless-stopped",
    "stop_signal": "37",
    "sysctls": {"net.core.somaxconn": "100"},
    "waivers": waiver("capabilities", "memory_swap", "restart_policy"),
}


def test_a_second_run_changes_nothing_and_check_mode_predicts_the_first(deployer: Deployer) -> None:
    specs = [
        deployer.spec("plain"),
        deployer.spec("rich", **RICH, volumes=[f"{deployer.prefix}-data:/data", "/scratch", "/usr/share:/host:ro"]),
        deployer.spec("alone", networks=[]),
        deployer.spec("idle", state="stopped"),
        deployer.spec("made", state="present", networks=[{"name": "none"}]),
        deployer.spec("outside", networks=[{"name": "host"}], waivers=waiver("network_mode")),
        deployer.spec("named", networks=[{"name": "bridge"}], waivers=waiver("default_bridge")),
    ]
    unseen = {"inspect_processes": "never"}  # what runs inside nobody can predict
    predicted = deployer.run(*specs, check=True, **unseen)
    assert deployer.names() == set()
    assert not deployer.api.networks(names=[deployer.prefix])

    first = deployer.deploy(*specs, **unseen)
    assert first["changed"]
    for key in ("changed", "actions", "diff", "findings", "score", "warnings"):
        assert predicted.get(key) == first.get(key), key
    assert deployer.names() == {"plain", "rich", "alone", "idle", "made", "outside", "named"}
    assert not deployer.inspect("idle")["State"]["Running"]
    assert not deployer.inspect("made")["State"]["Running"]

    second = deployer.deploy(*specs)
    assert second["actions"] == []
    assert not second["changed"]
    assert second["diff"] == {"before": "", "after": ""}
    assert second["score"]["before"] == second["score"]["after"]
    assert [control["evidence"] for control in second["findings"] if control["outcome"] == "fail"] == []

    gone = [{"name": spec["name"], "state": "absent"} for spec in specs]
    assert deployer.run(*gone, check=True)["actions"] == deployer.deploy(*gone)["actions"]
    assert deployer.names() == set()
    assert not deployer.deploy(*gone)["changed"]
    assert deployer.api.inspect_volume(f"{deployer.prefix}-data")


CHANGES: list[tuple[Json, str, str]] = [
    ({"memory": "40m"}, "memory: 32m -> 40m", "updated"),
    ({"memory_swap": "64m", "waivers": waiver("memory_swap")}, "labels.caisson.hardening.waivers: absent", "recreated"),
    ({"cpus": 0.5}, "cpus: 1 -> 0.5", "updated"),
    ({"pids_limit": 40}, "pids_limit: 32 -> 40", "updated"),
    ({"restart_retries": 3}, "restart_retries: 5 -> 3", "updated"),
    ({"restart_policy": "no"}, "restart_policy: on-failure -> no", "updated"),
    ({"networks": [{"name": "PREFIX", "aliases": ["db"]}]}, "networks.PREFIX: attached -> attached as db", "updated"),
    ({"networks": [{"name": "PREFIX-b"}]}, "networks.PREFIX-b: absent -> attached", "updated"),
    ({"networks": []}, "network_mode: user -> none", "recreated"),
    ({"command": ["sleep", "999"]}, "command: sleep 1000 -> sleep 999", "recreated"),
    ({"entrypoint": ["env"]}, "entrypoint: none -> env", "recreated"),
    ({"env": {"A": "hunter2"}}, "env.A: absent -> present", "recreated"),
    ({"user": "10002"}, "user: 10001 -> 10002", "recreated"),
    ({"working_dir": "/tmp"}, "working_dir: / -> /tmp", "recreated"),
    ({"labels": {"team": "a"}}, "labels.team: absent -> a", "recreated"),
    ({"hostname": "web"}, "hostname: none -> web", "recreated"),
    ({"healthcheck": {"test": "true", "interval": "1s"}}, "healthcheck: none -> CMD-SHELL true", "recreated"),
    ({"tmpfs": ["/tmp:size=1m"]}, "tmpfs./tmp: ", "recreated"),
    ({"volumes": ["/usr/share:/share:ro"]}, "mounts./share: absent -> bind /usr/share read-only", "recreated"),
    ({"ulimits": ["nofile:64"]}, "ulimits.nofile: 1024 4096 -> 64 64", "recreated"),
    ({"shm_size": "1m"}, "shm_size: 64m -> 1m", "recreated"),
    ({"published_ports": ["127.0.0.1::80"]}, "published_ports: none -> 127.0.0.1:?:80/tcp", "recreated"),
    ({"log_driver": "json-file"}, "log_driver: local -> json-file", "recreated"),
    ({"log_options": {"max-size": "1m"}}, "log_options.max-size: 10m -> 1m", "recreated"),
    ({"stop_timeout": 2}, "stop_timeout: 1 -> 2", "recreated"),
    ({"stop_signal": "INT"}, "stop_signal: SIGTERM -> SIGINT", "recreated"),
    ({"sysctls": {"net.core.somaxconn": "10"}}, "sysctls.net.core.somaxconn: absent -> 10", "recreated"),
    ({"security_opts": ["apparmor=docker-default"]}, "security_opts: ", "recreated"),
]


def test_each_changed_option_is_named_and_takes_the_least_action(deployer: Deployer) -> None:
    """All at once: one container for each changed option."""
    deployer.api.create_network(f"{deployer.prefix}-b")

    def placed(value: t.Any) -> t.Any:
        if isinstance(value, str):
            return value.replace("PREFIX", deployer.prefix)
        if isinstance(value, list):
            return [placed(item) for item in value]
        return {key: placed(item) for key, item in value.items()} if isinstance(value, dict) else value

    specs = [deployer.spec(f"c{number}") for number in range(len(CHANGES))]
    deployer.deploy(*specs)
    before = [deployer.inspect(f"c{number}")["State"]["Pid"] for number in range(len(CHANGES))]
    changed = [{**spec, **placed(change)} for spec, (change, _reason, _action) in zip(specs, CHANGES)]

    predicted = deployer.run(*changed, check=True)
    result = deployer.deploy(*changed)
    assert predicted["actions"] == result["actions"]
    for number, (entry, (_change, reason, action)) in enumerate(zip(result["containers"], CHANGES)):
        assert any(each.startswith(placed(reason)) for each in entry["reasons"]), (reason, entry["reasons"])
        assert entry["action"] == action, entry
        same = deployer.inspect(f"c{number}")["State"]["Pid"] == before[number]
        assert same is (action == "updated"), entry
    again = deployer.deploy(*changed)
    assert again["actions"] == []
    assert "hunter2" not in str(result) + str(predicted) + str(again)


def _host(**values: t.Any) -> t.Callable[[Json, Json], None]:
    return lambda _body, host: host.update(values)


def _body(**values: t.Any) -> t.Callable[[Json, Json], None]:
    return lambda body, _host: body.update(values)


DRIFTS: list[tuple[t.Callable[[Json, Json], None], str]] = [
    (_host(CapAdd=["SYS_ADMIN"]), "capabilities: SYS_ADMIN -> none"),
    (_host(CapDrop=[]), "cap_drop: none -> ALL"),
    (_host(Binds=["/var/run/docker.sock:/var/run/docker.sock"]), "mounts./var/run/docker.sock: bind "),
    (_host(Binds=["/usr/share:/s"]), "mounts./s: bind /usr/share -> absent"),
    (_host(Tmpfs={}), "tmpfs./run: "),
    (_body(Env=["PATH=/bin", "TOKEN=hunter2"]), "env.TOKEN: present -> absent"),
    (_body(Env=["PATH=/evil"]), "env.PATH: another value -> the value given"),
    (_host(SecurityOpt=["seccomp=unconfined"]), "security_opts: seccomp=unconfined -> no-new-privileges=true"),
    (_host(SecurityOpt=[]), "security_opts: none -> no-new-privileges=true"),
    (_host(MaskedPaths=[], ReadonlyPaths=[]), "system_paths: unconfined -> masked"),
    (_host(Devices=[{"PathOnHost": "/dev/zero", "PathInContainer": "/dev/z", "CgroupPermissions": "r"}]), "devices: "),
    (_host(DeviceCgroupRules=["c 1:3 r"]), "device_cgroup_rules: c 1:3 r -> none"),
    (_host(NetworkMode="host"), "network_mode: host -> user"),
    (_host(NetworkMode="bridge"), "network_mode: bridge -> user"),
    (_host(NetworkMode="none"), "network_mode: none -> user"),
    (_host(PidMode="host"), "pid_mode: host -> none"),
    (_host(IpcMode="host"), "ipc_mode: host -> private"),
    (_host(UTSMode="host"), "uts: host -> none"),
    (_host(CgroupnsMode="host"), "cgroupns_mode: host -> private"),
    (
        _host(PortBindings={"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}),
        "published_ports: 127.0.0.1:?:80/tcp -> none",
    ),
    (_host(PublishAllPorts=True), "publish_all_ports: true -> false"),
    (_host(Memory=0, MemorySwap=0), "memory: unlimited -> 32m"),
    (_host(NanoCpus=0), "cpus: unlimited -> 1"),
    (_host(NanoCpus=0, CpuQuota=50000, CpuPeriod=100000), "cpu_quota: 50000 -> 0"),
    (_host(PidsLimit=0), "pids_limit: unlimited -> 32"),
    (_host(Ulimits=[]), "ulimits.nofile: absent -> 1024 4096"),
    (_host(OomScoreAdj=500), "oom_score_adj: 500 -> 0"),
    (_host(OomKillDisable=True), "oom_killer: true -> false"),
    (_host(CpusetCpus="0"), "cpuset_cpus: 0 -> none"),
    (_host(ReadonlyRootfs=False), "read_only: false -> true"),
    (_host(Init=False), "init: false -> true"),
    (_host(GroupAdd=["0"]), "groups: 0 -> none"),
    (_host(Dns=["192.0.2.1"]), "dns_servers: 192.0.2.1 -> none"),
    (_host(ExtraHosts=["bank:192.0.2.1"]), "etc_hosts.bank: 192.0.2.1 -> absent"),
    (_host(CgroupParent="/caisson-test/drift"), "cgroup_parent: "),
    (_host(LogConfig={"Type": "none", "Config": {}}), "log_driver: none -> local"),
    (_host(RestartPolicy={"Name": "always", "MaximumRetryCount": 0}), "restart_policy: always -> on-failure"),
    (_host(AutoRemove=True, RestartPolicy={}), "auto_remove: true -> false"),
    (_body(User="0"), "user: 0 -> 10001"),
    (_body(Entrypoint=["env"]), "entrypoint: env -> none"),
    (_body(Cmd=["sleep", "77"]), "command: sleep 77 -> sleep 1000"),
    (_body(Tty=True), "tty: true -> false"),
    (_body(Healthcheck={"Test": ["CMD", "true"]}), "healthcheck: CMD true"),
    (_body(Labels={}), "labels.caisson.hardening.project: absent -> "),
]


def test_what_somebody_changed_by_hand_is_found_named_and_mended(deployer: Deployer) -> None:
    specs = [deployer.spec(f"d{number}") for number in range(len(DRIFTS))]
    deployer.deploy(*specs)
    for number, (change, _reason) in enumerate(DRIFTS):
        deployer.remake(f"d{number}", change)
    result = deployer.deploy(*specs)
    for entry, (_change, reason) in zip(result["containers"], DRIFTS):
        assert any(each.startswith(reason) for each in entry["reasons"]), (reason, entry["reasons"])
    assert "hunter2" not in str(result)
    assert deployer.deploy(*specs)["actions"] == []


def test_extra_networks_and_a_planted_image_are_found_and_mended(deployer: Deployer, busybox: str) -> None:
    tag = f"{deployer.prefix}-app"
    deployer.api.tag(busybox, tag, "1")
    specs = [
        deployer.spec("net"),
        deployer.spec("bridge"),
        deployer.spec("cut"),
        deployer.spec("image", image=f"{tag}:1"),
    ]
    deployer.deploy(*specs)
    extra = f"{deployer.prefix}-extra"
    deployer.api.create_network(extra)
    deployer.api.connect_container_to_network(deployer.name("net"), extra)
    deployer.api.connect_container_to_network(deployer.name("bridge"), "bridge")
    deployer.api.disconnect_container_from_network(deployer.name("cut"), deployer.prefix)
    other = deployer.api.commit(deployer.name("net"), tag, "1", changes=["LABEL changed=yes"])["Id"]
    try:
        result = deployer.deploy(*specs)
        said = [entry["reasons"][0] for entry in result["containers"]]
        assert said[:3] == [
            f"networks.{extra}: attached -> absent",
            "networks.bridge: attached -> absent",
            f"networks.{deployer.prefix}: absent -> attached",
        ]
        assert any(each.startswith("image: sha256:") for each in result["containers"][3]["reasons"])
        assert list(actions_of(result).values()) == ["updated", "updated", "updated", "recreated"]
        assert deployer.inspect("image")["Image"] == other
        assert deployer.deploy(*specs)["actions"] == []
    finally:
        deployer.api.remove_container(deployer.name("image"), force=True)
        deployer.api.remove_image(f"{tag}:1")


def test_states_lead_to_each_other(deployer: Deployer) -> None:
    def go(**options: t.Any) -> str:
        return str(deployer.deploy(deployer.spec("web", **options))["containers"][0]["action"])

    assert go(state="present") == "created"
    assert go(state="started") == "started"
    assert go(state="present") == "unchanged"
    deployer.api.pause(deployer.name("web"))
    assert go(state="started") == "started"
    assert go(state="stopped") == "stopped"
    assert go(state="stopped") == "unchanged"
    assert go(state="stopped", user="10002") == "recreated"
    assert not deployer.inspect("web")["State"]["Running"]
    assert go(state="started", user="10002") == "started"
    deployer.api.pause(deployer.name("web"))
    assert go(state="started") == "recreated"
    assert deployer.inspect("web")["State"]["Running"]
    assert go(state="present", user="10003") == "recreated"
    assert deployer.inspect("web")["State"]["Running"]
    deployer.api.pause(deployer.name("web"))
    assert go(state="absent") == "removed"
    assert deployer.names() == set()


def test_the_data_of_an_anonymous_volume_survives_a_replacement(deployer: Deployer) -> None:
    spec = deployer.spec("db", volumes=["/data"], user="0", waivers=waiver("user"))
    deployer.deploy(spec)
    assert deployer.shell("db", "echo kept > /data/file")[0] == 0
    deployer.deploy({**spec, "hostname": "db"})
    assert deployer.shell("db", "cat /data/file") == (0, "kept\n")
    deployer.api.remove_container(deployer.name("db"), force=True, v=True)


def test_what_an_image_brings_counts(deployer: Deployer, busybox: str, api: docker.APIClient) -> None:
    made = api.create_container(busybox, command=SLEEP, name=deployer.name("seed"))
    changes = [
        "ENV A=1",
        'VOLUME ["/data", "/cache"]',
        "USER 10001",
        "EXPOSE 80/tcp",
        "LABEL from=image",
        "HEALTHCHECK --interval=300ms --start-period=2s CMD true",
        "WORKDIR /tmp/",
        'CMD ["sleep", "1000"]',
    ]
    tag = f"{deployer.prefix}-rich"
    api.commit(made, tag, "1", changes=changes)
    api.remove_container(made)
    bare: Json = {"name": deployer.name("web"), "image": f"{tag}:1", "stop_timeout": 1}
    try:
        specs = [bare, {**bare, "name": deployer.name("own"), "tmpfs": ["/cache"], "env": {"A": "2"},
                        "healthcheck": {"interval": "400ms", "start_period": 0}},
                 {**bare, "name": deployer.name("sick"), "healthcheck": {"test": "NONE"}}]  # fmt: skip
        deployer.deploy(*specs)
        assert deployer.deploy(*specs)["actions"] == []
        assert deployer.inspect("own")["Config"]["Env"].count("A=2") == 1
        assert "Health" not in deployer.inspect("sick")["State"]
        deployer.deploy(*({"name": spec["name"], "state": "absent"} for spec in specs))
    finally:
        api.remove_image(f"{tag}:1", force=True)


def test_waivers_are_on_the_container_and_in_the_result(deployer: Deployer) -> None:
    given = waiver("read_only", "init")
    result = deployer.deploy(deployer.spec("web", read_only=False, waivers=given))
    assert result["containers"][0]["waivers"] == given
    outcome = {finding["control"]: finding for finding in result["findings"]}
    assert outcome["container.read_only"]["outcome"] == "waived"
    assert "the test needs it" in outcome["container.read_only"]["evidence"]
    assert "container.init" not in outcome
    assert (result["passed"]["container.init"], result["passed"]["container.read_only"]) == (1, 0)
    assert "container.init is not needed" in str(result["warnings"])
    assert "container.read_only" in deployer.inspect("web")["Config"]["Labels"]["caisson.hardening.waivers"]


def test_the_policy_can_report_instead_of_refusing(deployer: Deployer) -> None:
    spec = deployer.spec("web", read_only=False)
    refused = deployer.run(spec)
    assert "container.read_only" in refused["msg"]
    assert deployer.names() == set()
    result = deployer.deploy(spec, policy="report")
    assert "container.read_only" in str(result["warnings"])
    assert deployer.inspect("web")["State"]["Running"]
