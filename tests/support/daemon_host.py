# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host with systemd and an engine of its own, on which docker_daemon_config runs, and its runs die."""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
import time
import typing as t
import uuid

from . import hosts, images, kernel_guard
from .dying import STEP
from .run_module import COLLECTIONS

CORE = "ansible_collections/caisson/hardening/plugins/module_utils"
# The core of the module, with its options as the second argument; the first is a word, or how many steps to live.
# Engine 20.10 gives its metrics to experimental daemons only.
EXPERIMENTAL = [{"control": "daemon.experimental", "reason": "for its metrics", "expires": "2999-12-31"}]
RUN = """
import json, sys
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import apply, observe, plan
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError
options = json.loads(sys.argv[2])
NAMES = ("config", "profile", "replace", "flags", "waivers", "controls", "allow_hidden")
wish = {name: options.pop(name) for name in NAMES if name in options}
request = plan.Request(remove=tuple(options.pop("remove", ())), **{"profile": "baseline", **wish})
try:
    result = apply.run(observe.Options(request=request, check=sys.argv[1] == "check", **options))
except CaissonError as error:
    result = {"failed": True, "msg": str(error)}
print(json.dumps(result))
"""
# It dies before each thing that it writes, and before and while it tells a daemon something.
DYING = f"""{STEP}
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import process, service, takeover
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import transaction as carried
from ansible_collections.caisson.hardening.plugins.module_utils.host import undo
for place in (carried, takeover, undo):
    place.write_file = step(place.write_file)
    place.remove_file = step(place.remove_file)
takeover.daemon_reload = step(takeover.daemon_reload)
for daemon in (process.PlainDaemon, service.SystemdDaemon):
    daemon.reload = step(daemon.reload)
    daemon.restart = step(daemon.restart)
process.PlainDaemon._ended = step(process.PlainDaemon._ended)
carried.Transaction._wait = step(carried.Transaction._wait)
"""
DIED = 137
WATCHED = "/etc/docker /etc/systemd /var/lib/caisson"
STATE = (
    f"find {WATCHED} ! -name key.json -printf '%p %y %m %U:%G %l\\n' 2>/dev/null | sort; "
    f"find {WATCHED} -type f ! -name key.json -exec sha256sum {{}} + 2>/dev/null | sort -k 2; "
    "systemctl show docker --property=ExecStart,DropInPaths | sed 's/start_time=.*//'"
)


class DaemonHost:
    """The host, and what a test does on it."""

    def __init__(self, client: t.Any, name: str) -> None:
        self.client, self.name = client, name

    def tried(self, script: str) -> tuple[int, str]:
        status, text = hosts.execute(self.client, self.name, ["sh", "-c", script])
        return status, text.strip()

    def sh(self, script: str) -> str:
        status, text = self.tried(script)
        assert status == 0, f"{script!r} ended with {status}:\n{text}"
        return text

    def put(self, path: str, content: bytes, mode: int = 0o644) -> None:
        hosts.put(self.client, self.name, path, content, mode)

    def program(self, code: str, *arguments: str) -> tuple[int, str]:
        return hosts.execute(self.client, self.name, ["python3", "-c", code, *arguments], env={"PYTHONPATH": "/srv"})

    def module(self, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """The module's result."""
        status, text = self.program(RUN, "check" if check else "run", json.dumps({"timeout": 40, **options}))
        assert status == 0, text
        return t.cast("dict[str, t.Any]", json.loads(text.splitlines()[-1]))

    def done(self, **options: t.Any) -> dict[str, t.Any]:
        """The result of a run that has to succeed."""
        result = self.module(**options)
        assert "failed" not in result, result["msg"]
        return result

    def dies(self, steps: int, **options: t.Any) -> bool:
        """Whether a run was killed after that many steps, or came to its end before."""
        status, text = self.program(DYING + RUN, str(steps), json.dumps({"timeout": 40, **options}))
        assert status in (0, DIED), text
        return status == DIED

    def engine_pid(self) -> int:
        return int(self.sh("systemctl show docker --property=MainPID --value"))

    def container(self, name: str, image: str) -> int:
        """Start a container; its process."""
        self.sh(f"docker rm -f {name} 2>/dev/null; docker run -d --restart=always --name {name} {image} sleep 3000")
        return self.process(name)

    def process(self, name: str) -> int:
        return int(self.sh(f"docker inspect -f '{{{{.State.Pid}}}}' {name}"))

    def serves(self) -> None:
        """Wait until the engine answers."""
        deadline = time.monotonic() + 30
        while self.tried("docker version")[0] != 0:
            assert time.monotonic() < deadline, self.tried("systemctl status docker; journalctl -u docker -n 20")[1]
            time.sleep(0.3)

    def state(self) -> str:
        return self.sh(STATE)


@contextlib.contextmanager
def daemon_host(client: t.Any, recipe: images.Recipe, prefix: str = "caisson-daemon") -> t.Iterator[DaemonHost]:
    """The host for the time of the block, with the module's core on it."""
    name = f"{prefix}-{uuid.uuid4().hex[:8]}"
    with kernel_guard.boot_noted():
        hosts.start(client, name, images.ensure_debian(client, recipe))
        try:
            client.put_archive(name, "/srv", _core())
            yield DaemonHost(client, name)
        finally:
            hosts.remove(client, name)


def load(host: DaemonHost, reference: str) -> None:
    """Bring an image of the tests' engine into the host's own."""
    host.put("/root/image", b"".join(host.client.get_image(reference)))
    host.sh("docker load -q < /root/image; rm /root/image")


def _core() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted((COLLECTIONS / CORE).rglob("*.py")):
            archive.add(path.resolve(), str(path.relative_to(COLLECTIONS)))
    return buffer.getvalue()
