# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What fails leaves the old container serving; what is killed is brought to its end by the next run."""

from __future__ import annotations

import json
import signal
import time
import typing as t

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, actions_of, until, waiver
from ansible_collections.caisson.hardening.tests.support.run_module import start_module

NEXT, PREVIOUS = ".caisson-next", ".caisson-previous"


def running(deployer: Deployer, short: str) -> bool:
    try:
        return bool(deployer.inspect(short)["State"]["Running"])
    except docker.errors.NotFound:
        return False


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"command": ["sh", "-c", "echo last words $SECRET; exit 3"], "restart_policy": "no"}, "exit status 3"),
        ({"command": ["sh", "-c", "echo last words $SECRET; exit 3"]}, "ended"),
        ({"command": ["no-such-program"]}, "no-such-program"),
        ({"healthcheck": {"test": "echo sick; false", "interval": "200ms", "retries": 1}}, "unhealthy: sick"),
        ({"volumes": ["/no/such/path:/data"]}, "/no/such/path"),
        ({"ulimits": ["nofile:99999999999"]}, "rlimit"),
        ({"networks": [{"name": "PREFIX", "ipv4_address": "GATEWAY77"}]}, "config"),
    ],
)
def test_a_failing_replacement_leaves_the_old_one_serving(
    deployer: Deployer, change: dict[str, t.Any], said: str
) -> None:
    spec = deployer.spec("web", env={"SECRET": "hunter2"}, waivers=waiver("env_secrets"))
    deployer.deploy(spec, deployer.spec("other"))
    old = deployer.inspect("web")["Id"]
    for network in change.get("networks", ()):
        # An address of the subnet, which the engine gives out by itself alone, as it chose the subnet.
        gateway = deployer.api.inspect_network(deployer.prefix)["IPAM"]["Config"][0]["Gateway"]
        network.update(name=deployer.prefix, ipv4_address=network["ipv4_address"].replace("GATEWAY", gateway))
    began = time.monotonic()
    result = deployer.run({**spec, "hostname": "web", **change}, deployer.spec("other", memory="40m"))
    assert time.monotonic() - began < 30, "an unhealthy successor fails at once"
    assert result["failed"]
    assert said in result["msg"]
    assert "1 of 2" in result["msg"]
    assert "hunter2" not in str(result)
    assert "Traceback" not in str(result)
    if "echo last" in str(change):
        assert "last words VALUE_NOT_SHOWN" in result["msg"]
    assert list(actions_of(result).values()) == ["failed", "updated"]
    state = deployer.inspect("web")
    assert state["Id"] == old
    assert state["State"]["Running"]
    assert deployer.names() == {"web", "other"}
    assert [each["outcome"] for each in result["findings"] if each["outcome"] in ("fail", "error")] == []


def test_a_first_container_that_fails_stays_to_be_looked_at_and_its_findings_are_true(deployer: Deployer) -> None:
    result = deployer.run(
        deployer.spec("web", command=["sh", "-c", "exit 3"]), deployer.spec("lost", volumes=["/no/such:/x"])
    )
    assert result["failed"]
    assert result["changed"]
    assert deployer.names() == {"web"}
    outcomes = {(each["object"], each["outcome"]) for each in result["findings"]} - {
        (deployer.name("web"), "not_applicable")
    }
    assert outcomes == {(deployer.name("lost"), "error")}
    assert result["passed"]["container.read_only"] == 1, "of the one that is there"


def test_nothing_begun_is_nothing_changed(deployer: Deployer) -> None:
    deployer.deploy(deployer.spec("web"))
    result = deployer.run(deployer.spec("web", image="localhost:1/no/such:1"))
    assert result["failed"]
    assert not result["changed"]
    assert result["actions"] == []
    assert "localhost:1/no/such:1" in result["msg"]
    assert running(deployer, "web")


def test_a_failed_pull_is_the_failure_of_its_containers_alone(deployer: Deployer) -> None:
    result = deployer.run(deployer.spec("web", image="localhost:1/no/such:1"), deployer.spec("other"))
    assert list(actions_of(result).values()) == ["failed", "created"]
    assert running(deployer, "other")


def test_a_container_stopped_by_an_interrupted_run_serves_again_even_where_the_next_replacement_fails(
    deployer: Deployer,
) -> None:
    deployer.deploy(deployer.spec("web"))
    deployer.api.stop(deployer.name("web"), timeout=1)
    assert deployer.run(deployer.spec("web", command=["false"]))["failed"]
    assert running(deployer, "web")


# Where the module is killed: when this is true of the engine.
POINTS: dict[str, t.Callable[[Deployer], bool]] = {
    "successor made": lambda d: f"web{NEXT}" in d.names(),
    "old one stopped": lambda d: not running(d, "web"),
    "successor started": lambda d: running(d, f"web{NEXT}"),
    "old one renamed": lambda d: f"web{PREVIOUS}" in d.names(),
    "successor in place": lambda d: (
        "web" in d.names() and f"web{NEXT}" not in d.names() and d.inspect("web")["Config"]["Hostname"] == "new"
    ),
}


@pytest.mark.parametrize("point", sorted(POINTS))
def test_a_killed_run_is_brought_to_its_end_by_the_next(deployer: Deployer, point: str) -> None:
    spec = deployer.spec("web", volumes=[f"{deployer.prefix}-data:/data", "/anonymous"])
    deployer.deploy(spec)
    kept = {mount["Name"] for mount in deployer.inspect("web")["Mounts"]}
    changed = {**spec, "hostname": "new"}
    process = start_module("containers", deployer.arguments(changed))
    until(lambda: POINTS[point](deployer) or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    deployer.deploy(changed)
    assert deployer.names() == {"web"}
    web = deployer.inspect("web")
    assert web["State"]["Running"]
    assert web["Config"]["Hostname"] == "new"
    assert {mount["Name"] for mount in web["Mounts"]} == kept
    assert deployer.deploy(changed)["actions"] == []
    deployer.api.remove_container(deployer.name("web"), force=True, v=True)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ((NEXT,), "created"), ((PREVIOUS,), "started"), (("", NEXT), "repaired"), (("", PREVIOUS), "repaired"),
        ((NEXT, PREVIOUS), "repaired"), (("", NEXT, PREVIOUS), "repaired"),
    ],
)  # fmt: skip
def test_leftovers_of_every_kind_are_put_in_order(deployer: Deployer, made: tuple[str, ...], expected: str) -> None:
    spec = deployer.spec("web")
    for suffix in made:
        deployer.deploy(spec)
        if suffix == PREVIOUS:
            deployer.api.stop(deployer.name("web"), timeout=1)
        deployer.api.rename(deployer.name("web"), deployer.name(f"web-{suffix[-4:]}"))
    for suffix in made:
        deployer.api.rename(deployer.name(f"web-{suffix[-4:]}"), deployer.name(f"web{suffix}"))
    predicted = deployer.run(spec, check=True)
    result = deployer.deploy(spec)
    assert predicted["actions"] == result["actions"]
    assert actions_of(result) == {deployer.name("web"): expected}
    assert deployer.names() == {"web"}
    assert running(deployer, "web")
    assert deployer.deploy(spec)["actions"] == []


def at_once(deployer: Deployer, *runs: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """The results of runs at the same moment, each with its specs; all have to succeed."""
    processes = [start_module("containers", deployer.arguments(*specs)) for specs in runs]
    said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(runs), said
    return [json.loads(out.splitlines()[-1]) for out, _err in said]


def test_two_runs_at_once_do_each_thing_once(deployer: Deployer) -> None:
    specs = [deployer.spec("web"), deployer.spec("api")]
    results = at_once(deployer, specs, specs)
    assert deployer.names() == {"web", "api"}
    assert sorted(result["changed"] for result in results) == [False, True]


@pytest.mark.parametrize(
    ("change", "action"),
    [
        pytest.param({"hostname": "second"}, "recreated", id="replacement"),
        pytest.param({"hostname": "second", "volumes": ["/anonymous"]}, "recreated", id="replacement, stop first"),
        pytest.param({"memory": "48m"}, "updated", id="live update"),
        pytest.param({"state": "absent"}, "removed", id="removal"),
    ],
)
def test_two_runs_at_once_that_want_the_same_change_it_once(
    deployer: Deployer, change: dict[str, t.Any], action: str
) -> None:
    spec = deployer.spec("web", volumes=change.get("volumes", []))
    deployer.deploy(spec)
    wanted = {"name": spec["name"], **change} if "state" in change else {**spec, **change}
    results = at_once(deployer, [wanted], [wanted])
    assert sorted(actions_of(result)[spec["name"]] for result in results) == sorted([action, "unchanged"])
    assert deployer.names() == (set() if "state" in change else {"web"})
    assert deployer.deploy(wanted)["actions"] == []


def test_two_runs_at_once_that_want_different_things_end_in_one_of_them(deployer: Deployer) -> None:
    spec = deployer.spec("web", keep_previous=True)
    deployer.deploy(spec)
    at_once(deployer, *([{**spec, "hostname": hostname}] for hostname in ("one", "two")))
    assert deployer.names() == {"web", "web.caisson-previous"}
    hostnames = [deployer.inspect(name)["Config"]["Hostname"] for name in ("web", "web.caisson-previous")]
    assert sorted(hostnames) == ["one", "two"], "one came after the other, and each was whole"
    assert running(deployer, "web") and not running(deployer, "web.caisson-previous")
