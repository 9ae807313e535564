# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets on an engine that is restarted, on a host that is, and on an engine with a user namespace."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import typing as t
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import process
from ansible_collections.caisson.hardening.tests.support import images, kernel_guard, secrets
from ansible_collections.caisson.hardening.tests.support.containers import until, waiver
from ansible_collections.caisson.hardening.tests.support.daemon import IMAGE, SandboxedDaemon
from ansible_collections.caisson.hardening.tests.support.daemon_host import daemon_host, load
from ansible_collections.caisson.hardening.tests.support.hosts import wait_for_systemd
from ansible_collections.caisson.hardening.tests.support.run_module import run_module

BASE = 231072
# The core of `containers` on a host that has no Ansible: what failed, and the actions.
RUN = """
import json, sys
from ansible_collections.caisson.hardening.plugins.module_utils.containers import apply, cases, engine, render, spec
settings = cases.Settings(project="shop", settle_time=0.3)
run = apply.Run(engine.Engine("unix:///run/docker.sock"), spec.parse_specs(json.loads(sys.argv[1])), settings)
run.predict()
outcome = run.execute()
print(json.dumps([render.failures(outcome), render.result(outcome)["actions"]]))
"""


@pytest.fixture
def daemon() -> t.Iterator[SandboxedDaemon]:
    # The root of a user namespace has to get to the engine's data, so not in pytest's own folder.
    folder = Path(tempfile.mkdtemp(prefix="caisson-"))
    folder.chmod(0o755)
    made = SandboxedDaemon(folder)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder)


def deploy(daemon: SandboxedDaemon, value: str, **options: t.Any) -> dict[str, t.Any]:
    api = daemon.api()
    if not api.images(IMAGE):
        daemon._import(api)
    spec = {"name": "web", "image": IMAGE, "user": "10001:10002", "command": ["/bin/busybox", "sleep", "1000"]}
    spec.update(stop_timeout=1, restart_policy="always", waivers=waiver("restart_policy"), networks=[], **options)
    run = {"docker_host": f"unix://{daemon.socket}", "settle_time": 0.3}
    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    arguments = {**run, "containers": [{**spec, **secrets.secret(value, mode="0440")}]}
    result = run_module("containers", arguments, python=str(daemon.python), env=environment)
    assert not result.get("failed"), result["msg"]
    return result


def test_the_secret_is_there_after_the_engine_was_restarted(daemon: SandboxedDaemon) -> None:
    daemon.config.write_text("{}", encoding="utf-8")
    daemon.start()
    value = secrets.value()
    deploy(daemon, value)
    former, pid = daemon.container_pid("web"), daemon.pid()
    os.kill(pid, signal.SIGTERM)
    until(lambda: not process.alive(pid), 60)
    daemon.start()
    until(lambda: daemon.container_pid("web") not in (0, former), 60)
    assert daemon.run("web", "/bin/busybox cat /run/secrets/db") == (0, value)
    assert deploy(daemon, value)["actions"] == []


def test_the_secret_is_there_after_the_host_was_booted_again(api: docker.APIClient, busybox: str) -> None:
    """The engine starts the container by itself, before any run; what was in memory is gone by then."""
    value = secrets.value()
    spec = {"name": "web", "image": busybox, "command": ["sleep", "30000"], "user": "10001", "networks": []}
    spec.update(restart_policy="always", waivers=waiver("restart_policy"), stop_timeout=1, **secrets.secret(value))
    with daemon_host(api, images.HOST) as host:
        wait_for_systemd(api, host.name)
        load(host, busybox)

        def deploy() -> list[t.Any]:
            status, text = host.program(RUN, json.dumps([spec]))
            assert status == 0, text
            return list(json.loads(text.splitlines()[-1]))

        assert deploy() == ["", ["web: create (it does not exist)", "web: start"]]
        host.sh("touch /run/of-this-boot")
        with kernel_guard.boot_noted():
            api.restart(host.name, timeout=30)
            wait_for_systemd(api, host.name)
        assert host.sh("ls /run/of-this-boot || true").endswith("No such file or directory")
        until(lambda: host.tried("docker exec web cat /run/secrets/db") == (0, value), 60)
        assert deploy() == ["", []]


def test_with_userns_remap_the_owner_is_the_shifted_one(daemon: SandboxedDaemon) -> None:
    """In an /etc of its own, so that the host gets no user."""
    folder = daemon.directory / "etc"
    lines = {"passwd": f"remap:x:{BASE}:{BASE}::/:/bin/false", "group": f"remap:x:{BASE}:"}
    lines.update(subuid=f"remap:{BASE}:65536", subgid=f"remap:{BASE}:65536")
    daemon.inside("sh", "-c", f"cp -a /etc {folder} && mount --bind {folder} /etc")
    for name, line in lines.items():
        with (folder / name).open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")
    daemon.config.write_text("{}", encoding="utf-8")
    daemon.start("--userns-remap=remap")
    assert "name=userns" in daemon.info()["SecurityOptions"]
    asked = run_module("host_facts", {"docker_host": f"unix://{daemon.socket}"}, python=str(daemon.python))
    assert asked["ansible_facts"]["caisson"]["engine"]["userns_remap"] is True
    values = [secrets.value(), secrets.value()]
    deploy(daemon, values[0])
    assert daemon.run("web", "/bin/busybox id -u") == (0, "10001\n")
    assert daemon.run("web", "/bin/busybox cat /run/secrets/db") == (0, values[0])
    assert daemon.run("web", "/bin/busybox stat -c '%u %g %a' /run/secrets/db") == (0, "10001 10002 440\n")
    source = next(each["Source"] for each in daemon.api().inspect_container("web")["Mounts"])
    shifted = daemon.inside("stat", "-c", "%u %g %a", f"{source}/db").stdout
    assert shifted == f"{BASE + 10001} {BASE + 10002} 440\n"
    assert deploy(daemon, values[0])["actions"] == []
    deploy(daemon, values[1], secrets_rotation="in_place")
    assert daemon.run("web", "/bin/busybox cat /run/secrets/db") == (0, values[1])
