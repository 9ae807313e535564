# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module alone, as Ansible sends it to a host, beside the least that a program with the SDK does, and compose.

It measures, and asserts nothing about time. CAISSON_BENCHMARK_N says how many containers, CAISSON_BENCHMARK_ROUNDS how
often each side has its turn.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import typing as t
import uuid
from pathlib import Path

import docker
import pytest
import yaml
from ansible_collections.caisson.hardening.tests.benchmarks import fifty
from ansible_collections.caisson.hardening.tests.support import compose, images, measure
from ansible_collections.caisson.hardening.tests.support.ansiballz import package
from ansible_collections.caisson.hardening.tests.support.measure import Sample
from ansible_collections.caisson.hardening.tests.support.run_module import COLLECTIONS, module_command

N = int(os.environ.get("CAISSON_BENCHMARK_N", "50"))
ROUNDS = int(os.environ.get("CAISSON_BENCHMARK_ROUNDS", "3"))
GROWTH = (10, 50, 100, 200)
BARE = Path(__file__).with_name("bare_sdk.py")
CARRIED = ("Image", "Cmd", "User", "StopTimeout")
ALIKE = "containers, imported, does not wait either"
SENT, IMPORTED = "containers, as Ansible sends it", "containers, imported"
LEFT_OUT = ("ContainerIDFile", "ConsoleSize", "MaskedPaths", "ReadonlyPaths")


class Bench:
    """One project of containers on the engine, and the sides' commands for it."""

    def __init__(self, docker_host: str, folder: Path) -> None:
        self.host = docker_host
        self.folder = folder
        self.api = docker.APIClient(base_url=docker_host, timeout=300)
        self.image = images.ensure_busybox(self.api)
        self.prefix = f"caisson-bench-{uuid.uuid4().hex[:6]}"

    def clear(self) -> None:
        fifty.clear(self.api, self.prefix)

    def module(self, number: int, memory: str = "64m", changed: bool | None = None, **options: t.Any) -> Sample:
        """A run of the module; packing it is Ansible's work on the controller and no part of it."""
        given = {**fifty.ours(self.prefix, number, self.image, memory), "docker_host": self.host, **options}
        label = f"{number}-{memory}-{len(options)}-{options.get('parallel', '')}"
        path = self.folder / f"containers-{label}.py"
        if not path.exists():
            package("caisson.hardening.containers", given, path)
        sample, said = measure.command([sys.executable, str(path)])
        assert changed is None or json.loads(said)["changed"] is changed
        return sample

    def imported(self, number: int, memory: str = "64m", changed: bool | None = None, **options: t.Any) -> Sample:
        """The same with the module's code compiled and at hand, as that of the SDK is."""
        given = {**fifty.ours(self.prefix, number, self.image, memory), "docker_host": self.host, **options}
        environment = {**os.environ, "PYTHONPATH": str(COLLECTIONS), "PYTHONPYCACHEPREFIX": str(self.folder / "pyc")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        sample, said = measure.command(module_command("containers", given), environment)
        assert changed is None or json.loads(said)["changed"] is changed
        return sample

    def bare(self, what: str, number: int, threads: int, body: t.Any) -> Sample:
        argv = [sys.executable, str(BARE), self.host, what, self.prefix, str(number), str(threads), json.dumps(body)]
        return measure.command(argv)[0]

    def ping(self) -> Sample:
        """The least that a module costs."""
        path = self.folder / "ping.py"
        if not path.exists():
            package("ansible.builtin.ping", {}, path)
        return measure.command([sys.executable, str(path)])[0]

    def compose(self, program: list[str], number: int) -> Sample:
        path = self.folder / "compose.yml"
        path.write_text(yaml.safe_dump(fifty.compose(self.prefix, number, self.image, "64m")), encoding="utf-8")
        argv = [*program, "-p", self.prefix, "-f", str(path), "up", "-d"]
        return measure.command(argv, {**os.environ, "DOCKER_HOST": self.host})[0]

    def body(self) -> dict[str, t.Any]:
        """What the engine is to be told so that it makes the module's own container."""
        self.module(1)
        found = self.api.inspect_container(fifty.names(self.prefix, 1)[0])
        host = {key: value for key, value in found["HostConfig"].items() if key not in LEFT_OUT}
        return {**{key: found["Config"][key] for key in CARRIED}, "HostConfig": host}


@pytest.fixture
def bench(docker_host: str, tmp_path: Path) -> t.Iterator[Bench]:
    made = Bench(docker_host, tmp_path)
    try:
        yield made
    finally:
        made.clear()


def to(samples: measure.Samples, *others: str) -> dict[str, float | None]:
    """Our module's ratios to the best of the others."""
    return {
        f"{side}, {unit}": measure.ratio(samples, side, others, what)
        for side in (SENT, IMPORTED)
        for what, unit in (("wall", "wall clock"), ("cpu", "processor"))
    }


Show = t.Callable[..., None]


@pytest.fixture
def show(capsys: t.Any) -> Show:
    """Record the samples under the name and print them as a table, with lines below it."""

    def shown(name: str, title: str, samples: measure.Samples, *lines: str, **ratios: float | None) -> None:
        measure.record(name, n=N, samples=samples, ratios=ratios)
        with capsys.disabled():
            print("\n" + measure.table(title, samples))
            for what, value in ratios.items():
                print(f"  {what}: {'not present' if value is None else format(value, '.2f')}")
            print("".join(f"  {line}\n" for line in lines), end="")

    return shown


def test_create(bench: Bench, show: Show) -> None:
    body = bench.body()
    program = compose.command()

    def afresh(make: t.Callable[[], Sample]) -> t.Callable[[], Sample]:
        def made() -> Sample:
            bench.clear()
            return make()

        return made

    bench.imported(1)
    bare, rival = "bare SDK, 8 threads, does not wait", "docker compose up -d"
    sides = {
        SENT: afresh(lambda: bench.module(N, changed=True)),
        IMPORTED: afresh(lambda: bench.imported(N, changed=True)),
        ALIKE: afresh(lambda: bench.imported(N, changed=True, settle_time=0, inspect_processes="never")),
        bare: afresh(lambda: bench.bare("create", N, 8, body)),
    }
    if program:
        sides[rival] = afresh(lambda: bench.compose(program, N))
    samples = measure.alternating(sides, ROUNDS)
    notes = () if program else ("docker compose: not present",)
    show("module_create", f"create and start {N}", samples, *notes, **to(samples, bare, rival))


def test_unchanged(bench: Bench, show: Show) -> None:
    bench.module(N)
    bench.imported(N)
    bare = "bare SDK, list and inspect"
    sides = {
        SENT: lambda: bench.module(N, changed=False),
        IMPORTED: lambda: bench.imported(N, changed=False),
        bare: lambda: bench.bare("unchanged", N, 1, None),
        "Ansible's own ping, as sent": bench.ping,
    }
    samples = measure.alternating(sides, ROUNDS * 3)
    show("module_unchanged", f"unchanged {N}", samples, **to(samples, bare))


def test_change_memory(bench: Bench, show: Show) -> None:
    bench.module(N)
    turn = itertools.cycle(("48m", "64m"))

    def body() -> dict[str, t.Any]:
        memory = next(turn)
        return {"mem_limit": memory, "memswap_limit": memory}

    sides = {
        SENT: lambda: bench.module(N, next(turn), changed=True),
        IMPORTED: lambda: bench.imported(N, next(turn), changed=True),
        "bare SDK, one after the other": lambda: bench.bare("update", N, 1, body()),
        "bare SDK, 8 threads": lambda: bench.bare("update", N, 8, body()),
    }
    # Each side changes what the one before it has set, so the turns go on through the rounds.
    samples = measure.alternating(sides, ROUNDS)
    both = ("bare SDK, one after the other", "bare SDK, 8 threads")
    show("module_update", f"change the memory of {N}", samples, **to(samples, *both))


def test_growth(bench: Bench, show: Show) -> None:
    """Containers that are made and not started: for what is unchanged it is the same work, and sooner there."""

    def unchanged(number: int, *, first: bool = False) -> Sample:
        given = {**fifty.ours(bench.prefix, number, bench.image, "64m", state="present"), "docker_host": bench.host}
        return bench.imported(0, changed=first, **given)

    unchanged(max(GROWTH), first=True)
    sides = {f"containers, {number}": lambda number=number: unchanged(number) for number in GROWTH}
    samples = measure.alternating(sides, ROUNDS)
    few, many = (samples[f"containers, {number}"] for number in (min(GROWTH), max(GROWTH)))
    linear = max(GROWTH) / min(GROWTH)
    ratios = {
        "times linear": measure.median(many) / measure.median(few) / linear,
        "peak MiB": measure.median(many, "peak"),
    }
    show("module_growth", "unchanged, by number", samples, **ratios)


def test_start(bench: Bench, show: Show) -> None:
    """What a run costs before it asks for the first container."""

    def python(code: str) -> t.Callable[[], Sample]:
        return lambda: measure.command([sys.executable, "-c", code])[0]

    entry = "ansible_collections.caisson.hardening.plugins.module_utils.containers.entry"
    connected = f"import docker; api = docker.APIClient(base_url={bench.host!r}, version='auto')"
    sides = {
        "the interpreter": python("pass"),
        "import ansible.module_utils.basic": python("import ansible.module_utils.basic"),
        "import the module's core, with that": python(f"import {entry}"),
        "import docker": python("import docker"),
        "docker, connected": python(connected),
        "docker, connected, info": python(f"{connected}; api.info()"),
        "containers, of an empty list": lambda: bench.module(0, changed=False),
    }
    show("module_start", "the start of a run", measure.alternating(sides, ROUNDS * 3))
