# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a container deployed with the defaults cannot do, tried in it."""

from __future__ import annotations

import io
import re
import socket
import tarfile
import time
import typing as t
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.images import minimal
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, until, waiver


@pytest.fixture
def setuid_image(api: docker.APIClient, unique: str) -> t.Iterator[str]:
    """An image whose program id belongs to root and is setuid."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, data in minimal.collect(["id", "sleep"], "10001").files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o4755 if path == "bin/id" else 0o755
            archive.addfile(entry, io.BytesIO(data))
    reference = f"{unique}-setuid:1"
    api.import_image_from_data(buffer.getvalue(), f"{unique}-setuid", tag="1", changes=["ENV PATH=/bin"])
    yield reference
    for container in api.containers(all=True, filters={"ancestor": reference}):
        api.remove_container(container["Id"], force=True)
    api.remove_image(reference, force=True)


def test_file_system_privileges_and_processes_are_held(deployer: Deployer) -> None:
    deployer.deploy(deployer.spec("web", tmpfs=["/scratch:size=1m"]), deployer.spec("sibling"))

    for path in ("/planted", "/bin/planted", "/etc/planted"):
        status, said = deployer.shell("web", f"echo x > {path}")
        assert status != 0
        assert "Read-only file system" in said
    assert deployer.shell("web", "echo x > /tmp/note && cat /tmp/note") == (0, "x\n")

    status, said = deployer.shell("web", "cp /bin/busybox /tmp/echo && /tmp/echo hello")
    assert (status, "Permission denied" in said) == (126, True)

    status, said = deployer.shell("web", "dd if=/dev/zero of=/scratch/big bs=1M count=3")
    assert status != 0
    assert "No space left on device" in said

    _status, said = deployer.execute("web", "cat", "/proc/self/status", user="0")
    assert set(re.findall(r"^Cap(?:Eff|Prm|Bnd|Inh|Amb):\s*(\w+)$", said, re.MULTILINE)) == {"0" * 16}
    assert re.search(r"^NoNewPrivs:\s*1$", said, re.MULTILINE)
    assert re.search(r"^Seccomp:\s*2$", said, re.MULTILINE)

    began = time.monotonic()
    deployer.shell("web", "n=0; while [ $n -lt 100 ]; do sleep 20 & n=$((n + 1)); done 2> /tmp/bomb; true")
    top = deployer.api.top(deployer.name("web"))["Processes"]
    assert 20 <= len(top) <= 32
    assert deployer.shell("sibling", "true") == (0, "")
    assert time.monotonic() - began < 20


def test_a_memory_hog_is_killed_and_nothing_else(deployer: Deployer) -> None:
    hog = deployer.spec("hog", command=["sh", "-c", "sleep 1; exec tail /dev/zero"], restart_policy="no")
    deployer.deploy(hog, deployer.spec("sibling"))
    state = until(lambda: next((each for each in [deployer.inspect("hog")["State"]] if not each["Running"]), None))
    assert state["ExitCode"] == 137
    assert state["OOMKilled"]
    assert deployer.inspect("sibling")["State"]["Running"]
    assert deployer.inspect("sibling")["RestartCount"] == 0


def test_cpu_is_held_to_the_quota(deployer: Deployer) -> None:
    deployer.deploy(deployer.spec("busy", command=["sh", "-c", "while :; do :; done"], cpus=0.2))

    def used() -> tuple[float, int]:
        stats = deployer.api.stats(deployer.name("busy"), stream=False, one_shot=True)["cpu_stats"]
        return stats["cpu_usage"]["total_usage"] / 1e9, stats["throttling_data"]["throttled_periods"]

    (first, throttled), began = used(), time.monotonic()
    time.sleep(2)
    (last, throttled_later), passed = used(), time.monotonic() - began
    assert 0.02 < (last - first) / passed < 0.3
    assert throttled_later > throttled


def test_a_setuid_program_does_not_raise_privileges(deployer: Deployer, setuid_image: str) -> None:
    wide = {"security_opts": ["no-new-privileges=false"], "waivers": waiver("no_new_privileges")}
    deployer.deploy(deployer.spec("held", image=setuid_image), deployer.spec("open", image=setuid_image, **wide))
    assert "euid=0" in deployer.execute("open", "id")[1], "the program of the test is not setuid"
    status, said = deployer.execute("held", "id")
    assert (status, "uid=10001" in said, "euid" in said) == (0, True, False)


def test_the_log_is_written_by_the_driver_and_rotates(deployer: Deployer) -> None:
    line = 'n=0; while [ $n -lt 2000 ]; do echo "line $n of the log, with more words"; n=$((n + 1)); done; sleep 1000'
    options = {"log_driver": "json-file", "log_options": {"max-size": "20k", "max-file": "2"}}
    deployer.deploy(
        deployer.spec("rotating", command=["sh", "-c", line], **options),
        deployer.spec("local", command=["sh", "-c", "echo said; sleep 1000"]),
    )

    def lines() -> list[str]:
        return deployer.api.logs(deployer.name("rotating")).decode().splitlines()

    until(lambda: lines() and "line 1999 " in lines()[-1])
    assert "line 0 " not in lines()[0]
    assert len(lines()) < 600
    path = Path(deployer.inspect("rotating")["LogPath"])
    if path.parent.is_dir():  # the engine is on this host
        assert sorted(each.name for each in path.parent.glob("*-json.log*")) == [path.name, f"{path.name}.1"]
        assert all(each.stat().st_size < 30_000 for each in path.parent.glob("*-json.log*"))
    local = deployer.inspect("local")
    assert local["HostConfig"]["LogConfig"]["Type"] == "local"
    assert deployer.api.logs(local["Id"]) == b"said\n"


def test_containers_find_each_other_by_name_after_a_replacement_too(deployer: Deployer) -> None:
    server = {"command": ["httpd", "-f", "-p", "8080", "-h", "/etc"]}
    port = free_port()
    published = {"published_ports": [f"127.0.0.1:{port}:8080"]}
    web, client = deployer.spec("web", **server, **published), deployer.spec("client")
    deployer.deploy(web, client)
    fetch = f"printf 'GET /passwd HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {deployer.name('web')} 8080"
    assert "app:x:10001" in deployer.shell("client", fetch)[1]
    assert "app:x:10001" in get(port, "127.0.0.1")

    result = deployer.deploy({**web, "labels": {"generation": "2"}}, client)
    assert [entry["action"] for entry in result["containers"]] == ["recreated", "unchanged"]
    assert "app:x:10001" in deployer.shell("client", fetch)[1]
    assert "app:x:10001" in get(port, "127.0.0.1")
    own = deployer.inspect("web")["NetworkSettings"]["Networks"][deployer.prefix]
    for address in ("127.0.0.2", own["Gateway"]):
        with pytest.raises(OSError):
            get(port, address)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, address: str) -> str:
    with socket.create_connection((address, port), timeout=5) as connection:
        connection.sendall(b"GET /passwd HTTP/1.0\r\n\r\n")
        return connection.makefile("rb").read().decode()
