# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests against a real engine share. `make integration` brings the engine up and says where it is."""

from __future__ import annotations

import contextlib
import os
import typing as t
import uuid
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support import images
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, until
from ansible_collections.caisson.hardening.tests.support.proxy import EngineProxy


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


def _removed(api: docker.APIClient, network: str) -> bool:
    """Whether the network is gone. This engine may keep the endpoint of a container that died while it was removed."""
    try:
        for endpoint in (api.inspect_network(network).get("Containers") or {}).values():
            with contextlib.suppress(docker.errors.APIError):
                api.disconnect_container_from_network(endpoint["Name"], network, force=True)
        api.remove_network(network)
    except docker.errors.APIError as error:
        return isinstance(error, docker.errors.NotFound)
    return True


def _emptied(api: docker.APIClient, prefix: str) -> bool:
    """Whether no container of that prefix is left; one that removes itself may be on its way."""
    for container in api.containers(all=True, filters={"name": prefix}):
        with contextlib.suppress(docker.errors.APIError):
            api.remove_container(container["Id"], force=True, v=True)
    return not api.containers(all=True, filters={"name": prefix})


@pytest.fixture
def unique(api: docker.APIClient) -> t.Iterator[str]:
    """A prefix for names; containers, networks and volumes whose name begins with it are removed after the test."""
    prefix = f"caisson-{uuid.uuid4().hex[:8]}"
    yield prefix
    until(lambda: _emptied(api, prefix))
    for network in api.networks(names=[prefix]):
        if network["Name"].startswith(prefix):
            until(lambda found=network["Id"]: _removed(api, found))
    for volume in api.volumes(filters={"name": prefix})["Volumes"] or ():
        api.remove_volume(volume["Name"], force=True)


@pytest.fixture
def deployer(api: docker.APIClient, docker_host: str, busybox: str, unique: str) -> Deployer:
    """Deploys small containers through the module; what it made is removed after the test."""
    return Deployer(api, docker_host, unique, busybox)


@pytest.fixture
def proxy(docker_host: str, tmp_path: Path) -> t.Iterator[EngineProxy]:
    """Between the module and the engine, to act before a call that changes something."""
    if not docker_host.startswith("unix://"):
        pytest.fail("these tests need the engine's socket", pytrace=False)
    with EngineProxy(tmp_path / "proxy.sock", docker_host) as found:
        yield found
        found.shutdown()
