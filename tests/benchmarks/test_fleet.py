# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an unchanged harden.yml costs for each host, over ssh, beside as many pings of Ansible's, and beside a role with
as many tasks as those of the field have, each a ping; and how it grows.

The hosts run systemd and an engine of their own. They share the machine with the control node, so the wall clock has
the work of both; the processor seconds are the control node's alone. What the hosts share with the machine below
/proc/sys they may only read. Some twenty of them is what a kernel takes as it comes (fs.inotify.max_user_instances).
CAISSON_BENCHMARK_HOSTS (1,5,10) says how many hosts there are, and
CAISSON_BENCHMARK_REPETITIONS how often each number is measured.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
import sys
import typing as t
import uuid
from pathlib import Path

import docker
import pytest
import yaml
from ansible_collections.caisson.hardening.tests.support import hosts, measure
from ansible_collections.caisson.hardening.tests.support.shell import CACHE, ROOT

SIZES = [int(word) for word in os.environ.get("CAISSON_BENCHMARK_HOSTS", "1,5,10").split(",")]
REPETITIONS = int(os.environ.get("CAISSON_BENCHMARK_REPETITIONS", "1"))
FORKS = 10
MOST_HOSTS_OF_ROLE = 5  # it is slow, and grows as the pings do
MOST_MODULE_RUNS = 25
# As many as devsec.hardening.os_hardening 10.6 runs on a host in a container without auditd, counted from its output.
ROLE_TASKS = 94
LINEAR = 0.10
HARDEN, PINGS, ROLE = "harden.yml", "pings", f"a role of {ROLE_TASKS} pings"
SSH = "-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
CONFIG = f"""[defaults]
forks = {FORKS}
host_key_checking = false
[connection]
pipelining = true
[ssh_connection]
ssh_args = -o ControlMaster=auto -o ControlPersist=600s {SSH}
"""
# What a control node can be set to, and how that differs from CONFIG.
SETTINGS: dict[str, dict[str, str]] = {
    f"{FORKS} forks, pipelining, ControlPersist": {},
    "5 forks": {"ANSIBLE_FORKS": "5"},
    "1 fork": {"ANSIBLE_FORKS": "1"},
    "no pipelining": {"ANSIBLE_PIPELINING": "false"},
    "no ControlPersist": {"ANSIBLE_SSH_ARGS": f"-o ControlMaster=no -o ControlPath=none {SSH}"},
}
FACTS = {
    "the facts that harden.yml asks for": ["!all", "!min", "distribution", "service_mgr", "virtual"],
    "all facts": ["all"],
}


@dataclasses.dataclass
class Fleet:
    """Hosts that were hardened once."""

    folder: Path
    names: list[str]

    def command(self, playbook: Path, number: int, *arguments: str) -> list[str]:
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        limit = ",".join(self.names[:number])
        return [program, "--inventory", str(self.folder / "hosts.yml"), "--limit", limit, *arguments, str(playbook)]

    def run(self, playbook: Path, number: int, *arguments: str, **settings: str) -> tuple[measure.Sample, str]:
        environment = {
            **os.environ, "ANSIBLE_COLLECTIONS_PATH": str(CACHE / "collections"), "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"), "LC_ALL": "C.UTF-8", **settings,
        }  # fmt: skip
        environment.pop("PYTHONPATH", None)
        return measure.command(self.command(playbook, number, *arguments), environment)

    def harden(self, number: int, *arguments: str, **settings: str) -> tuple[measure.Sample, str]:
        return self.run(ROOT / "playbooks" / "harden.yml", number, "-e", "harden_serial=100%", *arguments, **settings)


@pytest.fixture(scope="module")
def fleet(docker_host: str, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    api = docker.APIClient(base_url=docker_host, timeout=300)
    prefix = f"caisson-{uuid.uuid4().hex[:6]}"
    found = Fleet(folder, [f"{prefix}-{number:02}" for number in range(max(SIZES))])
    try:
        hosts.create(api, found.names, folder / "instances.json", folder, read_only=hosts.SHARED_SETTINGS)
        entries = yaml.safe_load((folder / "instances.json").read_text(encoding="utf-8"))
        shared = {
            "ansible_user": "root",
            "ansible_ssh_private_key_file": entries[0]["identity_file"],
            "ansible_python_interpreter": "/usr/bin/python3",
            "containers_demo": True,
        }
        addresses = {entry["instance"]: {"ansible_host": entry["address"]} for entry in entries}
        inventory = {"all": {"hosts": addresses, "vars": shared}}
        (folder / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
        (folder / "ansible.cfg").write_text(CONFIG, encoding="utf-8")
        found.harden(max(SIZES))
        yield found
    finally:
        for name in found.names:
            hosts.remove(api, name)


def module_runs(output: str) -> int:
    """The modules that were sent to a host, by what `-vvv` says of each."""
    return len(re.findall(r"^<.+> Using module file |^Using module file ", output, re.MULTILINE))


def changed(output: str) -> list[int]:
    return [int(number) for number in re.findall(r"changed=(\d+)", output.split("PLAY RECAP")[1])]


def ping_play(folder: Path, number: int) -> Path:
    """So many pings, and nothing else."""
    path = folder / f"pings-{number}.yml"
    tasks = [{"name": f"Ping {each}", "ansible.builtin.ping": {}} for each in range(number)]
    play = {"hosts": "all", "become": True, "gather_facts": False, "tasks": tasks}
    path.write_text(yaml.safe_dump([play]), encoding="utf-8")
    return path


def test_cost_of_a_host_and_its_growth(fleet: Fleet, capsys: t.Any) -> None:
    _sample, output = fleet.harden(1, "-vvv")
    runs = module_runs(output)
    assert 0 < runs <= MOST_MODULE_RUNS, f"{runs} modules are run on an unchanged host"

    pings, role = (ping_play(fleet.folder, number) for number in (runs, ROLE_TASKS))
    fleet.run(pings, max(SIZES))  # what is cold is nobody's
    samples: dict[int, measure.Samples] = {}
    for repetition in range(REPETITIONS):
        for number in SIZES if repetition % 2 == 0 else SIZES[::-1]:
            sides = samples.setdefault(number, {HARDEN: [], PINGS: []})
            sample, output = fleet.harden(number)
            assert changed(output) == [0] * number, output[-3000:]
            sides[HARDEN].append(sample)
            sides[PINGS].append(fleet.run(pings, number)[0])
            if number <= MOST_HOSTS_OF_ROLE:
                sides.setdefault(ROLE, []).append(fleet.run(role, number)[0])
    measure.record("fleet", forks=FORKS, module_runs=runs, repetitions=REPETITIONS, samples=samples)

    each = {number: measure.median(sides[HARDEN], "cpu") / number for number, sides in sorted(samples.items())}
    with capsys.disabled():
        print(f"\n{runs} modules a host, {FORKS} forks, load {os.getloadavg()[0]:.1f}")
        for number, sides in samples.items():
            print(measure.table(f"{number} hosts", sides))
            for side in (PINGS, ROLE):
                if side in sides:
                    print(f"  {measure.ratio(sides, HARDEN, [side]):.2f} times as long as {side}")
        print("the control node's processor seconds a host: " + ", ".join(f"{cost:.2f}" for cost in each.values()))
    for smaller, larger in itertools.pairwise(each):
        assert each[larger] <= each[smaller] * (1 + LINEAR), f"the cost of a host grows with their number: {each}"


def facts_play(folder: Path, subset: list[str]) -> Path:
    path = folder / f"facts-{len(subset)}.yml"
    task = {"name": "Gather", "ansible.builtin.setup": {"gather_subset": subset}}
    path.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [task]}]), encoding="utf-8")
    return path


def test_settings_of_the_control_node(fleet: Fleet, capsys: t.Any) -> None:
    """It measures, and asserts nothing about time."""
    number = SIZES[min(1, len(SIZES) - 1)]
    harden = {name: lambda given=given: fleet.harden(number, **given)[0] for name, given in SETTINGS.items()}
    plays = {name: facts_play(fleet.folder, subset) for name, subset in FACTS.items()}
    facts = {name: lambda path=path: fleet.run(path, number)[0] for name, path in plays.items()}
    samples = {**measure.alternating(harden, REPETITIONS), **measure.alternating(facts, REPETITIONS)}
    measure.record("fleet_settings", hosts=number, repetitions=REPETITIONS, samples=samples)
    with capsys.disabled():
        print("\n" + measure.table(f"{number} hosts, load {os.getloadavg()[0]:.1f}", samples))
    assert set(samples) == {*SETTINGS, *FACTS}
