# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An execution environment for job isolation: what meta/execution-environment.yml pins, on Debian's packages.

Its base image cannot be had without a registry, so the same programs are put onto a root file system of our own.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import yaml  # type: ignore[import-untyped]

from .images import REPOSITORY, Recipe, root_file_system
from .shell import CACHE, ROOT, as_root, output

DEFINITION = ROOT / "meta" / "execution-environment.yml"
FOLDER = CACHE / "podman"
_PYTHON = "3.11"  # Debian 12's
_PACKAGES = "/usr/local/lib/python3.11/dist-packages"

# Debian's podman takes a runtime that refuses mixed cgroups, and asks for more open files than some machines allow.
_CONF = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
"""
_STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""


def definition() -> dict[str, t.Any]:
    return dict(yaml.safe_load(DEFINITION.read_text(encoding="utf-8")))


def recipe() -> Recipe:
    """The pinned programs as a root file system; its hash changes with a pin."""
    found = definition()
    pins = [found["dependencies"][name]["package_pip"] for name in ("ansible_core", "ansible_runner")]
    system = re.findall(r"--no-install-recommends ([\w -]+?)\s*(?:&&|$)", str(found["additional_build_steps"]))
    launchers = ("", "-galaxy", "-inventory", "-playbook", "-runner")
    return Recipe(
        "execution-environment",
        ("python3", "ca-certificates", *(name for line in system for name in line.split())),
        (
            f"python3 -m pip install -q --no-compile --only-binary=:all: --python-version {_PYTHON} "
            f'--target "$1"{_PACKAGES} {" ".join(pins)}',
            f'rm -rf "$1"{_PACKAGES}/bin',
            *(_launcher(f"ansible{name}") for name in launchers),
            'rm -rf "$1"/usr/share/doc/* "$1"/usr/share/locale/* "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/*',
            'install -d -m 755 "$1"/runner',
        ),
    )


def _launcher(name: str) -> str:
    module = "ansible_runner" if name == "ansible-runner" else f"ansible {name.partition('-')[2] or 'adhoc'}"
    path = f'"$1"/usr/local/bin/{name}'
    return f"printf '#!/bin/sh\\nexec python3 -m {module} \"$@\"\\n' > {path}; chmod 755 {path}"


def podman_environment(folder: Path) -> dict[str, str]:
    """What makes podman keep to itself: its settings in *folder*, its images in the cache."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (folder / "containers.conf").write_text(_CONF, encoding="utf-8")
    (folder / "storage.conf").write_text(_STORAGE.format(folder=FOLDER), encoding="utf-8")
    return {
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
    }


def ensure(environment: dict[str, str]) -> str:
    """The reference of the image in podman's store, imported if it is not there; older ones go."""
    wanted = recipe()
    name = f"localhost/{REPOSITORY}/{wanted.name}"
    reference = f"{name}:{wanted.digest}"
    listed = output(as_root(["podman", "images", "--format", "{{.Repository}}:{{.Tag}}"]), env=environment).split()
    if reference not in listed:
        output(as_root(["podman", "import", "--quiet", str(root_file_system(wanted)), reference]), env=environment)
        for old in listed:
            if old.startswith(f"{name}:"):
                output(as_root(["podman", "rmi", "--force", old]), env=environment)
    return reference
