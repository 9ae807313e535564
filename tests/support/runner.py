# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Jobs as AWX runs them: a private data directory, a synchronised project, answers of a survey as extra variables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import ansible_runner  # type: ignore[import-untyped]

from . import execution_environment
from .shell import TestSetupError, as_root, copy_checkout, logged, tool

COLLECTIONS = "requirements_collections"  # where AWX puts what a project requires


@dataclass
class Job:
    """A job that has ended."""

    status: str
    output: str
    stats: dict[str, t.Any]
    artifacts: dict[str, t.Any]  # what AWX keeps of it
    report: dict[str, t.Any] = field(default_factory=dict)  # the file; empty where there is none

    @property
    def changes(self) -> int:
        return sum((self.stats.get("changed") or {}).values())


class Controller:
    """A private data directory, and what to run in it."""

    def __init__(self, folder: Path, hosts: dict[str, t.Any], key: Path) -> None:
        self.folder = folder
        self.jobs = 0
        self.image = ""
        for name in ("env", "inventory", "artifacts"):
            (folder / name).mkdir()
        inventory = {"all": {"hosts": hosts}}
        (folder / "inventory" / "hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
        (folder / "env" / "ssh_key").write_text(key.read_text(encoding="utf-8"), encoding="utf-8")

    def synchronise(self) -> None:
        """What AWX's project update does: fetch the project, and install what its requirements name."""
        project = self.folder / "project"
        copy_checkout(project)
        argv = [tool("ansible-galaxy"), "collection", "install", "-r", "collections/requirements.yml"]
        target = str(self.folder / COLLECTIONS)
        argv += ["--collections-path", target]
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": target, "PYTHONPATH": "", "LC_ALL": "C.UTF-8"}
        environment["ANSIBLE_CONFIG"] = str(project / "ansible.cfg")
        if logged("project-sync", argv, cwd=project, env=environment) != 0:
            raise TestSetupError("The project's requirements were not installed; see .cache/logs/project-sync.log")

    def isolate(self) -> None:
        """From now on each job runs in the execution environment, in a container of podman's."""
        environment = {**os.environ, **execution_environment.podman_environment(self.folder)}
        self.image = execution_environment.ensure(environment)
        os.environ.update(execution_environment.podman_environment(self.folder))

    def run(self, playbook: str, survey: dict[str, t.Any], *arguments: str) -> Job:
        """Run a playbook of the project with the answers of a survey."""
        self.jobs += 1
        ident = str(self.jobs)
        for name in ("envvars", "cmdline", "settings"):  # the runner keeps them for the next job, which has its own
            (self.folder / "env" / name).unlink(missing_ok=True)
        (self.folder / "env" / "extravars").write_text(json.dumps(survey), encoding="utf-8")
        home = self.folder if not self.image else Path("/runner")
        environment = {"ANSIBLE_COLLECTIONS_PATH": str(home / COLLECTIONS), "LC_ALL": "C.UTF-8"}
        isolation: dict[str, t.Any] = {}
        if self.image:
            isolation = {
                "process_isolation": True,
                "process_isolation_executable": "podman",
                "container_image": self.image,
                "container_options": ["--network=host", "--pull=never"],
            }
        else:
            environment["PYTHONPATH"] = ""  # or the checkout's collection would be found there
            environment["ANSIBLE_HOME"] = str(self.folder / "home")
            environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = ansible_runner.run(
            private_data_dir=str(self.folder), ident=ident, playbook=f"playbooks/{playbook}", quiet=True,
            envvars=environment, cmdline=" ".join(arguments) or None, **isolation,
        )  # fmt: skip
        return self._job(done, self.folder / "artifacts" / ident)

    def dispatch(self, playbook: str, survey: dict[str, t.Any]) -> tuple[str, dict[str, t.Any]]:
        """Run a playbook as a container group does: the job is sent to a worker in the execution environment, and what
        it made comes back. The output, and the report."""
        self.jobs += 1
        envvars = {"ANSIBLE_COLLECTIONS_PATH": f"/runner/{COLLECTIONS}", "LC_ALL": "C.UTF-8"}
        (self.folder / "env" / "envvars").write_text(json.dumps(envvars), encoding="utf-8")
        (self.folder / "env" / "extravars").write_text(json.dumps(survey), encoding="utf-8")
        back = self.folder.with_name(f"back-{self.jobs}")
        back.mkdir()
        podman = ["podman", "run", "--rm", "--interactive", "--network=host", "--pull=never", self.image]
        said = b""
        for argv in (
            [tool("ansible-runner"), "transmit", str(self.folder), "-p", f"playbooks/{playbook}", "--ident", "sent"],
            as_root([*podman, "ansible-runner", "worker", "--private-data-dir=/runner"]),
            [tool("ansible-runner"), "process", str(back), "--ident", "sent"],
        ):
            said = subprocess.run(argv, input=said, stdout=subprocess.PIPE, check=False, timeout=300).stdout
        report = json.loads((back / "artifacts" / "sent" / "caisson.json").read_text(encoding="utf-8"))
        return said.decode(), report

    @staticmethod
    def _job(done: t.Any, folder: Path) -> Job:
        ends = [event["event_data"] for event in done.events if event["event"] == "playbook_on_stats"]
        kept = ends[-1].get("artifact_data") or {} if ends else {}
        file = folder / "caisson.json"
        report = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        return Job(done.status, done.stdout.read(), done.stats or {}, kept, report)
