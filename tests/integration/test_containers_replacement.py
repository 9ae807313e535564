# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A container is replaced without a pause where that is possible, and the former generation comes back on request."""

from __future__ import annotations

import threading
import typing as t

from ansible_collections.caisson.hardening.tests.support.containers import Deployer, actions_of, waiver

PREVIOUS = ".caisson-previous"
WEB: dict[str, t.Any] = {
    "command": ["httpd", "-f", "-p", "8080", "-h", "/etc"],
    "healthcheck": {
        "test": r"printf 'GET /passwd HTTP/1.0\r\n\r\n' | nc -w 2 127.0.0.1 8080 | grep -q app:x",
        "interval": "300ms",
        "retries": 5,
    },
}


class Visitor(threading.Thread):
    """Asks the web server by its name, again and again, from another container of the network."""

    LINE = """while [ ! -e /tmp/stop ]; do
printf 'GET /passwd HTTP/1.0\\r\\n\\r\\n' | nc -w 2 NAME 8080 2> /dev/null | grep -q app:x && echo ok || echo lost
done"""

    def __init__(self, deployer: Deployer) -> None:
        super().__init__()
        self.deployer = deployer
        self.said: list[str] = []

    def run(self) -> None:
        self.said = self.deployer.shell("client", self.LINE.replace("NAME", self.deployer.name("web")))[1].split()

    def __enter__(self) -> Visitor:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.deployer.shell("client", "touch /tmp/stop")
        self.join(20)
        self.deployer.shell("client", "rm /tmp/stop")


def test_without_anything_exclusive_the_service_has_no_pause(deployer: Deployer) -> None:
    web, client = deployer.spec("web", **WEB), deployer.spec("client")
    deployer.deploy(web, client)
    with Visitor(deployer) as visitor:
        result = deployer.deploy({**web, "labels": {"generation": "2"}}, client)
    entry = result["containers"][0]
    assert (entry["action"], entry["order"], entry["exclusive"]) == ("recreated", "start-first", [])
    assert 0 <= entry["downtime"] < 1
    answered = visitor.said.count("ok")
    assert answered > 20
    # Between the two renames the name leads nowhere for a moment; a client that asks again gets its answer.
    assert visitor.said.count("lost") <= 2


def test_a_static_port_stops_the_old_one_first_and_the_pause_is_told(deployer: Deployer) -> None:
    web = deployer.spec("web", **WEB, published_ports=["127.0.0.1:18080:8080"])
    deployer.deploy(web)
    changed = {**web, "labels": {"generation": "2"}}
    said = deployer.run({**changed, "update_order": "start-first"})
    assert said["failed"]
    assert (
        "update_order: 'start-first' is not possible: the old container holds the published port 18080/tcp"
        in said["msg"]
    )
    result = deployer.deploy(changed)
    entry = result["containers"][0]
    assert (entry["order"], entry["exclusive"]) == ("stop-first", ["the published port 18080/tcp"])
    assert 0 < entry["downtime"] <= entry["seconds"] + 5


def test_the_former_generation_is_kept_and_comes_back(deployer: Deployer) -> None:
    first = deployer.spec("web", keep_previous=True, hostname="first", volumes=[f"{deployer.prefix}-data:/data"])
    second, third = {**first, "hostname": "second"}, {**first, "hostname": "third"}
    back = {"name": first["name"], "state": "rolled_back"}
    deployer.deploy(first)
    said = deployer.run(back)
    assert said["failed"]
    assert "has no former generation to go back to" in said["msg"]

    deployer.deploy(second)
    assert deployer.names() == {"web", f"web{PREVIOUS}"}
    assert deployer.deploy(second)["actions"] == []
    deployer.deploy(third)
    assert deployer.names() == {"web", f"web{PREVIOUS}"}, "one generation is kept"
    assert deployer.inspect(f"web{PREVIOUS}")["Config"]["Hostname"] == "second"
    assert not deployer.inspect(f"web{PREVIOUS}")["State"]["Running"]

    predicted, result = deployer.run(back, check=True), deployer.deploy(back)
    assert predicted["actions"] == result["actions"]
    entry = result["containers"][0]
    assert entry["action"] == "rolled_back"
    assert entry["reasons"] == ["hostname: third -> second"]
    assert entry["downtime"] > 0
    assert deployer.inspect("web")["Config"]["Hostname"] == "second"
    assert deployer.inspect("web")["State"]["Running"]
    assert not deployer.inspect(f"web{PREVIOUS}")["State"]["Running"]
    assert deployer.deploy(back)["actions"] == [], "the way back is taken once"

    assert deployer.deploy(second)["actions"] == []
    result = deployer.deploy({**second, "keep_previous": False})
    assert actions_of(result) == {deployer.name("web"): "repaired"}
    assert deployer.names() == {"web"}


def test_a_former_generation_that_does_not_come_up_leaves_the_present_one(deployer: Deployer) -> None:
    data = [f"{deployer.prefix}-data:/data"]
    spec = deployer.spec("web", keep_previous=True, volumes=data, restart_policy="no")
    once = "test ! -e /data/spoilt && exec sleep 1000; echo spoilt; exit 4"
    deployer.deploy({**spec, "command": ["sh", "-c", once]}, deployer.spec("helper"))
    deployer.deploy({**spec, "command": ["sleep", "1000"]})
    assert deployer.execute("web", "touch", "/data/spoilt", user="0")[0] == 0
    result = deployer.run({"name": spec["name"], "state": "rolled_back"})
    assert result["failed"]
    assert "exit status 4; the former container serves again" in result["msg"]
    assert "its last lines:\nspoilt" in result["msg"]
    web = deployer.inspect("web")
    assert web["State"]["Running"]
    assert web["Config"]["Cmd"] == ["sleep", "1000"]
    assert deployer.names() == {"web", f"web{PREVIOUS}", "helper"}


def test_a_kept_generation_is_not_started_by_the_engine(deployer: Deployer) -> None:
    spec = deployer.spec("web", keep_previous=True, restart_policy="always", waivers=waiver("restart_policy"))
    deployer.deploy(spec)
    deployer.deploy({**spec, "hostname": "second"})
    assert deployer.inspect(f"web{PREVIOUS}")["HostConfig"]["RestartPolicy"]["Name"] == "no"
    assert deployer.inspect("web")["HostConfig"]["RestartPolicy"]["Name"] == "always"
    deployer.deploy({"name": spec["name"], "state": "rolled_back"})
    assert deployer.inspect("web")["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert deployer.inspect(f"web{PREVIOUS}")["HostConfig"]["RestartPolicy"]["Name"] == "no"


def test_a_generation_that_comes_back_is_judged(deployer: Deployer) -> None:
    """It is not refused, for somebody needs it; but it is said what it breaks, with the waivers that it carries."""
    spec = deployer.spec("web", keep_previous=True)
    first = {**spec, "user": "0", "ipc_mode": "shareable", "waivers": waiver("ipc_mode")}
    deployer.deploy(first, policy="report")
    deployer.deploy(spec)
    back = {"name": spec["name"], "state": "rolled_back"}
    predicted, result = deployer.run(back, check=True), deployer.deploy(back)
    for said in (predicted, result):
        outcomes = {each["control"]: each["outcome"] for each in said["findings"]}
        assert (outcomes["container.user"], outcomes["container.ipc_mode"]) == ("fail", "waived")
        assert "container.user" in str(said["warnings"])
        assert "container.ipc_mode" not in str(said["warnings"])
    assert deployer.inspect("web")["Config"]["User"] == "0"


def test_where_the_old_one_cannot_come_back_the_message_says_so(deployer: Deployer) -> None:
    """It had run from a file that somebody has taken away meanwhile."""
    spec = deployer.spec("web", volumes=[f"{deployer.prefix}-data:/data"], restart_policy="no")
    once = "test -e /data/used && exit 7; touch /data/used; exec sleep 1000"
    deployer.api.create_volume(f"{deployer.prefix}-data")
    opened = deployer.spec("opener", user="0", waivers=waiver("user"), volumes=spec["volumes"],
                           command=["sh", "-c", "chmod 777 /data; exec sleep 1000"])  # fmt: skip
    deployer.deploy(opened)
    deployer.deploy({**spec, "command": ["sh", "-c", once]})
    result = deployer.run({**spec, "command": ["sh", "-c", "exit 3"]})
    assert "exit status 3; the former container did not come up again: it ended with exit status 7" in result["msg"]
