# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The secrets of a container: read from the option, compared, and told of without their values. Pure.

Each is a file in a directory of the host that only root can reach, bound read-only on ``/run/secrets``. A directory is
called a generation; its name is random, for a name made from the content would give a weak secret away.
"""

from __future__ import annotations

import base64
import binascii
import re
import typing as t
from dataclasses import dataclass, field

from ..errors import Fault, named, nearest
from . import values
from .units import Wrong

ROOT = "/var/lib/caisson/secrets"
TARGET = "/run/secrets"
MOST_BYTES = 500 * 1024
UNMADE = "new"  # in a plan, the name of a generation that is not made yet
REMAPPED_IDS = 65536  # how many ids the engine maps into a user namespace

SHOWN = ("name", "target", "mode", "uid", "gid")  # what of a secret is none itself
_KEYS = (*SHOWN, "value", "value_b64")
_FILE = re.compile(r"\A[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}\Z")
_MODE = re.compile(r"\A0?[0-7]{3}\Z")
_GENERATION = re.compile(r"\A[0-9a-f]{32}\Z")
_PLACE = re.compile(rf"\A(?:{UNMADE}|[0-9a-f]{{32}})\Z")
_id = values.integer(0, 2**32 - 2, "a numeric id")


@dataclass(frozen=True)
class Secret:
    """One secret as it was written. uid and gid are None where the container's user decides."""

    file: str
    content: bytes = field(repr=False)
    mode: int = 0o400
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True)
class SecretFile:
    """A file of a generation, its owner in the host's ids. content is None for what is no regular file."""

    content: bytes | None = field(repr=False)
    mode: int = 0o400
    uid: int = 0
    gid: int = 0


class InPlace(t.Dict[str, SecretFile]):
    """The wanted files of a container that reads them anew, so that nothing is replaced for them."""


@dataclass(frozen=True)
class Seen:
    """What the host has of one container's secrets.

    generation: the one that the container mounts, if it is there. leftovers: entries that no container mounts.
    loose: whether a directory is open to others than root. unfinished: a run was killed while it changed them in place.
    """

    generation: str = ""
    leftovers: tuple[str, ...] = ()
    loose: bool = False
    unfinished: bool = False


def read_secrets(value: t.Any) -> tuple[Secret, ...]:
    """The option's reader; what it says of a fault names the secret, never a value."""
    if not isinstance(value, (list, tuple)):
        raise Wrong("is not a list", "write one entry a secret, with name and value")
    found: dict[str, Secret] = {}
    for number, item in enumerate(value, 1):
        if not isinstance(item, dict):
            raise Wrong(f"has no dictionary as entry {number}", "write name and value in each entry")
        given = {key: entry for key, entry in item.items() if entry is not None}
        for key in given:
            if key not in _KEYS:
                hint = nearest(named(key), _KEYS)
                raise Wrong(f"has an unknown key in entry {number}{hint}", f"use {', '.join(_KEYS)}")
        if "name" not in given:
            raise Wrong(f"has no name in entry {number}", "add name")
        secret = _secret(given, number)
        if secret.file in found:
            raise Wrong(f"has the file {secret.file!r} twice", "give each secret a name or a target of its own")
        found[secret.file] = secret
    return tuple(found.values())


def _secret(given: t.Mapping[str, t.Any], number: int) -> Secret:
    remedy = "use letters, digits, '_', '.' and '-', the first no '.' or '-'"
    if not isinstance(given["name"], str) or not _FILE.match(given["name"]):
        raise Wrong(f"has a name that is not possible in entry {number}", remedy)
    name = str(given["name"])
    content = _content(given, name)
    try:
        return Secret(
            _file(given.get("target", name)),
            content,
            _mode(given.get("mode", "0400")),
            _id(given["uid"]) if "uid" in given else None,
            _id(given["gid"]) if "gid" in given else None,
        )
    except Wrong as wrong:
        raise Wrong(f"has at {name!r} what {wrong.problem}", wrong.remedy) from None


def _content(given: t.Mapping[str, t.Any], name: str) -> bytes:
    if ("value" in given) == ("value_b64" in given):
        both = "both value and value_b64" if "value" in given else "no value"
        raise Wrong(f"has {both} at {name!r}", "give one of value and value_b64")
    value = given.get("value", given.get("value_b64"))
    if not isinstance(value, str):
        raise Wrong(f"has a value at {name!r} that is not a string", "put it in quotes, or give bytes as value_b64")
    try:
        found = value.encode() if "value" in given else base64.b64decode("".join(value.split()), validate=True)
    except UnicodeEncodeError:
        raise Wrong(f"has a value at {name!r} that is not valid Unicode", "give it as value_b64") from None
    except (binascii.Error, ValueError):
        raise Wrong(f"has a value at {name!r} that is not base64", "encode it, or give a text as value") from None
    if not found.strip():
        # Ansible would hide each blank of the result, too.
        raise Wrong(f"has an empty value at {name!r}", "give the secret, or remove the entry")
    if len(found) > MOST_BYTES:
        raise Wrong(f"has a value at {name!r} that is larger than {MOST_BYTES // 1024} KiB", "mount a file instead")
    return found


def _file(value: t.Any) -> str:
    written = value if isinstance(value, str) else ""
    plain = written[len(TARGET) + 1 :] if written.startswith(f"{TARGET}/") else written
    if not _FILE.match(plain):
        raise Wrong(f"is no plain file name below {TARGET} (target)", f"write a target such as {TARGET}/db_password")
    return plain


def _mode(value: t.Any) -> int:
    remedy = 'write the mode in quotes, such as "0400"'
    if not isinstance(value, str) or not _MODE.match(value):
        raise Wrong("is not a mode in octal digits", remedy)
    mode = int(value, 8)
    if mode & 0o111:
        raise Wrong("is a mode that makes the file a program", remedy)
    if not mode & 0o444:
        raise Wrong("is a mode that lets nobody read it", remedy)
    return mode


def conflicts(found: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, t.Any, str, str]]:
    """What is wrong only beside another option, of the options that could be read."""
    if found.get("secrets_signal") and found.get("secrets_rotation") != "in_place":
        remedy = "set secrets_rotation: in_place, or leave it out"
        yield "secrets_signal", found["secrets_signal"], "is sent only where secrets change in place", remedy
    if found.get("secrets_signal") in ("SIGKILL", "SIGSTOP"):
        yield "secrets_signal", found["secrets_signal"], "cannot be caught", "write one, such as HUP"
    if found.get("secrets"):
        mounted = [mount[0] for mount in (*found.get("mounts", ()), *found.get("volumes", ()))]
        for option, targets in (("mounts", mounted), ("tmpfs", found.get("tmpfs", ()))):
            for target in sorted(set(targets)):
                if target == TARGET or target.startswith(f"{TARGET}/"):
                    yield option, target, "is where the secrets are", "choose another path"


def files(
    name: str, secrets: t.Iterable[Secret], user: str, shift: tuple[int, int]
) -> tuple[dict[str, SecretFile], list[Fault]]:
    """The files to be, with their owners, and what of the owners cannot be known.

    user: whom the container runs as. shift: the host's ids of the root inside, (0, 0) without a user namespace.
    """
    found: dict[str, SecretFile] = {}
    faults = []
    head, _colon, tail = user.partition(":")
    for secret in secrets:
        where, option = f"container {name!r}", f"secrets.{secret.file}"
        uid = _number(head or "root") if secret.uid is None else secret.uid
        gid = _number(tail or "root") if secret.gid is None else secret.gid
        if uid is None:
            remedy = f"write the number that `id -u {head}` prints in the image"
            faults.append(Fault(where, f"{option}.uid", None, f"is missing, and the user {head!r} is a name", remedy))
        # The group of a lone user is the image's affair; without rights for the group it does not matter.
        if secret.gid is None and secret.mode & 0o070 and (gid is None or not tail):
            problem = "is missing, but the mode lets a group read it and the user names none by number"
            faults.append(Fault(where, f"{option}.gid", None, problem, "write the group's number"))
        for key, number in (("uid", uid), ("gid", gid)):
            if any(shift) and number is not None and number >= REMAPPED_IDS:
                remedy = f"write a number below {REMAPPED_IDS}"
                faults.append(Fault(where, f"{option}.{key}", number, "is not in the engine's user namespace", remedy))
        found[secret.file] = SecretFile(secret.content, secret.mode, (uid or 0) + shift[0], (gid or 0) + shift[1])
    return found, faults


def _number(user: str) -> int | None:
    if user == "root":
        return 0
    return int(user) if re.match(r"\A[0-9]{1,10}\Z", user) else None


def shift(info: t.Mapping[str, t.Any]) -> tuple[int, int]:
    """The host's uid and gid of the root inside, out of the engine's own info: it keeps the data of a user namespace
    in a directory of that name."""
    if not any(str(option).startswith("name=userns") for option in info.get("SecurityOptions") or ()):
        return (0, 0)
    match = re.search(r"/([0-9]+)\.([0-9]+)/*\Z", str(info.get("DockerRootDir") or ""))
    return (int(match[1]), int(match[2])) if match else (-1, -1)


def directory(engine: str, container: str, generation: str) -> str:
    """Where a generation lies. engine: its data root, for two engines of one host may each have a container of this
    name."""
    return f"{ROOT}/{engine_name(engine)}/{container}/{generation}"


def engine_name(root: str) -> str:
    """An engine's data root as the name of a directory: ``/var/lib/docker`` is ``var-lib-docker``."""
    plain = re.sub(r"[^A-Za-z0-9._/]", lambda match: f"~{ord(match[0]):x}", root.strip("/"))
    return plain.replace("/", "-")[-200:].lstrip(".") or "engine"


def generation_of(source: str, engine: str, container: str) -> str:
    """The generation that a mount's source is, or the empty string where it is none of this container."""
    head, _slash, generation = source.rpartition("/")
    ours = f"{head}/" == directory(engine, container, "") and _GENERATION.match(generation)
    return generation if ours else ""


def is_generation(source: str, container: str) -> bool:
    """Whether a mount's source is a generation of the container, on whatever engine; of any, where no name is known."""
    return bool(place(source, container)[1])


def place(source: str, container: str) -> tuple[str, str]:
    """The engine's name and the generation in a mount's source, or two empty strings."""
    parts = source[len(ROOT) + 1 :].split("/") if source.startswith(f"{ROOT}/") else []
    ours = len(parts) == 3 and parts[1] in (container or parts[1],) and _PLACE.match(parts[2])
    return (parts[0], parts[2]) if ours else ("", "")


def mount(engine: str, container: str, generation: str) -> values.Mount:
    return (TARGET, "bind", directory(engine, container, generation), True, "rprivate")


def told(before: SecretFile | None, after: SecretFile | None) -> tuple[str, str]:
    """What is to be said of the two files, without their content."""
    if before is None or after is None:
        return ("absent" if before is None else "present", "absent" if after is None else "present")
    old, new = [], []
    if before.content is None:
        old, new = ["not a file"], ["the value given"]
    elif before.content != after.content:
        old, new = ["another value"], ["the value given"]
    if before.content is not None and _rights(before) != _rights(after):
        old.append(_rights(before))
        new.append(_rights(after))
    return ", ".join(old), ", ".join(new)


def _rights(file: SecretFile) -> str:
    return f"{file.mode:04o} {file.uid}:{file.gid}"


def texts(secrets: t.Iterable[Secret]) -> t.Iterator[str]:
    """What of the secrets could stand in a log: each whole, and each of its longer lines."""
    for secret in secrets:
        text = secret.content.decode(errors="replace").strip()
        yield text
        yield from (line.strip() for line in text.splitlines() if len(line.strip()) >= 8)
