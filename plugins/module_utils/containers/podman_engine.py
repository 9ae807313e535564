# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: what Podman says of a container only in its own words, and only to its own OCI runtime."""

from __future__ import annotations

import contextlib
import json
import typing as t
from pathlib import Path

from .podman import as_docker
from .wire import SCHEME

Json = t.Dict[str, t.Any]
API = "v4.0.0"  # the first that the range of its versions has


def completed(api: t.Any, url: str, found: Json) -> Json:
    """The inspect *found* as Docker would have given it. url: the engine's address."""
    answer = api.get(f"{api.base_url}/{API}/libpod/containers/{found['Id']}/json")
    native = json.loads(answer.content) if answer.ok else {}
    runtime = None
    # One that was never started has none yet, and another host's cannot be read here.
    with contextlib.suppress(OSError, ValueError):
        path = Path(native.get("OCIConfigPath") or "/")
        if url.startswith(SCHEME) and path.is_file():  # a user's own Podman must not hold us up with a pipe
            runtime = json.loads(path.read_bytes())
    return as_docker(found, native, runtime)
