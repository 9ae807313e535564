# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Containers in tests: deployed through the real module, looked into through the engine."""

from __future__ import annotations

import json
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.caisson.hardening.plugins.module_utils.containers import render
from ansible_collections.caisson.hardening.plugins.module_utils.containers.apply import Run
from ansible_collections.caisson.hardening.plugins.module_utils.containers.cases import Settings
from ansible_collections.caisson.hardening.plugins.module_utils.containers.engine import Engine
from ansible_collections.caisson.hardening.plugins.module_utils.containers.spec import parse_specs

from .run_module import run_module

WAIVED = {"reason": "the test needs it", "expires": "2099-12-31"}
SLEEP = ["sleep", "1000"]


def waiver(*names: str) -> list[dict[str, str]]:
    return [{"control": f"container.{name}", **WAIVED} for name in names]


@dataclass
class Deployer:
    """Runs the module ``containers`` in a project of its own; names are short for ``<prefix>-<name>``."""

    api: t.Any
    docker_host: str
    prefix: str
    image: str

    def name(self, short: str) -> str:
        return f"{self.prefix}-{short}"

    def spec(self, short: str, **options: t.Any) -> dict[str, t.Any]:
        """A small container that ends at once when it is stopped."""
        spec = {"name": self.name(short), "image": self.image, "user": "10001", "command": SLEEP}
        return {**spec, "stop_timeout": 1, "pids_limit": 32, "memory": "32m", **options}

    def arguments(self, *specs: dict[str, t.Any], **run: t.Any) -> dict[str, t.Any]:
        given = {"docker_host": self.docker_host, "project": self.prefix, "settle_time": 0.3}
        return {**given, "containers": list(specs), **run}

    def run(self, *specs: dict[str, t.Any], check: bool = False, **run: t.Any) -> dict[str, t.Any]:
        return run_module("containers", self.arguments(*specs, **run), check=check)

    def deploy(self, *specs: dict[str, t.Any], **run: t.Any) -> dict[str, t.Any]:
        """A run that has to succeed."""
        result = self.run(*specs, **run)
        assert not result.get("failed"), result["msg"]
        return result

    def quickly(self, *specs: dict[str, t.Any]) -> list[str]:
        """The same run without a process of its own, for what a test only needs to be so; its actions."""
        engine = Engine(self.docker_host)
        try:
            this = Run(engine, parse_specs(list(specs)), Settings(project=self.prefix, settle_time=0.1))
            this.predict()
            outcome = this.execute()
        finally:
            engine.close()
        assert render.failures(outcome) == ""
        return list(render.result(outcome)["actions"])

    def inspect(self, short: str) -> dict[str, t.Any]:
        return dict(self.api.inspect_container(self.name(short)))

    def names(self) -> set[str]:
        """The containers of the project, running or not, in their short form."""
        found = self.api.containers(all=True, filters={"name": self.prefix})
        return {name.lstrip("/")[len(self.prefix) + 1 :] for each in found for name in each["Names"]}

    def execute(self, short: str, *argv: str, user: str = "") -> tuple[int, str]:
        """Exit status and output of a command in the container."""
        made = self.api.exec_create(self.name(short), list(argv), user=user)
        output = self.api.exec_start(made["Id"]).decode(errors="replace")
        return self.api.exec_inspect(made["Id"])["ExitCode"], output

    def shell(self, short: str, line: str) -> tuple[int, str]:
        return self.execute(short, "sh", "-c", line)

    def remake(
        self, short: str, change: t.Callable[[dict[str, t.Any], dict[str, t.Any]], None], *, start: bool = True
    ) -> None:
        """Replace the container by hand by one of the same name, labels and configuration, but for *change*, which
        takes the body of the create call and its host configuration."""
        old = self.inspect(short)
        keys = ("Env", "Cmd", "Entrypoint", "User", "WorkingDir", "Labels", "Healthcheck", "StopSignal", "StopTimeout")
        body = {key: old["Config"].get(key) for key in (*keys, "ExposedPorts", "Image")}
        host = json.loads(json.dumps(old["HostConfig"]))
        body["HostConfig"] = host
        change(body, host)
        self.api.remove_container(old["Id"], force=True)
        self.api.create_container_from_config(body, self.name(short))
        if start:
            self.api.start(self.name(short))


def until(condition: t.Callable[[], t.Any], timeout: float = 20) -> t.Any:
    """The first true answer of *condition*; AssertionError where none comes in time."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"nothing true came within {timeout} s")


def actions_of(result: dict[str, t.Any]) -> dict[str, str]:
    return {entry["name"]: entry["action"] for entry in result["containers"]}
