# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks that a run declares or implies: who reaches whom, and what becomes of one that differs."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import typing as t
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, until
from ansible_collections.caisson.hardening.tests.support.proxy import EngineProxy

Json = t.Dict[str, t.Any]
SERVER: Json = {"command": ["httpd", "-f", "-p", "8080", "-h", "/etc"]}
LABEL = "caisson.hardening.project"
_NUMBERS = itertools.count(1)


@pytest.fixture
def deployer(api: docker.APIClient, docker_host: str, busybox: str, unique: str) -> t.Iterator[Deployer]:
    yield Deployer(api, docker_host, unique, busybox)
    for container in api.containers(all=True, filters={"name": unique}):
        api.remove_container(container["Id"], force=True)


@pytest.fixture
def host_port() -> t.Iterator[int]:
    """A port of the host, on every address of it, that answers `host`."""
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))
        server.listen()

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _peer = server.accept()
                    with connection:
                        connection.sendall(b"host\n")

        threading.Thread(target=serve, daemon=True).start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)


def subnet() -> str:
    """A subnet that no other test has."""
    return f"10.213.{next(_NUMBERS)}"


def fetch(deployer: Deployer, short: str, address: str, port: int = 8080) -> str:
    """What the container gets from the address: a page, or nothing."""
    line = f"printf 'GET /passwd HTTP/1.0\\r\\n\\r\\n' | timeout 2 nc -w 1 {address} {port} 2> /dev/null"
    return deployer.shell(short, line)[1]


def address(deployer: Deployer, short: str, network: str) -> str:
    return str(deployer.inspect(short)["NetworkSettings"]["Networks"][network]["IPAddress"])


def gateway(deployer: Deployer, network: str) -> str:
    return str(deployer.api.inspect_network(network)["IPAM"]["Config"][0]["Gateway"])


def on(deployer: Deployer, *networks: str) -> Json:
    return {"networks": [{"name": deployer.name(each)} for each in networks]}


def somebodys(deployer: Deployer, network: str) -> Json:
    """A container on the network that no project knows, not started."""
    config = deployer.api.create_host_config(network_mode=network)
    return dict(
        deployer.api.create_container(deployer.image, "sleep 60", name=deployer.name("guest"), host_config=config)
    )


def host_gets(where: str, port: int) -> bytes:
    try:
        with socket.create_connection((where, port), timeout=1) as connection:
            connection.sendall(b"GET /passwd HTTP/1.0\r\n\r\n")
            return connection.makefile("rb").read()
    except OSError:
        return b""


def test_containers_of_a_network_reach_each_other_only_with_icc(deployer: Deployer) -> None:
    networks = [
        {"name": deployer.name("shut")},
        {"name": deployer.name("open"), "icc": True},
        {"name": deployer.name("wide"), "internal": False},
    ]
    specs = [
        deployer.spec(f"{each}{number}", **SERVER, **on(deployer, each))
        for each in ("shut", "open", "wide")
        for number in (1, 2)
    ]
    result = deployer.deploy(*specs, networks=networks)
    assert result.get("warnings", []) == []
    assert "app:x:10001" in fetch(deployer, "open1", deployer.name("open2"))
    for each in ("shut", "wide"):
        other = address(deployer, f"{each}2", deployer.name(each))
        assert "app:x" in fetch(deployer, f"{each}2", other), "the server does not serve"
        assert "app:x" not in fetch(deployer, f"{each}1", other)
    assert deployer.deploy(*specs, networks=networks)["actions"] == []


def test_an_internal_network_leads_nowhere_not_even_to_the_host(deployer: Deployer, host_port: int) -> None:
    networks = [
        {"name": deployer.name("in"), "icc": True},
        {"name": deployer.name("lax"), "icc": True, "host_access": True},
    ]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    deployer.deploy(
        deployer.spec("out", **SERVER, published_ports=[f"127.0.0.1:{port}:8080"]),
        deployer.spec("in", **SERVER, **on(deployer, "in")),
        deployer.spec("lax", **on(deployer, "lax")),
        networks=networks,
    )
    outer, inner = gateway(deployer, deployer.prefix), gateway(deployer, deployer.name("in"))
    served = address(deployer, "out", deployer.prefix)
    assert fetch(deployer, "out", outer, host_port) == "host\n"
    assert b"app:x" in host_gets(served, 8080), "the other container does not serve"
    for where, number in ((inner, host_port), (outer, host_port), (served, 8080), ("172.17.0.1", host_port)):
        assert fetch(deployer, "in", where, number) == "", where
    assert host_gets(address(deployer, "in", deployer.name("in")), 8080) == b""
    # An engine gives an internal network the host's address, which leads to all that the host serves.
    assert fetch(deployer, "lax", gateway(deployer, deployer.name("lax")), host_port) == "host\n"
    assert fetch(deployer, "lax", served) == ""
    assert deployer.deploy(networks=networks)["actions"] == []


@pytest.mark.parametrize("order", [("", "-internal"), ("-internal", "")])
def test_a_database_is_reached_by_its_web_server_and_by_nobody_else(
    deployer: Deployer, host_port: int, order: tuple[str, str]
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    both = [{"name": deployer.prefix + end} for end in order]
    specs = [
        deployer.spec("db", **SERVER, internal=True),
        deployer.spec("web", **SERVER, networks=both, published_ports=[f"127.0.0.1:{port}:8080"]),
        deployer.spec("other"),
    ]
    predicted = deployer.run(*specs, check=True)
    result = deployer.deploy(*specs)
    assert predicted["actions"] == result["actions"]
    assert predicted["networks"] == result["networks"]
    assert predicted["diff"] == result["diff"]
    assert result["actions"][:2] == [
        f"network {deployer.prefix}: create (it does not exist)",
        f"network {deployer.prefix}-internal: create (it does not exist)",
    ]

    def holds() -> None:
        database = address(deployer, "db", f"{deployer.prefix}-internal")
        assert "app:x" in fetch(deployer, "web", deployer.name("db"))
        assert "app:x" not in fetch(deployer, "other", database)
        assert "app:x" not in fetch(deployer, "other", deployer.name("db"))
        assert host_gets(database, 8080) == b""
        assert not any(deployer.inspect("db")["NetworkSettings"]["Ports"].values())
        assert fetch(deployer, "db", gateway(deployer, deployer.prefix), host_port) == ""
        assert b"app:x" in host_gets("127.0.0.1", port), "the web server is not published"
        assert fetch(deployer, "web", gateway(deployer, deployer.prefix), host_port) == "host\n"
        route = deployer.shell("web", "ip route")[1]
        assert f"default via {gateway(deployer, deployer.prefix)} " in route

    holds()
    assert deployer.deploy(*specs)["actions"] == []
    again = deployer.deploy({**specs[0], "labels": {"generation": "2"}}, *specs[1:])
    assert [entry["action"] for entry in again["containers"]] == ["recreated", "unchanged", "unchanged"]
    holds()
    # Without the flag it moves to the other network, living; with it, back.
    opened = deployer.deploy({**specs[0], "labels": {"generation": "2"}, "internal": False}, *specs[1:])
    assert opened["containers"][0]["action"] == "updated"
    assert "app:x" in fetch(deployer, "other", deployer.name("db"))
    deployer.deploy({**specs[0], "labels": {"generation": "2"}}, *specs[1:])
    holds()


def test_what_would_open_an_internal_container_is_refused(deployer: Deployer) -> None:
    def said(*specs: Json, **run: t.Any) -> str:
        predicted, result = deployer.run(*specs, check=True, **run), deployer.run(*specs, **run)
        assert result["failed"]
        assert predicted["msg"] == result["msg"]
        assert deployer.names() == set()
        assert deployer.api.networks(names=[deployer.prefix]) == []
        return str(result["msg"])

    spec = deployer.spec("db", internal=True)
    assert "lead in from outside" in said({**spec, "published_ports": ["127.0.0.1::80"]})
    assert "'bridge' is not internal" in said({**spec, "networks": [{"name": "bridge"}]})
    beside = [{"name": f"{deployer.prefix}-internal"}, {"name": deployer.prefix}]
    assert f"'{deployer.prefix}' is not internal" in said({**spec, "networks": beside})
    wide = [{"name": f"{deployer.prefix}-internal", "internal": False}]
    assert "is not internal" in said(spec, networks=wide)
    closed = deployer.spec("web", published_ports=["127.0.0.1::80"], **on(deployer, "in"))
    assert "no port would be published" in said(closed, networks=[{"name": deployer.name("in")}])


def test_a_fixed_subnet_is_in_force(deployer: Deployer) -> None:
    base = subnet()
    pool = {"subnet": f"{base}.0/24", "iprange": f"{base}.128/25", "gateway": f"{base}.9"}
    networks = [{"name": deployer.name("fix"), "ipam_config": [pool], "internal": False}]
    fixed = {"networks": [{"name": deployer.name("fix"), "ipv4_address": f"{base}.77"}]}
    specs = [deployer.spec("any", **on(deployer, "fix")), deployer.spec("own", **fixed)]
    outside = {"networks": [{"name": deployer.name("fix"), "ipv4_address": "10.99.99.9"}]}
    assert "'10.99.99.9' is not in" in deployer.run(deployer.spec("own", **outside), networks=networks)["msg"]
    deployer.deploy(*specs, networks=networks)
    found = deployer.shell("any", "ip -4 addr show eth0")[1]
    assert f"inet {base}.1" in found
    assert 128 <= int(found.split(f"inet {base}.")[1].split("/")[0]) <= 255
    assert f"default via {base}.9 " in deployer.shell("any", "ip route")[1]
    assert f"inet {base}.77/24" in deployer.shell("own", "ip -4 addr show eth0")[1]
    assert deployer.deploy(*specs, networks=networks)["actions"] == []
    taken = [*networks, {"name": deployer.name("second"), "ipam_config": [{"subnet": f"{base}.0/25"}]}]
    assert "overlaps with" in deployer.run(*specs, networks=taken)["msg"]
    alone = deployer.run(networks=[taken[1]], check=True)
    assert f"overlaps with {base}.0/24 of the network '{deployer.name('fix')}'" in alone["msg"]


# How a network is made by hand, in what it differs from one that is declared by its name alone, and how that is said.
DRIFTS: list[tuple[Json, str]] = [
    ({"internal": False}, "internal: false -> true"),
    ({"options": {}}, "icc: true -> false; host_access: true -> false"),
    ({"options": {"com.docker.network.bridge.enable_icc": "false"}}, "host_access: true -> false"),
    ({"ipam": {"Config": [{"Subnet": "SUBNET.0/25"}]}}, "ipam_config.subnet: SUBNET.0/25 -> SUBNET.0/24"),
    ({"labels": {"team": "b"}}, "labels.team: b -> a"),
]


@pytest.mark.parametrize(("change", "reason"), DRIFTS, ids=lambda each: str(each)[:30])
def test_a_network_that_differs_is_named_and_mended_while_nobody_is_on_it(
    deployer: Deployer, busybox: str, change: Json, reason: str
) -> None:
    base = subnet()
    name = deployer.name("net")
    declared = {"name": name, "ipam_config": [{"subnet": f"{base}.0/24"}], "labels": {"team": "a"}}
    deployer.deploy(networks=[declared])
    made = deployer.api.inspect_network(name)
    body = {"internal": True, "options": made["Options"], "labels": made["Labels"], "ipam": made["IPAM"]}
    change = {key: _placed(value, base) for key, value in change.items()}
    if "labels" in change:
        change["labels"][LABEL] = deployer.prefix
    deployer.api.remove_network(name)
    deployer.api.create_network(name, **{**body, **change})
    reason = reason.replace("SUBNET", base)

    # A stopped container on it would never start again.
    container = deployer.api.create_container(
        busybox, "true", name=deployer.name("guest"), host_config=deployer.api.create_host_config(network_mode=name)
    )
    deployer.api.start(container)
    until(lambda: not deployer.inspect("guest")["State"]["Running"])
    before = deployer.api.inspect_network(name)["Id"]
    blocked = deployer.run(networks=[declared])
    assert deployer.api.inspect_network(name)["Id"] == before
    if "labels" in change:
        assert not blocked.get("failed")
        assert reason in str(blocked["warnings"])
        assert blocked["actions"] == []
    else:
        assert f"cannot be changed while {deployer.name('guest')} is on it: {reason}" in blocked["msg"]
    deployer.api.remove_container(container, force=True)

    predicted = deployer.run(networks=[declared], check=True)
    assert deployer.api.inspect_network(name)["Id"] == before
    result = deployer.deploy(networks=[declared])
    assert predicted["actions"] == result["actions"] == [f"network {name}: recreate ({reason})"]
    assert predicted["diff"] == result["diff"]
    assert result["networks"][0]["action"] == "recreated"
    assert {key: deployer.api.inspect_network(name)[key] for key in ("Internal", "Options", "Labels")} == {
        key: made[key] for key in ("Internal", "Options", "Labels")
    }
    assert deployer.deploy(networks=[declared])["actions"] == []


def _placed(value: t.Any, base: str) -> t.Any:
    if isinstance(value, str):
        return value.replace("SUBNET", base)
    if isinstance(value, list):
        return [_placed(item, base) for item in value]
    return {key: _placed(item, base) for key, item in value.items()} if isinstance(value, dict) else value


def test_a_network_of_somebody_else_is_taken_as_it_is_or_refused_and_never_removed(deployer: Deployer) -> None:
    name = deployer.name("theirs")
    deployer.api.create_network(name, labels={LABEL: "another"})
    before = deployer.api.inspect_network(name)
    refused = deployer.run(networks=[{"name": name}])
    assert "is not this project's and differs: internal: false -> true" in refused["msg"]
    same = {"name": name, "internal": False, "icc": True}
    spec = deployer.spec("web", **on(deployer, "theirs"))
    assert deployer.deploy(spec, networks=[same])["networks"][0]["action"] == "unchanged"
    gone = deployer.deploy({**spec, "state": "absent"}, networks=[{**same, "state": "absent"}])
    assert "is not this project's, so it is left alone" in str(gone["warnings"])
    assert deployer.api.inspect_network(name) == before


def test_absent_removes_our_network_after_its_containers_and_no_other(deployer: Deployer) -> None:
    networks = [{"name": deployer.name("net")}]
    absent = [{**networks[0], "state": "absent"}]
    spec = deployer.spec("web", **on(deployer, "net"))
    deployer.deploy(spec, networks=networks)
    still = deployer.run(spec, networks=absent)["msg"]
    assert f"{deployer.name('web')} would still be on it" in still
    guest = somebodys(deployer, deployer.name("net"))
    gone = {"name": spec["name"], "state": "absent"}
    assert f"{deployer.name('guest')} would still be on it" in deployer.run(gone, networks=absent)["msg"]
    assert deployer.names() == {"web", "guest"}
    deployer.api.remove_container(guest)

    predicted = deployer.run(gone, networks=absent, check=True)
    result = deployer.deploy(gone, networks=absent)
    expected = [f"{deployer.name('web')}: remove (state is absent)", f"network {deployer.name('net')}: remove"]
    assert [each.partition(" (state is absent)")[0] for each in result["actions"]] == [
        each.partition(" (state is absent)")[0] for each in expected
    ]
    assert predicted["actions"] == result["actions"]
    assert deployer.api.networks(names=[deployer.name("net")]) == []
    assert deployer.deploy(gone, networks=absent)["actions"] == []


def test_the_projects_own_network_is_checked_and_may_be_declared_otherwise(deployer: Deployer) -> None:
    deployer.api.create_network(deployer.prefix, internal=True)
    refused = deployer.run(deployer.spec("web"))["msg"]
    assert "is not this project's and differs: internal: true -> false" in refused
    deployer.api.remove_network(deployer.prefix)
    shut = [{"name": deployer.prefix, "internal": False, "icc": False}]
    specs = [deployer.spec("one", **SERVER), deployer.spec("two")]
    deployer.deploy(*specs, networks=shut)
    assert "app:x" not in fetch(deployer, "two", address(deployer, "one", deployer.prefix))
    assert deployer.deploy(*specs, networks=shut)["actions"] == []
    # The implied network leaves icc to the engine, so what was declared stricter stands.
    assert deployer.deploy(*specs)["actions"] == []


def test_the_projects_own_network_goes_with_the_last_container_on_it(deployer: Deployer) -> None:
    specs = [deployer.spec("one"), deployer.spec("two"), deployer.spec("inner", internal=True)]
    deployer.deploy(*specs)
    one, two, inner = ({"name": spec["name"], "state": "absent"} for spec in specs)

    def gone(*wanted: Json, **run: t.Any) -> list[str]:
        """The networks that the run removes, as predicted."""
        predicted = deployer.run(*wanted, check=True, **run)
        result = deployer.deploy(*wanted, **run)
        assert predicted["actions"] == result["actions"]
        assert deployer.deploy(*wanted, **run)["actions"] == []
        named = [each["name"] for each in result["networks"] if each["action"] == "removed"]
        assert all(deployer.api.networks(names=[name]) == [] for name in named)
        return named

    guest = somebodys(deployer, deployer.prefix)
    assert gone(one) == []
    assert gone(two, inner) == [f"{deployer.prefix}-internal"], "somebody's container is on the other one"
    deployer.api.remove_container(guest)
    assert gone(two) == [deployer.prefix]

    deployer.deploy(*specs[:2])
    assert gone(specs[0], prune=True) == []
    assert gone(prune=True) == [deployer.prefix]


def test_a_network_that_somebody_enters_as_it_goes_stays_and_is_no_failure(
    deployer: Deployer, proxy: EngineProxy
) -> None:
    spec = deployer.spec("one")
    gone = {"name": spec["name"], "state": "absent"}
    deployer.deploy(spec)
    deployer.deploy(gone, docker_host=proxy.address)
    steps = len(proxy.seen)
    assert proxy.seen[-1][0] == "DELETE" and "/networks/" in proxy.seen[-1][1]

    def enter() -> None:
        deployer.api.start(somebodys(deployer, deployer.prefix))

    deployer.deploy(spec)
    proxy.arm(steps, enter)
    result = deployer.deploy(gone, docker_host=proxy.address)
    assert "it stays" in str(result["warnings"]) and "active endpoints" in str(result["warnings"])
    assert [each["action"] for each in result["networks"]] == ["unchanged"]
    assert deployer.names() == {"guest"}
    assert deployer.deploy(gone)["actions"] == []


def test_a_fresh_engine_is_predicted_as_it_is_deployed(deployer: Deployer, tmp_path: Path) -> None:
    networks = [{"name": deployer.name("net"), "icc": True}]
    volumes = [{"name": deployer.name("data")}]
    specs = [
        deployer.spec("web", **on(deployer, "net"), volumes=[f"{deployer.name('data')}:/data"]),
        deployer.spec("db", internal=True),
        deployer.spec("app"),
    ]
    nowhere = f"unix://{tmp_path}/docker.sock"
    run: Json = {"networks": networks, "volumes": volumes}
    predicted = deployer.run(
        *specs, check=True, docker_host=nowhere, assume_engine=True, assume_images=[deployer.image], **run
    )
    assert not predicted.get("failed"), predicted["msg"]
    result = deployer.deploy(*specs, **run)
    for key in ("actions", "networks", "volumes"):
        assert predicted[key] == result[key]
    assert {each["name"] for each in result["networks"]} == {
        deployer.prefix,
        f"{deployer.prefix}-internal",
        deployer.name("net"),
    }
    again = deployer.deploy(*specs, **run)
    assert (again["changed"], again["actions"]) == (False, [])


def test_a_network_that_cannot_be_created_fails_only_who_needs_it(deployer: Deployer) -> None:
    networks = [
        {"name": deployer.name("bad"), "driver_options": {"com.docker.network.driver.mtu": "lots"}},
        {"name": deployer.name("good")},
    ]
    specs = [deployer.spec(each, **on(deployer, each)) for each in ("bad", "good")]
    result = deployer.run(*specs, networks=networks)
    assert result["failed"]
    assert result["msg"].startswith(f"network {deployer.name('bad')}: Failed to create the network")
    assert [entry["action"] for entry in result["containers"]] == ["failed", "created"]
    assert f"its network '{deployer.name('bad')}' could not be created" in result["containers"][0]["error"]
    assert [entry["action"] for entry in result["networks"]] == ["failed", "created"]
    assert deployer.names() == {"good"}
    assert deployer.inspect("good")["State"]["Running"]
