# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The EXAMPLES of the container modules are run as they are written, and a second time change nothing.

Their images are stood in for by one that has a web server. The engine is one of our own, for the names are real ones.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
import tarfile
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.caisson.hardening.tests.support.daemon import SandboxedDaemon
from ansible_collections.caisson.hardening.tests.support.run_module import COLLECTIONS, PREFIX

# In this order, for the later ones look at what the earlier ones deployed.
MODULES = ("minimal_image", "container", "containers", "image_inspect", "container_drift")
APPLETS = ("sh", "httpd", "nc", "grep", "sleep")
# What the examples take for granted: a container of that name, and a variable out of the vault.
API = {"name": "api", "image": "registry.example.org/shop/web:1.4.2", "user": "101:101"}
VARIABLES = {"vault_db_password": "hunter2-of-the-vault"}

Task = t.Dict[str, t.Any]


def examples(module: str) -> list[Task]:
    return list(yaml.safe_load(importlib.import_module(PREFIX + module).EXAMPLES))


def images(value: t.Any) -> set[str]:
    """Every image that is named somewhere in the value."""
    if isinstance(value, dict):
        found = {str(value["image"])} if isinstance(value.get("image"), str) else set()
        return found | {str(each) for each in value.get("images") or ()}.union(*map(images, value.values()))
    return set().union(*map(images, value)) if isinstance(value, list) else set()


def stand_in() -> bytes:
    """A root file system with a web server that answers /healthz, and a wget that asks it."""
    wget = b"#!/bin/sh\nprintf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' | nc -w 2 127.0.0.1 8080 | grep -q healthy\n"
    files = {"bin/busybox": Path("/bin/busybox").read_bytes(), "usr/bin/wget": wget, "www/healthz": b"healthy\n"}
    files["etc/passwd"] = b"root:x:0:0::/:/bin/sh\n"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.mode, entry.size = 0o755, len(content)
            archive.addfile(entry, io.BytesIO(content))
        for applet in APPLETS:
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(entry)
    return buffer.getvalue()


@pytest.fixture
def engine(short_path: Path) -> t.Iterator[SandboxedDaemon]:
    sandbox = SandboxedDaemon(short_path)
    try:
        sandbox.config.write_text("{}\n", encoding="utf-8")
        sandbox.start()
        api = sandbox.api()
        changes = ['CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]', "ENV PATH=/bin", "USER 101"]
        api.import_image_from_data(stand_in(), "stand-in", tag="1", changes=changes)
        for name in sorted(images([examples(module) for module in MODULES])):
            repository, _colon, tag = name.rpartition(":")
            api.tag("stand-in:1", repository, tag)
        yield sandbox
    finally:
        sandbox.close()


def play(module: str) -> list[dict[str, t.Any]]:
    """Each example, the same again, and that this changed nothing."""
    tasks: list[Task] = []
    if module == "container_drift":
        tasks.append({"caisson.hardening.containers": {"project": "shop", "containers": [API]}})
    for example in examples(module):
        again = {**example, "name": f"{example['name']}, again", "register": "again"}
        tasks += [example, again]
        if not example.get("check_mode"):
            tasks.append({"ansible.builtin.assert": {"that": "again is not changed", "quiet": True}})
    return [{"hosts": "localhost", "gather_facts": False, "vars": VARIABLES, "tasks": tasks}]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_the_examples_run_as_they_are_written(engine: SandboxedDaemon, tmp_path: Path) -> None:
    for module in MODULES:
        path = tmp_path / f"{module}.yml"
        path.write_text(yaml.safe_dump(play(module), sort_keys=False), encoding="utf-8")
        environment = {
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(tmp_path / "home"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_NOCOLOR": "1",
            "DOCKER_HOST": f"unix://{engine.socket}",
            "LC_ALL": "C.UTF-8",
        }
        words = [f"{name}={value}" for name, value in environment.items()]
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            "localhost,",
            "-c",
            "local",
            str(path),
        ]
        done = engine.inside("env", *words, *command, check=False)
        assert done.returncode == 0, f"{module}:\n{done.stdout}{done.stderr}"
        assert VARIABLES["vault_db_password"] not in done.stdout
