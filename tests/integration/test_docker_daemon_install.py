# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role `docker_daemon` installs an engine, whose first start has its settings already."""

from __future__ import annotations

import json
import re
import sys
import typing as t
from pathlib import Path

import docker
import pytest
import yaml
from ansible_collections.caisson.hardening.tests.support import hosts, images, playbook
from ansible_collections.caisson.hardening.tests.support.containers import until
from ansible_collections.caisson.hardening.tests.support.daemon_host import ContainerHost, daemon_host
from ansible_collections.caisson.hardening.tests.support.daemon_runs import EXPERIMENTAL
from ansible_collections.caisson.hardening.tests.support.machine import recap
from ansible_collections.caisson.hardening.tests.support.outside import SSH
from ansible_collections.caisson.hardening.tests.support.shell import output

CONFIG = "/etc/docker/daemon.json"
# Docker's own packages cannot be had here; this repository has the distribution's under their names.
REPACK = r"""
set -e
mkdir -p /srv/offer; cd /srv/offer
VERSION=5:20.10.24-1~debian.12~bookworm
repack() {
  dpkg-deb --raw-extract /var/cache/apt/archives/"$1"_*.deb x
  sed -i -E "s/^(Package:) .*/\1 $2/; s/^(Version:) .*/\1 $VERSION/; s/containerd \([^)]*\)/containerd.io/;
    /^(Conflicts|Breaks|Replaces|Built-Using):/d" x/DEBIAN/control
  dpkg-deb -Znone --build x "$2.deb"; rm -r x
}
repack docker.io docker-ce
repack containerd containerd.io
mkdir -p x/DEBIAN
printf '%s\n' 'Package: docker-ce-cli' "Version: $VERSION" 'Architecture: all' 'Maintainer: nobody' \
  'Description: empty' > x/DEBIAN/control
dpkg-deb --build x docker-ce-cli.deb; rm -r x
for deb in *.deb; do
  dpkg-deb --field "$deb"
  set -- "$(stat -c %s "$deb")" $(sha256sum "$deb")
  printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$1" "$2"
done > Packages
"""
GONE = (
    "dpkg-query -W -f '${Package} ' docker.io docker-ce docker-ce-cli containerd containerd.io iptables 2> /dev/null |"
    " xargs apt-get purge -y -q;"
    " rm -rf /etc/docker /var/lib/docker/* /var/lib/caisson;"
    " journalctl --rotate -q; journalctl --vacuum-time=1s -q; true"
)


class Bare(ContainerHost):
    """A host without an engine, and the role run on it from outside."""

    def prepare(self, folder: Path) -> None:
        self.folder, key = folder, folder / "key"
        output(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(key)])
        hosts.put(self.client, self.name, "/root/.ssh/authorized_keys", key.with_suffix(".pub").read_bytes(), 0o600)
        until(lambda: self.tried("systemctl is-active ssh")[1] == "active", 60)
        address = self.client.inspect_container(self.name)["NetworkSettings"]["IPAddress"]
        here = {
            "ansible_host": address,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(key),
            "ansible_ssh_common_args": " ".join(SSH),
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        _write(folder / "hosts.yml", {"all": {"hosts": {"here": here}}})

    def role(self, *arguments: str, **variables: t.Any) -> tuple[int, str, dict[str, t.Any]]:
        """Exit status, output and result of the role."""
        result = self.folder / "result.json"
        result.unlink(missing_ok=True)
        kept = {"content": "{{ docker_daemon_result | to_json }}", "dest": str(result)}
        tasks = [
            {"ansible.builtin.include_role": {"name": "caisson.hardening.docker_daemon"}},
            {
                "ansible.builtin.copy": kept,
                "delegate_to": "localhost",
                "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
                "changed_when": False,
                "check_mode": False,
            },
        ]
        given = {
            "docker_daemon_install": True,
            "docker_daemon_permissions": False,
            "docker_daemon_audit": False,
            **variables,
        }
        _write(self.folder / "play.yml", [{"hosts": "all", "gather_facts": False, "vars": given, "tasks": tasks}])
        files = ("-i", self.folder / "hosts.yml", self.folder / "play.yml")
        status, text = playbook.run(*files, *arguments, home=self.folder / "home", timeout=240)
        found = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
        return status, text, found

    def starts(self) -> int:
        """How often the engine came up since it was installed."""
        return self.sh("journalctl -u docker -o cat").count("Started docker.service")


def wanted(text: str) -> set[str]:
    """The packages that a check run says it would install."""
    found = re.search(r"Would install (.*)", text)
    assert found is not None, text
    return set(found[1].rstrip('"').split(", "))


def _write(path: Path, content: t.Any) -> None:
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


@pytest.fixture(scope="module")
def bare(api: docker.APIClient, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Bare]:
    with daemon_host(api, images.FRESH) as made:
        host = Bare(api, made.name)
        host.prepare(tmp_path_factory.mktemp("install"))
        yield host


def test_docker_ce_is_installed_where_a_repository_offers_it(bare: Bare) -> None:
    source = "/etc/apt/sources.list.d/offer.list"
    only = f"-o Dir::Etc::sourcelist={source} -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0"
    bare.sh(REPACK)
    bare.sh(f"echo 'deb [trusted=yes] file:/srv/offer ./' > {source}; apt-get -q update {only}")
    try:
        _status, text, _result = bare.role("--check")
        assert wanted(text) == {"docker-ce", "docker-ce-cli", "containerd.io"}
        status, text, result = bare.role()
        assert status == 0 and result["changed"], text
        assert "docker-ce 5:20.10.24" in bare.sh("dpkg-query -W docker-ce | tr '\t' ' '")
        assert bare.tried("dpkg-query -W docker.io")[0] != 0
        assert bare.starts() == 1, "the engine was started once more to get its settings"
        assert bare.sh("docker info --format '{{.LiveRestoreEnabled}} {{.LoggingDriver}}'") == "true local"
        status, again, _result = bare.role()
        assert status == 0 and recap(again)["changed"] == 0, again
    finally:
        bare.sh(f"{GONE}; rm -rf {source} /srv/offer /var/lib/apt/lists/*offer*")


def test_an_installation_that_fails_leaves_no_settings_behind(bare: Bare) -> None:
    # An archive that refuses at once, and a package that is not unpacked.
    broken = 'Acquire::http::Proxy "http://127.0.0.1:9";\nDPkg::Pre-Install-Pkgs { "false"; };\n'
    bare.put("/etc/apt/apt.conf.d/99fail", broken.encode())
    try:
        status, text, _result = bare.role()
        assert status != 0 and "Failed to install" in text, text
        assert "what was written for the engine was taken back" in " ".join(text.split())
    finally:
        bare.sh("rm /etc/apt/apt.conf.d/99fail")
    gone = (CONFIG, "/usr/sbin/dockerd", "/var/lib/caisson")
    assert [path for path in gone if bare.tried(f"test -e {path}")[0] == 0] == []


def test_wrong_settings_are_refused_before_an_engine_is_installed(bare: Bare) -> None:
    status, text, _result = bare.role(docker_daemon_config={"no-such-key": True})
    assert status != 0 and "no-such-key" in text
    assert bare.tried(f"test -e {CONFIG} || test -e /usr/sbin/dockerd")[0] != 0


def test_settings_with_which_the_new_engine_does_not_start_are_taken_back(bare: Bare) -> None:
    bad = {"experimental": True, "metrics-addr": "127.0.0.1:22"}
    status, text, _result = bare.role(docker_daemon_config=bad, docker_daemon_waivers=EXPERIMENTAL)
    assert status != 0 and "address already in use" in text and "the daemon runs with it" in text, text
    assert bare.tried(f"test -e {CONFIG}")[0] != 0
    assert bare.sh("docker info --format '{{.LiveRestoreEnabled}}'") == "false"
    bare.sh(GONE)


def test_the_first_start_of_an_engine_has_its_settings(bare: Bare) -> None:
    wish = {"docker_daemon_config": {"proxies": {"http-proxy": "http://p"}}}
    status, predicted, expected = bare.role("--check", **wish)
    assert status == 0 and wanted(predicted) == {"docker.io", "iptables"}, predicted
    assert bare.tried(f"test -e {CONFIG} || test -e /usr/sbin/dockerd")[0] != 0
    status, done, result = bare.role(**wish)
    assert status == 0, done
    assert recap(done)["changed"] == recap(predicted)["changed"] == 2
    assert (result["changed"], result["decision"], result["actions"]) == (True, "none", [])
    assert result["config"] == {name: value for name, value in expected["config"].items() if name != "proxies"}
    assert bare.starts() == 1, "the engine was started once more to get its settings"
    info = json.loads(bare.sh("docker info --format '{{json .}}'"))
    assert (info["LiveRestoreEnabled"], info["LoggingDriver"]) == (True, "local")
    engine = bare.engine_pid()
    status, again, result = bare.role(docker_daemon_install=True)
    assert (status, recap(again)["changed"], bare.engine_pid()) == (0, 0, engine), again
    status, undone, _result = bare.role(docker_daemon_state="absent")
    assert status == 0, undone
    assert bare.tried(f"test -e {CONFIG}")[0] != 0 and bare.tried("test -e /var/lib/caisson")[0] != 0
    assert bare.sh("docker info --format '{{.LoggingDriver}}'") == "json-file"
