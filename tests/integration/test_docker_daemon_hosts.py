# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docker_daemon_config on hosts with systemd: Debian 12 with engine 20.10, and Debian 13 with engine 26."""

from __future__ import annotations

import json
import typing as t

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support import images
from ansible_collections.caisson.hardening.tests.support.daemon_host import EXPERIMENTAL, DaemonHost, daemon_host, load
from ansible_collections.caisson.hardening.tests.support.hosts import wait_for_systemd

CONFIG = "/etc/docker/daemon.json"
DROPIN = "/etc/systemd/system/docker.service.d/zz-caisson-flags.conf"
FORMER = b'{"labels": ["kept=yes"],\n\n   "max-concurrent-uploads": 3}\n'
SECOND = {"hosts": ["fd://", "unix:///run/second.sock"]}
ONLY_12 = pytest.mark.parametrize("machine", [images.HOST], indirect=True, ids=lambda recipe: recipe.name)
BACK = "the former file is back and the daemon runs with it"
# The metrics of engine 20.10 are one of these.


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
    before = machine.state()
    process = machine.container("stays", busybox)
    yield machine
    machine.done(state="absent")
    assert machine.process("stays") == process, "the container was stopped"
    assert machine.state() == before
    assert machine.sh(f"docker run --rm {busybox} echo serves") == "serves"


def refused(host: DaemonHost, **options: t.Any) -> str:
    """The message of a run that fails and leaves the file, the daemon's settings and the container as they were."""
    content, state, process = host.sh(f"cat {CONFIG}"), host.sh("docker info | grep -A1 Labels"), host.process("stays")
    result = host.module(**options)
    assert result.get("failed"), result
    host.serves()
    assert host.sh(f"cat {CONFIG}") == content
    assert host.sh("docker info | grep -A1 Labels") == state
    assert host.process("stays") == process
    assert host.tried(f"test -e {DROPIN}")[0] != 0
    return str(result["msg"])


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


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"experimental": True, "metrics-addr": "127.0.0.1:22"}, "address already in use"),
        ({"tls": True, "tlscert": "/nowhere/x", "tlskey": "/nowhere/y"}, "Could not load X509 key pair"),
    ],
    ids=["port_in_use", "bad_certificate_path"],
)
def test_a_start_that_fails_is_undone(host: DaemonHost, config: dict, said: str) -> None:
    message = refused(host, config=config, waivers=EXPERIMENTAL)
    # Engine 26 finds a certificate that is not there before the file is written.
    assert said in message and (BACK in message or "nothing was changed" in message)
    assert host.done(state="absent")["changed"] is False, "the failed run left something to undo"


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


@ONLY_12
def test_a_daemon_that_hangs_on_its_start_is_ended_and_undone(host: DaemonHost) -> None:
    message = refused(host, config={"containerd": "/run/nobody-listens.sock"}, flags="take_over", timeout=5)
    assert "did not end within 5 s" in message and BACK in message
    assert host.done(state="absent")["changed"] is False


def test_what_cannot_be_right_is_refused_before(host: DaemonHost) -> None:
    engine = host.engine_pid()
    assert "log-opts.max-file: 3 is not a string" in refused(host, config={"log-opts": {"max-file": 3}})
    assert "did you mean 'icc'" in refused(host, config={"iccc": False})
    if host.sh("docker version --format '{{.Server.Version}}'") >= "23":
        said = refused(host, config={"dns": ["no-address"]})
        assert said.startswith("dockerd refuses the configuration, nothing was changed") and CONFIG in said
    host.sh(f"cp -a {CONFIG} /root/daemon.json; printf '{{\"icc\": false,}}' > {CONFIG}")
    try:
        assert "no valid JSON at line 1" in refused(host)
    finally:
        host.sh(f"cat /root/daemon.json > {CONFIG}; rm /root/daemon.json")
    assert host.engine_pid() == engine


@ONLY_12
def test_a_full_disk_changes_nothing(host: DaemonHost) -> None:
    host.sh(
        f"cp -a {CONFIG} /root/; mount -t tmpfs -o size=16k tmpfs /etc/docker; mv /root/daemon.json /etc/docker/;"
        " dd if=/dev/zero of=/etc/docker/fill bs=1k status=none; true"
    )
    try:
        message = refused(host)
        assert "No space left on device" in message and "the former file is back" in message
        host.sh("rm /etc/docker/fill")
        assert host.done()["changed"] and host.done(state="absent")["changed"]
        assert host.sh(f"cat {CONFIG}") == FORMER.decode().strip()
    finally:
        host.sh("umount /etc/docker")


@ONLY_12
def test_a_run_that_is_killed_leaves_the_engine_and_the_next_run_converges(host: DaemonHost) -> None:
    """Killed before each third of its steps, while it takes flags over; the fixture sees that the undo is whole."""
    wish = {"config": SECOND, "flags": "take_over"}
    process = host.process("stays")
    wanted = host.done(check=True, **wish)["config"]
    former = json.loads(FORMER)
    whole = [former, wanted, {**former, "live-restore": True}]
    steps = 1
    while host.dies(steps, **wish):
        host.serves()
        assert json.loads(host.sh(f"cat {CONFIG}")) in whole, f"step {steps}"
        assert host.process("stays") == process, f"step {steps}"
        if steps % 2 == 0:
            host.done(**wish)
            engine = host.engine_pid()
            assert (host.done(**wish)["changed"], host.engine_pid()) == (False, engine), f"step {steps}"
            assert "stays" in host.sh("docker -H unix:///run/second.sock ps")
        host.done(state="absent")
        assert host.sh(f"cat {CONFIG}") == FORMER.decode().strip(), f"step {steps}"
        steps += 3
    assert steps > 10, "the runs were not killed where they should have been"
