# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""References of images: completed as the engine does it, held against a list, and the digests behind them. Pure."""

from __future__ import annotations

import re
import typing as t

from ..errors import shown
from . import values
from .units import Wrong

HUB = "docker.io"
_SEGMENT = re.compile(r"\A[a-z0-9*](?:[a-z0-9._*-]*[a-z0-9*])?\Z")
_REGISTRY = re.compile(r"\A[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?\Z")
_ID = re.compile(r"\A(?:sha256:)?(?P<digits>[0-9a-f]{4,64})\Z")


def repository(reference: str) -> str:
    """The repository with its registry, as the engine completes it: ``redis:7`` is ``docker.io/library/redis``."""
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return "/".join(_complete(f"{head}{slash}{last.partition(':')[0]}"))


def _complete(name: str) -> tuple[str, str]:
    """Registry and path of a name without tag and digest."""
    first, slash, rest = name.partition("/")
    if slash and _is_registry(first):
        registry, path = first.lower(), rest
    else:
        registry, path = HUB, name
    if registry == f"index.{HUB}":
        registry = HUB
    return registry, f"library/{path}" if registry == HUB and "/" not in path else path


def _is_registry(first: str) -> bool:
    """Whether what stands before the first '/' is a registry, by the engine's rule."""
    return any(sign in first for sign in ".:") or first == "localhost" or first != first.lower()


def is_id(reference: str, image: str) -> bool:
    """Whether the reference is an id, or the beginning of the image's; the engine takes both."""
    match = _ID.match(reference)
    return bool(match) and (reference.startswith("sha256:") or image.startswith(f"sha256:{match['digits']}"))  # type: ignore[index]


def read_allowed(value: t.Any) -> tuple[str, ...]:
    """The entries of a list of repositories, each completed. Wrong for the first that is none."""
    return tuple(dict.fromkeys(_pattern(entry) for entry in values.words(value)))


def _pattern(entry: str) -> str:
    first, slash, _rest = entry.partition("/")
    if not slash and _is_registry(first):
        raise Wrong(
            f"has {shown(entry)}, which is a registry alone or has a tag",
            "write REGISTRY/** for all of a registry, or a repository without its tag",
        )
    if "*" in first:
        raise Wrong(f"has {shown(entry)}, which leaves the registry open", f"name it, as in {HUB}/library/*")
    if "@" in entry or ":" in entry.rpartition("/")[2]:
        raise Wrong(f"has {shown(entry)}, which has a tag or a digest", "write the repository alone")
    registry, path = _complete(entry)
    segments = path.split("/")
    if not _REGISTRY.match(registry) or not all(_SEGMENT.match(segment) for segment in segments):
        raise Wrong(
            f"has {shown(entry)}, which is no repository", "write [REGISTRY/]PATH in lower case, '*' in its path"
        )
    if any("**" in segment for segment in segments[:-1]) or ("**" in segments[-1] and segments[-1] != "**"):
        raise Wrong(f"has {shown(entry)}, where '**' is not the last part", "end with /**, or use '*' in one part")
    return f"{registry}/{path}"


def allows(allowed: t.Iterable[str], reference: str) -> bool:
    """Whether one of the entries covers the reference's repository.

    ``*`` stands for any characters of one part of the path, ``**`` for all further parts; there has to be one.
    """
    asked = repository(reference).split("/")
    return any(_covers(pattern.split("/"), asked) for pattern in allowed)


def _covers(pattern: list[str], asked: list[str]) -> bool:
    if pattern[-1] == "**":
        pattern = pattern[:-1]
        if len(asked) <= len(pattern):
            return False
        asked = asked[: len(pattern)]
    return len(pattern) == len(asked) and all(
        re.match(rf"\A{'.*'.join(map(re.escape, part.split('*')))}\Z", given) for part, given in zip(pattern, asked)
    )


def digest(known: t.Iterable[str], reference: str) -> str:
    """The digest of the manifest for which the reference stands; empty where no registry is known to have it.

    known: the image's own, ``REPOSITORY@DIGEST`` each.
    """
    if "@" in reference:
        return reference.partition("@")[2]
    found = sorted(known)
    same = [each for each in found if repository(each) == repository(reference)]
    # Under another name it is the same content all the same.
    return (same or found or [""])[0].partition("@")[2]
