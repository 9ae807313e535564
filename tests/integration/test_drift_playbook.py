# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""drift.yml and rollback.yml take flat variables, as a survey gives them."""

from __future__ import annotations

import sys
from pathlib import Path

import docker
from ansible_collections.caisson.hardening.tests.support import playbook
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, waiver

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"


def play(docker_host: str, name: str = "drift", **variables: str) -> tuple[int, str]:
    """Exit status and output of the play on this machine."""
    given = {f"{name}_docker_host": docker_host, "ansible_become": "false", **variables}
    given["ansible_python_interpreter"] = sys.executable
    words = [word for key, value in given.items() for word in ("--extra-vars", f'{{"{key}": "{value}"}}')]
    return playbook.run("--inventory", "here,", "--connection", "local", *words, PLAYBOOKS / f"{name}.yml")


def test_a_survey_can_report_and_fail_and_recreate(
    api: docker.APIClient, docker_host: str, busybox: str, unique: str
) -> None:
    deployer = Deployer(api, docker_host, unique, busybox)
    deployer.deploy(deployer.spec("web", read_only=False, waivers=waiver("read_only")))
    assert deployer.execute("web", "touch", "/bin/planted", "/etc/declared", user="0")[0] == 0
    scope = {"drift_project": unique, "drift_ignore": "/etc/declared, /opt"}

    status, output = play(docker_host, **scope)
    assert status == 0, output
    assert "changed=0" in output
    assert "/bin/planted" in output
    assert "/etc/declared" not in output.partition("TASK [Say what drifted]")[2]

    status, output = play(docker_host, **scope, drift_on_drift="recreate,fail")
    assert status != 0
    assert f"{unique}-web: added /bin/planted" in output

    status, output = play(docker_host, **scope, drift_on_drift="recreate,fail")
    assert status == 0, output
    assert deployer.execute("web", "test", "-e", "/bin/planted")[0] == 1


def test_a_survey_can_roll_containers_back(api: docker.APIClient, docker_host: str, busybox: str, unique: str) -> None:
    deployer = Deployer(api, docker_host, unique, busybox)
    for generation in ("1", "2"):
        deployer.deploy(deployer.spec("web", env={"GENERATION": generation}, keep_previous=True))
    name = f"{unique}-web"

    status, output = play(docker_host, "rollback", rollback_containers=" ")
    assert status != 0 and "rollback_containers: no container is named" in " ".join(output.split())
    status, output = play(docker_host, "rollback", rollback_containers=f"{name}, {unique}-missing")
    assert status != 0 and f"{unique}-missing" in output
    assert deployer.execute("web", "sh", "-c", "echo $GENERATION")[1].strip() == "2"

    status, output = play(docker_host, "rollback", rollback_containers=name)
    assert status == 0, output
    assert deployer.execute("web", "sh", "-c", "echo $GENERATION")[1].strip() == "1"
    status, output = play(docker_host, "rollback", rollback_containers=name)
    assert status == 0 and "changed=0" in output, output
