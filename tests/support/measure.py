# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Seconds, processor seconds and peak memory of commands, side beside side."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import typing as t
from dataclasses import asdict, dataclass

from .shell import CACHE


@dataclass(frozen=True)
class Sample:
    """One process with its children: wall and processor seconds, and the largest resident size in MiB."""

    wall: float
    cpu: float
    peak: float


Samples = t.Dict[str, t.List[Sample]]


# A process begins with the peak of the one that forked it; so a small one stands between, and takes the time.
_LAUNCHER = """
import json, os, sys, time
began = time.monotonic()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_pid, status, used = os.wait4(pid, 0)
figures = [time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]
with open(sys.argv[1], "w") as stream:
    json.dump(figures, stream)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def command(argv: t.Sequence[str], env: t.Mapping[str, str] | None = None) -> tuple[Sample, str]:
    """Run it and measure it; and what it printed. AssertionError where it fails."""
    with tempfile.NamedTemporaryFile() as figures:
        launched = [sys.executable, "-I", "-S", "-c", _LAUNCHER, figures.name, *argv]
        done = subprocess.run(launched, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=env)
        assert done.returncode == 0, (
            f"{argv[:4]} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        )
        return Sample(*json.load(figures)), done.stdout


def alternating(sides: t.Mapping[str, t.Callable[[], Sample]], repetitions: int) -> Samples:
    """Each side so often, in turns, every other round from the back, so that what slows the machine slows all."""
    samples: Samples = {side: [] for side in sides}
    for repetition in range(repetitions):
        for side in list(sides) if repetition % 2 == 0 else list(sides)[::-1]:
            samples[side].append(sides[side]())
    return samples


def median(samples: t.Sequence[Sample], what: str = "wall") -> float:
    return float(statistics.median(getattr(sample, what) for sample in samples))


def ratio(samples: Samples, ours: str, theirs: t.Sequence[str], what: str = "wall") -> float | None:
    """How many times the best of theirs ours takes: the median over the rounds, for within one the load is alike."""
    others = [samples[side] for side in theirs if samples.get(side)]
    if not others:
        return None
    best = min(others, key=lambda each: median(each, what))
    pairs = zip(samples[ours], best)
    return float(statistics.median(getattr(one, what) / max(getattr(other, what), 1e-6) for one, other in pairs))


def table(title: str, samples: Samples) -> str:
    lines = [f"{title:58}{'wall s':>10}{'cpu s':>10}{'peak MiB':>10}"]
    for side, found in samples.items():
        cells = [f"{median(found, what):10.3f}" for what in ("wall", "cpu")] + [f"{median(found, 'peak'):10.0f}"]
        lines.append(f"  {side:56}" + ("".join(cells)))
    return "\n".join(lines)


def record(name: str, **data: t.Any) -> None:
    """Write the figures to .cache/benchmarks/<name>.json, with the machine's load."""
    folder = CACHE / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"load": os.getloadavg(), **data}, indent=2, default=asdict)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
