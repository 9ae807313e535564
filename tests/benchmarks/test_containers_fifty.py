# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Many hardened containers through a play: this collection beside a loop of community.docker, compose and the bare SDK.

Sides alternate; of several repetitions the median counts. It measures, and asserts nothing about time.
CAISSON_BENCHMARK_N and CAISSON_BENCHMARK_REPETITIONS say how many containers and how often.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
import typing as t
import uuid
from pathlib import Path

import docker
import yaml
from ansible_collections.caisson.hardening.tests.benchmarks import fifty
from ansible_collections.caisson.hardening.tests.support import compose, images, measure, other_side
from ansible_collections.caisson.hardening.tests.support.shell import CACHE

N = int(os.environ.get("CAISSON_BENCHMARK_N", "50"))
REPETITIONS = int(os.environ.get("CAISSON_BENCHMARK_REPETITIONS", "1"))
STEPS = {"create": "64m", "unchanged": "64m", "change memory": "48m"}
PLAY_BASE = {"hosts": "localhost", "connection": "local", "gather_facts": False}

# What no other side does: wait whether the containers stay up, and look at what runs in them.
ALIKE = "containers, waits for nothing"
NO_LOOK = {"settle_time": 0, "inspect_processes": "never"}

Figures = t.Dict[str, t.Dict[str, t.List[float]]]


def ours(prefix: str, image: str, memory: str, **options: t.Any) -> dict[str, t.Any]:
    return {"caisson.hardening.containers": {**fifty.ours(prefix, N, image, memory), **options}}


def loop(prefix: str, image: str, memory: str) -> dict[str, t.Any]:
    module = fifty.docker_container(prefix, image, memory)
    return {"community.docker.docker_container": module, "loop": fifty.names(prefix, N)}


def play(folder: Path, task: dict[str, t.Any], docker_host: str) -> float:
    """The seconds of one ansible-playbook."""
    bin_folder = other_side.venv()
    path = folder / "play.yml"
    path.write_text(yaml.safe_dump([{**PLAY_BASE, "tasks": [task]}]), encoding="utf-8")
    environment = {
        **os.environ, "DOCKER_HOST": docker_host, "ANSIBLE_COLLECTIONS_PATH": str(CACHE / "collections"),
        "ANSIBLE_PYTHON_INTERPRETER": str(bin_folder / "python"), "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_NOCOLOR": "1",
    }  # fmt: skip
    environment.pop("PYTHONPATH", None)
    argv = [str(bin_folder / "ansible-playbook"), "-i", "localhost,", str(path)]
    began = time.monotonic()
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    passed = time.monotonic() - began
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return passed


def up(folder: Path, program: list[str], prefix: str, image: str, memory: str, docker_host: str) -> float:
    """The seconds of one `docker compose up`."""
    path = folder / "compose.yml"
    path.write_text(yaml.safe_dump(fifty.compose(prefix, N, image, memory)), encoding="utf-8")
    argv = [*program, "-p", prefix, "-f", str(path), "up", "-d"]
    return measure.command(argv, {**os.environ, "DOCKER_HOST": docker_host})[0].wall


def floor(api: docker.APIClient, prefix: str) -> float:
    """One list and an inspect each, one after the other."""
    began = time.monotonic()
    api.containers(all=True)
    for name in fifty.names(prefix, N):
        api.inspect_container(name)
    return time.monotonic() - began


def measured(folder: Path, docker_host: str) -> Figures:
    api = docker.APIClient(base_url=docker_host, timeout=300)
    image = images.ensure_busybox(api)
    figures: Figures = {}
    sides: dict[str, t.Callable[[str, str], float]] = {
        "containers": lambda prefix, memory: play(folder, ours(prefix, image, memory), docker_host),
        ALIKE: lambda prefix, memory: play(folder, ours(prefix, image, memory, **NO_LOOK), docker_host),
        "loop of docker_container": lambda prefix, memory: play(folder, loop(prefix, image, memory), docker_host),
    }
    program = compose.command()
    if program:
        sides["docker compose"] = lambda prefix, memory: up(folder, program, prefix, image, memory, docker_host)
    play(folder, {"ansible.builtin.ping": {}}, docker_host)  # what is cold is nobody's
    for repetition in range(REPETITIONS):
        order = list(sides) if repetition % 2 == 0 else list(reversed(sides))
        for side in order:
            prefix = f"caisson-bench-{uuid.uuid4().hex[:6]}"
            try:
                if side == "loop of docker_container":
                    api.create_network(prefix)
                for step, memory in STEPS.items():
                    figures.setdefault(side, {}).setdefault(step, []).append(sides[side](prefix, memory))
                if side == "containers":
                    figures.setdefault("bare SDK, list and inspect", {}).setdefault("unchanged", []).append(
                        floor(api, prefix)
                    )
            finally:
                fifty.clear(api, prefix)
    figures.setdefault("docker compose", {})
    return figures


def table(figures: Figures) -> str:
    """Seconds, and in brackets how many times those of our module."""
    base = {step: statistics.median(figures["containers"][step]) for step in STEPS}
    lines = [f"{'N = ' + str(N):30}" + "".join(f"{step:>22}" for step in STEPS)]
    for side, steps in figures.items():
        medians = {step: statistics.median(steps[step]) for step in STEPS if step in steps}
        cells = [
            f"{medians[step]:10.2f} s ({medians[step] / base[step]:5.2f})" if step in medians else "-" for step in STEPS
        ]
        lines.append(f"{side:30}" + ("".join(f"{cell:>22}" for cell in cells) if steps else f"{'not present':>22}"))
    return "\n".join(lines)


def test_fifty_containers_through_a_play(tmp_path: Path, docker_host: str, capsys: t.Any) -> None:
    figures = measured(tmp_path, docker_host)
    measure.record("containers_fifty", n=N, repetitions=REPETITIONS, seconds=figures)
    with capsys.disabled():
        print("\n" + table(figures))
    assert set(STEPS) <= set(figures["containers"])
