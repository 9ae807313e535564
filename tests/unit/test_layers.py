# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The house rules that a machine can hold: who may import whom, how long a file may be, what agrees with what."""

from __future__ import annotations

import ast
import re
import subprocess
import typing as t
import warnings
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
UTILS = ROOT / "plugins" / "module_utils"
FULL = ("ansible_collections", "caisson", "hardening", "plugins", "module_utils")

# The edges do I/O. Appliers drive them by a plan, and what is made of an applier's outcome stands beside it.
# Every other file of module_utils is pure.
EDGES = frozenset(
    (
        *(
            "host.files",
            "host.lock",
            "host.paths",
            "host.undo",
            "host.history",
            "host.guard",
            "host.systemd",
            "host.procsys",
            "auditd.auditctl",
            "host.load",
            "host.cgroups",
            "host.units",
            "process_limits.accounts",
            "process_limits.coredump_files",
            "process_limits.pam_files",
            "kernel.sysctl_files",
            "kernel_modules.system",
            "kernel_security.observe",
            "kernel.host_traits",
        ),
        *("daemon.sockets", "daemon.openssl", "daemon.container_process", "daemon.loopback", "daemon.effective"),
        *("daemon.engine", "daemon.process", "daemon.service", "daemon.successor", "daemon.unit_files"),
        "host.secret_files",
        *(
            "containers.engine",
            "containers.podman_engine",
            "containers.client",
            "containers.wire",
            "containers.process_table",
            "images.minimal",
            "containers.fresh",
        ),
        *("images.engine", "containers.progress_file"),
        *("mounts.live", "mounts.units", "mounts.users"),
        "boot.system",
    )
)
APPLIERS = frozenset(
    (
        *("kernel.apply", "host.transaction", "host.entry", "daemon.apply", "daemon.observe"),
        *("daemon.surroundings", "daemon.judged"),
        *("daemon.record", "daemon.takeover", "daemon.transaction"),
        *("permissions.apply", "permissions.observe", "process_limits.apply", "process_limits.observe"),
        "auditd.apply",
        *("containers.apply", "containers.deploy", "containers.entry", "containers.render"),
        *("containers.replacement", "containers.schedule"),
        *("containers.drift_apply", "containers.drift_entry", "containers.look"),
        "images.apply",
        *("kernel_modules.apply", "kernel_security.apply", "kernel_parts.apply"),
        "containers.project_resources",
        "containers.secret_keeper",
        *("mounts.apply", "boot.apply"),
        *("rollout.apply", "rollout.records", "containers.status_apply"),
        "facts.gather",
    )
)
IMPURE_LIBRARIES = frozenset("docker requests subprocess socket shutil tempfile fcntl urllib http".split())
ENTRY = "containers.entry"
MOST_LINES, MANY_LINES = 350, 300


def python_files() -> list[Path]:
    return sorted(ROOT.glob("plugins/**/*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(UTILS).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(path: Path) -> set[str]:
    """Every module that the file imports; those of module_utils as `package.module`."""
    package = path.relative_to(ROOT).parts[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = list((*FULL[:3], *package)[: len(FULL[:3]) + len(package) - node.level + 1]) if node.level else []
            base += node.module.split(".") if node.module else []
            found |= {".".join([*base, alias.name]) for alias in node.names} | {".".join(base)}
    prefix = ".".join(FULL) + "."
    return {name[len(prefix) :] if name.startswith(prefix) else name for name in found}


MODULE_UTILS = sorted(path for path in UTILS.rglob("*.py") if path.name != "__init__.py")


@pytest.mark.parametrize("path", MODULE_UTILS, ids=name_of)
def test_layers_import_in_one_direction_only(path: Path) -> None:
    name, found = name_of(path), imports(path)
    if name not in APPLIERS:
        assert not found & APPLIERS, "only modules and appliers may import an applier"
    if name not in EDGES | APPLIERS:
        assert not found & EDGES, "a pure layer imports an edge"
        assert not {library.split(".")[0] for library in found} & IMPURE_LIBRARIES, "a pure layer can do I/O"
    if name in EDGES:
        pure = {other for other in map(name_of, MODULE_UTILS) if other.endswith((".plan", ".policy"))}
        assert not found & pure, "an edge does not decide"


@pytest.mark.parametrize("path", MODULE_UTILS, ids=name_of)
def test_only_the_edge_imports_the_docker_sdk_and_only_entries_know_ansible(path: Path) -> None:
    libraries = {library.split(".")[0] for library in imports(path)}
    assert "docker" not in libraries or name_of(path) == "containers.engine"
    assert "ansible" not in libraries or name_of(path) == ENTRY


def test_named_layers_exist() -> None:
    gone = (EDGES | APPLIERS) - set(map(name_of, MODULE_UTILS))
    assert not gone, f"the table of layers names files that are gone: {sorted(gone)}"


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_python_files_stay_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES
    if lines > MANY_LINES:
        warnings.warn(f"{path.name} has {lines} lines", stacklevel=1)


def roles() -> list[Path]:
    return sorted(path for path in ROOT.glob("roles/*") if path.is_dir())


def load(path: Path) -> t.Any:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


@pytest.mark.parametrize("role", roles(), ids=lambda role: role.name)
def test_role_defaults_specs_and_readme_name_the_same_variables(role: Path) -> None:
    defaults = load(role / "defaults" / "main.yml")
    options = load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    readme = (role / "README.md").read_text(encoding="utf-8")
    assert set(defaults) == set(options)
    assert [name for name in options if not re.search(rf"^#+ .*\b{name}\b", readme, re.MULTILINE)] == []
    assert [name for name in options if not name.startswith(f"{role.name}_")] == []


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("roles/*/tasks/*.yml")), ids=lambda path: f"{path.parts[-3]}/{path.name}"
)
def test_task_files_stay_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 80


def test_changelog_fragments_use_known_sections() -> None:
    sections = {name for name, _title in load(ROOT / "changelogs" / "config.yaml")["sections"]} | {
        "release_summary",
        "trivial",
    }
    for path in ROOT.glob("changelogs/fragments/*.y*ml"):
        assert set(load(path)) <= sections, path.name


def test_no_file_names_somebodys_home() -> None:
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    home = re.compile(rb"(?<![\w.])/(home|Users|[w]ork)/(?!person\b)[a-z]\w+")  # person: the user of the test hosts
    files = [name for name in listed if (ROOT / name).is_file()]
    assert [name for name in files if home.search((ROOT / name).read_bytes())] == []
