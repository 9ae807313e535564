# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Docker engine without root: what is deployed holds there, again changes nothing, and what is lost is told."""

from __future__ import annotations

import re
import typing as t
import uuid

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support import images
from ansible_collections.caisson.hardening.tests.support.containers import Deployer
from ansible_collections.caisson.hardening.tests.support.rootless_engine import RootlessEngine
from ansible_collections.caisson.hardening.tests.support.run_module import run_module


@pytest.fixture(scope="module")
def rootless() -> t.Iterator[RootlessEngine]:
    with RootlessEngine() as engine:
        yield engine


@pytest.fixture
def there(rootless: RootlessEngine) -> t.Iterator[Deployer]:
    client = docker.APIClient(base_url=rootless.host, timeout=120)
    yield Deployer(client, rootless.host, f"caisson-{uuid.uuid4().hex[:8]}", images.ensure_busybox(client))
    client.close()


def test_what_is_deployed_is_hardened_in_effect_and_again_changes_nothing(there: Deployer) -> None:
    specs = [
        there.spec("web", volumes=["/data"], published_ports=["127.0.0.1::80"], sysctls={"net.core.somaxconn": "100"}),
        there.spec("inner", internal=True),
        there.spec("alone", networks=[]),
    ]
    predicted = there.run(*specs, check=True)
    first = there.deploy(*specs)
    assert predicted["actions"] == first["actions"] != []
    again = there.deploy(*specs)
    assert (again["actions"], again["changed"]) == ([], False)

    status, said = there.shell("web", "echo x > /planted")
    assert (status != 0, "Read-only file system" in said) == (True, True)
    status, said = there.shell("web", "cp /bin/busybox /tmp/echo && /tmp/echo hello")
    assert (status, "Permission denied" in said) == (126, True)
    _status, said = there.execute("web", "cat", "/proc/self/status", user="0")
    assert set(re.findall(r"^Cap(?:Eff|Prm|Bnd|Inh|Amb):\s*(\w+)$", said, re.MULTILINE)) == {"0" * 16}
    assert re.search(r"^NoNewPrivs:\s*1$", said, re.MULTILINE)
    assert re.search(r"^Seccomp:\s*2$", said, re.MULTILINE)
    # The root inside is an ordinary user outside.
    assert there.shell("web", "cat /proc/self/uid_map")[1].split()[:3] == ["0", "4242", "1"]


def test_limits_that_such_an_engine_cannot_hold_are_named(there: Deployer) -> None:
    result = there.deploy(there.spec("web"))
    lost = [limit for limit in ("memory", "cpus", "pids_limit") if there.inspect("web")["HostConfig"].get(_KEYS[limit])]
    told = str(result["warnings"])
    if there.api.info()["CgroupVersion"] == "1":
        assert lost == []
        assert "an engine without root, under cgroup version 1, cannot limit memory; it is left out" in told
    else:
        assert lost == ["memory", "cpus", "pids_limit"]
        assert "cannot limit" not in told


_KEYS = {"memory": "Memory", "cpus": "NanoCpus", "pids_limit": "PidsLimit"}


def test_a_weakening_is_found_and_drift_inside_is_undone(there: Deployer) -> None:
    specs = [there.spec("web"), there.spec("open", read_only=False)]
    there.deploy(*specs, policy="report")
    there.remake("web", lambda _body, host: host.update(CapAdd=["SYS_ADMIN"], ReadonlyRootfs=False))
    result = there.deploy(*specs, policy="report")
    assert {"capabilities: SYS_ADMIN -> none", "read_only: false -> true"} <= set(result["containers"][0]["reasons"])
    assert there.execute("open", "touch", "/bin/planted", user="0")[0] == 0
    given = {"docker_host": there.docker_host, "project": there.prefix, "on_drift": ["recreate"], "settle_time": 0.3}
    found = run_module("container_drift", given)
    assert not found.get("failed"), found["msg"]
    assert [each["drift"]["added"] for each in found["containers"]] == [["/bin/planted"], []]
    assert there.shell("open", "ls /bin/planted")[0] != 0
    assert there.deploy(*specs, policy="report")["actions"] == []


def test_secrets_are_refused_in_one_sentence(there: Deployer) -> None:
    said = there.run(there.spec("web", secrets=[{"name": "pw", "value": "hunter2"}]))["msg"]
    assert "secrets: ['pw'] cannot be read by an engine without root; use the host's own engine" in said
    assert "hunter2" not in said
    assert there.names() == set()
