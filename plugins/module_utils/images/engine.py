# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: what the engine knows of images, and their file systems, read without running anything of them."""

from __future__ import annotations

import contextlib
import platform
import typing as t
import uuid

from ..containers.engine import Engine, Json
from ..containers.values import LABEL_PREFIX

INSPECTOR_LABEL = f"{LABEL_PREFIX}inspector"  # its value is the host that inspects
CHUNK = 1024**2


class ImageEngine(Engine):
    """A connection for looking into images."""

    def image_json(self, reference: str) -> Json | None:
        """The engine's inspect of the image; None where it is not on the host."""
        with self._saying(f"inspect the image {reference!r}"):
            try:
                return dict(self._api.inspect_image(reference))
            except self._not_found:
                return None

    def images(self) -> list[str]:
        """The ids of every image that is not merely a layer of another."""
        with self._saying("list the images"):
            return [str(each["Id"]) for each in self._api.images()]

    def container_images(self, label: str, value: str) -> list[tuple[str, str]]:
        """Id and reference of the image of each container with the label."""
        with self._saying("list the containers"):
            found = self._api.containers(all=True, filters={"label": f"{label}={value}"})
            return [(str(each["ImageID"]), str(each["Image"])) for each in found]

    def remove_leftovers(self) -> None:
        """Remove the containers that a killed inspection from this host left; they never ran."""
        with self._saying("list the containers"):
            found = self._api.containers(all=True, filters={"label": f"{INSPECTOR_LABEL}={platform.node()}"})
        for each in found:
            self._discard(str(each["Id"]))

    @contextlib.contextmanager
    def file_system(self, image: str, volumes: t.Iterable[str]) -> t.Iterator[t.Iterable[bytes]]:
        """The image's file system as the pieces of a tar archive.

        It is that of a container which is made for it, never started, and gone at the end of the block.
        volumes: the image's own; the engine would make one of each, and copy the image's content into it.
        """
        body: Json = {
            "Image": image,
            "Cmd": ["/never-started"],  # an image without a command needs one
            "Labels": {INSPECTOR_LABEL: platform.node()},
            "HostConfig": {
                "NetworkMode": "none",
                "Mounts": [{"Type": "tmpfs", "Target": target} for target in volumes],
            },
        }
        made = self.create(f"caisson-inspect-{uuid.uuid4().hex[:12]}", body)
        try:
            with self._saying(f"read the files of the image {image!r}"):
                yield self._api.export(made, chunk_size=CHUNK)
        finally:
            self._discard(made)

    def _discard(self, container: str) -> None:
        with self._saying(f"remove the container {container!r}"), contextlib.suppress(*self._not_found):
            try:
                self._api.remove_container(container, force=True, v=True)
            except self._errors as error:
                if "already in progress" not in str(error):  # somebody else is at it
                    raise
