# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: what the running daemon says about itself, read through the Docker SDK."""

from __future__ import annotations

import contextlib
import importlib
import sys
import time
import typing as t

from ..errors import CaissonError
from . import addresses, readback
from .outdated import Container
from .state import Live

BRIDGE_NAME = "com.docker.network.bridge.name"
ICC = "com.docker.network.bridge.enable_icc"
BINDING = "com.docker.network.bridge.host_binding_ipv4"


class NotAnsweringError(CaissonError):
    """No daemon answers at the address."""


class Engine:
    """The daemon at *docker_host*; connects anew for each reading, because it outlives the daemon's restarts."""

    def __init__(self, docker_host: str, timeout: float = 10) -> None:
        self.docker_host = docker_host
        self._timeout = timeout
        try:
            self._docker: t.Any = importlib.import_module("docker")
        except ImportError as error:
            raise CaissonError(
                f"The Docker SDK for Python is missing from {sys.executable}: install the package python3-docker, or "
                "'docker' with that interpreter's pip, or set ansible_python_interpreter to one that has it"
            ) from error

    def read(self) -> Live:
        """The daemon's view of itself. NotAnsweringError where none answers."""
        with self._client() as client:
            try:
                info = client.info()
                bridge = self._bridge(client)
            except self._docker.errors.DockerException as error:
                raise CaissonError(
                    f"Failed to read the settings of the daemon at {self.docker_host}: {error}"
                ) from error
        registry = info.get("RegistryConfig") or {}
        return Live(
            version=info.get("ServerVersion", ""),
            running=info.get("ContainersRunning", 0),
            live_restore=bool(info.get("LiveRestoreEnabled")),
            log_driver=info.get("LoggingDriver", ""),
            storage_driver=info.get("Driver", ""),
            default_runtime=info.get("DefaultRuntime", ""),
            debug=bool(info.get("Debug")),
            experimental=bool(info.get("ExperimentalBuild")),
            swarm=(info.get("Swarm") or {}).get("LocalNodeState", "inactive") != "inactive",
            security=tuple(info.get("SecurityOptions") or ()),
            labels=tuple(info.get("Labels") or ()),
            mirrors=tuple(registry.get("Mirrors") or ()),
            insecure_registries=addresses.insecure_registries(registry),
            icc=None if bridge is None else bridge.get(ICC, "true").lower() == "true",
            shown=readback.shown(info, bridge),
            port_address=None if bridge is None else bridge.get(BINDING, ""),
            authorization=tuple((info.get("Plugins") or {}).get("Authorization") or ()),
            pools=tuple(str(pool.get("Base", "")) for pool in info.get("DefaultAddressPools") or ()),
            data_root=info.get("DockerRootDir", ""),
            images=info.get("Images", 0),
        )

    def wait(self, seconds: float, alive: t.Callable[[], bool]) -> Live:
        """The daemon's view once it answers. CaissonError after *seconds*, or at once when *alive* says it ended."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.read()
            except NotAnsweringError as error:
                if not alive():
                    raise CaissonError("the daemon ended while it started") from error
                if time.monotonic() >= deadline:
                    raise CaissonError(
                        f"the daemon does not answer at {self.docker_host} after {seconds:g} s"
                    ) from error
            time.sleep(0.2)

    def reloaded_since(self, moment: int) -> dict[str, str] | None:
        """What the daemon told, since that nanosecond, of having taken its file over; None where it did not."""
        with self._client() as client:
            until = int(time.time()) + 1
            only = {"type": "daemon", "event": "reload"}
            events = client.events(since=moment // 10**9, until=until, filters=only, decode=True)
            told = [event for event in events if int(event.get("timeNano", 0)) >= moment]
        return dict((told[-1].get("Actor") or {}).get("Attributes") or {}) if told else None

    def containers(self) -> list[Container]:
        """Every container, the running ones with what they were made with."""
        with self._client() as client, self._told("list the containers"):
            listed = client.containers(all=True)
            return [_container(each, self._inspect(client, each)) for each in listed]

    def volumes(self) -> int:
        """How many volumes there are."""
        with self._client() as client, self._told("list the volumes"):
            return len(client.volumes().get("Volumes") or ())

    def bridges(self) -> list[str]:
        """The interfaces of the bridge networks."""
        with self._client() as client, self._told("list the networks"):
            found = client.networks(filters={"driver": "bridge"})
        return [str((each.get("Options") or {}).get(BRIDGE_NAME) or f"br-{each['Id'][:12]}") for each in found]

    def stop(self, names: t.Iterable[str]) -> None:
        """Stop these containers, each in the time that it has for its end."""
        with self._client() as client:
            for name in names:
                with self._told(f"stop the container {name}"):
                    client.stop(name)

    def start(self, names: t.Iterable[str]) -> list[str]:
        """Start these containers; why those do not start that do not."""
        problems = []
        for name in names:
            try:
                with self._client() as client, self._told(f"start the container {name}"):
                    client.start(name)
            except CaissonError as error:
                problems.append(str(error))
        return problems

    def _inspect(self, client: t.Any, listed: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        if listed.get("State") != "running":
            return {}
        try:
            return dict(client.inspect_container(listed["Id"]))
        except self._docker.errors.NotFound:
            return {}

    @contextlib.contextmanager
    def _told(self, what: str) -> t.Iterator[None]:
        try:
            yield
        except (self._docker.errors.DockerException, OSError) as error:
            raise CaissonError(f"Failed to {what} of the daemon at {self.docker_host}: {error}") from error

    def _bridge(self, client: t.Any) -> dict[str, str] | None:
        """The options of the default bridge; None where there is no such network."""
        try:
            return dict(client.inspect_network("bridge").get("Options") or {})
        except self._docker.errors.NotFound:
            return None

    @contextlib.contextmanager
    def _client(self) -> t.Iterator[t.Any]:
        try:
            client = self._docker.APIClient(base_url=self.docker_host, version="auto", timeout=self._timeout)
        except (self._docker.errors.DockerException, OSError) as error:
            if "Permission denied" in str(error):
                raise CaissonError(
                    f"No permission to use the Docker daemon at {self.docker_host}: run as root"
                ) from error
            raise NotAnsweringError(f"No Docker daemon answers at {self.docker_host}") from error
        try:
            yield client
        finally:
            client.close()


def _container(listed: t.Mapping[str, t.Any], inspect: t.Mapping[str, t.Any]) -> Container:
    host = inspect.get("HostConfig") or {}
    log = host.get("LogConfig") or {}
    ports = (inspect.get("NetworkSettings") or {}).get("Ports") or {}
    return Container(
        name=str((listed.get("Names") or ["/" + listed["Id"][:12]])[0]).lstrip("/"),
        running=listed.get("State") == "running",
        pid=int((inspect.get("State") or {}).get("Pid") or 0),
        created=float(listed.get("Created") or 0),
        log_driver=str(log.get("Type", "")),
        cgroupns=str(host.get("CgroupnsMode") or ""),
        security=tuple(host.get("SecurityOpt") or ()),
        comes_back=(host.get("RestartPolicy") or {}).get("Name") in ("always", "unless-stopped"),
        privileged=bool(host.get("Privileged")),
        ulimits=tuple((str(limit.get("Name")), int(limit.get("Hard") or 0)) for limit in host.get("Ulimits") or ()),
        open_ports=tuple(
            sorted(
                port
                for port, bound in ports.items()
                if any(one.get("HostIp") in ("", "0.0.0.0") for one in bound or ())
            )
        ),
    )
