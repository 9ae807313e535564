# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kernel role beside a loop of ansible.posix.sysctl over the same keys, as plays on the real kernel.

Each side in a place of its own (own network and mounts), first and again; the sides alternate, and the ratios are those
of one round. It measures, and asserts nothing about time. CAISSON_BENCHMARK_REPETITIONS says how often. Needs root.
"""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import yaml
from ansible_collections.caisson.hardening.tests.support import measure, other_side
from ansible_collections.caisson.hardening.tests.support.kernel import Place, place
from ansible_collections.caisson.hardening.tests.support.shell import CACHE

REPETITIONS = int(os.environ.get("CAISSON_BENCHMARK_REPETITIONS", "1"))
OURS, LOOP, QUIET_LOOP = "role kernel", "loop of ansible.posix.sysctl", "the same loop, reload: false"
STEPS = ("first", "unchanged")


def plays(values: t.Mapping[str, str]) -> dict[str, dict[str, t.Any]]:
    """What each side's play does. The loop is what hardening roles write, and a quicker form of it."""
    task = {"name": "{{ item.key }}", "value": "{{ item.value }}", "sysctl_set": True, "ignoreerrors": True}
    keys = [{"key": key, "value": value} for key, value in values.items()]
    return {
        OURS: {"roles": ["caisson.hardening.kernel"], "vars": {"kernel_profile": "strict"}},
        LOOP: {"tasks": [{"ansible.posix.sysctl": {**task, "reload": True}, "loop": keys}]},
        QUIET_LOOP: {"tasks": [{"ansible.posix.sysctl": {**task, "reload": False}, "loop": keys}]},
    }


def run(host: Place, folder: Path, name: str, play: t.Mapping[str, t.Any]) -> measure.Sample:
    """One ansible-playbook inside the place."""
    bin_folder = other_side.venv()
    path = folder / f"{name.replace(' ', '-')}.yml"
    # Facts are off for all; the role gathers what it needs by itself.
    base = {"hosts": "localhost", "connection": "local", "gather_facts": False}
    path.write_text(yaml.safe_dump([{**base, **play}]), encoding="utf-8")
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(CACHE / "collections"),
        "ANSIBLE_PYTHON_INTERPRETER": str(bin_folder / "python"),
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_NOCOLOR": "1",
    }
    environment.pop("PYTHONPATH", None)
    return measure.command(
        host.inside([str(bin_folder / "ansible-playbook"), "-i", "localhost,", str(path)]), environment
    )[0]


def test_the_role_beside_a_loop_over_the_same_keys(tmp_path: Path, capsys: t.Any) -> None:
    (tmp_path / "look").mkdir()
    with place(tmp_path / "look") as host:
        values = host.run("sysctl", profile="strict", unwritable="report")["values"]
    samples: dict[str, measure.Samples] = {step: {OURS: [], LOOP: [], QUIET_LOOP: []} for step in STEPS}
    for repetition in range(REPETITIONS):
        sides = plays(values)
        for number, side in enumerate(list(sides) if repetition % 2 == 0 else list(sides)[::-1]):
            scratch = tmp_path / f"{repetition}-{number}"
            scratch.mkdir()
            with place(scratch) as host:
                for step in STEPS:
                    samples[step][side].append(run(host, tmp_path, side, sides[side]))
                assert host.values(*values) == values, f"{side} did not set what it was asked for"
    measure.record("kernel_settings", keys=len(values), repetitions=REPETITIONS, samples=samples)
    with capsys.disabled():
        for step in STEPS:
            print("\n" + measure.table(f"{len(values)} keys, {step}", samples[step]))
            for side in (LOOP, QUIET_LOOP):
                print(f"  {1 / (measure.ratio(samples[step], OURS, [side]) or 1):.1f} times as fast as {side}")
