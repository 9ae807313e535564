# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Debian 13's engine (Docker 26), in a host of its own: what is deployed holds there, and again changes nothing.

The module talks to it over the network, as to an engine of another host; the test looks through its socket.
"""

from __future__ import annotations

import random
import re
import typing as t
import uuid

import docker
import pytest
import yaml
from ansible_collections.caisson.hardening.tests.support import hosts, images, kernel_guard
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, actions_of, until
from ansible_collections.caisson.hardening.tests.support.generated_specs import SUBNET, Place
from ansible_collections.caisson.hardening.tests.support.relay import relay
from ansible_collections.caisson.hardening.tests.support.run_module import run_module
from ansible_collections.caisson.hardening.tests.support.shell import ROOT

Json = t.Dict[str, t.Any]
BATCH = 12


@pytest.fixture(scope="module")
def socket(api: docker.APIClient) -> t.Iterator[str]:
    """The address of the engine inside the host."""
    name = f"caisson-trixie-{uuid.uuid4().hex[:8]}"
    try:
        with kernel_guard.boot_noted():
            hosts.start(api, name, images.ensure_debian(api, images.HOST_TRIXIE))
            hosts.wait_for_systemd(api, name)
        yield f"unix:///proc/{api.inspect_container(name)['State']['Pid']}/root/run/docker.sock"
    finally:
        hosts.remove(api, name)


@pytest.fixture(scope="module")
def inside(socket: str) -> t.Iterator[docker.APIClient]:
    client = docker.APIClient(base_url=socket, timeout=120)
    yield client
    client.close()


@pytest.fixture(scope="module")
def away(socket: str) -> t.Iterator[str]:
    with relay(socket) as address:
        yield address


@pytest.fixture
def there(inside: docker.APIClient, socket: str) -> Deployer:
    return Deployer(inside, socket, f"caisson-{uuid.uuid4().hex[:8]}", images.ensure_busybox(inside))


def test_the_engine_is_the_one_that_is_meant(inside: docker.APIClient) -> None:
    version = inside.version()
    assert version["Version"].startswith("26.")
    assert version["ApiVersion"] == "1.45"


def test_the_demonstration_is_hardened_in_effect_and_again_changes_nothing(there: Deployer, away: str) -> None:
    role = yaml.safe_load((ROOT / "roles/containers/vars/main.yml").read_text(encoding="utf-8"))
    demo = {**role["__containers_demo"], "waivers": [], "name": there.name("demo")}
    programs = {"name": demo["image"], "programs": role["__containers_demo_programs"], "docker_host": away}
    assert [run_module("minimal_image", programs)["changed"] for _run in range(2)] == [True, False]

    predicted = there.run(demo, check=True, docker_host=away)
    result = there.deploy(demo, docker_host=away)
    assert predicted["actions"] == result["actions"] != []
    assert not [each for each in result["findings"] if each["outcome"] in ("fail", "error")]
    for address in (away, there.docker_host):
        again = there.deploy(demo, docker_host=address)
        assert (again["actions"], again["changed"]) == ([], False)

    status, said = there.shell("demo", "echo x > /written")
    assert (status != 0, "Read-only file system" in said) == (True, True)
    assert there.shell("demo", "echo x > /tmp/written")[0] == 0
    status, said = there.shell("demo", "cat /bin/ls > /tmp/ls; /tmp/ls")
    assert (status, "Permission denied" in said) == (126, True)
    _status, said = there.execute("demo", "cat", "/proc/1/status")
    assert set(re.findall(r"^Cap\w+:\s*(\w+)$", said, re.MULTILINE)) == {"0" * 16}
    assert re.search(r"^NoNewPrivs:\s*1$", said, re.MULTILINE)
    assert re.search(r"^Seccomp:\s*2$", said, re.MULTILINE)


def test_limits_hold(there: Deployer) -> None:
    hog = there.spec("hog", command=["sh", "-c", "sleep 1; exec tail /dev/zero"], restart_policy="no")
    there.deploy(hog, there.spec("sibling"))
    state = until(lambda: next((each for each in [there.inspect("hog")["State"]] if not each["Running"]), None))
    assert (state["ExitCode"], state["OOMKilled"]) == (137, True)
    there.shell("sibling", "n=0; while [ $n -lt 100 ]; do sleep 20 & n=$((n + 1)); done 2> /tmp/bomb; true")
    assert 20 <= len(there.api.top(there.name("sibling"))["Processes"]) <= 32


def test_what_was_changed_by_hand_is_found_named_and_mended_and_limits_change_in_place(there: Deployer) -> None:
    specs = [there.spec(name) for name in ("root", "socket", "seccomp", "memory")]
    there.deploy(*specs)
    there.remake("root", lambda _body, host: host.update(ReadonlyRootfs=False, CapAdd=["SYS_ADMIN"]))
    there.remake("socket", lambda _body, host: host.update(Binds=["/var/run/docker.sock:/var/run/docker.sock"]))
    there.remake("seccomp", lambda _body, host: host.update(SecurityOpt=["seccomp=unconfined"]))
    specs[3]["memory"] = "40m"
    pid = there.inspect("memory")["State"]["Pid"]
    result = there.deploy(*specs)
    said = {entry["name"][len(there.prefix) + 1 :]: entry["reasons"] for entry in result["containers"]}
    assert {"capabilities: SYS_ADMIN -> none", "read_only: false -> true"} <= set(said["root"])
    assert said["socket"][0].startswith("mounts./var/run/docker.sock: bind ")
    assert "security_opts: seccomp=unconfined -> no-new-privileges=true" in said["seccomp"]
    assert said["memory"][0] == "memory: 32m -> 40m"
    assert list(actions_of(result).values()) == ["recreated"] * 3 + ["updated"]
    assert there.inspect("memory")["State"]["Pid"] == pid
    assert there.inspect("memory")["HostConfig"]["Memory"] == 40 * 2**20
    assert there.deploy(*specs)["actions"] == []
    gone = [{"name": spec["name"], "state": "absent"} for spec in specs]
    there.deploy(*gone)
    assert there.names() == set()


def test_drift_inside_is_found_and_undone(there: Deployer) -> None:
    spec = there.spec("open", read_only=False, hostname="app", volumes=["/data"], sysctls={"net.core.somaxconn": "100"})
    there.deploy(spec, policy="report")
    status, said = there.execute("open", "sh", "-c", "echo x > /data/kept; echo x > /bin/planted", user="0")
    assert status == 0, said
    given = {"docker_host": there.docker_host, "project": there.prefix, "on_drift": ["recreate"], "settle_time": 0.3}
    result = run_module("container_drift", given)
    assert not result.get("failed"), result["msg"]
    assert result["containers"][0]["drift"]["added"] == ["/bin/planted"]
    assert there.shell("open", "ls /bin/planted")[0] != 0
    assert there.shell("open", "cat /data/kept") == (0, "x\n")
    assert there.deploy(spec, policy="report")["actions"] == []


@pytest.mark.parametrize("seed", [11])
def test_generated_specs_converge_in_one_run_and_so_do_their_changes(there: Deployer, seed: int) -> None:
    pool = docker.types.IPAMPool(subnet=SUBNET)
    there.api.create_network(f"{there.prefix}-net", ipam=docker.types.IPAMConfig(pool_configs=[pool]))
    there.deploy(there.spec("first"))  # so that the project's network is there to be named
    dice = random.Random(seed)
    places = [Place(there.prefix, n, there.image, rich=False, inner=True) for n in range(BATCH)]
    drawn = [place.drawn(dice) for place in places]
    changed = [place.changed(groups, dice) for place, groups in zip(places, drawn)]
    options: Json = {"policy": "report", "parallel": 8, "settle_time": 0.2}
    for each in (drawn, changed):
        specs = [place.spec(groups) for place, groups in zip(places, each)]
        predicted = there.run(*specs, check=True, **options)
        result = there.deploy(*specs, **options)
        assert predicted["actions"] == result["actions"]
        again = there.deploy(*specs, **options)
        assert [one["reasons"] for one in again["containers"] if one["action"] != "unchanged"] == []
        assert (again["actions"], again["changed"]) == ([], False)
