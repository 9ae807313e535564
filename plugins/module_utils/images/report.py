# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From an inspected image to its entry in a module's result. Pure; no value of the environment gets here."""

from __future__ import annotations

import typing as t

from .content import Privileged, Program
from .rules import Inspected


def entry(one: Inspected) -> dict[str, t.Any]:
    """The image as evidence: what it is, and what it holds."""
    inspect, config, content = one.inspect, one.config, one.content
    known = content.packages
    whole: dict[str, t.Any] = {
        "reference": one.references[0],
        "references": list(one.references),
        "id": str(inspect.get("Id", "")),
        "digests": sorted(inspect.get("RepoDigests") or ()),
        "size": int(inspect.get("Size") or 0),
        "layers": len((inspect.get("RootFS") or {}).get("Layers") or ()),
        "created": str(inspect.get("Created") or ""),
        "architecture": "/".join(filter(None, (str(inspect.get(key) or "") for key in ("Architecture", "Variant")))),
        "os": str(inspect.get("Os") or ""),
        "user": one.user,
        "root": one.root,
        "exposed_ports": sorted(config.get("ExposedPorts") or ()),
        "volumes": sorted(config.get("Volumes") or ()),
        "healthcheck": list((config.get("Healthcheck") or {}).get("Test") or ()),
        "env": sorted(str(item).partition("=")[0] for item in config.get("Env") or ()),
        "entrypoint": list(config.get("Entrypoint") or ()),
        "command": list(config.get("Cmd") or ()),
        "setuid": [_privileged(each) for each in content.setuid],
        "setgid": [_privileged(each) for each in content.setgid],
        "file_capabilities": [
            {"path": path, "capabilities": list(names)} for path, names in sorted(content.capabilities.items())
        ],
        "world_writable": {"count": content.world_writable, "sample": content.world_writable_sample},
        "packages": dict(sorted(known.items())),
        "packages_total": None if None in known.values() else sum(number or 0 for number in known.values()),
        "shells": [_program(each) for each in content.shells],
        "package_managers": [_program(each) for each in content.package_managers],
        "secret_files": content.secret_files,
    }
    return {key: _printable(value) for key, value in whole.items()}


def _privileged(each: Privileged) -> dict[str, t.Any]:
    return {"path": each.path, "mode": f"{each.mode:04o}", "uid": each.uid, "gid": each.gid}


def _program(each: Program) -> dict[str, str]:
    return {"name": each.name, "path": each.path, "target": each.target}


def _printable(value: t.Any) -> t.Any:
    """The value with its names fit for JSON; those that are not UTF-8 have the bytes written out."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if isinstance(value, list):
        return [_printable(item) for item in value]
    return {key: _printable(item) for key, item in value.items()} if isinstance(value, dict) else value
