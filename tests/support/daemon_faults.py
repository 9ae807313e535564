# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What goes wrong while docker_daemon_config works on a host with systemd: one function for each fault.

Each ends with the engine up, the former or the new settings whole, the container running on in its process, and a
message that says what happened. `outlived` sees to it that after each all of the module's can be undone.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import typing as t

from .daemon_host import DaemonHost
from .daemon_runs import EXPERIMENTAL

CONFIG = "/etc/docker/daemon.json"
DROPIN = "/etc/systemd/system/docker.service.d/zz-caisson-flags.conf"
FORMER = b'{"labels": ["kept=yes"],\n\n   "max-concurrent-uploads": 3}\n'
SECOND = {"hosts": ["fd://", "unix:///run/second.sock"]}
BACK = "the former file is back and the daemon runs with it"
NOTHING = "nothing was changed"


@contextlib.contextmanager
def outlived(host: DaemonHost, image: str) -> t.Iterator[None]:
    """A container that has to outlive the block; then all is undone and nothing of the module left."""
    before = host.state()
    process = host.container("stays", image)
    yield
    host.done(state="absent")
    assert host.process("stays") == process, "the container was stopped"
    left = host.state()
    assert left == before, "\n".join(
        difflib.unified_diff(before.splitlines(), left.splitlines(), "before", "after", n=0)
    )
    assert host.sh(f"docker run --rm {image} echo serves") == "serves"


def standing(host: DaemonHost) -> tuple[str, str]:
    """The file, and the daemon's settings with the container's process. One command: each takes an emulated processor
    long."""
    host.serves()
    said = host.sh(
        f"set -e; cat {CONFIG}; echo; echo ---; "
        "docker info --format '{{json .Labels}} {{.LiveRestoreEnabled}}'; "
        f"docker inspect -f '{{{{.State.Pid}}}}' stays; ls {DROPIN} 2>/dev/null || true"
    )
    content, _line, rest = said.partition("\n---\n")
    return content, rest


def refused(host: DaemonHost, **options: t.Any) -> str:
    """The message of a run that fails and leaves the file, the daemon's settings and the container as they were."""
    before = standing(host)
    result = host.module(**options)
    assert result.get("failed"), result
    after = standing(host)
    assert after == before, f"before: {before}\nafter: {after}"
    return str(result["msg"])


def version(host: DaemonHost) -> tuple[int, ...]:
    """Of the engine: major and minor."""
    return tuple(int(word) for word in host.sh("docker version --format '{{.Server.Version}}'").split(".")[:2])


def invalid_json(host: DaemonHost) -> None:
    engine = host.engine_pid()
    host.sh(f"cp -a {CONFIG} /root/daemon.json; printf '{{\"icc\": false,}}' > {CONFIG}")
    try:
        assert "no valid JSON at line 1" in refused(host)
    finally:
        host.sh(f"cat /root/daemon.json > {CONFIG}; rm /root/daemon.json")
    assert host.engine_pid() == engine


def value_of_the_wrong_type(host: DaemonHost) -> None:
    engine = host.engine_pid()
    assert "log-opts.max-file: 3 is not a string" in refused(host, config={"log-opts": {"max-file": 3}})
    assert host.engine_pid() == engine


def value_that_the_engine_refuses(host: DaemonHost) -> None:
    """The engine tells before it is restarted, from 23.0 on, or does not start; either way the former one serves."""
    engine = host.engine_pid()
    said = refused(host, config={"dns": ["no-address"]})
    if version(host) >= (23, 0):
        assert said.startswith(f"dockerd refuses the configuration, {NOTHING}") and CONFIG in said
        assert host.engine_pid() == engine
    else:
        assert "no-address" in said and BACK in said


def key_that_nobody_knows(host: DaemonHost) -> None:
    engine = host.engine_pid()
    assert "did you mean 'icc'" in refused(host, config={"iccc": False})
    assert host.engine_pid() == engine


def key_of_a_newer_engine(host: DaemonHost) -> None:
    """It is left out and told; the rest is in effect."""
    assert version(host) < (28, 0), "this engine has it"
    result = host.done(profile="none", config={"ip-forward-no-drop": True, "max-download-attempts": 2})
    assert "ip-forward-no-drop is left out" in str(result["warnings"])
    assert json.loads(host.sh(f"cat {CONFIG}")) == {**json.loads(FORMER), "max-download-attempts": 2}
    host.serves()


def port_in_use(host: DaemonHost) -> None:
    _start_that_fails(
        host, {"experimental": True, "metrics-addr": "127.0.0.1:22"}, "address already in use", waivers=EXPERIMENTAL
    )


def bad_certificate_path(host: DaemonHost) -> None:
    certificate = {"tls": True, "tlscert": "/nowhere/x", "tlskey": "/nowhere/y"}
    _start_that_fails(host, certificate, "Could not load X509 key pair")


def _start_that_fails(host: DaemonHost, config: dict[str, t.Any], said: str, **more: t.Any) -> None:
    message = refused(host, config=config, **more)
    # Engine 26 finds a certificate that is not there before the file is written.
    assert said in message and (BACK in message or NOTHING in message)
    assert host.done(state="absent")["changed"] is False, "the failed run left something to undo"


def start_that_hangs(host: DaemonHost) -> None:
    within = host.starts_within
    message = refused(host, config={"containerd": "/run/nobody-listens.sock"}, flags="take_over", timeout=within)
    assert f"did not end within {within} s" in message and BACK in message
    assert host.done(state="absent")["changed"] is False


def full_disk(host: DaemonHost) -> None:
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


def two_runs_at_once(host: DaemonHost) -> None:
    """The second waits for the first, and adds to what it finds."""
    results = host.both({"config": {"max-concurrent-downloads": 2}}, {"config": {"max-download-attempts": 2}})
    assert [result.get("changed") for result in results] == [True, True], results
    host.serves()
    written = json.loads(host.sh(f"cat {CONFIG}"))
    assert (written["max-concurrent-downloads"], written["max-download-attempts"]) == (2, 2)
    assert written.items() >= json.loads(FORMER).items()
    assert host.done()["changed"] is False


def killed(host: DaemonHost, stride: int, steps: int) -> None:
    """Killed before a step, while it takes flags over, and then before each that comes *stride* later.

    After every other one the run is done again and has to converge; after each the undo has to be whole.
    """
    wish: dict[str, t.Any] = {"config": SECOND, "flags": "take_over"}
    former = json.loads(FORMER)
    before = standing(host)
    process = before[1].splitlines()[1]
    wanted = host.done(check=True, **wish)["config"]
    whole = [former, wanted, {**former, "live-restore": True}]
    begun = steps
    while host.dies(steps, **wish):
        content, rest = standing(host)
        assert json.loads(content) in whole, f"step {steps}"
        assert rest.splitlines()[1] == process, f"step {steps}"
        if (steps - begun) // stride % 2 == 1:
            host.done(**wish)
            engine = host.engine_pid()
            assert (host.done(**wish)["changed"], host.engine_pid()) == (False, engine), f"step {steps}"
            assert "stays" in host.sh("docker -H unix:///run/second.sock ps")
        host.done(state="absent")
        assert standing(host) == before, f"step {steps}"
        steps += stride
    assert steps > 10, "the runs were not killed where they should have been"


def killed_alone(host: DaemonHost, steps: t.Iterable[int]) -> None:
    """Killed before each of the steps, while nothing else is: no further run is needed for the former settings.

    No daemon starts with what the run asks for, so that nothing but the former settings can be in effect.
    """
    before, died = standing(host), []
    told = "journalctl --boot --no-pager | grep -c 'docker_daemon_config was killed; the former file is back' || true"
    for step in steps:
        lines = int(host.sh(told))
        if host.dies(step, alone=True, config={"storage-driver": "nonsense"}):
            died.append(step)
            assert int(host.sh(told)) == lines + 1, f"step {step}: the system's log does not have it"
            assert standing(host) == before, f"step {step}"
            assert host.done(state="absent")["changed"] is False, f"step {step}: it left something to undo"
    assert len(died) > 1, died


FAULTS: tuple[t.Callable[[DaemonHost], None], ...] = (
    *(invalid_json, value_of_the_wrong_type, value_that_the_engine_refuses),
    *(key_that_nobody_knows, key_of_a_newer_engine, port_in_use, bad_certificate_path, start_that_hangs, full_disk),
    two_runs_at_once,
)
