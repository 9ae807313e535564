# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docker_daemon_config against a real dockerd in namespaces of its own.

Needs root, dockerd, iptables, curl and busybox-static.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.tests.support.daemon import SandboxedDaemon, as_json

FORMER = b'{"labels": ["kept=yes"],\n\n   "max-concurrent-uploads": 3}\n'
LOOP = "trap exit TERM; while :; do sleep 0.2; done"
SERVE = "mkdir -p /www && echo hello > /www/index.html && exec /bin/busybox httpd -f -p 80 -h /www"

# Not root, yet able to read the interpreter wherever it lies.
_NOT_ROOT = (
    "setpriv --reuid=65534 --clear-groups --inh-caps=+dac_override,+dac_read_search "
    "--ambient-caps=+dac_override,+dac_read_search"
)

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("dockerd", path=os.environ["PATH"] + ":/usr/sbin"),
    reason="needs root and dockerd",
)


@pytest.fixture
def daemon(tmp_path: Path) -> t.Iterator[SandboxedDaemon]:
    """A daemon with a former file, up."""
    sandbox = SandboxedDaemon(tmp_path)
    try:
        sandbox.config.write_bytes(FORMER)
        sandbox.config.chmod(0o640)
        sandbox.start()
        yield sandbox
    finally:
        sandbox.close()


@pytest.fixture
def down(tmp_path: Path) -> t.Iterator[SandboxedDaemon]:
    """A place for a daemon that nobody has started."""
    sandbox = SandboxedDaemon(tmp_path)
    try:
        yield sandbox
    finally:
        sandbox.close()


def own_places(daemon: SandboxedDaemon) -> dict[str, str]:
    """Settings by which a daemon that the module starts keeps to its sandbox."""
    return {"data-root": f"{daemon.directory}/data", "exec-root": f"{daemon.directory}/exec"}


def outcomes(result: dict[str, t.Any]) -> dict[str, str]:
    return {finding["control"]: finding["outcome"] for finding in result["findings"]}


def hardened(daemon: SandboxedDaemon, **more: t.Any) -> dict[str, t.Any]:
    result = daemon.module(**more)
    assert result["rc"] == 0, result["msg"]
    return result


def test_check_mode_predicts_what_the_run_does_and_touches_nothing(daemon: SandboxedDaemon) -> None:
    pid = daemon.pid()
    predicted = hardened(daemon, check=True)
    assert (daemon.config.read_bytes(), daemon.pid()) == (FORMER, pid)
    assert daemon.inside("find", "/var/lib/caisson", "-mindepth", "1").stdout == ""
    done = hardened(daemon)
    for part in ("changed", "actions", "diff", "config", "findings", "score", "decision"):
        assert predicted[part] == done[part], part


def test_the_baseline_is_effective_and_a_second_run_changes_and_restarts_nothing(daemon: SandboxedDaemon) -> None:
    first = hardened(daemon)
    assert first["changed"]
    assert set(outcomes(first).values()) == {"pass", "not_applicable"}
    assert first["score"]["after"] == first["score"]["total"] > first["score"]["before"]
    info = daemon.info()
    assert info["LiveRestoreEnabled"] is True
    assert info["LoggingDriver"] == "local"
    assert "name=cgroupns" in info["SecurityOptions"]
    assert info["Labels"] == ["kept=yes"]
    options = daemon.api().inspect_network("bridge")["Options"]
    assert options["com.docker.network.bridge.enable_icc"] == "false"
    status = daemon.config.stat()
    assert status.st_mode & 0o777 == 0o640
    pid, stamp = daemon.pid(), status.st_mtime_ns
    second = hardened(daemon)
    assert (second["changed"], second["actions"], second["decision"]) == (False, [], "none")
    assert (daemon.pid(), daemon.config.stat().st_mtime_ns) == (pid, stamp)
    assert hardened(daemon, check=True)["changed"] is False


def test_what_containers_get_under_the_baseline(daemon: SandboxedDaemon) -> None:
    for name in ("one", "two"):
        daemon.container(name, SERVE)
    assert daemon.fetch("one", "two") == "hello\n", "the default bridge of an engine as it comes isolates already"
    daemon.remove_containers()
    hardened(daemon)
    for name in ("one", "two"):
        daemon.container(name, SERVE)
    assert daemon.fetch("one", "two") == "", "two containers reach each other on the default bridge"
    assert "NoNewPrivs:\t1" in daemon.run("one", "/bin/busybox grep NoNewPrivs /proc/1/status")[1]
    # Of the container's own process: what `docker exec` adds to it may have its soft limit raised to the hard one,
    # for a runc that Go 1.19 built can lose the race with its own start.
    limits = Path(f"/proc/{daemon.container_pid('one')}/limits").read_text(encoding="ascii")
    assert re.search(r"Max open files +1024 +16384 ", limits), limits
    assert os.readlink(f"/proc/{daemon.container_pid('one')}/ns/cgroup") != os.readlink("/proc/self/ns/cgroup")
    assert daemon.api().inspect_container("one")["HostConfig"]["LogConfig"]["Type"] == "local"
    daemon.api().create_network("apart")
    for name in ("one", "two"):
        daemon.api().connect_container_to_network(name, "apart")
    assert daemon.fetch("one", "two", "apart") == "hello\n", "two containers of one network do not reach each other"


def proxies(daemon: SandboxedDaemon) -> list[str]:
    """The docker-proxy processes of this daemon, which starts them itself."""
    return daemon.inside("pgrep", "--parent", str(daemon.pid()), "docker-proxy", check=False).stdout.split()


def test_a_published_port_answers_on_loopback_without_the_proxy(daemon: SandboxedDaemon) -> None:
    published = {80: ("127.0.0.1", 18080)}
    daemon.container("web", SERVE, port_bindings=published)
    assert proxies(daemon), "an engine as it comes has a proxy for each port"
    daemon.remove_containers()
    hardened(daemon)
    daemon.container("web", SERVE, port_bindings=published)
    time.sleep(0.5)
    assert daemon.inside("curl", "-sS", "-m", "5", "http://127.0.0.1:18080/").stdout == "hello\n"
    assert not proxies(daemon)


def test_a_reloadable_change_keeps_the_daemons_process(daemon: SandboxedDaemon) -> None:
    pid = daemon.pid()
    result = hardened(daemon, profile="none", config={"labels": ["x=y"], "max-concurrent-downloads": 2})
    assert (result["decision"], result["actions"][-1]) == ("reload", "reload dockerd")
    assert daemon.pid() == pid
    assert daemon.info()["Labels"] == ["x=y"]
    assert as_json(daemon.config) == {"labels": ["x=y"], "max-concurrent-uploads": 3, "max-concurrent-downloads": 2}
    assert hardened(daemon, profile="none", config={"labels": ["x=y"]})["changed"] is False


def test_running_containers_keep_their_process_over_the_restart_and_icc_follows_when_they_are_gone(
    daemon: SandboxedDaemon,
) -> None:
    daemon.container("stays", LOOP)
    process = daemon.container_pid("stays")
    first = hardened(daemon)
    assert first["decision"] == "restart"
    assert daemon.container_pid("stays") == process
    assert Path(f"/proc/{process}").exists()
    assert outcomes(first)["daemon.icc"] == "fail"
    pid = daemon.pid()
    waiting = hardened(daemon)
    assert (waiting["changed"], daemon.pid()) == (False, pid)
    daemon.remove_containers()
    last = hardened(daemon)
    assert (last["changed"], last["actions"]) == (True, ["restart dockerd"])
    assert outcomes(last)["daemon.icc"] == "pass"
    assert hardened(daemon)["changed"] is False


def test_absent_returns_the_former_file_byte_for_byte_with_its_mode(daemon: SandboxedDaemon) -> None:
    hardened(daemon)
    hardened(daemon, config={"mtu": 1400})
    predicted = hardened(daemon, check=True, state="absent")
    gone = hardened(daemon, state="absent")
    assert predicted["actions"] == gone["actions"]
    assert daemon.config.read_bytes() == FORMER
    assert daemon.config.stat().st_mode & 0o777 == 0o640
    assert daemon.info()["LoggingDriver"] == "json-file"
    assert daemon.inside("find", "/var/lib/caisson", "-mindepth", "1").stdout == ""
    pid = daemon.pid()
    assert hardened(daemon, state="absent")["changed"] is False
    assert daemon.pid() == pid


def test_an_earlier_run_is_come_back_to_without_what_was_merged_into_the_file_since(
    daemon: SandboxedDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(hour: int, **options: t.Any) -> bytes:
        monkeypatch.setenv("CAISSON_RUN", f"2030-01-01T{hour:02}:00:00Z somebody")
        predicted = hardened(daemon, check=True, **options)
        assert hardened(daemon, **options)["actions"] == predicted["actions"]
        assert hardened(daemon, **options)["changed"] is False
        return daemon.config.read_bytes()

    process = daemon.container("stays", LOOP) and daemon.container_pid("stays")
    first = run(1, profile="none", config={"labels": ["one=1"], "log-opts": {"max-size": "1m"}})
    second = run(2, config={"dns": ["192.0.2.53"], "log-opts": {"max-file": "2"}})
    assert first != second and b"max-size" in second
    assert run(3, as_of="before 2030-01-01T02:00:00Z") == first
    assert daemon.info()["Labels"] == ["one=1"] and daemon.info()["LoggingDriver"] == "json-file"
    assert run(4, as_of="2030-01-01T02:30:00Z") == second
    assert run(5, as_of="2030-01-01T00:00:00Z") == FORMER
    assert run(6, as_of="2030-01-01T03:00:00Z") == first
    assert daemon.container_pid("stays") == process
    hardened(daemon, state="absent")
    assert daemon.config.read_bytes() == FORMER
    assert daemon.inside("find", "/var/lib/caisson", "-mindepth", "1").stdout == ""


def test_absent_opens_icc_again_and_containers_come_back_by_their_restart_policy(daemon: SandboxedDaemon) -> None:
    network = daemon.api().create_network("own")["Id"]
    routing = [f"/proc/sys/net/ipv4/conf/{name}/route_localnet" for name in ("docker0", f"br-{network[:12]}")]
    rules = ("iptables", "-t", "nat", "-S", "POSTROUTING")
    before = sorted(daemon.inside(*rules).stdout.splitlines())
    assert daemon.inside("cat", *routing).stdout.split() == ["0", "0"]
    hardened(daemon)
    assert daemon.inside("cat", *routing).stdout.split() == ["1", "1"], "the engine no longer opens its bridges"
    assert "--src-type LOCAL" in daemon.inside(*rules).stdout
    daemon.container("returns", LOOP, restart_policy={"Name": "always"})
    process = daemon.container_pid("returns")
    predicted = hardened(daemon, state="absent", check=True)
    gone = hardened(daemon, state="absent")
    assert gone["actions"] == predicted["actions"]
    assert daemon.inside("cat", *routing).stdout.split() == ["0", "0"]
    assert sorted(daemon.inside(*rules).stdout.splitlines()) == before
    assert "stops 1 running containers" in str(gone["warnings"])
    options = daemon.api().inspect_network("bridge")["Options"]
    assert options["com.docker.network.bridge.enable_icc"] == "true"
    assert daemon.container_pid("returns") not in (0, process)


def test_a_daemon_that_is_down_is_started_and_absence_comes_back(down: SandboxedDaemon) -> None:
    daemon, own = down, own_places(down)
    assert daemon.module(start=False, config=own)["msg"].startswith("No Docker daemon answers at unix://")
    predicted = hardened(daemon, check=True, config=own)
    done = hardened(daemon, config=own)
    assert predicted["actions"] == done["actions"]
    assert done["actions"][-1] == "start dockerd"
    assert daemon.info()["LiveRestoreEnabled"] is True
    assert hardened(daemon, config=own)["changed"] is False
    daemon.container("used", LOOP)
    used = hardened(daemon, check=True, state="absent", allow_hidden=True)
    assert used["decision"] == "restart", "a container runs in it"
    daemon.remove_containers()
    predicted = hardened(daemon, check=True, state="absent")
    gone = hardened(daemon, state="absent")
    steps = [
        f"remove {daemon.config}",
        "stop dockerd",
        "take route_localnet and its rule of the firewall back from docker0",
    ]
    assert gone["actions"] == predicted["actions"] == steps
    assert not daemon.config.exists() and not daemon.runs()
    assert daemon.inside("find", "/var/lib/caisson", "-mindepth", "1").stdout == ""
    assert hardened(daemon, state="absent")["changed"] is False


def test_daemon_that_somebody_restarted_since_it_was_started_is_his(down: SandboxedDaemon) -> None:
    daemon, own = down, own_places(down)
    hardened(daemon, config=own)
    daemon.kill()
    hardened(daemon, config=own)
    assert hardened(daemon, check=True, state="absent")["decision"] == "stop"
    command = shlex.join(daemon.command())
    daemon.kill()
    daemon.pidfile.unlink()
    daemon.inside("sh", "-c", f"{command} > {daemon.directory}/other.log 2>&1 &")
    daemon.wait()
    assert hardened(daemon, check=True, state="absent")["decision"] == "restart"


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b'{\n  "icc": false,\n}\n', ["no valid JSON at line 3 column 1", "mend the file"]),
        (b'["icc"]', ["is not a JSON object"]),
        (b'{"live_restore": true}', ["live_restore", "did you mean 'live-restore'"]),
    ],
)
def test_a_bad_file_on_disk_is_refused_and_left_untouched(
    daemon: SandboxedDaemon, content: bytes, parts: list[str]
) -> None:
    daemon.config.write_bytes(content)
    pid = daemon.pid()
    result = daemon.module()
    assert result["failed"]
    assert all(part in result["msg"] for part in parts)
    assert (daemon.config.read_bytes(), daemon.pid()) == (content, pid)


def test_all_faults_of_the_options_are_listed_and_nothing_is_touched(daemon: SandboxedDaemon) -> None:
    pid = daemon.pid()
    config = {"iccc": False, "live-restore": "true", "log-opts": {"max-file": 3}, "data-root": "/x"}
    result = daemon.module(config=config)
    assert result["failed"]
    for part in ("4 faults", "did you mean 'icc'", "not a boolean", "log-opts.max-file", "command line"):
        assert part in result["msg"], part
    assert (daemon.config.read_bytes(), daemon.pid()) == (FORMER, pid)


def test_a_file_that_keeps_the_daemon_from_starting_is_undone_and_containers_live(daemon: SandboxedDaemon) -> None:
    hardened(daemon)
    daemon.container("stays", LOOP)
    process, good = daemon.container_pid("stays"), daemon.config.read_bytes()
    result = daemon.module(config={"storage-driver": "nonsense"})
    assert result["failed"]
    assert "driver not supported" in result["msg"].partition("The daemon's last lines:")[2]
    assert "the former file is back and the daemon runs with it" in result["msg"]
    assert daemon.config.read_bytes() == good
    assert daemon.container_pid("stays") == process
    assert hardened(daemon)["changed"] is False


def test_a_daemon_that_hangs_on_its_start_is_ended_and_undone_and_containers_live(daemon: SandboxedDaemon) -> None:
    hardened(daemon)
    daemon.container("stays", LOOP)
    process, good = daemon.container_pid("stays"), daemon.config.read_bytes()
    result = daemon.module(config={"containerd": f"{daemon.directory}/nobody-listens.sock"}, timeout=6)
    assert result["failed"]
    assert "does not answer" in result["msg"]
    assert "the former file is back and the daemon runs with it" in result["msg"]
    assert daemon.config.read_bytes() == good
    assert daemon.container_pid("stays") == process


def test_a_reload_that_the_daemon_refuses_is_undone(daemon: SandboxedDaemon) -> None:
    pid = daemon.pid()
    result = daemon.module(profile="none", config={"registry-mirrors": ["not a url"]}, timeout=3)
    assert result["failed"]
    assert "The daemon's last lines" in result["msg"]
    assert (daemon.config.read_bytes(), daemon.pid()) == (FORMER, pid)
    daemon.wait()


def test_a_setting_written_by_hand_without_a_restart_is_brought_into_effect(daemon: SandboxedDaemon) -> None:
    config = hardened(daemon, check=True)["config"]
    daemon.config.write_text(json.dumps(config), encoding="utf-8")
    pid = daemon.pid()
    assert hardened(daemon)["actions"][-1] == "restart dockerd"
    assert daemon.pid() != pid
    assert hardened(daemon)["changed"] is False


def test_nobody_manages_the_daemon_so_only_the_file_is_written_and_the_rest_told(daemon: SandboxedDaemon) -> None:
    pid = daemon.pid()
    result = hardened(daemon, service_manager="none")
    assert (result["changed"], result["decision"]) == (True, "restart")
    assert "must still restart" in str(result["warnings"])
    assert daemon.pid() == pid
    assert hardened(daemon, service_manager="none")["changed"] is False


def test_secrets_are_shown_nowhere(daemon: SandboxedDaemon) -> None:
    daemon.config.write_text('{"log-opts": {"splunk-token": "hunter2"}}', encoding="utf-8")
    result = hardened(daemon, check=True, profile="none", config={"mtu": 1400})
    result.pop("invocation", None)
    assert "hunter2" not in json.dumps(result)
    assert "********" in result["diff"]["before"]


def test_each_thing_missing_is_one_clear_sentence(daemon: SandboxedDaemon) -> None:
    root = daemon.directory
    as_nobody = daemon.wrap(root / "as-nobody", sys.executable, _NOT_ROOT)
    no_permission = daemon.module(python=as_nobody)
    assert "must run as root" in no_permission["msg"]
    (root / "hide").mkdir()
    (root / "hide" / "docker.py").write_text("raise ImportError('no SDK')\n", encoding="utf-8")
    path = os.pathsep.join([str(root / "hide"), *filter(None, sys.path)])
    no_sdk = daemon.module(python=daemon.wrap(root / "no-sdk", sys.executable, f"env PYTHONPATH={path}"))
    assert no_sdk["msg"].startswith("The Docker SDK for Python is missing from")
    elsewhere = daemon.module(docker_host="unix:///nonexistent.sock", timeout=5)
    assert "dockerd runs" in elsewhere["msg"]
    assert "set docker_host" in elsewhere["msg"]
    other_file = daemon.module(path="/etc/docker/daemon.json")
    assert f"set path: {daemon.config}" in other_file["msg"]
    no_engine = daemon.module(python=daemon.wrap(root / "no-engine", sys.executable, f"env {_without_dockerd(daemon)}"))
    assert no_engine["msg"].startswith("No Docker engine is installed")
    for result in (no_permission, no_engine, no_sdk, elsewhere, other_file):
        assert result["failed"]
        assert "\n" not in result["msg"]
    assert daemon.config.read_bytes() == FORMER


def _without_dockerd(daemon: SandboxedDaemon) -> str:
    """Cover every dockerd inside by a file that cannot be executed; the one that runs is not disturbed."""
    empty = daemon.directory / "empty"
    empty.touch(mode=0o600)
    for folder in ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"):
        if Path(folder, "dockerd").exists():
            daemon.inside("mount", "--bind", str(empty), f"{folder}/dockerd")
    return "PATH=/usr/sbin:/usr/bin:/sbin:/bin"


def test_without_an_engine_check_mode_predicts_the_file_when_it_is_told_that_one_comes(tmp_path: Path) -> None:
    daemon = SandboxedDaemon(tmp_path)
    try:
        _without_dockerd(daemon)
        predicted = hardened(daemon, check=True, assume_engine=True)
        assert predicted["changed"]
        assert '"icc": false' in predicted["diff"]["after"]
        assert daemon.module(check=True)["msg"].startswith("No Docker engine is installed")
        assert not daemon.config.exists()
    finally:
        daemon.close()


def test_two_runs_at_once_leave_one_whole_result(daemon: SandboxedDaemon) -> None:
    runs: list[subprocess.Popen[str]] = [daemon.start_module(), daemon.start_module()]
    results = [json.loads(run.communicate(timeout=120)[0].strip().splitlines()[-1]) for run in runs]
    assert sorted(result["changed"] for result in results) == [False, True]
    assert daemon.info()["LiveRestoreEnabled"] is True
