# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What `make test` runs: stages in the order of their cost; the first that fails ends the run.

Usage: stages [STAGE...] [-- PYTEST ARGUMENTS]. Without a name: all of them. Output goes to .cache/logs/<stage>.log.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from . import app_images, audit, awx_tools, images, kernel_guard, other_side, registry, vm
from .engine import FOLDER, Engine, own_engine, test_engine
from .sanity import run_sanity
from .shell import CACHE, INSTALLED, LOGS, ROOT, TestSetupError, as_root, logged, output, tail, tool

COLLECTION = "caisson.hardening"
PACKAGE = f"ansible_collections.{COLLECTION}"
ALL = ("setup", "lint", "unit", "docs", "build", "sanity", "integration", "molecule")
ON_THE_MACHINE = {"integration", "molecule", "benchmark"}
# The machine has something to do while tests wait for their engines. The tests that share its kernel are one part.
PARTS = 3
VM_SCENARIO, FLEET_SCENARIO = "vm", "fleet"
PACKAGES = {
    "dockerd": "docker.io",
    "iptables": "iptables",
    "busybox": "busybox-static",
    "mmdebstrap": "mmdebstrap",
    "ssh": "openssh-client",
    "git": "git",
    "ip": "iproute2",
    "setpriv": "util-linux",
    "modprobe": "kmod",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mkfs.ext4": "e2fsprogs",
    "rootlesskit": "rootlesskit",
    "slirp4netns": "slirp4netns",
    "newuidmap": "uidmap",
    "podman": "podman",
    "catatonit": "catatonit",
    "/usr/lib/podman/netavark": "netavark",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
}


@dataclass
class Run:
    """One run: the pytest arguments, and the engine once a stage asked for it."""

    arguments: list[str]
    stack: contextlib.ExitStack
    engine: Engine | None = None
    notes: list[str] = field(default_factory=list)
    preparing: Future[None] | None = None

    def preparation(self) -> Future[None]:
        """The preparation of the integration tests, begun if it was not yet."""
        if self.preparing is None:
            pool = self.stack.enter_context(ThreadPoolExecutor(1))
            self.preparing = pool.submit(_prepare)
        return self.preparing

    def with_engine(self) -> Engine:
        if self.engine is None:
            self.engine = self.stack.enter_context(test_engine())
        return self.engine


def setup(run: Run) -> bool:
    """Install what the machine lacks."""
    missing = [package for command, package in PACKAGES.items() if not shutil.which(command)]
    if "docker.io" in missing and os.environ.get("DOCKER_HOST"):
        missing.remove("docker.io")
    if not missing:
        return True
    if not shutil.which("apt-get"):
        raise TestSetupError(f"Install what the tests need: {', '.join(missing)} (the names of Debian's packages)")
    apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    logged("setup", as_root([*apt, "update"]))
    return logged("setup", as_root([*apt, "install", "--no-install-recommends", *missing])) == 0


def lint(run: Run) -> bool:
    """All linters, each even where an earlier one failed."""
    links = str(CACHE / "collections")
    code = [f"{PACKAGE}.plugins.module_utils", f"{PACKAGE}.tests.support"]
    mypy: list[t.Any] = [tool("mypy"), "--config-file", ROOT / "pyproject.toml"]
    mypy += [word for name in code for word in ("-p", name)]
    offline = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": links, "NO_COLOR": "1"}
    results = [
        logged("lint", [tool("ruff"), "check", "."], cwd=ROOT),
        logged("lint", [tool("ruff"), "format", "--check", "."], cwd=ROOT),
        logged("lint", mypy, cwd=links, env={**os.environ, "MYPYPATH": links}),
        logged("lint", [tool("yamllint"), "--strict", "."], cwd=ROOT),
        logged("lint", [tool("ansible-lint"), "--offline", "--strict"], cwd=ROOT, env=offline),
        logged("lint", [tool("antsibull-changelog"), "lint"], cwd=ROOT),
    ]
    return not any(results)


def unit(run: Run) -> bool:
    return _pytest(run, "unit", ["-n", "auto", "tests/unit"])


def docs(run: Run) -> bool:
    """The modules' and roles' pages, as the Ansible community builds them."""
    source, html = CACHE / "docs" / "source", CACHE / "docs" / "html"
    shutil.rmtree(CACHE / "docs", ignore_errors=True)
    (source / "collections").mkdir(parents=True)
    for name in ("conf.py", "index.rst"):
        shutil.copy2(ROOT / "docs" / "site" / name, source / name)
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(CACHE / "collections")}
    antsibull, sphinx = tool("antsibull-docs"), [tool("sphinx-build"), "-q", "-W", "--keep-going", "-b", "html"]
    pages: list[t.Any] = [antsibull, "collection", "--use-current", "--squash-hierarchy", "--dest-dir"]
    commands: list[list[t.Any]] = [
        [antsibull, "lint-collection-docs", "--plugin-docs", "--skip-rstcheck", ROOT],
        [*pages, source / "collections", COLLECTION],
        [*sphinx, source, html],
    ]
    return all(logged("docs", command, env=environment) == 0 for command in commands)


def build(run: Run) -> bool:
    """The tarball installs, and each module is found by its full name in what it installed."""
    if logged("build", [ROOT / "tools" / "collection.sh"]) != 0:
        return False
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(INSTALLED)}
    listed = output([tool("ansible-doc"), "-l", COLLECTION], env=environment)
    modules = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
    missing = [name for name in modules if f"{COLLECTION}.{name} " not in listed]
    run.notes += [f"not found by name after the install: {name}" for name in missing]
    return bool(modules) and not missing


def sanity(run: Run) -> bool:
    return run_sanity("sanity")


def integration(run: Run) -> bool:
    logged("integration", [ROOT / "tools" / "collection.sh"])
    run.preparation().result()
    with kernel_guard.unchanged_machine(run.notes):
        passed = _integration(run, run.with_engine())
    return passed and not run.notes


def _prepare() -> None:
    """Fetch and make all that needs a network, before commands run beside an engine that has none."""
    hosts = (images.HOST, images.HOST_TRIXIE, images.FRESH, images.PODMAN, images.LOGIN, images.BARE)
    images.prepare(*hosts, images.GRUB, images.GRUB_TRIXIE, audit.TOOLS, *app_images.APPLICATIONS)
    registry.prepare()
    awx_tools.prepare()


def _integration(run: Run, engine: Engine) -> bool:
    """All of them side by side, each part with an engine of its own: most of the time they wait for it."""
    if _named(run) or not engine.network:
        return _pytest(run, "integration", ["tests/integration"], engine)
    # Short, for the sockets below it, whose paths have a length that they must not pass.
    with contextlib.ExitStack() as more, tempfile.TemporaryDirectory(prefix="t-") as base:
        engines = [engine, *(more.enter_context(own_engine(FOLDER / f"part{part}")) for part in range(1, PARTS))]
        os.environ["CAISSON_ENGINES"] = json.dumps([{"host": one.host, "network": one.network} for one in engines])
        side_by_side = ["-n", str(PARTS), "--dist", "loadscope", "--basetemp", f"{base}/t", "--durations", "60"]
        try:
            return _pytest(run, "integration", [*side_by_side, "tests/integration"], engine)
        finally:
            del os.environ["CAISSON_ENGINES"]


def benchmark(run: Run) -> bool:
    other_side.prepare()
    with kernel_guard.unchanged_machine(run.notes):
        return _pytest(run, "benchmark", ["tests/benchmarks"], run.with_engine()) and not run.notes


def molecule(run: Run, scenario: str = "") -> bool:
    """Each scenario but the virtual machines, or the one that was named."""
    # On an emulated processor they take as long as all the rest together, so they are run by name.
    every = sorted({path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")} - {VM_SCENARIO})
    scenarios = [scenario] if scenario else every
    logged("molecule", [ROOT / "tools" / "collection.sh"])
    images.prepare(images.HOST, *([images.HOST_TRIXIE] if FLEET_SCENARIO in scenarios else []))
    if VM_SCENARIO in scenarios:
        vm.prepare()
    run.stack.callback(vm.stop_all)
    with kernel_guard.unchanged_machine(run.notes):
        engine = run.with_engine()
        passed = [_molecule(engine, name) for name in scenarios]
    return bool(passed) and all(passed) and not run.notes


def _molecule(engine: Engine, scenario: str) -> bool:
    shutil.rmtree(CACHE / "molecule" / scenario, ignore_errors=True)
    environment = {
        **os.environ,
        "DOCKER_HOST": engine.host,
        "ANSIBLE_CONFIG": str(ROOT / "molecule" / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(INSTALLED),
        "NO_COLOR": "1",
        "ANSIBLE_NOCOLOR": "1",
        "CAISSON_CACHE": str(CACHE),
        "CAISSON_PYTHON": sys.executable,
        "CAISSON_OWNER": str(os.getpid()),
    }
    support_path = environment.pop("PYTHONPATH", "")
    environment["CAISSON_PYTHONPATH"] = (
        str(Path(support_path).resolve()) if support_path else str(CACHE / "collections")
    )
    argv = [*engine.prefix, tool("molecule"), "test", "--scenario-name", scenario]
    return _shown("molecule", argv, cwd=ROOT, env=environment) == 0


def _named(run: Run) -> list[str]:
    """The tests that the user named, instead of all."""
    return [word for word in run.arguments if word.startswith("tests/")]


def _pytest(run: Run, name: str, every: list[str], engine: Engine | None = None) -> bool:
    argv = [sys.executable, "-m", "pytest", *run.arguments, *([] if _named(run) else every)]
    # Modules are run some thousand times; what is compiled of them is kept, though not among the sources.
    environment = {**os.environ, "PYTHONPATH": str(CACHE / "collections"), "PYTHONPYCACHEPREFIX": str(CACHE / "pyc")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if engine:
        environment.update(DOCKER_HOST=engine.host, ANSIBLE_COLLECTIONS_PATH=str(INSTALLED))
        argv = [*engine.prefix, *argv]
    return _shown(name, argv, cwd=ROOT, env=environment) == 0


def _shown(name: str, argv: t.Sequence[t.Any], **options: t.Any) -> int:
    """Run with the output in the log, and pytest's closing lines on the screen too."""
    log = LOGS / f"{name}.log"
    start = log.stat().st_size if log.exists() else 0
    status = logged(name, argv, **options)
    with log.open("rb") as stream:
        stream.seek(start)
        lines = stream.read().decode(errors="replace").splitlines()
    for line in lines:
        if re.match(r"(=+ )?\d+ (passed|failed|error)", line):
            print(f"  {line}")
    return status


STAGES: dict[str, t.Callable[..., bool]] = {
    function.__name__: function
    for function in (setup, lint, unit, docs, build, sanity, integration, molecule, benchmark)
}


def main(words: list[str]) -> int:
    names, arguments = words, []
    if "--" in words:
        names, arguments = words[: words.index("--")], words[words.index("--") + 1 :]
    unknown = [name for name in names if name.partition("=")[0] not in STAGES]
    if unknown:
        print(f"No such stage: {', '.join(unknown)}. There are: {', '.join(STAGES)}", file=sys.stderr)
        return 2
    hardened = kernel_guard.hardened() if ON_THE_MACHINE & {name.partition("=")[0] for name in names or ALL} else ""
    if hardened:
        print(hardened, file=sys.stderr)
        return 2
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin"
    # Some tools write logs and settings into the home directory; the user's stays as it is.
    home = CACHE / "home" / "tests"
    home.mkdir(parents=True, exist_ok=True)
    os.environ["HOME"] = str(home)
    signal.signal(signal.SIGTERM, lambda *_ignored: sys.exit(143))
    passed = failed = 0
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        run = Run(arguments, stack)
        for given in names or ALL:
            if _stage(run, given):
                passed += 1
                if not names and given == "unit":
                    run.preparation()  # the stages before the integration tests need none of it
            else:
                failed += 1
                break
    left_out = len(names or ALL) - passed - failed
    note = f" {left_out} stages after it were not run." if left_out else ""
    print(f"{time.monotonic() - began:.0f} s; the logs are in .cache/logs.{note}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _stage(run: Run, given: str) -> bool:
    name, _equals, argument = given.partition("=")
    LOGS.mkdir(parents=True, exist_ok=True)
    (LOGS / f"{name}.log").write_text("", encoding="utf-8")
    print(f"{given} ...", flush=True)
    began = time.monotonic()
    run.notes.clear()
    try:
        passed = STAGES[name](run, *([argument] if argument else []))
    except TestSetupError as error:
        run.notes.append(str(error))
        passed = False
    if not passed:
        print(tail((LOGS / f"{name}.log").read_text(encoding="utf-8", errors="replace"), 60))
    for note in run.notes:
        print(f"  {note}")
    print(f"{given}: {'passed' if passed else 'FAILED'} in {time.monotonic() - began:.0f} s", flush=True)
    return passed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
