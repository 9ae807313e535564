# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What goes wrong while docker_daemon_config works on a plain dockerd; a container has to outlive all of it.

Needs root, dockerd, iptables and busybox-static. One daemon serves all tests, each leaves it as it was.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.schema import engine_has, parse_version
from ansible_collections.caisson.hardening.tests.support import daemon_schema
from ansible_collections.caisson.hardening.tests.support.daemon import SandboxedDaemon
from ansible_collections.caisson.hardening.tests.support.daemon_runs import (
    DIED,
    DYING,
    DYING_ALONE,
    EXPERIMENTAL,
    FREE,
    RUN,
)

FORMER = b'{"labels": ["kept=yes"],\n\n   "max-concurrent-uploads": 3}\n'
LOOP = "trap exit TERM; while :; do sleep 0.2; done"
BACK = "the former file is back and the daemon runs with it"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[SandboxedDaemon]:
    daemon = SandboxedDaemon(tmp_path_factory.mktemp("faults"))
    try:
        daemon.config.write_bytes(FORMER)
        daemon.config.chmod(0o640)
        daemon.start()
        daemon.container("stays", LOOP)
        yield daemon
    finally:
        daemon.close()


@pytest.fixture
def daemon(sandbox: SandboxedDaemon) -> t.Iterator[SandboxedDaemon]:
    """The daemon with its container; afterwards file, settings and command line are what they were."""
    process, flags = sandbox.container_pid("stays"), sandbox.command()[1:]
    yield sandbox
    sandbox.done(state="absent")
    assert (sandbox.config.read_bytes(), sandbox.config.stat().st_mode & 0o777) == (FORMER, 0o640)
    assert (sandbox.container_pid("stays"), sandbox.command()[1:]) == (process, flags)
    info = sandbox.info()
    assert (info["Labels"], info["LiveRestoreEnabled"], info["LoggingDriver"]) == (["kept=yes"], False, "json-file")
    assert sandbox.inside("find", "/var/lib/caisson", "-mindepth", "1").stdout == ""


def test_the_schema_is_that_of_the_engine(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("schema") / "daemon.json"
    file.write_bytes(daemon_schema.EVERY_KEY)
    assert daemon_schema.differs(_said, str(file)) == {}


def _said(command: str) -> str:
    path = os.environ["PATH"] + ":/usr/sbin"
    done = subprocess.run(
        shlex.split(command), capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "PATH": path}
    )
    return done.stdout + done.stderr


def test_a_run_killed_before_any_of_its_steps_leaves_the_daemon_and_the_next_run_converges(
    daemon: SandboxedDaemon,
) -> None:
    process, former = daemon.container_pid("stays"), json.loads(FORMER)
    wanted = daemon.done(check=True)["config"]
    steps = 0
    while daemon.dies(DYING + RUN, str(steps)) == DIED:
        daemon.comes_back()
        assert json.loads(daemon.config.read_bytes()) in (former, wanted), f"step {steps}"
        assert daemon.container_pid("stays") == process, f"step {steps}"
        if steps % 5 == 0:
            daemon.done()
            pid = daemon.pid()
            assert (daemon.done()["changed"], daemon.pid()) == (False, pid), f"step {steps}"
        daemon.done(state="absent")
        assert daemon.config.read_bytes() == FORMER, f"step {steps}"
        steps += 1
    assert steps > 10, "the runs were not killed where they should have been"


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_killed_run_that_has_a_file_beside_the_daemons_own_is_converged_and_undone(
    daemon: SandboxedDaemon, state: str
) -> None:
    """The seccomp profile of `strict` is written before daemon.json, which names it, and goes after it."""
    process, profile = daemon.container_pid("stays"), daemon.directory / "caisson-seccomp.json"
    steps = 0
    while True:
        if state == "absent":
            daemon.done(profile="strict")
        if daemon.dies(DYING + RUN, str(steps), profile="strict", state=state) != DIED:
            break
        daemon.comes_back()
        if state == "present":
            daemon.done(profile="strict")
            assert daemon.done(profile="strict")["changed"] is False, f"step {steps}"
            assert f"name=seccomp,profile={profile}" in daemon.info()["SecurityOptions"], f"step {steps}"
        daemon.done(state="absent")
        assert (daemon.config.read_bytes(), profile.exists()) == (FORMER, False), f"step {steps}"
        assert daemon.container_pid("stays") == process, f"step {steps}"
        # The first ones stand around the profile in the one, the last ones in the other.
        steps += 4
    assert steps > 8, "the runs were not killed where they should have been"


def test_a_run_killed_after_it_wrote_what_no_daemon_starts_with_is_undone_by_the_next(daemon: SandboxedDaemon) -> None:
    """The daemon is down then, and the file that stands is the bad one: the former one is in the record."""
    daemon.done()
    good, process = daemon.config.read_bytes(), daemon.container_pid("stays")
    bad = {"config": {"storage-driver": "nonsense"}}
    steps = 4
    while b"nonsense" not in daemon.config.read_bytes() or daemon.runs():
        assert daemon.dies(DYING + RUN, str(steps), **bad) == DIED
        daemon.settles()
        steps += 1
    result = daemon.module(**bad)
    assert result["failed"] and BACK in result["msg"], result["msg"]
    assert (daemon.config.read_bytes(), daemon.container_pid("stays")) == (good, process)
    assert daemon.done()["changed"] is False


@pytest.mark.parametrize(
    ("config", "first"), [({"storage-driver": "nonsense"}, 2), ({}, 4)], ids=["no_daemon_starts_with_it", "good"]
)
def test_a_run_that_is_killed_alone_is_taken_back_at_once(
    daemon: SandboxedDaemon, config: dict[str, t.Any], first: int
) -> None:
    """No further run is needed: the engine serves with the former settings, and the next run finds nothing to undo."""
    process, flags = daemon.container_pid("stays"), daemon.command()[1:]
    steps, back = first, 0
    while daemon.dies(DYING_ALONE + RUN, str(steps), config=config) == DIED:
        daemon.inside(*FREE.split())
        assert (daemon.config.read_bytes(), daemon.command()[1:]) == (FORMER, flags), f"step {steps}"
        assert daemon.info()["Labels"] == ["kept=yes"] and not daemon.info()["LiveRestoreEnabled"], f"step {steps}"
        assert daemon.container_pid("stays") == process, f"step {steps}"
        back += daemon.done(state="absent")["changed"] is False
        steps += 5
    assert steps > 14 and back > 2, (steps, back)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"experimental": True, "metrics-addr": "127.0.0.1:9323"}, "address already in use"),
        ({"tls": True, "tlscert": "/nowhere/x", "tlskey": "/nowhere/y"}, "Could not load X509 key pair"),
    ],
    ids=["port_in_use", "bad_certificate_path"],
)
def test_a_start_that_fails_is_undone_while_the_container_runs(
    daemon: SandboxedDaemon, config: dict, said: str
) -> None:
    holder = daemon.holds_port(9323)
    try:
        result = daemon.module(config=config, waivers=EXPERIMENTAL)
    finally:
        holder.kill()
        holder.wait()
    assert result["failed"] and said in result["msg"] and BACK in result["msg"], result["msg"]


def test_a_key_of_another_engine_is_left_out_and_told(daemon: SandboxedDaemon) -> None:
    result = daemon.done(profile="none", config={"cdi-spec-dirs": ["/etc/cdi"], "max-download-attempts": 2})
    version = parse_version(daemon.info()["ServerVersion"])
    left_out = "cdi-spec-dirs is left out" in str(result.get("warnings"))
    assert left_out == ("cdi-spec-dirs" not in result["config"]) == (not engine_has("cdi-spec-dirs", version))


def test_what_a_reload_refuses_is_taken_back_to_the_last_value(daemon: SandboxedDaemon) -> None:
    pid = daemon.pid()
    bad = {"labels": ["x=y"], "debug": True, "registry-mirrors": ["not a url"]}
    result = daemon.module(profile="none", config=bad, timeout=3)
    assert result["failed"] and BACK in result["msg"], result["msg"]
    info = daemon.info()
    assert (info["Labels"], info["Debug"], daemon.pid()) == (["kept=yes"], False, pid)


def test_flags_of_a_plain_daemon_are_taken_over_and_given_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    daemon = SandboxedDaemon(tmp_path_factory.mktemp("flags"))
    try:
        daemon.config.write_bytes(FORMER)
        daemon.start("--mtu", "1400", "--icc=true")
        given = daemon.command()[1:]
        assert "flags: take_over" in daemon.module(config={"mtu": 1450})["msg"]
        predicted = daemon.done(check=True, config={"mtu": 1450}, flags="take_over")
        taken = daemon.done(config={"mtu": 1450}, flags="take_over")
        assert taken["actions"] == predicted["actions"]
        assert "take icc, mtu off dockerd's command line" in str(taken["actions"]) or "mtu, icc" in str(
            taken["actions"]
        )
        assert not {"--mtu", "--icc=true"} & set(daemon.command())
        options = daemon.api().inspect_network("bridge")["Options"]
        assert options["com.docker.network.driver.mtu"] == "1450"
        assert options["com.docker.network.bridge.enable_icc"] == "false"
        pid = daemon.pid()
        assert (daemon.done(flags="take_over")["changed"], daemon.pid()) == (False, pid)
        daemon.done(state="absent")
        assert (daemon.command()[1:], daemon.config.read_bytes()) == (given, FORMER)
    finally:
        daemon.close()


def test_as_many_copies_are_kept_as_asked_for(daemon: SandboxedDaemon) -> None:
    for number in range(1, 5):
        made = daemon.done(profile="none", config={"max-download-attempts": number}, backups=2)
        assert "backup" in made
    assert len(daemon.inside("ls", "/var/lib/caisson/daemon/backups").stdout.split()) == 2
    assert "backup" not in daemon.done(profile="none", config={"max-download-attempts": 9}, backups=0)
