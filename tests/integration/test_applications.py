# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nginx, redis and PostgreSQL as docs/examples deploys them: read-only, unprivileged, limited, and at work.

The playbooks run as they are, but for the image's reference and the names: the images are made here of Debian's
packages, laid out as the publishers' are.
"""

from __future__ import annotations

import json
import socket
import typing as t
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support import app_images, examples, images
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, actions_of, until, waiver
from ansible_collections.caisson.hardening.tests.support.run_module import run_module

Json = t.Dict[str, t.Any]
IMAGES = {"nginx": app_images.NGINX, "redis": app_images.REDIS, "postgresql": app_images.POSTGRESQL}
PASSWORD = "correct horse"
SECCOMP = Path(__file__).parents[2] / "roles" / "docker_daemon" / "files" / "caisson-seccomp.json"
# A change with which each cannot run, and what of it the message has to say.
FAILING: dict[str, tuple[Json, str]] = {
    "nginx": ({"tmpfs": []}, "Read-only file system"),
    "redis": ({"user": "101:101"}, "Permission denied"),
    "postgresql": ({"command": "postgres -c shared_buffers=lots"}, "shared_buffers"),
}


@dataclass(frozen=True)
class Shop:
    """The three applications, deployed from their playbooks."""

    deployer: Deployer
    variables: Json
    folder: Path

    def spec(self, name: str) -> Json:
        return dict(examples.arguments(name, **self.variables)["containers"][0])

    def specs(self) -> list[Json]:
        return [self.spec(name) for name in IMAGES]

    def playbooks(self, *words: str) -> str:
        status, output = examples.run(IMAGES, self.folder, *words, **self.variables)
        assert status == 0, output
        return output

    def address(self, name: str) -> str:
        networks = self.deployer.inspect(name)["NetworkSettings"]["Networks"]
        return str(networks[self.deployer.prefix]["IPAddress"])

    def write(self, name: str, value: str) -> None:
        """Keep the value in the application, by its own protocol."""
        if name == "redis":
            assert self._redis("SET", "note", value) == "+OK"
        elif name == "postgresql":
            self._sql("CREATE TABLE IF NOT EXISTS note (text varchar)")
            self._sql(f"INSERT INTO note VALUES ('{value}')")
        else:
            (Path(self.variables["nginx_site"]) / "index.html").write_text(value, encoding="utf-8")

    def read(self, name: str) -> str:
        """The value that was kept last; empty where the application does not answer."""
        try:
            if name == "redis":
                return self._redis("GET", "note")
            if name == "postgresql":
                return self._sql("SELECT text FROM note ORDER BY ctid DESC LIMIT 1")
            port = self.variables["nginx_port"]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                return str(answer.read().decode())
        except (OSError, docker.errors.APIError):
            return ""

    def _redis(self, *words: str) -> str:
        """The answer of redis over the network, by its protocol."""
        request = f"*{len(words)}\r\n" + "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        with socket.create_connection((self.address("redis"), 6379), timeout=5) as connection:
            connection.sendall(request.encode())
            lines = connection.recv(4096).decode().splitlines()
        return lines[1] if lines[0].startswith("$") and len(lines) > 1 else lines[0]

    def _sql(self, statement: str) -> str:
        """What psql prints, over the network and with the password."""
        url = f"postgresql://postgres:{PASSWORD.replace(' ', '%20')}@{self.deployer.name('postgresql')}/shop"
        status, output = self.deployer.execute("postgresql", "psql", "-XqtA", url, "-c", statement)
        return output.strip() if status == 0 else ""


@pytest.fixture(scope="module")
def shop(api: docker.APIClient, docker_host: str, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Shop]:
    prefix = f"caisson-{uuid.uuid4().hex[:8]}"
    folder = tmp_path_factory.mktemp("shop")
    (folder / "site").mkdir()
    (folder / "site").chmod(0o755)
    (folder / "site" / "index.html").write_text("works", encoding="utf-8")
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    (folder / "password").chmod(0o444)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables: Json = {"nginx_site": str(folder / "site"), "nginx_port": port}
    variables["postgresql_password_file"] = str(folder / "password")
    for name, recipe in IMAGES.items():
        variables[f"{name}_name"] = f"{prefix}-{name}"
        variables[f"{name}_project"] = prefix
        variables[f"{name}_volume"] = f"{prefix}-{name}"
        variables[f"{name}_image"] = images.ensure_debian(api, recipe)
    yield Shop(Deployer(api, docker_host, prefix, ""), variables, folder)
    for container in api.containers(all=True, filters={"name": prefix}):
        api.remove_container(container["Id"], force=True, v=True)
    for network in api.networks(names=[prefix]):
        api.remove_network(network["Id"])
    for volume in api.volumes(filters={"name": prefix})["Volumes"] or ():
        api.remove_volume(volume["Name"], force=True)


@pytest.fixture(scope="module")
def running(shop: Shop) -> Shop:
    """The applications after their playbooks have run for the first time."""
    assert "changed=3" in shop.playbooks()
    return shop


def test_the_playbooks_deploy_and_a_second_run_changes_nothing(running: Shop) -> None:
    output = running.playbooks()
    assert "changed=0" in output
    assert "failed=0" in output
    for name in IMAGES:
        assert running.deployer.inspect(name)["State"]["Health"]["Status"] == "healthy"


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_the_application_works_and_can_write_nothing_but_its_data(running: Shop, name: str) -> None:
    running.write(name, "works")
    assert running.read(name) == "works"
    for path in ("/x", "/etc/x", "/usr/bin/x", "/var/x"):
        status, said = running.deployer.shell(name, f"echo > {path}")
        assert status != 0
        assert "Read-only file system" in said or "Permission denied" in said
    status, said = running.deployer.execute(name, "sh", "-c", "echo > /x", user="0")
    assert (status != 0, "Read-only file system" in said) == (True, True)
    status, said = running.deployer.shell(name, "cp /bin/busybox /tmp/x && chmod 755 /tmp/x && /tmp/x true")
    assert status != 0
    assert "Permission denied" in said
    for process in running.deployer.shell(name, "cat /proc/[0-9]*/status")[1].split("Name:")[1:]:
        lines = dict(line.split(":", 1) for line in process.splitlines()[1:] if ":" in line)
        assert "0" not in lines["Uid"].split()
        assert int(lines["CapEff"], 16) == int(lines["CapBnd"], 16) == 0
        assert lines["NoNewPrivs"].strip() == "1"


def test_only_the_published_port_is_open_on_the_host(running: Shop) -> None:
    ports = {name: running.deployer.inspect(name)["HostConfig"]["PortBindings"] or {} for name in IMAGES}
    port = str(running.variables["nginx_port"])
    assert ports == {"nginx": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": port}]}, "redis": {}, "postgresql": {}}


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_it_comes_back_with_its_data_after_a_restart_and_after_a_crash(running: Shop, name: str) -> None:
    running.write(name, "kept")
    running.deployer.api.restart(running.deployer.name(name), timeout=30)
    until(lambda: running.read(name) == "kept", timeout=60)

    before = running.deployer.inspect(name)["State"]["StartedAt"]
    program = {"postgresql": "postgres", "redis": "redis-server"}.get(name, name)
    running.deployer.shell(name, f"kill -9 $(pidof {program} | tr ' ' '\\n' | sort -n | head -n 1)")
    until(lambda: running.deployer.inspect(name)["State"]["StartedAt"] != before, timeout=30)
    until(lambda: running.read(name) == "kept", timeout=60)
    assert (
        1 <= running.deployer.inspect(name)["RestartCount"] <= 5
    )  # PostgreSQL may take another for the one that crashed


def test_a_changed_option_replaces_it_and_the_data_stays(running: Shop) -> None:
    for name in IMAGES:
        running.write(name, "carried over")
    changed = [{**spec, "labels": {"release": "2"}} for spec in running.specs()]
    predicted = running.deployer.run(*changed, check=True, settle_time=1)
    result = running.deployer.deploy(*changed, settle_time=1)
    assert predicted["actions"] == result["actions"]
    assert set(actions_of(result).values()) == {"recreated"}
    assert {name: running.read(name) for name in IMAGES} == dict.fromkeys(IMAGES, "carried over")
    assert running.deployer.deploy(*changed)["actions"] == []
    running.deployer.deploy(*running.specs())


def test_a_failing_replacement_rolls_back_and_the_data_stays(running: Shop) -> None:
    running.deployer.deploy(*running.specs())
    for name in IMAGES:
        running.write(name, "safe")
    before = {name: running.deployer.inspect(name)["Id"] for name in IMAGES}
    failing = [{**running.spec(name), **change} for name, (change, _said) in FAILING.items()]
    result = running.deployer.run(*failing)
    assert result["failed"]
    assert set(actions_of(result).values()) == {"failed"}
    for _change, said in FAILING.values():
        assert said in result["msg"]
    assert {name: running.deployer.inspect(name)["Id"] for name in IMAGES} == before
    for name in IMAGES:
        until(lambda name=name: running.read(name) == "safe", timeout=60)
    assert running.deployer.deploy(*running.specs())["actions"] == []


def test_the_way_back_brings_the_former_ones_again_with_the_data_of_today(running: Shop) -> None:
    kept = [{**spec, "keep_previous": True} for spec in running.specs()]
    running.deployer.deploy(*kept)
    former = {name: running.deployer.inspect(name)["Id"] for name in IMAGES}
    running.deployer.deploy(*({**spec, "labels": {"release": "2"}} for spec in kept))
    for name in IMAGES:
        running.write(name, "of the second release")
    back = [{"name": spec["name"], "state": "rolled_back"} for spec in kept]
    predicted = running.deployer.run(*back, check=True)
    result = running.deployer.deploy(*back)
    assert predicted["actions"] == result["actions"]
    assert set(actions_of(result).values()) == {"rolled_back"}
    assert {name: running.deployer.inspect(name)["Id"] for name in IMAGES} == former
    for name in IMAGES:
        until(lambda name=name: running.read(name) == "of the second release", timeout=60)
    running.deployer.deploy(*running.specs())


def test_a_database_with_a_writable_root_shows_only_what_is_not_declared(running: Shop) -> None:
    """Its log lies on the root, which is declared; its data lies on the volume, which is no drift."""
    spec = {**running.spec("postgresql"), "read_only": False, "waivers": waiver("read_only")}
    spec["command"] = "postgres -c logging_collector=on -c log_directory=/var/log/postgresql"
    running.deployer.deploy({**spec, "drift_ignore": ["/var/log/postgresql/*.log"]})
    running.write("postgresql", "kept")

    def drift(**options: t.Any) -> Json:
        given = {"docker_host": running.deployer.docker_host, "containers": [spec["name"]], "settle_time": 0.3}
        result = run_module("container_drift", {**given, **options})
        assert not result.get("failed"), result["msg"]
        return dict(result["containers"][0])

    clean = drift()
    assert clean["drift"] == {"added": [], "changed": [], "deleted": []}
    assert clean["ignored"] >= 1, "the log"
    status, output = running.deployer.execute("postgresql", "sh", "-c", "echo x > /usr/bin/miner", user="0")
    assert status == 0, output
    assert drift()["drift"]["added"] == ["/usr/bin/miner"]
    assert drift(on_drift=["recreate"])["action"] == "recreated"
    until(lambda: running.read("postgresql") == "kept", timeout=60)
    assert drift()["drift"]["added"] == []
    running.deployer.deploy(running.spec("postgresql"))


def test_they_work_under_the_strict_seccomp_profile(running: Shop) -> None:
    profile = json.dumps(json.loads(SECCOMP.read_text(encoding="utf-8")))
    confined = [{**spec, "security_opts": [f"seccomp={profile}"]} for spec in running.specs()]
    running.deployer.deploy(*confined)
    for name in IMAGES:
        assert "seccomp=" in str(running.deployer.inspect(name)["HostConfig"]["SecurityOpt"])
        running.write(name, "confined")
        assert running.read(name) == "confined"
        status, said = running.deployer.shell(name, "unshare -U true")
        assert (status != 0, "Operation not permitted" in said) == (True, True)
    running.deployer.deploy(*running.specs())


def test_no_secret_is_shown(running: Shop) -> None:
    result = running.deployer.deploy(*running.specs())
    assert PASSWORD not in json.dumps([result, running.deployer.inspect("postgresql")])
