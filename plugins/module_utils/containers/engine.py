# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the Docker engine, through the Docker SDK for Python. The only place here that imports it.

Everything comes back as the engine's own JSON; errors come back as :class:`EngineError` with what was tried.
"""

from __future__ import annotations

import contextlib
import importlib.util
import typing as t

from . import abilities
from .client import Client
from .engine_errors import (
    EngineError,
    MissingImage,
    NameTaken,
    explanation,
    message,
    name_taken,
    no_image,
    no_sdk,
    unreachable,
)
from .secrets import shift
from .state import Daemon, Image
from .wire import SCHEME, Missing, Refused

Json = t.Dict[str, t.Any]
LEAST_API = (1, 41)
LOG_LINES = 20


class Engine:
    """One connection. Its methods may be called from several threads."""

    def __init__(self, url: str, timeout: int = 60, pool: int = 8, **tls: str | None) -> None:
        """Connect; EngineError says what is missing: the SDK, the engine, or the permission."""
        self.url = url
        self._sdk_errors: tuple[type[Exception], ...] = ()
        self._info: Json = {}  # asked for once; it does not change within a run
        _require_sdk()

        def load(version: str) -> t.Any:
            return self._load_sdk(version, timeout, pool, tls)

        try:
            self._api: t.Any = Client(url, timeout, load) if url.startswith(SCHEME) else load("auto")
        except self._errors as error:
            raise EngineError(unreachable(url, error)) from error
        self.podman = self._is_podman()
        if tuple(map(int, self._api.api_version.split("."))) < LEAST_API:
            raise EngineError(
                f"The engine at {url} speaks API {self._api.api_version}; update it to Docker 20.10 (API 1.41) or later"
            )

    def _load_sdk(self, version: str, timeout: int, pool: int, tls: t.Mapping[str, str | None]) -> t.Any:
        """The SDK's client; and its exceptions are known from now on."""
        try:
            import docker
            import docker.errors
            import requests
            import urllib3.exceptions
        except ImportError as error:
            raise EngineError(no_sdk(error)) from error
        self._sdk_errors = (docker.errors.DockerException, requests.RequestException, urllib3.exceptions.HTTPError)
        tls_config = _tls_config(docker, tls)
        return docker.APIClient(base_url=self.url, version=version, timeout=timeout, max_pool_size=pool, tls=tls_config)

    def _is_podman(self) -> bool:
        if isinstance(self._api, Client):
            return self._api.podman
        with self._saying("ask the engine what it is"):
            return any("Podman" in str(each.get("Name")) for each in self._api.version().get("Components") or ())

    @property
    def _errors(self) -> tuple[type[Exception], ...]:
        # A broken connection is an OSError, an answer that is not JSON a ValueError.
        return (Refused, OSError, ValueError, *self._sdk_errors)

    @property
    def _not_found(self) -> tuple[type[Exception], ...]:
        if not self._sdk_errors:
            return (Missing,)
        import docker.errors

        return (Missing, docker.errors.NotFound)

    def close(self) -> None:
        self._api.close()

    def daemon(self) -> Daemon:
        """What the engine adds to containers by itself, and what it can hold them to."""
        with self._saying("read the engine's settings"):
            self._info = info = self._info or self._api.info()
        return Daemon(
            # Podman makes up an id for each answer.
            id=f"podman{info.get('DockerRootDir')}" if self.podman else str(info.get("ID") or ""),
            version=str(info.get("ServerVersion", "")),
            api_version=str(self._api.api_version),
            runtime=str(info.get("DefaultRuntime") or "runc"),
            log_driver=str(info.get("LoggingDriver") or "json-file"),
            cpus=int(info.get("NCPU") or 0),
            limits=abilities.limits(info),
            runtimes=frozenset(info.get("Runtimes") or ()),
            bridge_filter=bool(info.get("BridgeNfIptables", True)),
            apparmor=any("apparmor" in str(option) for option in info.get("SecurityOptions") or ()),
            root=str(info.get("DockerRootDir") or ""),
            podman=self.podman,
            cgroup_version=str(info.get("CgroupVersion") or "1"),
            rootless=any(str(option).startswith("name=rootless") for option in info.get("SecurityOptions") or ()),
            shift=shift(info),
        )

    def containers(self) -> list[Json]:
        """Every container, in the short form: Id, Names, State, Labels, ..."""
        with self._saying("list the containers"):
            return list(self._api.containers(all=True))

    def inspect(self, container: str) -> Json | None:
        with self._saying(f"inspect the container {container!r}"):
            try:
                found: Json = dict(self._api.inspect_container(container))
                if self.podman:
                    from .podman_engine import completed

                    found = completed(self._api, self.url, found)
                return found
            except self._not_found:
                return None

    def image(self, reference: str) -> Image | None:
        with self._saying(f"inspect the image {reference!r}"):
            try:
                found = self._api.inspect_image(reference)
            except self._not_found:
                return None
        return Image(found["Id"], found.get("Config") or {}, tuple(found.get("RepoDigests") or ()), found.get("Size"))

    def pull(self, reference: str, hear: t.Callable[[Json], None] = lambda line: None) -> None:
        """Pull one image; MissingImage where the registry does not give it. *hear* takes each line of the engine's."""
        repository, tag = _split_reference(reference)
        try:
            for line in self._api.pull(repository, tag=tag, stream=True, decode=True):
                if "error" in line:
                    raise MissingImage(no_image(reference, line["error"]))
                hear(line)
        except self._errors as error:
            raise MissingImage(no_image(reference, explanation(error))) from error

    def import_image(self, reference: str, archive: bytes, changes: list[str]) -> str:
        """Make an image of one layer from a tar archive; its id."""
        with self._saying(f"make the image {reference!r}"):
            # Podman does not look at a tag of its own.
            self._api.import_image_from_data(archive, reference, changes=changes)
        made = self.image(reference)
        if made is None:
            raise EngineError(f"The engine did not keep the image {reference!r}; look into its log")
        return made.id

    def registry_digest(self, reference: str) -> str:
        """The digest that the registry has for the reference now, without pulling it."""
        with self._saying(f"ask the registry for {reference!r}"):
            found: Json = self._api.inspect_distribution(reference)
            return str(found["Descriptor"]["digest"])

    def networks(self) -> dict[str, Json]:
        """Every network by its name, without the containers on it."""
        with self._saying("list the networks"):
            return {network["Name"]: network for network in self._api.networks()}

    def create_network(self, name: str, body: Json) -> None:
        with self._saying(f"create the network {name!r}"):
            self._api.create_network(name, check_duplicate=True, **body)

    def remove_network(self, name: str) -> None:
        with self._saying(f"remove the network {name!r}"):
            self._api.remove_network(name)

    def volumes(self) -> dict[str, Json]:
        """Every volume by its name."""
        with self._saying("list the volumes"):
            return {volume["Name"]: volume for volume in self._api.volumes().get("Volumes") or ()}

    def create_volume(self, name: str, body: Json) -> None:
        with self._saying(f"create the volume {name!r}"):
            self._api.create_volume(name, **body)

    def create(self, name: str, body: Json) -> str:
        """The new container's id. NameTaken where the name is not free."""
        with self._saying(f"create the container {name!r}"):
            return str(self._api.create_container_from_config(body, name)["Id"])

    def start(self, container: str) -> None:
        with self._saying(f"start the container {container!r}"):
            self._api.start(container)

    def stop(self, container: str, timeout: int) -> None:
        """Ask it to end, and end it after *timeout* seconds."""
        with self._saying(f"stop the container {container!r}"):
            self._api.stop(container, timeout=timeout)

    def signal(self, container: str, name: str) -> None:
        with self._saying(f"send {name} to the container {container!r}"):
            self._api.kill(container, name)

    def unpause(self, container: str) -> None:
        with self._saying(f"unpause the container {container!r}"):
            self._api.unpause(container)

    def rename(self, container: str, name: str) -> None:
        with self._saying(f"rename the container {container!r} to {name!r}"):
            self._api.rename(container, name)

    def remove(self, container: str) -> None:
        """Remove the container and leave its volumes, the anonymous ones too."""
        with self._saying(f"remove the container {container!r}"):
            try:
                self._api.remove_container(container, force=True, v=False)
            except self._not_found:
                return
            except self._errors as error:
                # One that removes itself when it ends is on its way.
                if "already in progress" not in explanation(error):
                    raise
                self._gone(container)

    def _gone(self, container: str) -> None:
        """Wait until a container that is being removed is gone."""
        try:
            self._api.wait(container, condition="removed")
        except self._not_found:
            return

    def update(self, container: str, body: Json) -> None:
        """Change limits of a living container. The SDK's own call does not know NanoCpus and PidsLimit."""
        url = f"{self._api.base_url}/v{self._api.api_version}/containers/{container}/update"
        with self._saying(f"update the container {container!r}"):
            answer = self._api.post(url, json=body, timeout=self._api.timeout)
            if not answer.ok:
                raise EngineError(f"Failed to update the container {container!r}: {message(answer.text)}")

    def connect(self, container: str, network: str, endpoint: Json) -> None:
        with self._saying(f"connect the container {container!r} to the network {network!r}"):
            fixed = endpoint.get("IPAMConfig") or {}
            self._api.connect_container_to_network(
                container,
                network,
                aliases=endpoint.get("Aliases"),
                ipv4_address=fixed.get("IPv4Address"),
                ipv6_address=fixed.get("IPv6Address"),
                links=[tuple(link.split(":", 1)) for link in endpoint.get("Links") or ()] or None,
                link_local_ips=fixed.get("LinkLocalIPs"),
                driver_opt=endpoint.get("DriverOpts"),
            )

    def disconnect(self, container: str, network: str) -> None:
        with self._saying(f"disconnect the container {container!r} from the network {network!r}"):
            self._api.disconnect_container_from_network(container, network)

    def changes(self, container: str) -> list[Json] | None:
        """Each path of its file system that is not as in the image: Path, Kind (0 changed, 1 added, 2 deleted).
        None where the container is gone."""
        with self._saying(f"read what was changed in the container {container!r}"):
            try:
                return list(self._api.diff(container) or ())
            except self._not_found:
                return None

    def processes(self, container: str, columns: str) -> Json:
        """Its process table with these columns of ps: Titles, Processes. Needs ps on the engine's host."""
        with self._saying(f"list the processes of the container {container!r}"):
            return dict(self._api.top(container, ps_args=f"-eo {columns}"))

    def commit(self, container: str, repository: str, tag: str, changes: list[str]) -> str:
        """Make an image of the container's file system, with the container paused meanwhile; the image's id."""
        with self._saying(f"make an image of the container {container!r}"):
            return str(self._api.commit(container, repository=repository, tag=tag, changes=changes)["Id"])

    def labelled_images(self, label: str) -> list[Json]:
        """The images with the label, in the short form: Id, RepoTags, Labels, ..."""
        with self._saying("list the images"):
            return list(self._api.images(filters={"label": label}))

    def last_lines(self, container: str) -> str:
        """The end of the container's log; empty where its driver cannot be read back."""
        try:
            return str(self._api.logs(container, tail=LOG_LINES).decode(errors="replace").strip())
        except self._errors:
            return ""

    @contextlib.contextmanager
    def _saying(self, what: str) -> t.Iterator[None]:
        try:
            yield
        except self._errors as error:
            said = explanation(error)
            kind = NameTaken if name_taken(said) else EngineError
            raise kind(f"Failed to {what}: {said}") from error


def _require_sdk() -> None:
    """EngineError where the SDK is not installed; a run that gets by without loading it must not fail half way."""
    for library in ("docker", "requests"):
        found = importlib.util.find_spec(library)
        if found is None or found.origin is None or not found.submodule_search_locations:
            raise EngineError(no_sdk(f"there is no package {library!r}"))


def _tls_config(docker: t.Any, given: t.Mapping[str, str | None]) -> t.Any:
    if not any(given.values()):
        return False
    certificate = (given["client_cert"], given["client_key"]) if given.get("client_cert") else None
    return docker.tls.TLSConfig(client_cert=certificate, ca_cert=given.get("ca_path"), verify=True)


def _split_reference(reference: str) -> tuple[str, str]:
    if "@" in reference:
        repository, _at, digest = reference.partition("@")
        return repository, digest
    head, slash, last = reference.rpartition("/")
    name, _colon, tag = last.partition(":")
    return f"{head}{slash}{name}", tag or "latest"


AnyEngine = t.TypeVar("AnyEngine", bound=Engine)


def connect(params: t.Mapping[str, t.Any], pool: int, kind: type[AnyEngine]) -> AnyEngine:
    """The engine that a module's parameters name; *pool* is how many of its answers are waited for at once."""
    tls = {key: params[key] for key in ("ca_path", "client_cert", "client_key")}
    return kind(params["docker_host"], params["timeout"], max(4, pool), **tls)
