# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The daemon's controls against a real dockerd in namespaces of its own: each asserted by what it does.

Needs root, dockerd, iptables, curl, openssl, busybox-static and a Python of the system.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
import typing as t
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support.daemon import IMAGE, SandboxedDaemon, as_json
from ansible_collections.caisson.hardening.tests.support.daemon_runs import DIED, DYING, RUN

FORMER = b'{"labels": ["kept=yes"]}\n'
LOOP = "trap exit TERM; while :; do sleep 0.2; done"
PORT = 2376
TCP = ("-H", f"tcp://127.0.0.1:{PORT}")
SYSTEM_PYTHON = "/usr/bin/python3"

Json = t.Dict[str, t.Any]

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("dockerd", path=os.environ["PATH"] + ":/usr/sbin"),
    reason="needs root and dockerd",
)


@pytest.fixture
def sandbox() -> t.Iterator[SandboxedDaemon]:
    """A place for a daemon that each test starts as it needs it."""
    # Remapped users have to get through to the data, and pytest's own directory is closed to them.
    folder = Path(tempfile.mkdtemp(prefix="caisson-controls-"))
    folder.chmod(0o711)
    made = SandboxedDaemon(folder)
    try:
        made.config.write_bytes(FORMER)
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)


def done(daemon: SandboxedDaemon, **more: t.Any) -> Json:
    result = daemon.module(**more)
    assert result["rc"] == 0, result["msg"]
    return result


def found(result: Json, name: str) -> tuple[str, str]:
    return next(
        (each["outcome"], each["evidence"]) for each in result["findings"] if each["control"] == f"daemon.{name}"
    )


def waiver(name: str) -> Json:
    return {"control": f"daemon.{name}", "reason": "a test", "expires": "2999-12-31"}


def untouched(daemon: SandboxedDaemon, pid: int) -> None:
    assert (daemon.config.read_bytes(), daemon.pid()) == (FORMER, pid)
    assert daemon.inside("find", "/var/lib/caisson", "-mindepth", "1").stdout == ""
    assert not (daemon.directory / "tls").exists()


def test_what_opens_or_weakens_the_daemon_is_refused_before_anything_is_written(sandbox: SandboxedDaemon) -> None:
    sandbox.start()
    pid = sandbox.pid()
    weak = {
        "icc": True,
        "log-level": "debug",
        "insecure-registries": ["registry.example:5000"],
        "metrics-addr": "0.0.0.0:9323",
        "default-address-pools": [{"base": "8.8.0.0/16", "size": 24}],
        "max-concurrent-downloads": 0,
        "shutdown-timeout": -1,
    }
    result = sandbox.module(config=weak, remove=["live-restore"])
    assert result["failed"]
    for part in (
        *("daemon.icc", "daemon.log_level", "daemon.insecure_registries", "daemon.metrics_address"),
        *("daemon.address_pools", "daemon.transfer_limits", "daemon.shutdown_timeout", "daemon.live_restore"),
        "expires: YYYY-MM-DD",
    ):
        assert part in result["msg"], part
    assert "8 faults" in result["msg"]
    for address in (":9323", "[::]:9323"):
        open_to_all = sandbox.module(profile="none", config={"metrics-addr": address})
        assert "breaks daemon.metrics_address" in open_to_all["msg"]
    wrong = sandbox.module(waivers=[{"control": "daemon.ic", "reason": " ", "expires": "soon"}])
    assert "3 faults" in wrong["msg"]
    expired = sandbox.module(config={"icc": True}, waivers=[{**waiver("icc"), "expires": "2001-01-01"}])
    assert "breaks daemon.icc" in expired["msg"]
    untouched(sandbox, pid)

    allowed = done(sandbox, config={"icc": True}, waivers=[waiver("icc"), waiver("iptables")])
    assert found(allowed, "icc") == ("waived", "default bridge: enable_icc=true; waived until 2999-12-31: a test")
    assert "daemon.iptables is not needed" in str(allowed["warnings"])
    assert "fail" not in {each["outcome"] for each in allowed["findings"]}


def test_a_network_of_insecure_registries_that_stands_in_the_file_fails_as_it_is_predicted(
    sandbox: SandboxedDaemon,
) -> None:
    sandbox.config.write_text(json.dumps({"insecure-registries": ["10.1.2.3/8"]}), encoding="utf-8")
    sandbox.start()
    predicted = done(sandbox, check=True)
    result = done(sandbox)
    assert predicted["findings"] == result["findings"]
    assert found(result, "insecure_registries") == ("fail", "insecure registries: 10.0.0.0/8")
    removed = done(sandbox, remove=["insecure-registries"])
    assert found(removed, "insecure_registries")[0] == "pass"


def test_plain_tcp_on_the_command_line_is_refused_and_tls_lets_only_clients_with_a_certificate_in(
    sandbox: SandboxedDaemon,
) -> None:
    sandbox.start(*TCP)
    pid = sandbox.pid()
    refused = sandbox.module()
    assert "breaks daemon.tcp_tls: tcp://127.0.0.1:2376 answers anybody, without TLS" in refused["msg"]
    assert "breaks daemon.tcp_tls" in sandbox.module(profile="none", config={"tls": True})["msg"]
    _without_openssl(sandbox, "mount")
    without = sandbox.module(tls=True, tls_directory=f"{sandbox.directory}/tls")
    assert "install the package openssl" in without["msg"]
    assert "\n" not in without["msg"]
    _without_openssl(sandbox, "umount")
    theirs = sandbox.directory / "theirs"
    theirs.mkdir()
    (theirs / "ca.pem").write_text("somebody's", encoding="utf-8")
    assert "which this module did not make" in sandbox.module(tls=True, tls_directory=str(theirs))["msg"]
    untouched(sandbox, pid)

    sandbox.container("stays", LOOP)
    stays = sandbox.container_pid("stays")
    tls: Json = {"tls": True, "tls_directory": f"{sandbox.directory}/tls", "tls_names": ["docker.example"]}
    predicted = done(sandbox, check=True, **tls)
    assert not (sandbox.directory / "tls").exists()
    first = done(sandbox, **tls)
    for part in ("actions", "findings", "score", "config", "diff", "outdated_containers"):
        assert predicted[part] == first[part], part
    assert found(first, "tcp_tls") == ("pass", f"tcp://127.0.0.1:{PORT} answers only a client with a certificate")
    _only_with_a_certificate(sandbox)
    assert sandbox.container_pid("stays") == stays
    assert "BEGIN" not in json.dumps(first)
    _keys_are_roots(sandbox.directory / "tls")
    second = done(sandbox, **tls)
    assert (second["changed"], second["actions"]) == (False, [])

    _renewals(sandbox, tls)
    assert sandbox.container_pid("stays") == stays
    gone = done(sandbox, state="absent")
    assert gone["changed"]
    assert sandbox.config.read_bytes() == FORMER
    assert not (sandbox.directory / "tls").exists()


def _without_openssl(daemon: SandboxedDaemon, verb: str) -> None:
    """Cover openssl inside by a file that cannot be executed, or uncover it."""
    empty = daemon.directory / "empty"
    empty.touch(mode=0o600)
    for folder in ("/usr/local/bin", "/usr/bin"):
        if Path(folder, "openssl").exists():
            daemon.inside("mount", "--bind", str(empty), f"{folder}/openssl") if verb == "mount" else daemon.inside(
                "umount", f"{folder}/openssl"
            )


def _get(daemon: SandboxedDaemon, *options: str) -> tuple[int, str]:
    get = ["curl", "-sS", "-m", "5", *options, f"https://127.0.0.1:{PORT}/_ping"]
    answer = daemon.inside(*get, check=False)
    return answer.returncode, answer.stdout


def _only_with_a_certificate(daemon: SandboxedDaemon) -> None:
    client = daemon.directory / "tls" / "client"
    trust = ("--cacert", str(client / "ca.pem"))
    own = ("--cert", str(client / "cert.pem"), "--key", str(client / "key.pem"))
    assert _get(daemon, *trust, *own) == (0, "OK")
    status, answer = _get(daemon, *trust)
    assert (status != 0, answer) == (True, "")
    plain = daemon.inside("curl", "-sS", "-m", "5", f"http://127.0.0.1:{PORT}/_ping", check=False)
    assert "OK" not in plain.stdout
    name = ("--resolve", f"docker.example:{PORT}:127.0.0.1", f"https://docker.example:{PORT}/_ping")
    assert "OK" in daemon.inside("curl", "-sS", "-m", "5", *trust, *own, *name, check=False).stdout


def _keys_are_roots(directory: Path) -> None:
    for path in [directory, *directory.rglob("*")]:
        status = path.stat()
        wanted = 0o700 if path.is_dir() else 0o400 if "key" in path.name else 0o444
        assert (status.st_uid, status.st_mode & 0o777) == (0, wanted), path


def _renewals(daemon: SandboxedDaemon, tls: Json) -> None:
    """A certificate that ends soon, one that lacks a name, and a lost authority are made anew, and serve."""
    server = daemon.directory / "tls" / "server.pem"
    short = done(
        daemon, **{**tls, "tls_days": 20, "tls_renew_before": 1, "tls_names": ["docker.example", "other.example"]}
    )
    assert "is not for other.example" in short["actions"][0]
    assert short["actions"][-1] == "restart dockerd"
    before = server.read_bytes()
    renewed = done(daemon, **tls)
    assert "the present one ends on" in renewed["actions"][0]
    assert server.read_bytes() != before
    (daemon.directory / "tls" / "ca-key.pem").unlink()
    anew = done(daemon, **tls)
    assert [action.split(" in ")[0] for action in anew["actions"][:3]] == [
        "make the certificate authority",
        "make the server certificate",
        "make the client certificate",
    ]
    _only_with_a_certificate(daemon)
    assert done(daemon, **tls)["changed"] is False


def test_userns_remap_needs_the_word_and_makes_root_in_a_container_nobody_on_the_host(
    sandbox: SandboxedDaemon,
) -> None:
    _own_users(sandbox)
    sandbox.start()
    sandbox.container("kept", LOOP)
    sandbox.api().create_container(IMAGE, ["/bin/busybox", "true"], name="idle")
    pid, remap = sandbox.pid(), {"userns-remap": "remapped"}
    refused = sandbox.module(config=remap)
    for part in ("2 containers (idle, kept)", "1 images", "allow_hidden: true"):
        assert part in refused["msg"], part
    unknown = sandbox.module(config={"userns-remap": "nobodyhere"}, allow_hidden=True)
    assert "names the user nobodyhere, whom this host does not have" in unknown["msg"]
    no_ids = sandbox.module(config={"userns-remap": "daemon"}, allow_hidden=True)
    assert "ids for daemon in /etc/subuid" in no_ids["msg"]
    untouched(sandbox, pid)

    predicted = done(sandbox, check=True, config=remap, allow_hidden=True, profile="strict")
    result = done(sandbox, config=remap, allow_hidden=True, profile="strict")
    assert predicted["actions"] == result["actions"]
    assert "stop the containers that dockerd leaves behind: kept" in result["actions"]
    assert "2 containers (idle, kept)" in str(result["warnings"])
    assert found(result, "userns_remap") == ("pass", "docker info: userns")
    assert sandbox.api().containers(all=True) == []
    sandbox.container("mapped", LOOP)
    owner = Path(f"/proc/{sandbox.container_pid('mapped')}").stat().st_uid
    assert sandbox.run("mapped", "/bin/busybox id -u")[1].strip() == "0"
    assert owner == 200000
    assert done(sandbox, config=remap, profile="strict")["changed"] is False

    back = sandbox.module(state="absent")
    assert "1 containers (mapped)" in back["msg"]
    sandbox.remove_containers()
    predicted = done(sandbox, check=True, state="absent")
    result = done(sandbox, state="absent")
    assert predicted["actions"] == result["actions"]
    assert "start the containers that were left where dockerd is then: kept" in result["actions"]
    assert {each["Names"][0] for each in sandbox.api().containers(all=True)} == {"/idle", "/kept"}
    assert [each["Names"] for each in sandbox.api().containers()] == [["/kept"]], "what ran before does not run again"
    assert not Path("/var/lib/caisson/daemon").exists()


def test_container_that_does_not_start_again_is_named_and_takes_nothing_back(sandbox: SandboxedDaemon) -> None:
    _own_users(sandbox)
    sandbox.start()
    needed = sandbox.directory / "needed"
    needed.mkdir()
    sandbox.container("broken", LOOP, mounts=[docker.types.Mount("/needed", str(needed), type="bind")])
    sandbox.container("kept", LOOP)
    done(sandbox, config={"userns-remap": "remapped"}, allow_hidden=True)
    needed.rmdir()
    result = done(sandbox, remove=["userns-remap"])
    assert "Failed to start the container broken" in str(result["warnings"])
    assert [each["Names"] for each in sandbox.api().containers()] == [["/kept"]]
    assert "userns-remap" not in as_json(sandbox.config)


def test_a_killed_run_that_moves_the_data_is_converged_and_undone_with_the_containers(sandbox: SandboxedDaemon) -> None:
    _own_users(sandbox)
    sandbox.start()
    sandbox.container("kept", LOOP)
    former = as_json(sandbox.config)
    remap: Json = {"config": {"userns-remap": "remapped"}, "allow_hidden": True}
    wanted = done(sandbox, check=True, **remap)["config"]
    steps = 0
    while sandbox.dies(DYING + RUN, str(steps), **remap) == DIED:
        sandbox.comes_back()
        assert as_json(sandbox.config) in (former, wanted), f"step {steps}"
        if steps % 2 == 0:
            done(sandbox, **remap)
            assert sandbox.api().containers(all=True) == [], f"step {steps}"
            assert done(sandbox, **remap)["changed"] is False, f"step {steps}"
        done(sandbox, state="absent")
        assert sandbox.config.read_bytes() == FORMER, f"step {steps}"
        assert [each["Names"] for each in sandbox.api().containers()] == [["/kept"]], f"step {steps}"
        steps += 3
    assert steps > 10, "the runs were not killed where they should have been"


def test_a_killed_run_that_makes_certificates_is_converged_and_undone(sandbox: SandboxedDaemon) -> None:
    sandbox.start()
    sandbox.container("stays", LOOP)
    stays, command, directory = sandbox.container_pid("stays"), sandbox.command(), sandbox.directory / "tls"
    listen: Json = {
        "config": {"hosts": [f"unix://{sandbox.socket}", f"tcp://127.0.0.1:{PORT}"]},
        "flags": "take_over",
    }
    names: Json = {"tls_directory": str(directory), "tls_names": ["docker.example"]}
    steps = 0
    while (
        sandbox.dies(DYING + RUN, str(steps), tls={"directory": str(directory), "names": ["docker.example"]}, **listen)
        == DIED
    ):
        sandbox.comes_back()
        if steps % 2 == 0:
            done(sandbox, tls=True, **names, **listen)
            _only_with_a_certificate(sandbox)
            assert done(sandbox, tls=True, **names, **listen)["changed"] is False, f"step {steps}"
        done(sandbox, state="absent")
        assert (sandbox.config.read_bytes(), directory.exists()) == (FORMER, False), f"step {steps}"
        assert (sandbox.container_pid("stays"), sandbox.command()[1:]) == (stays, command[1:]), f"step {steps}"
        steps += 5
    assert steps > 15, "the runs were not killed where they should have been"


def _own_users(daemon: SandboxedDaemon) -> None:
    """Users and their ids that only the sandbox sees."""
    for name, line in (
        ("passwd", "remapped:x:4711:4711::/nonexistent:/bin/false"),
        ("group", "remapped:x:4711:"),
        ("subuid", "remapped:200000:65536"),
        ("subgid", "remapped:200000:65536"),
    ):
        copy, real = daemon.directory / name, Path("/etc", name)
        copy.write_text((real.read_text(encoding="utf-8") if real.exists() else "") + line + "\n", encoding="utf-8")
        real.touch()
        daemon.inside("mount", "--bind", str(copy), str(real))


_CALLS = """
import ctypes, errno, json, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    ctypes.set_errno(0)
    return 0 if libc.syscall(*arguments) >= 0 else ctypes.get_errno()
def family(number, kind=socket.SOCK_RAW, protocol=0):
    try:
        socket.socket(number, kind, protocol).close()
    except OSError as error:
        return error.errno
    return 0
print(json.dumps({
    "io_uring_setup": call(425, 1, ctypes.create_string_buffer(120)),
    "keyctl": call(250, 0, -3, 0),
    "add_key": call(248, b"user", b"name", b"value", 5, -3),
    "userfaultfd": call(323, 1),
    "ptrace": call(101, 0, 0, 0, 0),
    "process_vm_readv": call(310, 1, 0, 0, 0, 0, 0),
    "bpf": call(321, 0, 0, 0),
    "perf_event_open": call(298, 0, 0, -1, -1, 0),
    "unshare a user namespace": call(272, 0x10000000),
    "unshare a mount namespace": call(272, 0x20000),
    "clone a user namespace": call(56, 0x10000000 | 17, 0, 0, 0, 0),
    "clone3": call(435, 0, 0),
    "setns": call(308, 0, 0),
    "mount": call(165, 0, 0, 0, 0, 0),
    "open_tree": call(428, -1, b"/", 0),
    "personality": call(135, 0x0040000),
    "AF_VSOCK": family(40, socket.SOCK_STREAM),
    "AF_ALG": family(38, socket.SOCK_SEQPACKET),
    "AF_PACKET": family(17),
    "AF_CAN": family(29),
    "AF_NETLINK audit": family(16, protocol=9),
    "AF_UNIX": family(1, socket.SOCK_STREAM),
    "AF_INET": family(2, socket.SOCK_STREAM),
    "AF_INET6": family(10, socket.SOCK_DGRAM),
    "AF_NETLINK route": family(16),
    "getpid": call(39),
}))
"""
_GOOD = {"AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK route", "getpid"}
_GOES_ANOTHER_WAY = {"io_uring_setup", "clone3"}


def test_the_strict_defaults_are_in_force(sandbox: SandboxedDaemon) -> None:
    sandbox.start()
    profile = sandbox.directory / "caisson-seccomp.json"
    sandbox.container("before", LOOP, port_bindings={80: 18080})
    done(sandbox)
    sandbox.container("between", LOOP)
    predicted = done(sandbox, check=True, profile="strict")
    assert not profile.exists()
    waits = done(sandbox, profile="strict")
    for part in ("actions", "findings", "outdated_containers", "config"):
        assert predicted[part] == waits[part], part
    old = {entry["name"]: " ".join(entry["outdated"]) for entry in waits["outdated_containers"]}
    assert set(old) == {"before", "between"}
    for part in (
        "log driver json-file, now local",
        "may gain new privileges",
        "ulimit nofile",
        "seccomp profile",
        "80/tcp",
    ):
        assert part in old["before"], part
    assert "log driver" not in old["between"]
    assert "ulimit core" in old["between"]
    assert "before (" in str(waits["warnings"])
    assert found(waits, "port_address")[0] == "fail"

    sandbox.remove_containers()
    result = done(sandbox, profile="strict")
    assert result["outdated_containers"] == []
    failing = {each["control"] for each in result["findings"] if each["outcome"] == "fail"}
    assert failing == {"daemon.userns_remap", "daemon.authorization_plugin", "daemon.central_logging"}
    assert done(sandbox, profile="strict")["changed"] is False

    sandbox.container("after", LOOP, port_bindings={80: 18080})
    assert sandbox.api().inspect_container("after")["NetworkSettings"]["Ports"]["80/tcp"][0]["HostIp"] == "127.0.0.1"
    limits = Path(f"/proc/{sandbox.container_pid('after')}/limits").read_text(encoding="ascii")
    assert next(line for line in limits.splitlines() if "core" in line).split()[4:6] == ["0", "0"]
    assert f"name=seccomp,profile={profile}" in sandbox.info()["SecurityOptions"]
    status, said = _calls(sandbox)
    assert status == 0, said
    answers = json.loads(said)
    assert {name for name, answer in answers.items() if answer == 0} == _GOOD
    assert {name for name, answer in answers.items() if answer == errno.ENOSYS} == _GOES_ANOTHER_WAY
    refused = {
        name: errno.errorcode[answer] for name, answer in answers.items() if name not in _GOOD | _GOES_ANOTHER_WAY
    }
    assert set(refused.values()) == {"EPERM"}, refused

    profile.write_text("{}\n", encoding="utf-8")
    mended = done(sandbox, profile="strict")
    assert mended["actions"][0] == f"correct the seccomp profile {profile}"
    assert done(sandbox, profile="strict")["changed"] is False
    done(sandbox, state="absent")
    assert not profile.exists()


def _calls(daemon: SandboxedDaemon) -> tuple[int, str]:
    """What a Python with every capability that an engine gives gets for its system calls."""
    api = daemon.api()
    system = {path: {"bind": path, "mode": "ro"} for path in ("/usr", "/lib", "/lib64", "/bin") if Path(path).exists()}
    made = api.create_container(
        IMAGE,
        [SYSTEM_PYTHON, "-c", _CALLS],
        name="calls",
        host_config=api.create_host_config(binds=system, cap_add=["SYS_PTRACE", "SYS_ADMIN", "NET_RAW"], init=False),
    )
    api.start(made["Id"])
    status = api.wait(made["Id"], timeout=60)["StatusCode"]
    return int(status), api.logs(made["Id"]).decode()


def test_a_start_that_fails_takes_the_files_beside_daemon_json_back(sandbox: SandboxedDaemon) -> None:
    sandbox.start()
    tls: Json = {"tls": True, "tls_directory": f"{sandbox.directory}/tls"}
    result = sandbox.module(profile="strict", config={"storage-driver": "nonsense"}, **tls)
    assert "the former file is back and the daemon runs with it" in result["msg"]
    assert sandbox.config.read_bytes() == FORMER
    assert not (sandbox.directory / "caisson-seccomp.json").exists()
    assert not (sandbox.directory / "tls").exists()
    sandbox.wait()


def test_only_the_named_controls_are_set_and_judged(sandbox: SandboxedDaemon) -> None:
    sandbox.start()
    result = done(sandbox, controls=["daemon.no_new_privileges"])
    assert as_json(sandbox.config) == {"labels": ["kept=yes"], "no-new-privileges": True}
    assert [each["control"] for each in result["findings"]] == ["daemon.no_new_privileges"]
    assert "did you mean 'daemon.icc'" in sandbox.module(controls=["daemon.ic"])["msg"]
