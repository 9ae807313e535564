# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docker_daemon_config on hosts with systemd: Debian 12 with engine 20.10, and Debian 13 with engine 26."""

from __future__ import annotations

import json
import typing as t

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support import daemon_faults, daemon_schema, images
from ansible_collections.caisson.hardening.tests.support.daemon_faults import CONFIG, DROPIN, FORMER, SECOND, refused
from ansible_collections.caisson.hardening.tests.support.daemon_host import DaemonHost, daemon_host, load
from ansible_collections.caisson.hardening.tests.support.hosts import wait_for_systemd

ONLY_12 = pytest.mark.parametrize("machine", [images.HOST], indirect=True, ids=lambda recipe: recipe.name)
# What port 8000 of the host serves, once it does.
ASK = """
import time, urllib.request
for _attempt in range(50):
    try:
        print(urllib.request.urlopen("http://127.0.0.1:8000/", timeout=5).read().decode())
        break
    except OSError:
        time.sleep(0.2)
"""
# What the daemon answers over TCP to a client with that certificate and key, or with none.
PING = """
import ssl, sys, urllib.request
context = ssl.create_default_context(cafile="/etc/docker/tls/client/ca.pem")
if sys.argv[1:]:
    context.load_cert_chain(*sys.argv[1:])
print(urllib.request.urlopen("https://127.0.0.1:2376/_ping", timeout=20, context=context).read().decode())
"""


@pytest.fixture(scope="module", params=[images.HOST, images.HOST_TRIXIE], ids=lambda recipe: recipe.name)
def machine(request: pytest.FixtureRequest, api: docker.APIClient, busybox: str) -> t.Iterator[DaemonHost]:
    with daemon_host(api, request.param) as made:
        wait_for_systemd(api, made.name)
        load(made, busybox)
        made.put(CONFIG, FORMER)
        made.sh(f"chown root:daemon {CONFIG}; chmod 640 {CONFIG}; systemctl restart docker")
        yield made


@pytest.fixture
def host(machine: DaemonHost, busybox: str) -> t.Iterator[DaemonHost]:
    """The host with a container that has to outlive the test; then all is undone and nothing of the module left."""
    with daemon_faults.outlived(machine, busybox):
        yield machine


def test_the_schema_is_that_of_the_engine(machine: DaemonHost) -> None:
    machine.put("/root/every.json", daemon_schema.EVERY_KEY)
    assert daemon_schema.differs(lambda command: machine.tried(f"{command} 2>&1")[1], "/root/every.json") == {}


def test_all_of_it_is_in_effect_and_undone_while_a_container_runs_on(host: DaemonHost) -> None:
    process, engine = host.process("stays"), host.engine_pid()
    predicted = host.done(check=True)
    assert host.engine_pid() == engine
    done = host.done()
    assert done["actions"] == predicted["actions"] and done["decision"] == "restart"
    assert "live-restore" in done["actions"][1]
    info = json.loads(host.sh("docker info --format '{{json .}}'"))
    assert (info["LiveRestoreEnabled"], info["LoggingDriver"], info["Labels"]) == (True, "local", ["kept=yes"])
    assert host.process("stays") == process and host.engine_pid() != engine
    engine = host.engine_pid()
    again = host.done()
    assert (again["changed"], again["actions"], host.engine_pid()) == (False, [], engine)
    reloaded = host.done(config={"max-concurrent-downloads": 2, "labels": ["x=y"]}, remove=["max-concurrent-uploads"])
    assert (reloaded["decision"], host.engine_pid()) == ("reload", engine)
    assert host.done(remove=["labels"])["decision"] == "reload"
    assert (host.engine_pid(), host.sh("docker info --format '{{json .Labels}}'")) == (engine, "[]")
    exactly = host.done(profile="none", config={"debug": True}, replace=True)
    assert exactly["config"] == {"debug": True} and host.process("stays") == process
    assert json.loads(host.sh(f"cat {CONFIG}")) == {"debug": True}
    assert host.sh("docker info --format '{{.LiveRestoreEnabled}}'") == "false", "it was on for the restart alone"


def test_flags_of_the_unit_are_refused_or_taken_over_by_a_drop_in(host: DaemonHost) -> None:
    message = refused(host, config=SECOND)
    assert "command line" in message and "flags: take_over" in message
    assert "add unix:///var/run/docker.sock" in refused(host, config={"hosts": ["unix:///x"]}, flags="take_over")
    process = host.process("stays")
    predicted = host.done(check=True, config=SECOND, flags="take_over")
    taken = host.done(config=SECOND, flags="take_over")
    assert predicted["actions"] == taken["actions"]
    assert f"write {DROPIN}: take hosts off dockerd's command line" in taken["actions"]
    assert host.process("stays") == process
    assert "stays" in host.sh("docker -H unix:///run/second.sock ps")
    command = host.sh("tr '\\0' ' ' < /proc/$(systemctl show docker -p MainPID --value)/cmdline")
    assert "-H" not in command and "--containerd=/run/containerd/containerd.sock" in command
    engine = host.engine_pid()
    for more in ({"config": SECOND, "flags": "take_over"}, {"config": SECOND}, {}):
        again = host.done(**more)
        assert (again["changed"], host.engine_pid()) == (False, engine)
    host.sh("systemctl stop docker.service")
    assert "stays" in host.sh("docker ps -a"), "systemd's socket no longer starts the engine"
    gone = host.done(config={"hosts": None}, flags="take_over")
    assert f"remove {DROPIN}" in gone["actions"] and host.tried(f"test -e {DROPIN}")[0] != 0


@ONLY_12
def test_flags_from_a_file_of_variables_are_taken_over_too(machine: DaemonHost) -> None:
    host = machine
    line = 'DOCKER_OPTS="--icc=true --mtu 1400"'
    host.sh(f"cp -a /etc/default/docker /root/docker.default; echo '{line}' >> /etc/default/docker")
    try:
        host.sh("docker rm -f stays; systemctl restart docker")
        assert "icc of profile baseline is left out" in str(host.done(check=True)["warnings"])
        taken = host.done(flags="take_over")
        assert f"write {DROPIN}: take icc off dockerd's command line" in taken["actions"]
        assert host.sh(f"tail -1 {DROPIN}").endswith("--containerd=/run/containerd/containerd.sock --mtu 1400")
    finally:
        host.done(state="absent")
        host.sh("mv /root/docker.default /etc/default/docker; systemctl restart docker")


def test_the_strict_profile_is_in_effect_as_far_as_the_engine_has_it(host: DaemonHost) -> None:
    predicted = host.done(profile="strict", check=True)
    result = host.done(profile="strict")
    for part in ("actions", "findings", "outdated_containers"):
        assert predicted[part] == result[part], part
    assert "profile=/etc/docker/caisson-seccomp.json" in host.sh("docker info --format '{{.SecurityOptions}}'")
    new = "default-network-opts" in result["config"]
    assert new == (host.sh("docker version --format '{{.Server.Version}}'") >= "24")
    host.sh("docker network create fresh")
    assert ('host_binding_ipv4": "127.0.0.1"' in host.sh("docker network inspect fresh")) == new
    host.sh("docker network rm fresh")
    assert host.done(profile="strict")["changed"] is False


def test_a_port_that_a_container_publishes_is_not_taken_for_the_daemons_api(host: DaemonHost, busybox: str) -> None:
    """Without docker-proxy the daemon itself listens at the port, from its next start with the container on."""
    host.done()
    serve = "mkdir -p /tmp/w; echo served > /tmp/w/index.html; httpd -f -p 80 -h /tmp/w"
    host.sh(f"docker run -d --name web --publish 8000:80 {busybox} sh -c '{serve}'")
    try:
        assert host.program(ASK)[1].strip() == "served"
        assert f"pid={host.engine_pid()}," in host.sh("ss -Hltnp sport = :8000")
        assert host.done()["changed"] is False
    finally:
        host.sh("docker rm -f web")


def test_a_tcp_socket_that_systemd_opens_for_the_daemon_is_refused(host: DaemonHost) -> None:
    folder = "/etc/systemd/system/docker.socket.d"
    again = "systemctl daemon-reload; systemctl stop docker.service; systemctl restart docker.socket; docker version"
    host.done(config={"live-restore": True})
    host.put(f"{folder}/tcp.conf", b"[Socket]\nListenStream=127.0.0.1:2375\n")
    host.sh(again)
    try:
        assert "tcp://127.0.0.1:2375 answers anybody, without TLS" in host.module()["msg"]
    finally:
        host.sh(f"rm -r {folder}; {again}")


@pytest.mark.parametrize("fault", daemon_faults.FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_leaves_engine_settings_and_container(host: DaemonHost, fault: t.Callable[[DaemonHost], None]) -> None:
    fault(host)


@ONLY_12
def test_a_run_that_is_killed_leaves_the_engine_and_the_next_run_converges(host: DaemonHost) -> None:
    daemon_faults.killed(host, stride=3, steps=int(daemon_faults.version(host) >= (23, 0)))


def test_a_run_that_is_killed_alone_is_taken_back_without_another_run(host: DaemonHost) -> None:
    daemon_faults.killed_alone(host, range(5, 30, 9))


def test_certificates_are_made_and_let_only_their_bearers_in(host: DaemonHost) -> None:
    """With systemd's own socket beside the TCP one, as the distribution's unit has it."""
    listen = {"config": {"hosts": ["fd://", "tcp://127.0.0.1:2376"]}, "flags": "take_over"}
    wish = {**listen, "tls": {"directory": "/etc/docker/tls", "names": ["docker.example"]}}
    assert "answers anybody, without TLS" in refused(host, **listen)
    process, predicted = host.process("stays"), host.done(check=True, **wish)
    made = host.done(**wish)
    for part in ("actions", "findings", "config"):
        assert predicted[part] == made[part], part
    own = ("/etc/docker/tls/client/cert.pem", "/etc/docker/tls/client/key.pem")
    assert host.program(PING, *own)[1].strip() == "OK" and host.process("stays") == process
    status, text = host.program(PING)
    assert status != 0 and "certificate" in text, text
    engine = host.engine_pid()
    assert (host.done(**wish)["changed"], host.engine_pid()) == (False, engine)
    host.sh("systemctl restart docker")
    assert host.program(PING, *own)[1].strip() == "OK" and host.done(**wish)["changed"] is False
    host.done(state="absent")
    assert host.tried("test -e /etc/docker/tls")[0] != 0 and host.process("stays") == process


def test_user_namespaces_move_the_data_and_undo_brings_all_back_that_ran(machine: DaemonHost, busybox: str) -> None:
    host, remap = machine, {"config": {"userns-remap": "default"}, "allow_hidden": True}
    host.container("stays", busybox)
    before = host.state()
    assert "hides containers" in refused(host, config=remap["config"])
    predicted = host.done(check=True, **remap)
    done = host.done(**remap)
    assert predicted["actions"] == done["actions"]
    assert "stop the containers that dockerd leaves behind: stays" in done["actions"]
    assert host.sh("docker ps -aq") == "" and "name=userns" in host.sh("docker info --format '{{.SecurityOptions}}'")
    engine = host.engine_pid()
    assert (host.done(**remap)["changed"], host.engine_pid()) == (False, engine)
    host.done(state="absent")
    assert host.state() == before and host.process("stays") > 0
