# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What somebody changed by hand, beyond the table of test_containers_deploy: found, named, mended."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, actions_of

Json = t.Dict[str, t.Any]
Change = t.Callable[[Json, Json], None]
MIB = 1024**2


def host(**values: t.Any) -> Change:
    return lambda _body, config: config.update(values)


def body(**values: t.Any) -> Change:
    return lambda given, _config: given.update(values)


def more_tmpfs(_given: Json, config: Json) -> None:
    config["Tmpfs"]["/plant"] = ""


CHECK = {"healthcheck": {"test": "true", "interval": "300ms"}}
ALIAS = {"networks": [{"name": "PREFIX", "aliases": ["db"]}]}

# The container's own options; the change; how it is named.
DRIFTS: list[tuple[Json, Change, str]] = [
    ({}, host(CapAdd=["CAP_NET_ADMIN"]), "capabilities: NET_ADMIN -> none"),
    ({}, host(Binds=["PREFIX-planted:/plant"]), "mounts./plant: volume PREFIX-planted -> absent"),
    ({}, body(Volumes={"/plant": {}}), "mounts./plant: volume anonymous -> absent"),
    ({}, host(Mounts=[{"Type": "tmpfs", "Target": "/plant"}]), "mounts./plant: tmpfs "),
    ({}, more_tmpfs, "tmpfs./plant: "),
    ({}, host(Tmpfs={"/tmp": "exec", "/run": "exec"}), "tmpfs./tmp: "),
    ({}, host(UsernsMode="host"), "userns_mode: host -> none"),
    ({}, host(IpcMode="shareable"), "ipc_mode: shareable -> private"),
    ({}, host(SecurityOpt=["no-new-privileges=true", "apparmor=unconfined"]), "security_opts: apparmor=unconfined, "),
    ({}, host(SecurityOpt=["no-new-privileges:true", "label:disable"]), "security_opts: label=disable, "),
    ({}, host(SecurityOpt=["no-new-privileges=false"]), "security_opts: no-new-privileges=false -> "),
    ({}, host(SecurityOpt=["no-new-privileges=true", 'seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']),
     "security_opts: no-new-privileges=true, seccomp=profile "),
    ({}, host(Memory=64 * MIB, MemorySwap=64 * MIB), "memory: 64m -> 32m"),
    ({}, host(MemorySwap=-1), "memory_swap: unlimited -> 32m"),
    ({}, host(MemoryReservation=8 * MIB), "memory_reservation: 8m -> none"),
    ({}, host(MemorySwappiness=90), "memory_swappiness: 90 -> none"),
    ({}, host(NanoCpus=2 * 10**9), "cpus: 2 -> 1"),
    ({}, host(CpuShares=4096), "cpu_shares: 4096 -> none"),
    ({"cpu_shares": 512}, host(CpuShares=0), "cpu_shares: none -> 512"),
    ({}, host(CpusetMems="0"), "cpuset_mems: 0 -> none"),
    ({"cpuset_cpus": "0"}, host(CpusetCpus="0-1"), "cpuset_cpus: 0-1 -> 0"),
    ({}, host(PidsLimit=None), "pids_limit: unlimited -> 32"),
    ({}, host(PidsLimit=64), "pids_limit: 64 -> 32"),
    ({}, host(Ulimits=[{"Name": "nofile", "Soft": 9999, "Hard": 9999}]), "ulimits.nofile: 9999 9999 -> 1024 4096"),
    ({}, host(ShmSize=256 * MIB), "shm_size: 256m -> 64m"),
    ({}, host(Sysctls={"net.ipv4.ip_unprivileged_port_start": "0"}), "sysctls.net.ipv4.ip_unprivileged_port_start: 0"),
    ({}, host(DnsSearch=["evil.example"]), "dns_search_domains: evil.example -> none"),
    ({}, host(LogConfig={"Type": "json-file", "Config": {}}), "log_driver: json-file -> local"),
    ({}, host(RestartPolicy={"Name": "no"}), "restart_policy: no -> on-failure"),
    ({}, host(RestartPolicy={"Name": "on-failure", "MaximumRetryCount": 50}), "restart_retries: 50 -> 5"),
    ({}, body(OpenStdin=True), "interactive: true -> false"),
    ({}, body(WorkingDir="/tmp"), "working_dir: /tmp -> /"),
    ({}, body(StopSignal="SIGKILL"), "stop_signal: SIGKILL -> SIGTERM"),
    ({}, body(ExposedPorts={"99/tcp": {}}), "exposed_ports: 99/tcp -> none"),
    ({}, body(Hostname="bank"), "hostname: bank -> none"),
    ({}, body(MacAddress="02:00:00:00:00:09"), "mac_address: 02:00:00:00:00:09 -> none"),
    (CHECK, body(Healthcheck={"Test": ["NONE"]}), "healthcheck: none -> CMD-SHELL true"),
    (CHECK, body(Healthcheck=None), "healthcheck: none -> CMD-SHELL true"),
    (ALIAS, host(), "networks.PREFIX: attached -> attached as db"),
]  # fmt: skip

# What cannot be started on every machine: created, and left so.
IDLE: list[tuple[Change, str]] = [
    (host(Privileged=True), "privileged: true -> false"),
    (host(DeviceRequests=[{"Count": -1, "Capabilities": [["gpu"]]}]), "device_requests: gpu all -> none"),
    (host(OomScoreAdj=-900), "oom_score_adj: -900 -> 0"),
    (host(BlkioDeviceWriteBps=[{"Path": "/dev/null", "Rate": 9}]), "device_write_bps: /dev/null=9 -> none"),
    (host(ExtraHosts=["bank:192.0.2.1", "bank:192.0.2.2"]), "etc_hosts.bank: 192.0.2.1, 192.0.2.2 -> absent"),
]


def placed(given: t.Any, prefix: str) -> t.Any:
    if isinstance(given, dict):
        return {key: placed(value, prefix) for key, value in given.items()}
    if isinstance(given, list):
        return [placed(value, prefix) for value in given]
    return given.replace("PREFIX", prefix) if isinstance(given, str) else given


def test_each_change_is_found_named_and_mended(deployer: Deployer) -> None:
    deployer.api.create_network(deployer.prefix)
    specs = [deployer.spec(f"d{number}", **placed(own, deployer.prefix)) for number, (own, *_rest) in enumerate(DRIFTS)]
    specs += [deployer.spec(f"i{number}") for number in range(len(IDLE))]
    deployer.deploy(*specs)

    def planted(change: Change) -> Change:
        def apply(given: Json, config: Json) -> None:
            change(given, config)
            config.update(placed(config, deployer.prefix))

        return apply

    for number, (_own, change, _reason) in enumerate(DRIFTS):
        deployer.remake(f"d{number}", planted(change))
    for number, (change, _reason) in enumerate(IDLE):
        deployer.remake(f"i{number}", change, start=False)
    result = deployer.deploy(*specs)
    wanted = [*(reason for _own, _change, reason in DRIFTS), *(reason for _change, reason in IDLE)]
    for entry, reason in zip(result["containers"], wanted):
        assert any(each.startswith(placed(reason, deployer.prefix)) for each in entry["reasons"]), (reason, entry)
    assert all(deployer.inspect(spec["name"][len(deployer.prefix) + 1 :])["State"]["Running"] for spec in specs)
    assert deployer.deploy(*specs)["actions"] == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"aliases": ["bank"]}, "bank"),
        ({"links": [["PREFIX-db", "bank"]]}, "Links PREFIX-db:bank"),
        ({"link_local_ips": ["169.254.7.7"]}, "LinkLocalIPs 169.254.7.7"),
        ({"driver_opt": {"com.example.rate": "1"}}, "DriverOpts com.example.rate=1"),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else "",
)
def test_what_was_added_to_an_endpoint_is_taken_away_on_the_living_container(
    deployer: Deployer, options: Json, said: str
) -> None:
    spec = deployer.spec("web")
    deployer.deploy(spec, deployer.spec("db"))
    pid = deployer.inspect("web")["State"]["Pid"]
    deployer.api.disconnect_container_from_network(deployer.name("web"), deployer.prefix)
    deployer.api.connect_container_to_network(deployer.name("web"), deployer.prefix, **placed(options, deployer.prefix))
    result = deployer.deploy(spec)
    said = placed(said, deployer.prefix)
    assert result["containers"][0]["reasons"] == [f"networks.{deployer.prefix}: attached as {said} -> attached"]
    assert actions_of(result) == {deployer.name("web"): "updated"}
    assert deployer.inspect("web")["State"]["Pid"] == pid
    assert deployer.deploy(spec)["actions"] == []


def test_a_network_of_another_container_is_left_again(deployer: Deployer) -> None:
    specs = [deployer.spec("web"), deployer.spec("db")]
    deployer.deploy(*specs)
    deployer.remake("web", host(NetworkMode=f"container:{deployer.name('db')}"))
    result = deployer.deploy(*specs)
    assert any(each.startswith("network_mode: container:") for each in result["containers"][0]["reasons"])
    assert deployer.deploy(*specs)["actions"] == []
