# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role `kernel` with settings on several levels of a real inventory, run by ansible-playbook."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.caisson.hardening.tests.support import playbook
from ansible_collections.caisson.hardening.tests.support.kernel import Place, place

RATE, RFC, PINGS, COOKIES = (
    "net.ipv4.icmp_ratelimit",
    "net.ipv4.tcp_rfc1337",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_syncookies",
)
LEVELS: dict[str, dict[str, t.Any]] = {
    "group_vars/all.yml": {
        "kernel_settings": {RATE: 100, RFC: 0, PINGS: "0 4"},
        "docker_daemon_config": {"userns-remap": "default"},
    },
    "group_vars/web.yml": {"kernel_settings_group": {RATE: 200, RFC: 1}},
    "host_vars/here.yml": {"kernel_settings_host": {RATE: 300, PINGS: None, COOKIES: "omit"}},
}


@pytest.fixture
def host(tmp_path: Path) -> t.Iterator[Place]:
    with place(tmp_path) as made:
        yield made


def write(path: Path, content: t.Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def play(folder: Path, host: Place, *arguments: str) -> tuple[int, str]:
    result = folder / "result.json"
    hosts = {"here": {"ansible_connection": "local", "ansible_python_interpreter": host.python}}
    write(folder / "inventory" / "hosts.yml", {"web": {"hosts": hosts}})
    tasks = [
        {"ansible.builtin.include_role": {"name": "caisson.hardening.kernel"}},
        {
            "ansible.builtin.copy": {"content": "{{ kernel_result.parts.settings | to_json }}", "dest": str(result)},
            "delegate_to": "localhost",
            "changed_when": False,
            "check_mode": False,
        },
    ]
    variables = {"kernel_profile": "strict", "kernel_unwritable": "fail"}
    write(folder / "play.yml", [{"hosts": "web", "gather_facts": False, "vars": variables, "tasks": tasks}])
    inventory = folder / "inventory" / "hosts.yml"
    return playbook.run("-i", inventory, folder / "play.yml", *arguments, home=folder / "home")


def test_levels_are_merged_by_key_and_taken_back_by_null(tmp_path: Path, host: Place) -> None:
    for name, content in LEVELS.items():
        write(tmp_path / "inventory" / name, content)
    before = host.get(PINGS)
    status, output = play(tmp_path, host)
    assert status == 0, output
    values = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["values"]
    assert (values[RATE], values[RFC]) == ("300", "1") == (host.get(RATE), host.get(RFC))
    assert PINGS not in values and host.get(PINGS) == before, "null did not take the key back"
    assert COOKIES not in values, "the word omit did not leave the profile's key alone"
    assert "user.max_user_namespaces" not in values, "the engine is going to need user namespaces"
    status, output = play(tmp_path, host, "--check")
    assert status == 0 and "changed=0" in output


def test_level_that_is_no_dictionary_is_named(tmp_path: Path, host: Place) -> None:
    write(tmp_path / "inventory" / "host_vars" / "here.yml", {"kernel_settings_host": ["kernel.sysrq=0"]})
    status, output = play(tmp_path, host)
    assert status != 0 and "kernel_settings_host is" in output and "write a dictionary" in output
