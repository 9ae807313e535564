# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The example inventory of a small shop: what its layers make of each host, read by Ansible, judged by the policy."""

from __future__ import annotations

import datetime
import json
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.caisson.hardening.plugins.module_utils.containers import policy, rules, spec, state
from ansible_collections.caisson.hardening.tests.support import playbook
from ansible_collections.caisson.hardening.tests.support.shell import ROOT

SHOP = ROOT / "playbooks" / "inventory" / "shop"
WEB1, WEB2, DB, CACHE = (f"{name}.shop.example.org" for name in ("web1", "web2", "db1", "cache1"))
ROLES = [ROOT / "roles" / role for role in ("kernel", "docker_daemon", "containers")]
SHOWN = {
    "containers": "{{ __containers_wanted }}",
    "volumes": "{{ __containers_volumes }}",
    "settings": "{{ __kernel_settings }}",
    "daemon": "{{ __docker_daemon_config }}",
    "prune": "{{ containers_prune }}",
}
Merged = t.Dict[str, t.Any]


def read(folder: Path, password: str) -> tuple[int, str]:
    """Have Ansible write what the roles would get on each host into the folder; no host is connected to."""
    (folder / "password").write_text(password + "\n", encoding="utf-8")
    task = {
        "ansible.builtin.copy": {"content": "{{ shown | to_json }}", "dest": f"{folder}/{{{{ inventory_hostname }}}}"},
        "vars": {"shown": SHOWN},
        "delegate_to": "localhost",
    }
    files = [str(role / kind / "main.yml") for kind in ("defaults", "vars") for role in ROLES]
    # A role's defaults lose against the inventory; as a file of variables they would win.
    defaults = {key: value for each in files[:3] for key, value in _load(each).items()}
    inventory = {"all": {"vars": defaults}}
    (folder / "defaults.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    book = [{"hosts": "docker_hosts", "gather_facts": False, "vars_files": files[3:], "tasks": [task]}]
    (folder / "play.yml").write_text(yaml.safe_dump(book), encoding="utf-8")
    inventories = ("-i", folder / "defaults.yml", "-i", SHOP)
    secret = ("--vault-password-file", folder / "password")
    return playbook.run(*inventories, *secret, folder / "play.yml", home=folder / "home")


def _load(path: str) -> dict[str, t.Any]:
    return dict(yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {})


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Merged]:
    folder = tmp_path_factory.mktemp("shop")
    status, output = read(folder, "shop")
    assert status == 0, output
    return {host: json.loads((folder / host).read_text(encoding="utf-8")) for host in (WEB1, WEB2, DB, CACHE)}


def containers(of: Merged) -> dict[str, t.Any]:
    return {entry["name"]: entry for entry in of["containers"]}


def test_layers_of_all_the_group_and_the_host_are_merged_by_name(merged: dict[str, Merged]) -> None:
    assert {host: sorted(containers(each)) for host, each in merged.items()} == {
        WEB1: ["logs", "web"], WEB2: ["logs", "web"], DB: ["db", "logs"], CACHE: ["cache"],
    }  # fmt: skip
    first, second = containers(merged[WEB1]), containers(merged[WEB2])
    assert (first["web"]["memory"], second["web"]["memory"]) == ("512m", "256m")
    assert first["web"]["image"] == second["web"]["image"] and first["web"]["waivers"] == second["web"]["waivers"]
    assert "cpus" in second["logs"] and "cpus" not in first["logs"], "null did not take the option back"


def test_settings_and_volumes_have_layers_too(merged: dict[str, Merged]) -> None:
    assert merged[DB]["settings"]["net.ipv4.conf.all.rp_filter"] == 2
    assert merged[WEB1]["settings"] == {"net.ipv4.conf.all.rp_filter": 1, "net.core.somaxconn": 4096}
    assert [volume["name"] for volume in merged[DB]["volumes"]] == ["shop-data"] and merged[CACHE]["volumes"] == []
    assert all("default-address-pools" in each["daemon"] and each["prune"] for each in merged.values())


@pytest.mark.parametrize("host", [WEB1, WEB2, DB, CACHE])
def test_every_container_of_the_shop_passes_the_policy(merged: dict[str, Merged], host: str) -> None:
    for one in spec.parse_specs(merged[host]["containers"]):
        found = state.resolve(one, state.Image("", {}), state.Daemon(), "shop")
        context = rules.Context(str(one.image))
        findings = policy.findings(one.name, found, context, "baseline", one.waivers, datetime.date(2030, 1, 1))
        assert [str(each) for each in policy.violations(findings)] == []
        assert [each.control for each in findings if each.outcome == "waived"] == [each.control for each in one.waivers]


def test_secrets_come_from_the_vault_and_nothing_is_read_without_its_password(
    merged: dict[str, Merged], tmp_path: Path
) -> None:
    assert containers(merged[DB])["db"]["secrets"][0]["value"].startswith("change-me")
    texts = [path.read_text(encoding="utf-8") for path in SHOP.rglob("*.yml")]
    assert not any("change-me" in text for text in texts)
    status, output = read(tmp_path, "wrong")
    assert status != 0 and "Decryption failed" in output
