# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests against a real engine share. `make integration` brings the engine up and says where it is."""

from __future__ import annotations

import ast
import contextlib
import functools
import json
import os
import typing as t
import uuid
import warnings
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support import images, secrets
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, until
from ansible_collections.caisson.hardening.tests.support.engine import join_network
from ansible_collections.caisson.hardening.tests.support.proxy import EngineProxy
from ansible_collections.caisson.hardening.tests.support.shell import ROOT
from xdist.scheduler import LoadScopeScheduling

# What tests of one kind exclude each other by, as their imports tell: the machine's kernel with its audit rules, and
# hosts that boot on it; and runs of the playbooks on localhost, which has one lock.
KINDS = {
    "kernel": ("audit", "daemon_host", "hosts", "kernel", "kernel_guard", "machine", "mounts"),
    "localhost": ("playbook", "waves"),
}


def pytest_configure() -> None:
    """Where tests run side by side, each worker has an engine of its own, and lives in that engine's network."""
    worker, engines = os.environ.get("PYTEST_XDIST_WORKER"), os.environ.get("CAISSON_ENGINES")
    if worker and engines:
        listed = json.loads(engines)
        mine = listed[int(worker[len("gw") :]) % len(listed)]
        os.environ["DOCKER_HOST"] = mine["host"]
        join_network(mine["network"])


class ByFile(LoadScopeScheduling):
    """What runs side by side is whole files. Those that share something of the whole machine are one unit."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return _kind(path) or path


def pytest_xdist_make_scheduler(config: pytest.Config, log: t.Any) -> ByFile:
    return ByFile(config, log)


@functools.lru_cache(maxsize=None)
def _kind(path: str) -> str:
    """Which of KINDS the file of tests is of, if any. Only the workers import the file itself."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    imported = {
        word
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and ".tests.support" in str(node.module)
        for name in node.names
        for word in f"{node.module}.{name.name}".split(".")
    }
    return next((kind for kind, modules in KINDS.items() if imported.intersection(modules)), "")


@pytest.fixture(autouse=True)
def blocking_input() -> None:
    """All programs of a run share its input. One that makes it non-blocking and is killed leaves it so for the others,
    and Ansible refuses to start on such a one."""
    os.set_blocking(0, True)


@pytest.fixture(scope="session")
def docker_host() -> str:
    """The address of the engine."""
    host = os.environ.get("DOCKER_HOST")
    if not host:
        pytest.fail("DOCKER_HOST is not set; run `make integration`, or name an engine by DOCKER_HOST", pytrace=False)
    return host


@pytest.fixture(scope="session")
def api(docker_host: str) -> t.Iterator[docker.APIClient]:
    """The engine's interface, to look at what a module did and to make what it finds."""
    client = docker.APIClient(base_url=docker_host, timeout=120)
    yield client
    client.close()


@pytest.fixture(scope="session")
def busybox(api: docker.APIClient) -> str:
    """A small image, as name:tag; its user 10001 is `app`."""
    return images.ensure_busybox(api)


def _tidied(api: docker.APIClient, prefix: str) -> bool:
    """Whether nothing of that prefix is left. What refuses to go for now, as a container that removes itself, is tried
    again."""
    quietly = contextlib.suppress(docker.errors.APIError)
    for container in api.containers(all=True, filters={"name": prefix}):
        with quietly:
            api.remove_container(container["Id"], force=True, v=True)
    for network in _networks(api, prefix):
        with quietly:
            api.remove_network(network)
    for volume in api.volumes(filters={"name": prefix})["Volumes"] or ():
        with quietly:
            api.remove_volume(volume["Name"], force=True)
    left = [*api.containers(all=True, filters={"name": prefix}), *_networks(api, prefix)]
    return not left and not api.volumes(filters={"name": prefix})["Volumes"]


def _networks(api: docker.APIClient, prefix: str) -> list[str]:
    return [network["Id"] for network in api.networks(names=[prefix]) if network["Name"].startswith(prefix)]


@pytest.fixture
def unique(api: docker.APIClient) -> t.Iterator[str]:
    """A prefix for names; containers, networks and volumes whose name begins with it are removed after the test."""
    prefix = f"caisson-{uuid.uuid4().hex[:8]}"
    yield prefix
    try:
        until(lambda: _tidied(api, prefix))
    except AssertionError:
        # Engine 20.10 may keep the endpoint of a container that died while it started, and with it the network.
        # What a module has to remove is asserted by the tests of that.
        warnings.warn(f"the engine keeps something that is named {prefix}", stacklevel=1)


@pytest.fixture
def deployer(api: docker.APIClient, docker_host: str, busybox: str, unique: str) -> Deployer:
    """Deploys small containers through the module; what it made is removed after the test."""
    return Deployer(api, docker_host, unique, busybox)


@pytest.fixture
def tidy_secrets(deployer: Deployer) -> t.Iterator[None]:
    """What the deployer's containers left on the host for their secrets is removed after the test."""
    yield
    secrets.tidy(deployer)


@pytest.fixture
def proxy(docker_host: str, tmp_path: Path) -> t.Iterator[EngineProxy]:
    """Between the module and the engine, to act before a call that changes something."""
    if not docker_host.startswith("unix://"):
        pytest.fail("these tests need the engine's socket", pytrace=False)
    with EngineProxy(tmp_path / "proxy.sock", docker_host) as found:
        yield found
        found.shutdown()
