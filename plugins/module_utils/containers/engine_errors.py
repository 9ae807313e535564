# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What goes wrong with an engine, as one sentence for the user that says what to do. Pure."""

from __future__ import annotations

import contextlib
import json
import sys
import typing as t

from ..errors import CaissonError


class EngineError(CaissonError):
    """The engine refused or could not be reached; the message is one sentence for the user."""


class MissingImage(EngineError):
    """The engine does not have the image and could not pull it."""


class NameTaken(EngineError):
    """Another container has the name, or is just being made under it."""


def name_taken(why: str) -> bool:
    """Whether the engine's sentence says so; Docker and Podman have these words in common."""
    return "name" in why and "is already in use" in why


def no_sdk(why: t.Any) -> str:
    return (
        f"The Docker SDK for Python is missing for {sys.executable} ({why}); install the package"
        " python3-docker, or `pip install docker` for that interpreter"
    )


def explanation(error: BaseException) -> str:
    return str(getattr(error, "explanation", None) or error).strip()


def message(body: str) -> str:
    """The engine's own sentence, out of the body of its answer; the whole body where it has none."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return str(json.loads(body)["message"]).strip()
    return body.strip()


def no_image(reference: str, why: str) -> str:
    return f"Failed to pull the image {reference!r}: {why}; check its name, or load it on the host and set pull: never"


def unreachable(url: str, error: BaseException) -> str:
    cause = _root_cause(error)
    if isinstance(cause, PermissionError):
        import getpass  # noqa: PLC0415  needed only here

        remedy = f"permission denied for the user {getpass.getuser()}; set become: true"
    elif isinstance(cause, FileNotFoundError):
        remedy = "there is no such socket; install and start Docker on the host, or set docker_host"
    elif isinstance(cause, ConnectionRefusedError):
        remedy = "the connection was refused; start Docker on the host (systemctl start docker)"
    elif "http+docker" in str(error):
        remedy = "the Docker SDK for Python is too old for the library requests; update it to 7.1 or later"
    else:
        remedy = f"{explanation(error)}; check docker_host"
    return f"No engine answers at {url}: {remedy}"


def _root_cause(error: BaseException) -> BaseException:
    """The operating system's error below the SDK's layers, which carry it as an argument, a cause or a context."""
    pending: list[t.Any] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if isinstance(current, (list, tuple)):
            pending += current
        elif isinstance(current, BaseException) and id(current) not in seen:
            seen.add(id(current))
            if isinstance(current, OSError) and current.errno is not None:
                return current
            pending += [current.args, current.__cause__, current.__context__, getattr(current, "reason", None)]
    return error
