# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Podman behind its Docker-compatible socket: what is deployed holds there, and what cannot hold is told.

docs/engines.md says what of this holds on which engine.
"""

from __future__ import annotations

import contextlib
import re
import typing as t
import uuid
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers.engine import Engine
from ansible_collections.caisson.hardening.tests.support import images
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, actions_of, until, waiver
from ansible_collections.caisson.hardening.tests.support.podman_engine import HostedPodman, PodmanEngine
from ansible_collections.caisson.hardening.tests.support.relay import relay
from ansible_collections.caisson.hardening.tests.support.run_module import run_module

Json = t.Dict[str, t.Any]
RICH: Json = {
    "env": {"MODE": "prod", "EMPTY": "", "LINES": "a\nb", "HOME": "/tmp", "TERM": "dumb"},
    "labels": {"team": "", "note": "x=y"},
    "hostname": "rich",
    "working_dir": "/tmp/",
    "tmpfs": ["/var/cache:mode=0700,size=2m,nosuid"],
    "capabilities": ["cap_chown"],
    "memory_swap": "48m",
    "cpus": 0.123456,
    "ulimits": ["nofile:64:128", "core:0"],
    "shm_size": "1m",
    "published_ports": ["127.0.0.1::80", "[::1]::81/udp"],
    "log_options": {"max-size": "1m"},
    "restart_policy": "unless-stopped",
    "stop_signal": "37",
    "sysctls": {"net.core.somaxconn": "100"},
    "etc_hosts": {"a.example": "192.0.2.1"},
    "dns_servers": ["192.0.2.53"],
    "groups": ["5"],
    "waivers": waiver("capabilities", "memory_swap", "restart_policy"),
}


class PodmanDeployer(Deployer):
    """Deploys to Podman, and sees its containers as the modules do."""

    def inspect(self, short: str) -> Json:
        engine = Engine(self.docker_host)
        try:
            found = engine.inspect(self.name(short))
        finally:
            engine.close()
        assert found is not None
        return found

    def shell(self, short: str, line: str) -> tuple[int, str]:
        """The command stays a moment: of one that ends at once, Podman may lose what it wrote."""
        return super().shell(short, f"({line}); status=$?; sleep 0.3; exit $status")


@pytest.fixture(scope="module", params=["the machine's", "Debian 13's"])
def podman(request: pytest.FixtureRequest, api: docker.APIClient) -> t.Iterator[str]:
    """The address of each Podman."""
    with PodmanEngine() if request.param == "the machine's" else HostedPodman(api) as engine:
        yield engine.host


@pytest.fixture
def there(podman: str) -> t.Iterator[PodmanDeployer]:
    client = docker.APIClient(base_url=podman, timeout=120)
    yield PodmanDeployer(client, podman, f"caisson-{uuid.uuid4().hex[:8]}", images.ensure_busybox(client))
    client.close()


def test_a_second_run_changes_nothing_and_check_mode_predicts_the_first(there: PodmanDeployer) -> None:
    fixed = {"name": there.prefix, "ipv4_address": "10.213.7.9", "aliases": ["x"]}
    network = {"name": there.prefix, "internal": False, "icc": True, "ipam_config": [{"subnet": "10.213.7.0/24"}]}
    specs = [
        there.spec("plain"),
        there.spec("rich", **RICH, volumes=[f"{there.prefix}-data:/data", "/scratch", "/usr/share:/host:ro"]),
        there.spec("alone", networks=[]),
        there.spec("idle", state="stopped"),
        there.spec("made", state="present", networks=[{"name": "none"}], sysctls={"fs.mqueue.msg_max": 20}),
        there.spec("outside", networks=[{"name": "host"}], waivers=waiver("network_mode")),
        there.spec("named", networks=[{"name": "bridge"}], waivers=waiver("default_bridge")),
        there.spec("fixed", networks=[fixed]),
        there.spec("inner", internal=True),
    ]
    unseen: Json = {"inspect_processes": "never", "networks": [network]}
    predicted = there.run(*specs, check=True, **unseen)
    assert there.names() == set()
    first = there.deploy(*specs, **unseen)
    for key in ("changed", "actions", "diff", "findings", "score", "warnings"):
        assert predicted.get(key) == first.get(key), key
    assert "host_access: false cannot be held by Podman" in str(first["warnings"])
    assert first["score"]["after"] == first["score"]["total"]

    with relay(there.docker_host) as away:
        for address in (there.docker_host, away):
            again = there.deploy(*specs, docker_host=address, networks=[network])
            assert (again["actions"], again["changed"]) == ([], False), address
    gone = [{"name": spec["name"], "state": "absent"} for spec in specs]
    assert there.run(*gone, check=True)["actions"] == there.deploy(*gone)["actions"]
    there.deploy(networks=[{"name": there.prefix, "state": "absent"}])
    assert there.names() == set()
    assert there.prefix not in [each["Name"] for each in there.api.networks()]
    assert there.api.inspect_volume(f"{there.prefix}-data")


def test_file_system_privileges_and_limits_are_held(there: PodmanDeployer) -> None:
    hog = there.spec("hog", command=["sh", "-c", "sleep 1; exec tail /dev/zero"], restart_policy="no")
    there.deploy(there.spec("web", tmpfs=["/scratch:size=1m"]), hog)
    status, said = there.shell("web", "echo x > /planted")
    assert (status != 0, "Read-only file system" in said) == (True, True)
    for folder in ("/tmp", "/run", "/var/tmp"):
        status, said = there.shell("web", f"cp /bin/busybox {folder}/echo && {folder}/echo hello")
        assert (status, "Permission denied" in said) == (126, True), folder
    status, said = there.shell("web", "dd if=/dev/zero of=/scratch/big bs=1M count=3")
    assert (status != 0, "No space left on device" in said) == (True, True)
    _status, said = there.execute("web", "cat", "/proc/self/status", user="0")
    assert set(re.findall(r"^Cap(?:Eff|Prm|Bnd|Inh|Amb):\s*(\w+)$", said, re.MULTILINE)) == {"0" * 16}
    assert re.search(r"^NoNewPrivs:\s*1$", said, re.MULTILINE)
    assert re.search(r"^Seccomp:\s*2$", said, re.MULTILINE)
    assert there.shell("web", "wc -c < /proc/keys") == (0, "0\n")
    state = until(lambda: next((each for each in [there.inspect("hog")["State"]] if not each["Running"]), None))
    assert state["ExitCode"] == 137
    there.shell("web", "n=0; while [ $n -lt 100 ]; do sleep 20 & n=$((n + 1)); done 2> /tmp/bomb; true")
    assert 20 <= processes_of(there.inspect("web")["Id"]) <= 32


def processes_of(container: str) -> int:
    """How many there are, by their cgroup, whichever namespace of processes they are in."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/cgroup"):
        with contextlib.suppress(OSError):
            found += f"/libpod-{container}" in path.read_text(encoding="ascii")
    return found


def _host(**values: t.Any) -> t.Callable[[Json, Json], None]:
    return lambda _body, host: host.update(values)


DRIFTS: list[tuple[t.Callable[[Json, Json], None], str]] = [
    (_host(CapAdd=["SYS_ADMIN"]), "capabilities: SYS_ADMIN -> none"),
    (_host(CapDrop=[]), "capabilities: "),
    (_host(Binds=["/usr/share:/s"]), "mounts./s: bind /usr/share -> absent"),
    (_host(Tmpfs={"/tmp": ""}), "tmpfs./run: "),
    (_host(SecurityOpt=["seccomp=unconfined"]), "security_opts: seccomp=unconfined -> no-new-privileges=true"),
    (_host(SecurityOpt=["no-new-privileges", "unmask=ALL"]), "system_paths: unconfined -> masked"),
    (_host(Devices=[{"PathOnHost": "/dev/zero", "PathInContainer": "/dev/z", "CgroupPermissions": "r"}]),
     "devices: /dev/zero:/dev/z:r -> none"),
    (_host(NetworkMode="host"), "network_mode: host -> user"),
    (_host(NetworkMode="bridge"), "network_mode: bridge -> user"),
    (_host(Privileged=True), "privileged: true -> false"),
    (_host(PidMode="host", Init=False), "pid_mode: host -> none"),
    (_host(Memory=0, MemorySwap=0), "memory: unlimited -> 32m"),
    (_host(PidsLimit=0), "pids_limit: "),
    (_host(ReadonlyRootfs=False), "read_only: false -> true"),
    (_host(Sysctls={"net.core.somaxconn": "9"}), "sysctls.net.core.somaxconn: 9 -> absent"),
    (lambda body, _host: body.update(User="0"), "user: 0 -> 10001"),
    (lambda body, _host: body.update(Env=["PATH=/bin", "TOKEN=hunter2"]), "env.TOKEN: present -> absent"),
]  # fmt: skip


def test_what_somebody_changed_by_hand_is_found_named_and_mended(there: PodmanDeployer) -> None:
    specs = [there.spec(f"d{number}") for number in range(len(DRIFTS))]
    there.deploy(*specs, settle_time=0)
    for number, (change, _reason) in enumerate(DRIFTS):
        there.remake(f"d{number}", change)
    result = there.deploy(*specs, settle_time=0)
    for entry, (_change, reason) in zip(result["containers"], DRIFTS):
        assert any(each.startswith(reason) for each in entry["reasons"]), (reason, entry["reasons"])
    assert "hunter2" not in str(result)
    assert there.deploy(*specs)["actions"] == []


def test_a_replacement_keeps_data_and_its_former_generation_and_takes_a_failure_back(there: PodmanDeployer) -> None:
    spec = there.spec("db", volumes=["/data"], user="0", keep_previous=True, waivers=waiver("user"))
    there.deploy(spec)
    assert there.shell("db", "echo kept > /data/file")[0] == 0
    first = there.inspect("db")["Id"]
    # Podman's socket cannot change a limit of a living container.
    result = there.deploy({**spec, "memory": "40m"})
    assert actions_of(result) == {there.name("db"): "recreated"}
    assert there.shell("db", "cat /data/file") == (0, "kept\n")
    assert there.inspect("db")["HostConfig"]["Memory"] == 40 * 2**20

    failed = there.run({**spec, "command": ["sh", "-c", "echo broken; exit 3"]})
    assert "ended with exit status 3" in failed["msg"] or "the engine restarted it" in failed["msg"]
    assert there.inspect("db")["State"]["Running"]
    assert there.inspect("db")["HostConfig"]["Memory"] == 40 * 2**20

    there.deploy({"name": there.name("db"), "state": "rolled_back"})
    assert there.inspect("db")["Id"] == first
    assert there.inspect("db")["State"]["Running"]


def test_drift_inside_is_found_and_undone(there: PodmanDeployer) -> None:
    spec = there.spec("open", read_only=False, **{**RICH, "user": "0"}, volumes=["/data"])
    options: Json = {"policy": "report"}
    there.deploy(spec, there.spec("safe"), **options)
    status, said = there.shell("open", "echo x > /data/kept; echo x > /bin/planted; rm /bin/cal")
    assert status == 0, said
    given = {"docker_host": there.docker_host, "project": there.prefix, "settle_time": 0.3}
    report = run_module("container_drift", given)
    drift = {entry["name"]: entry["drift"] for entry in report["containers"]}
    assert drift[there.name("open")] == {"added": ["/bin/planted"], "changed": [], "deleted": ["/bin/cal"]}
    assert drift[there.name("safe")] == {"added": [], "changed": [], "deleted": []}
    assert not report["changed"]
    result = run_module("container_drift", {**given, "on_drift": ["recreate"]})
    assert not result.get("failed"), result["msg"]
    assert there.shell("open", "ls /bin/planted")[0] != 0
    assert there.shell("open", "cat /data/kept") == (0, "x\n")
    assert there.deploy(spec, there.spec("safe"), **options)["actions"] == []


REFUSED: list[tuple[Json, str]] = [
    ({"cap_drop": ["CHOWN"]}, "cap_drop: "),
    ({"log_driver": "syslog"}, "is not a log driver of Podman's socket"),
    ({"log_options": {"compress": "false"}}, "log_options: 'compress' is not a log option of Podman"),
    ({"tmpfs": ["/x:uid=3"]}, "tmpfs: '/x' has uid, which Podman does not know"),
    ({"device_cgroup_rules": ["c 1:3 r"]}, "device_cgroup_rules: "),
    ({"security_opts": ["systempaths=unconfined"]}, "security_opts: 'systempaths' is not taken"),
    ({"keep_previous": True, "restart_policy": "always"}, "restart_policy: 'always' would start the kept generation"),
]


def test_what_podman_cannot_do_is_refused_all_at_once(there: PodmanDeployer) -> None:
    specs = [there.spec(f"r{number}", **options) for number, (options, _said) in enumerate(REFUSED)]
    volumes = [{"name": there.name("v"), "driver_options": {"type": "tmpfs"}}]
    said = there.run(*specs, policy="report", volumes=volumes)["msg"]
    assert f"{len(REFUSED) + 1} faults, refused before anything was changed" in said
    assert "has a size, which Podman takes for a quota" in said
    assert [problem for _options, problem in REFUSED if problem not in said] == []
    assert there.names() == set()
    assert not there.api.networks(names=[there.prefix])


def test_a_digest_that_podman_cannot_ask_for_is_told_and_the_container_stays(there: PodmanDeployer) -> None:
    there.deploy(there.spec("web"))
    before = there.inspect("web")["Id"]
    result = there.run(there.spec("web", pull="always"))
    assert "Failed to ask the registry for" in result["msg"]
    assert there.inspect("web")["Id"] == before
    assert there.inspect("web")["State"]["Running"]


def test_images_are_made_looked_into_and_run(there: PodmanDeployer) -> None:
    image = f"{there.prefix}-sleeper:1"
    made: Json = {"name": image, "programs": ["sleep"], "docker_host": there.docker_host}
    assert [run_module("minimal_image", made)["changed"] for _run in range(2)] == [True, False]
    looked = run_module("image_inspect", {"images": [image], "docker_host": there.docker_host})
    assert not looked.get("failed"), looked["msg"]
    assert looked["images"][0]["reference"] == image
    there.deploy({"name": there.name("web"), "image": image, "command": ["sleep", "1000"], "stop_timeout": 1})
    assert there.inspect("web")["Config"]["User"] == "65534:65534"


def test_all_runs_take_one_lock_though_it_gives_itself_another_id_in_each_answer(there: PodmanDeployer) -> None:
    ids = {there.api.info()["ID"] for _look in range(2)}
    assert len(ids) == 2
    found = set()
    for _look in range(2):
        engine = Engine(there.docker_host)
        found.add(engine.daemon().plain_id)
        engine.close()
    assert len(found) == 1 and found != {""}
