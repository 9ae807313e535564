# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module, and the engine, are killed before each call that changes something; the next run converges.

A proxy between the two counts the calls, so that every boundary of every sequence is met, and no other.
"""

from __future__ import annotations

import contextlib
import os
import signal
import typing as t
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support import images
from ansible_collections.caisson.hardening.tests.support.containers import Deployer
from ansible_collections.caisson.hardening.tests.support.daemon import SandboxedDaemon
from ansible_collections.caisson.hardening.tests.support.proxy import EngineProxy
from ansible_collections.caisson.hardening.tests.support.run_module import run_module, start_module

Json = t.Dict[str, t.Any]

MOST_STEPS = 20
STOP_FIRST: Json = {"volumes": ["PREFIX-data:/data", "/anonymous"]}
KEEP: Json = {"keep_previous": True}


def placed(options: Json, prefix: str) -> Json:
    return {
        key: [str(item).replace("PREFIX", prefix) for item in value] if key == "volumes" else value
        for key, value in options.items()
    }


class Story:
    """A container's way from one state to another, which is interrupted."""

    def __init__(self, deployer: Deployer, options: Json, wish: Json) -> None:
        spec = deployer.spec("web", **placed(options, deployer.prefix))
        self.deployer = deployer
        self.former = [{**spec, "hostname": "older"}, {**spec, "hostname": "former"}]
        self.wanted = {**spec, "hostname": "wanted", **wish}
        if wish.get("state"):
            self.wanted = {"name": spec["name"], **wish}
        self.host = {"rolled_back": "older"}.get(str(wish.get("state")), str(self.wanted.get("hostname")))
        self.gone = wish.get("state") == "absent"
        self.kept = bool(options.get("keep_previous"))
        self.first = bool(wish.get("labels"))

    def prepare(self) -> None:
        for container in self.deployer.api.containers(all=True, filters={"name": self.deployer.prefix}):
            self.deployer.api.remove_container(container["Id"], force=True, v=True)
        if self.first:
            self._remove_surroundings()
            return
        for spec in self.former if self.kept else self.former[1:]:
            self.deployer.quickly(spec)

    def _remove_surroundings(self) -> None:
        for network in self.deployer.api.networks(names=[self.deployer.prefix]):
            self.deployer.api.remove_network(network["Id"])
        for volume in {f"{self.deployer.prefix}-data"} & self.volumes():
            self.deployer.api.remove_volume(volume)

    def serving(self) -> list[str]:
        """The host names of those that run."""
        found = []
        for each in self.deployer.api.containers(filters={"name": self.deployer.prefix}):
            with contextlib.suppress(docker.errors.NotFound):
                found.append(self.deployer.api.inspect_container(each["Id"])["Config"]["Hostname"])
        return sorted(found)

    def volumes(self) -> set[str]:
        listed = self.deployer.api.volumes()["Volumes"] or ()
        return {volume["Name"] for volume in listed}

    def converges(self) -> None:
        """The next run reaches what is asked, and the one after it has nothing to do."""
        predicted = self.deployer.run(self.wanted, check=True)
        result = self.deployer.deploy(self.wanted)
        assert predicted["actions"] == result["actions"]
        if self.gone:
            assert self.deployer.names() == set()
        else:
            assert self.serving() == [self.host]
            assert self.deployer.inspect("web")["Config"]["Hostname"] == self.host
            names = self.deployer.names()
            assert names in ({"web"}, {"web", "web.caisson-previous"}) if self.kept else names == {"web"}
        assert self.deployer.quickly(self.wanted) == []


# What the module finds where nothing was deployed before is told from the others by its label.
FIRST: Json = {"labels": {"first": "yes"}}
LIVE: Json = {"hostname": "former", "memory": "48m", "pids_limit": 48}
SEQUENCES: dict[str, tuple[Json, Json, list[str]]] = {
    "stop first": (STOP_FIRST, {}, ["create", "stop", "start", "rename", "rename", "DELETE"]),
    "start first": ({}, {}, ["create", "start", "rename", "rename", "stop", "DELETE"]),
    "keeping the former": (KEEP, {}, ["create", "start", "DELETE", "rename", "rename", "stop", "update"]),
    "stop first, keeping the former": (
        {**STOP_FIRST, **KEEP},
        {},
        ["create", "stop", "start", "DELETE", "rename", "rename", "update"],
    ),
    "way back": (
        KEEP,
        {"state": "rolled_back"},
        ["update", "start", "rename", "rename", "stop", "update", "rename"],
    ),
    "way back, stop first": (
        {**STOP_FIRST, **KEEP},
        {"state": "rolled_back"},
        ["update", "stop", "start", "rename", "rename", "update", "rename"],
    ),
    "first": ({"volumes": ["PREFIX-data:/data"]}, FIRST, ["create", "create", "start"]),
    "live update": ({}, LIVE, ["update"]),
    # The project's own network goes after the container, which was the last one on it.
    "removal": (STOP_FIRST, {"state": "absent"}, ["stop", "DELETE", "DELETE"]),
}


def word(change: tuple[str, str]) -> str:
    method, path = change
    return method if method == "DELETE" else path.rpartition("/")[2]


@pytest.mark.parametrize("name", sorted(SEQUENCES))
def test_a_module_killed_at_any_step_loses_nothing(deployer: Deployer, proxy: EngineProxy, name: str) -> None:
    options, wish, expected = SEQUENCES[name]
    story = Story(deployer, options, wish)
    for step in range(1, MOST_STEPS):
        story.prepare()
        volumes = story.volumes()
        process = start_module("containers", {**deployer.arguments(story.wanted), "docker_host": proxy.address})
        proxy.arm(step, process.kill)
        process.communicate(timeout=60)
        if not proxy.reached.is_set():
            assert process.returncode == 0
            break
        assert process.returncode == -signal.SIGKILL
        if "stop first" not in name and name not in ("removal", "first"):
            assert story.serving(), f"nothing serves when the module is killed before step {step}: {proxy.seen}"
        story.converges()
        assert volumes <= story.volumes(), "no volume is ever removed"
    assert [word(change) for change in proxy.seen] == expected, "each step of the sequence was met"
    assert step == len(expected) + 1


def appears(deployer: Deployer, proxy: EngineProxy, spec: Json, name: str, project: str) -> Json:
    """The result of a run for whose first change, a creation, the engine makes another container of that name first."""
    body = {"Image": deployer.image, "Cmd": ["sleep", "60"], "Labels": {"caisson.hardening.project": project}}

    def make() -> None:
        deployer.api.create_container_from_config(body, deployer.name(name))

    proxy.arm(1, make)
    return run_module("containers", {**deployer.arguments(spec), "docker_host": proxy.address})


@pytest.mark.parametrize("first", [True, False])
def test_what_the_engine_makes_for_a_killed_run_after_the_next_has_looked_is_no_obstacle(
    deployer: Deployer, proxy: EngineProxy, first: bool
) -> None:
    spec = deployer.spec("web", hostname="wanted")
    deployer.deploy({**spec, "hostname": "former", "state": "absent" if first else "started"})
    deployer.deploy(deployer.spec("other"))  # the network is there, so that the creation is the first change
    result = appears(deployer, proxy, spec, "web" if first else "web.caisson-next", deployer.prefix)
    assert not result.get("failed"), result
    assert [word(change) for change in proxy.seen][:3] == ["create", "DELETE", "create"]
    assert deployer.names() == {"web", "other"}
    assert deployer.inspect("web")["Config"]["Hostname"] == "wanted"
    assert deployer.deploy(spec)["actions"] == []


def test_a_container_of_somebody_else_that_appears_meanwhile_is_left_alone(
    deployer: Deployer, proxy: EngineProxy
) -> None:
    deployer.deploy(deployer.spec("other"))
    result = appears(deployer, proxy, deployer.spec("web"), "web", "of-somebody-else")
    assert result["failed"]
    assert "already in use" in result["msg"]
    assert deployer.inspect("web")["Config"]["Labels"] == {"caisson.hardening.project": "of-somebody-else"}


def test_a_replacement_under_a_load_of_others_is_killed_and_converges(deployer: Deployer, proxy: EngineProxy) -> None:
    """Four at once: wherever each of them is, the next run brings all to their end."""
    specs = [deployer.spec(f"web{number}") for number in range(4)]
    changed = [{**spec, "hostname": "wanted"} for spec in specs]
    for step in (3, 9, 14, 19):
        deployer.deploy(*specs)
        process = start_module("containers", {**deployer.arguments(*changed), "docker_host": proxy.address})
        proxy.arm(step, process.kill)
        process.communicate(timeout=60)
        assert proxy.reached.is_set()
        deployer.deploy(*changed)
        assert deployer.names() == {f"web{number}" for number in range(4)}
        assert deployer.deploy(*changed)["actions"] == []


def test_a_pruning_run_killed_at_any_step_removes_what_is_not_listed_and_only_that(
    deployer: Deployer, proxy: EngineProxy
) -> None:
    kept = deployer.spec("kept", keep_previous=True)
    gone = deployer.spec("gone", keep_previous=True, volumes=[f"{deployer.prefix}-data:/data"])
    former = [{**spec, "hostname": "older"} for spec in (kept, gone)]
    for step in range(1, MOST_STEPS):
        deployer.deploy(*former)
        deployer.deploy(kept, gone)
        process = start_module("containers", {**deployer.arguments(kept, prune=True), "docker_host": proxy.address})
        proxy.arm(step, process.kill)
        process.communicate(timeout=60)
        if not proxy.reached.is_set():
            break
        deployer.deploy(kept, prune=True)
        assert deployer.names() == {"kept", "kept.caisson-previous"}
        assert deployer.inspect("kept")["State"]["Running"]
        assert deployer.api.inspect_volume(f"{deployer.prefix}-data")
        assert deployer.deploy(kept, prune=True)["actions"] == []
    assert [word(change) for change in proxy.seen] == ["DELETE", "stop", "DELETE"], "the kept one, then the other"


@pytest.fixture
def engine(tmp_path: Path) -> t.Iterator[SandboxedDaemon]:
    """An engine of our own, to be killed."""
    sandbox = SandboxedDaemon(tmp_path)
    try:
        sandbox.config.write_text("{}\n", encoding="utf-8")
        sandbox.start()
        yield sandbox
    finally:
        sandbox.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize(
    "name", ["stop first", "keeping the former", "way back, stop first", "first", "live update", "removal"]
)
def test_an_engine_killed_at_any_step_loses_nothing(
    engine: SandboxedDaemon, tmp_path: Path, unique: str, name: str
) -> None:
    image = images.ensure_busybox(engine.api())
    options, wish, expected = SEQUENCES[name]
    with EngineProxy(tmp_path / "proxy.sock", f"unix://{engine.socket}") as proxy:
        for step in range(1, len(expected) + 1):
            deployer = Deployer(engine.api(), f"unix://{engine.socket}", unique, image)
            story = Story(deployer, options, wish)
            story.prepare()
            volumes = story.volumes()
            arguments = {**deployer.arguments(story.wanted), "docker_host": proxy.address, "timeout": 20}
            process = start_module("containers", arguments)
            proxy.arm(step, engine.kill)
            out, err = process.communicate(timeout=120)
            assert proxy.reached.is_set(), proxy.seen
            # The network that is left is no failure of the removal, and told.
            assert process.returncode == int((name, step) != ("removal", len(expected))), (out, err)
            assert "Traceback" not in out + err
            assert "Failed to" in out
            engine.revive()
            story.converges()
            assert volumes <= story.volumes()
        proxy.shutdown()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_an_engine_that_starts_anew_leaves_a_kept_generation_alone(engine: SandboxedDaemon, unique: str) -> None:
    """Its program did not end with 0 when it was stopped, for which on-failure would have it started again."""
    api = engine.api()
    deployer = Deployer(api, f"unix://{engine.socket}", unique, images.ensure_busybox(api))
    ends = ["sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.1; done"]
    spec = deployer.spec("web", keep_previous=True, command=ends)
    deployer.deploy({**spec, "hostname": "former"})
    deployer.deploy(spec)
    assert deployer.inspect("web.caisson-previous")["State"]["ExitCode"] == 7
    engine.kill()
    engine.revive()
    assert deployer.inspect("web")["State"]["Running"]
    assert not deployer.inspect("web.caisson-previous")["State"]["Running"]
    deployer.deploy({"name": spec["name"], "state": "rolled_back"})
    assert deployer.inspect("web")["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 5}
