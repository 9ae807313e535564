# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Containers with secrets in tests, and what lies on the host for them."""

from __future__ import annotations

import shutil
import typing as t
import uuid
from contextlib import suppress
from pathlib import Path

from .containers import Deployer

ROOT = Path("/var/lib/caisson/secrets")


def value() -> str:
    """A secret that is nowhere else on this machine."""
    return f"hunter2-{uuid.uuid4().hex}"


def secret(content: str, name: str = "db", **more: t.Any) -> dict[str, t.Any]:
    return {"secrets": [{"name": name, "value": content, **more}]}


def folder(deployer: Deployer, short: str) -> Path | None:
    """The container's directory on the host, if there is one."""
    found = [path for path in ROOT.glob(f"*/{deployer.name(short)}") if deployer.prefix not in path.parent.name]
    assert len(found) < 2
    return found[0] if found else None


def generations(deployer: Deployer, short: str) -> set[str]:
    """All that lies in the container's directory."""
    found = folder(deployer, short)
    return {each.name for each in found.iterdir()} if found else set()


def mounted(deployer: Deployer, short: str) -> Path:
    """The generation that the container mounts."""
    sources = [each["Source"] for each in deployer.inspect(short)["Mounts"] if each["Destination"] == "/run/secrets"]
    assert len(sources) == 1
    return Path(sources[0])


def tidy(deployer: Deployer) -> None:
    """Remove what the deployer's containers left on the host."""
    for path in ROOT.glob(f"*/{deployer.prefix}-*"):
        shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):
            path.parent.rmdir()
    with suppress(OSError):
        ROOT.rmdir()
        ROOT.parent.rmdir()
