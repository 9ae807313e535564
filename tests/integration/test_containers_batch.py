# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Many containers in one run: in the order of their dependencies, and none too many at its end."""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.hardening.plugins.module_utils.containers.steps import instant
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, actions_of
from ansible_collections.caisson.hardening.tests.support.run_module import run_module

HEALTHY = {"test": "test -e /tmp/ready", "interval": "200ms", "retries": 50}


def needs(deployer: Deployer, short: str, condition: str = "started") -> list[dict[str, str]]:
    return [{"name": deployer.name(short), "condition": condition}]


def started_at(deployer: Deployer, short: str) -> str:
    return str(deployer.inspect(short)["State"]["StartedAt"])


def test_what_is_depended_on_comes_first_and_is_healthy(deployer: Deployer) -> None:
    slow = ["sh", "-c", "sleep 1; touch /tmp/ready; exec sleep 1000"]
    specs = [
        deployer.spec("web", depends_on=needs(deployer, "api")),
        deployer.spec("api", depends_on=needs(deployer, "db", "healthy")),
        deployer.spec("db", command=slow, healthcheck=HEALTHY),
        deployer.spec("alone"),
    ]
    result = deployer.deploy(*specs)
    assert [entry["name"] for entry in result["containers"]] == [spec["name"] for spec in specs]
    order = sorted(("web", "api", "db"), key=lambda short: started_at(deployer, short))
    assert order == ["db", "api", "web"]
    times = [instant(started_at(deployer, short)) for short in ("db", "api")]
    assert (times[1] - times[0]).total_seconds() >= 1, "the database is healthy a second after its start"
    assert started_at(deployer, "alone") < started_at(deployer, "api"), "it waits for nobody"
    assert deployer.deploy(*specs)["actions"] == []


def test_a_dependency_on_the_host_is_waited_for_and_one_without_a_check_is_never_healthy(deployer: Deployer) -> None:
    slow = ["sh", "-c", "sleep 2; touch /tmp/ready; exec sleep 1000"]
    deployer.deploy(deployer.spec("plain"))
    deployer.deploy(deployer.spec("db", command=slow, healthcheck=HEALTHY, state="present"))
    deployer.api.start(deployer.name("db"))
    web = deployer.spec("web", depends_on=needs(deployer, "db", "healthy"))
    deployer.deploy(web)
    assert deployer.inspect("db")["State"]["Health"]["Status"] == "healthy"
    result = deployer.run(deployer.spec("late", depends_on=needs(deployer, "plain", "healthy")), healthy_wait_timeout=1)
    assert "depends on" in result["msg"]
    assert "has no healthcheck; not touched" in result["msg"]
    assert "late" not in deployer.names()


def test_what_depends_on_a_failed_one_is_not_touched_and_the_others_go_on(deployer: Deployer) -> None:
    web = deployer.spec("web", depends_on=needs(deployer, "db"))
    deployer.deploy(deployer.spec("db"), web)
    before = deployer.inspect("web")
    result = deployer.run(
        deployer.spec("db", command=["sh", "-c", "exit 3"]),
        {**web, "hostname": "changed"},
        deployer.spec("alone"),
    )
    assert list(actions_of(result).values()) == ["failed", "failed", "created"]
    assert "2 of 3 containers failed" in result["msg"]
    assert f"it depends on '{deployer.name('db')}', which failed; not touched" in result["msg"]
    assert deployer.inspect("web")["Id"] == before["Id"]
    assert deployer.inspect("db")["State"]["Running"], "the former one serves again"


def test_a_failure_goes_through_a_chain_of_dependencies(deployer: Deployer) -> None:
    result = deployer.run(
        deployer.spec("web", depends_on=needs(deployer, "api")),
        deployer.spec("api", depends_on=needs(deployer, "db")),
        deployer.spec("db", command=["sh", "-c", "exit 3"]),
    )
    assert list(actions_of(result).values()) == ["failed", "failed", "failed"]
    assert f"it depends on '{deployer.name('api')}', which failed; not touched" in result["msg"]
    assert deployer.names() == {"db"}


def test_impossible_dependencies_are_refused_all_at_once(deployer: Deployer) -> None:
    result = deployer.run(
        deployer.spec("a", depends_on=needs(deployer, "b")),
        deployer.spec("b", depends_on=needs(deployer, "a")),
        deployer.spec("c", depends_on=needs(deployer, "nobody")),
        deployer.spec("d", depends_on=needs(deployer, "e")),
        {"name": deployer.name("e"), "state": "absent"},
    )
    for said in ("goes in a circle", "is neither in this run nor on the host", "is to be absent"):
        assert said in result["msg"]
    assert deployer.names() == set()
    result = deployer.run(deployer.spec("a", depends_on=needs(deployer, "a")))
    assert "is the container itself" in result["msg"]


def test_prune_removes_what_the_project_no_longer_lists_and_only_that(deployer: Deployer, unique: str) -> None:
    kept = deployer.spec("kept", keep_previous=True)
    old = deployer.spec("old", volumes=[f"{unique}-data:/data"], keep_previous=True)
    deployer.deploy(kept, old)
    deployer.deploy({**kept, "hostname": "second"}, {**old, "hostname": "second"})
    other = Deployer(deployer.api, deployer.docker_host, f"{unique}-other", deployer.image)
    other.deploy(other.spec("web"))
    body = {"Image": deployer.image, "Cmd": ["sleep", "1000"]}
    deployer.api.create_container_from_config(body, deployer.name("plain"))
    everyone = {"kept", "kept.caisson-previous", "old", "old.caisson-previous", "other-web", "plain"}
    assert deployer.names() == everyone

    assert deployer.deploy({**kept, "hostname": "second"})["actions"] == [], "nothing is pruned unless asked for"
    predicted = deployer.run({**kept, "hostname": "second"}, prune=True, check=True)
    assert deployer.names() == everyone
    result = deployer.deploy({**kept, "hostname": "second"}, prune=True)
    assert predicted["actions"] == result["actions"]
    assert actions_of(result) == {deployer.name("kept"): "unchanged", deployer.name("old"): "removed"}
    assert any("remove (it is not listed)" in action for action in result["actions"])
    assert deployer.names() == everyone - {"old", "old.caisson-previous"}
    assert deployer.api.inspect_volume(f"{unique}-data")
    assert deployer.deploy({**kept, "hostname": "second"}, prune=True)["actions"] == []


def test_a_port_goes_from_a_removed_container_to_a_new_one_in_one_run(deployer: Deployer) -> None:
    port: dict[str, t.Any] = {"published_ports": ["127.0.0.1:18081:80"]}
    deployer.deploy(deployer.spec("old", **port))
    result = deployer.deploy(deployer.spec("new", **port), {"name": deployer.name("old"), "state": "absent"})
    assert list(actions_of(result).values()) == ["created", "removed"]


def test_one_container_alone_has_no_prune(deployer: Deployer) -> None:
    result = run_module("container", {**deployer.spec("web"), "docker_host": deployer.docker_host, "prune": True})
    assert result["failed"]
    assert "prune" in result["msg"]
    assert deployer.names() == set()
