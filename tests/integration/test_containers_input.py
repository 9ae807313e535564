# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What cannot be done is refused in clear words: nothing is changed, no traceback, no secret."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, waiver
from ansible_collections.caisson.hardening.tests.support.run_module import COLLECTIONS, PREFIX, run_module


def refused(deployer: Deployer, *specs: t.Any, **run: t.Any) -> str:
    """The message of a run that has to be refused without a trace, in check mode as in a real run."""
    before = deployer.names()
    predicted = run_module("containers", deployer.arguments(*specs, **run), check=True)
    result = run_module("containers", deployer.arguments(*specs, **run))
    assert result["failed"]
    assert not result.get("changed")
    assert predicted["msg"] == result["msg"]
    assert "Traceback" not in json.dumps(result)
    assert "hunter2" not in json.dumps([result, predicted])
    assert deployer.names() == before
    return str(result["msg"])


def test_all_faults_of_all_containers_come_at_once_through_the_real_arguments(deployer: Deployer) -> None:
    said = refused(
        deployer,
        deployer.spec("one", memory="lots", cpus="many", published_ports=["x:80"], memroy="5m"),
        deployer.spec("two", init="perhaps", pids_limit="all", mounts=[{"target": "data", "typ": "bind"}]),
        deployer.spec("one", env=["A=hunter2"], enviroment={"A": "hunter2"}),
        parallel=0, project="host",
    )  # fmt: skip
    for word in (
        "'lots'",
        "'many'",
        "'x:80'",
        "memroy",
        "'perhaps'",
        "'all'",
        "typ",
        "twice",
        "env:",
        "enviroment",
        "parallel",
        "project",
    ):
        assert word in said, word
    assert "one" in said
    assert "two" in said
    assert said.startswith("12 faults, refused before anything was changed")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"image": "no/such:1", "pull": "never"}, "'no/such:1' is not on the host and pull is never"),
        ({"networks": [{"name": "no-such-net"}]}, "'no-such-net' does not exist"),
        ({"cpus": 4096}, "more than the host's"),
        ({"healthcheck": {"interval": "1s"}}, "no test"),
        ({"memory": "lots"}, "'lots' is not a size"),
        ({"env": {"A": 1.5, "TOKEN": "hunter2"}}, "no string at 'A'"),
        ({"env": "TOKEN=hunter2\0"}, "env"),
        (
            {
                "read_only": False,
                "waivers": [{"control": "container.read_only", "reason": "old", "expires": "2020-01-01"}],
            },
            "container.read_only",
        ),
        ({"image": "busybox", "pull": "never"}, "is not on the host"),
        ({"volumes": ["/var/run/docker.sock:/s"]}, "container.docker_socket"),
        ({"image": None}, "image: None is missing"),
        ({"runtime": "no-such"}, "is not a runtime of this engine; use"),
        ({"env": {"DB_PASSWORD": "hunter2"}}, "container.env_secrets: env has DB_PASSWORD."),
        ({"links": ["db:db"]}, "name the containers on one network; they find each other by name"),
        ({"network_mode": "host"}, "write networks: [{name: host}]"),
        ({"ports": ["8080:80"]}, "write published_ports"),
        ({"privileged": True}, "container.privileged"),
    ],
)
def test_the_impossible_is_refused(deployer: Deployer, options: dict[str, t.Any], said: str) -> None:
    assert said in refused(deployer, deployer.spec("web", **options))


def test_two_containers_on_one_port_are_refused(deployer: Deployer) -> None:
    ports = {"published_ports": ["127.0.0.1:18080:80"]}
    assert "is published by" in refused(deployer, deployer.spec("one", **ports), deployer.spec("two", **ports))


@pytest.mark.parametrize("containers", ["web", [["web"]], ["web"], {"name": "hunter2"}])
def test_containers_that_are_no_list_of_dictionaries_are_refused(deployer: Deployer, containers: t.Any) -> None:
    result = run_module("containers", {**deployer.arguments(), "containers": containers})
    assert result["failed"]
    assert "hunter2" not in str(result)


def test_the_values_of_the_environment_are_nowhere_in_the_output(deployer: Deployer) -> None:
    spec = deployer.spec("web", env={"TOKEN": "hunter2"}, waivers=waiver("env_secrets"))
    outputs = [
        deployer.run(spec, check=True),
        deployer.deploy(spec),
        deployer.deploy({**spec, "env": {"TOKEN": "hunter2-new"}}),
        deployer.deploy({**spec, "env": {}}),
        deployer.run({**spec, "memory": "lots"}),
    ]
    assert "hunter2" not in json.dumps(outputs)
    single = dict(spec)
    result = run_module("container", {**single, "docker_host": deployer.docker_host, "project": deployer.prefix})
    assert result["container"]["action"] == "recreated"
    assert "hunter2" not in json.dumps(result)


def test_without_an_engine_one_sentence_says_what_to_do(deployer: Deployer, tmp_path: Path) -> None:
    nowhere = f"unix://{tmp_path}/docker.sock"
    said = refused(deployer, deployer.spec("web"), docker_host=nowhere)
    assert said.startswith(f"No engine answers at {nowhere}: there is no such socket; install and start Docker")
    assert "connection was refused" in refused(deployer, deployer.spec("web"), docker_host="tcp://127.0.0.1:1")
    assert "check docker_host" in refused(deployer, deployer.spec("web"), docker_host="gopher://there")


def test_without_permission_one_sentence_says_what_to_do(deployer: Deployer, tmp_path: Path) -> None:
    code = (
        "import json, sys, runpy\nfrom ansible.module_utils.testing import patch_module_args\n"
        "with patch_module_args(json.loads(sys.argv[1])):\n"
        f"    runpy.run_module({PREFIX + 'containers'!r}, run_name='__main__')\n"
    )
    arguments = json.dumps({**deployer.arguments(deployer.spec("web")), "_ansible_remote_tmp": str(tmp_path)})
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", code, arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={"PYTHONPATH": str(COLLECTIONS), "HOME": "/", "PATH": "/bin:/usr/bin"},
    )
    if "Permission denied" in done.stderr:
        pytest.skip("the checkout is not readable for others")
    result = json.loads(done.stdout.splitlines()[-1])
    assert "permission denied for the user nobody; set become: true" in result["msg"]
    assert deployer.names() == set()


def test_without_the_sdk_one_sentence_says_what_to_do(deployer: Deployer, tmp_path: Path) -> None:
    (tmp_path / "docker.py").write_text("raise ImportError('No module named docker')\n", encoding="utf-8")
    arguments = deployer.arguments(deployer.spec("web"))
    result = run_module("containers", arguments, env={"PYTHONPATH": f"{tmp_path}:{COLLECTIONS}"})
    assert result["msg"].startswith("The Docker SDK for Python is missing for ")
    assert "python3-docker" in result["msg"]
    assert deployer.names() == set()
