# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets on an engine that is restarted, and on one with a user namespace."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import process
from ansible_collections.caisson.hardening.tests.support import secrets
from ansible_collections.caisson.hardening.tests.support.containers import until, waiver
from ansible_collections.caisson.hardening.tests.support.daemon import IMAGE, SandboxedDaemon
from ansible_collections.caisson.hardening.tests.support.run_module import run_module

BASE = 231072


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
