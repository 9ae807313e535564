# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: an engine behind a unix socket, by the names that the SDK's client gives its calls.

The frequent calls go through `wire`. Every other call is the SDK's, which is loaded when the first of them is made.
"""

from __future__ import annotations

import json
import threading
import typing as t

from .wire import Answer, Missing, Wire, path_of

Json = t.Dict[str, t.Any]

_NETWORK = {
    "driver": "Driver",
    "options": "Options",
    "ipam": "IPAM",
    "check_duplicate": "CheckDuplicate",
    "internal": "Internal",
    "labels": "Labels",
    "enable_ipv6": "EnableIPv6",
    "attachable": "Attachable",
}


class Client:
    """One engine. May be used by several threads."""

    base_url = ""  # of the paths that `post` takes

    def __init__(self, url: str, timeout: int, load: t.Callable[[str], t.Any]) -> None:
        """Connect; OSError or ValueError where no engine answers. load: makes the SDK's client for an API version."""
        self._load = load
        self._lock = threading.Lock()
        self._sdk: t.Any = None
        self._wire = Wire(url, timeout)
        self.timeout = timeout
        self.podman = False
        self.api_version = self._version()

    def __getattr__(self, name: str) -> t.Any:
        with self._lock:
            if self._sdk is None:
                self._sdk = self._load(self.api_version)
        return getattr(self._sdk, name)

    def close(self) -> None:
        self._wire.close()
        if self._sdk is not None:
            self._sdk.close()

    def info(self) -> Json:
        return dict(self._read("info"))

    def containers(self, **options: t.Any) -> list[Json]:
        if options != {"all": True}:
            return list(self.__getattr__("containers")(**options))
        return list(self._read("containers", "json", all=1))

    def networks(self, **options: t.Any) -> list[Json]:
        return list(self.__getattr__("networks")(**options) if options else self._read("networks"))

    def volumes(self, **options: t.Any) -> Json:
        return dict(self.__getattr__("volumes")(**options) if options else self._read("volumes"))

    def diff(self, container: str) -> list[Json]:
        return list(self._read("containers", container, "changes") or ())

    def inspect_container(self, container: str) -> Json:
        return dict(self._read("containers", container, "json"))

    def inspect_image(self, reference: str) -> Json:
        return dict(self._read("images", reference, "json"))

    def create_network(self, name: str, **options: t.Any) -> Json:
        if not set(options) <= set(_NETWORK):
            return dict(self.__getattr__("create_network")(name, **options))
        body = {_NETWORK[option]: value for option, value in options.items() if value is not None}
        return dict(self._read("networks", "create", method="POST", body={"Name": name, **body}))

    def create_container_from_config(self, body: Json, name: str) -> Json:
        return dict(self._read("containers", "create", method="POST", body=body, name=name))

    def start(self, container: str) -> None:
        self._read("containers", container, "start", method="POST")

    def stop(self, container: str, timeout: int) -> None:
        self._read("containers", container, "stop", method="POST", longer=timeout, t=timeout)

    def rename(self, container: str, name: str) -> None:
        self._read("containers", container, "rename", method="POST", name=name)

    def remove_container(self, container: str, force: bool = False, v: bool = False) -> None:
        self._read("containers", container, method="DELETE", force=int(force), v=int(v))

    def get(self, url: str) -> Answer:
        return self._wire.request("GET", url)

    def post(self, url: str, json: t.Any, timeout: float) -> Answer:
        return self._wire.request("POST", url, json, timeout - self.timeout)

    def _read(
        self, *parts: str, method: str = "GET", body: Json | None = None, longer: float = 0, **query: t.Any
    ) -> t.Any:
        """The engine's answer; None where it has no content."""
        content = self._wire.request(method, path_of(f"v{self.api_version}", *parts, **query), body, longer).body
        return json.loads(content) if content.strip() else None

    def _version(self) -> str:
        """The version that the engine speaks; an answered ping says it without any work of the engine's."""
        try:
            headers = self._wire.request("GET", "/_ping").headers
            said, self.podman = headers.get("api-version"), "libpod-api-version" in headers
        except Missing:
            said = None
        return said or str(json.loads(self._wire.request("GET", "/version").body)["ApiVersion"])
