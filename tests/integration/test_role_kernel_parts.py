# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All parts of the role `kernel` in one run of a module: their effect, the tags that choose them, and failures."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.caisson.hardening.plugins.module_utils.mounts.catalogue import CONTROLS
from ansible_collections.caisson.hardening.tests.support import playbook
from ansible_collections.caisson.hardening.tests.support.kernel import Place, place

RATE, PORTS = "net.ipv4.icmp_ratelimit", "net.ipv4.ip_local_port_range"
MODPROBE = "/etc/modprobe.d/00-caisson-hardening.conf"
SYSCTL = "/etc/sysctl.d/99-security-caisson.conf"
UNDO = "/var/lib/caisson"
LOADS_MODULES = Path("/proc/modules").exists()
EVERY = ["settings", "mounts", "modules", "security", "boot"]
ALL = {
    "settings": {"settings": {RATE: 300}},
    "mounts": {"options": {"/var/tmp": ["nosuid", "nodev"], "/tmp": [], "/dev/shm": []}},
    "modules": {"profile": "baseline"},
    "security": {"profile": "strict"},
    "boot": {},
}
ABSENT = {part: {"state": "absent"} for part in ("settings", "mounts", "modules", "boot")}


@pytest.fixture
def host(tmp_path: Path) -> t.Iterator[Place]:
    with place(tmp_path) as made:
        yield made


def nosuid(host: Place) -> bool:
    return any(
        line.split()[4] == "/var/tmp" and "nosuid" in line.split()[5]
        for line in host.sh("cat /proc/self/mountinfo").splitlines()
    )


def denied(host: Place) -> str:
    return host.sh(f"cat {MODPROBE} 2>/dev/null || true")


def without_time(result: dict[str, t.Any]) -> dict[str, t.Any]:
    return {key: value for key, value in result.items() if key != "invocation"}


def test_all_parts_take_effect_as_predicted_and_once_and_are_undone(host: Place) -> None:
    before, tree, rate = nosuid(host), host.tree(), host.get(RATE)
    assert not before and rate != "300"
    predicted = host.run("kernel", check=True, **ALL)
    assert (nosuid(host), host.tree(), host.get(RATE)) == (before, tree, rate)
    result = host.run("kernel", **ALL)
    assert without_time(result) == without_time(predicted) and result["changed"], result
    assert list(result["parts"]) == EVERY and host.get(RATE) == "300" and nosuid(host)
    assert f"{RATE} = 300" in host.sh(f"cat {SYSCTL}") and ("install tipc" in denied(host)) == LOADS_MODULES
    assert f"{RATE} = {rate} (live)" in result["diff"]["before"] and "# /etc/fstab" in result["diff"]["after"]
    for check in (True, False):
        again = host.run("kernel", check=check, **ALL)
        assert not again["changed"] and again["actions"] == [], again["actions"]
    predicted = host.run("kernel", check=True, **ABSENT)
    undone = host.run("kernel", **ABSENT)
    assert without_time(undone) == without_time(predicted) and undone["changed"]
    assert (nosuid(host), host.get(RATE)) == (before, rate)
    assert not host.sh(f"ls {SYSCTL} {MODPROBE} 2>/dev/null || true")
    assert not host.run("kernel", **ABSENT)["changed"]


def test_an_earlier_run_is_come_back_to_as_predicted_and_the_way_back_too(
    host: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The three runs ask for less, more, and something else; what the subjects' own files say is left out."""

    def stands() -> tuple[bool, str, str, str]:
        return nosuid(host), denied(host), host.get(RATE), host.sh(f"cat {SYSCTL} /etc/fstab 2>/dev/null || true")

    def run(hour: int, check: bool = False, **parts: t.Any) -> dict[str, t.Any]:
        monkeypatch.setenv("CAISSON_RUN", f"2030-01-01T{hour:02}:00:00Z operator from control1")
        result = host.run("kernel", check=check, **parts)
        assert result["rc"] == 0, result
        return result

    def back(hour: int, moment: str) -> None:
        parts = {part: {"as_of": moment, "state": "absent"} for part in ABSENT}
        predicted = run(hour, check=True, **parts)
        done = run(hour, **parts)
        assert without_time(done) == without_time(predicted)
        assert not run(hour + 1, **parts)["changed"]

    original = stands()
    run(1, settings={"settings": {RATE: 300}})
    first = stands()
    run(3, **{**ALL, "settings": {"settings": {RATE: 500, PORTS: "33000 60000"}}})
    second = stands()
    assert len({original, first, second}) == 3
    listed = [(one["time"][11:13], one["by"]) for one in host.run("undo_status")["runs"]]
    assert listed == [("01", "operator from control1"), ("03", "operator from control1")]
    back(5, "2030-01-01T01:00:00Z")
    assert stands() == first
    back(7, "before 2030-01-01T05:00:00Z")
    assert stands() == second
    back(9, "before 2030-01-01T01:00:00Z")
    assert stands() == original
    back(11, "2030-01-01T03:00:00Z")
    assert stands() == second
    run(13, **ABSENT)
    assert stands() == original and not host.sh(f"ls {UNDO} 2>/dev/null || true")


@pytest.mark.parametrize("part", EVERY)
def test_a_part_does_the_same_as_its_own_module(host: Place, part: str) -> None:
    modules = dict(zip(EVERY, ["sysctl", "mount_options", "kernel_modules", "kernel_security", "boot_parameters"]))
    single = {"controls": list(CONTROLS)[:3]} if part == "mounts" else {}
    alone = host.run(modules[part], check=True, **ALL[part], **single)
    result = host.run("kernel", check=True, **{part: ALL[part]})
    assert list(result["parts"]) == [part] and "values" not in alone.get("diff", {})
    assert result["parts"][part].items() <= alone.items() and result["changed"] == alone["changed"]


def test_what_is_wrong_with_any_part_is_refused_with_all_of_it_before_anything_is_changed(host: Place) -> None:
    tree, rate = host.tree(), host.get(RATE)
    given = {
        "settings": {"settings": {RATE: 300, "net.ipv4.no_such_key": 1}},
        "mounts": {"options": {"/tpm": ["nosuid"]}},
        "modules": {"deny": ["overlay", "no_such_module"]},
        "security": {"profil": "strict"},
        "boot": {"omit": ["apparmr"]},
    }
    result = host.run("kernel", **given)
    assert result["rc"] != 0 and "refused before anything was changed" in result["msg"]
    for word in ("no_such_key", "'/tmp'", "overlay", "profil", "'apparmor'"):
        assert word in result["msg"], result["msg"]
    assert (host.tree(), host.get(RATE)) == (tree, rate)


def test_an_obstacle_of_one_part_keeps_all_from_being_changed(host: Place) -> None:
    """What only the host can tell: there is no GRUB here, so the parameters cannot be set."""
    tree = host.tree()
    result = host.run("kernel", **{**ALL, "boot": {"state": "present"}})
    assert result["rc"] != 0 and "Failed to set boot parameters" in result["msg"]
    assert host.tree() == tree and not nosuid(host) and host.get(RATE) != "300"


def test_a_part_that_fails_is_taken_back_and_told_with_what_the_others_did(host: Place) -> None:
    rate = host.get(RATE)
    broken = {**ALL, "settings": {"settings": {RATE: 300, PORTS: "9 1"}}}
    result = host.run("kernel", **broken)
    assert result["rc"] != 0 and f"Part settings failed: Failed to set {PORTS}" in result["msg"], result["msg"]
    assert "The other parts went on; changed: mounts" in result["msg"] and "security, boot" in result["msg"]
    assert result["changed"] and result["parts"]["settings"]["failed"] and result["parts"]["mounts"]["changed"]
    assert host.get(RATE) == rate and not host.sh(f"ls {SYSCTL} {UNDO}/kernel 2>/dev/null || true")
    assert nosuid(host) and ("install tipc" in denied(host)) == LOADS_MODULES
    mended = host.run("kernel", **ALL)
    assert mended["rc"] == 0 and mended["parts"]["settings"]["changed"] and not mended["parts"]["mounts"]["changed"]


def play(folder: Path, host: Place, *arguments: str, dynamic: bool = False) -> dict[str, t.Any]:
    """The result of the role, run with these words on the command line; the play gives its role the tag site."""
    result = folder / "result.json"
    result.unlink(missing_ok=True)
    role = {"name": "caisson.hardening.kernel"}
    tags = ["kernel", "kernel_mounts", "kernel_modules", "kernel_boot"]
    tasks = [
        {"ansible.builtin.include_role": {**role, "apply": {"tags": ["kernel"]}}, "tags": tags}
        if dynamic
        else {"ansible.builtin.import_role": role, "tags": ["site"]},
        {
            "ansible.builtin.copy": {"content": "{{ kernel_result | default({}) | to_json }}", "dest": str(result)},
            "delegate_to": "localhost",
            "check_mode": False,
            "tags": ["always"],
        },
    ]
    variables = {"kernel_profile": "none", "kernel_settings": {RATE: 300}}
    hosts = {"here": {"ansible_connection": "local", "ansible_python_interpreter": host.python}}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}), encoding="utf-8")
    content = [{"hosts": "here", "gather_facts": False, "vars": variables, "tasks": tasks}]
    (folder / "play.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    status, output = playbook.run(
        "-i", folder / "hosts.yml", folder / "play.yml", "--check", *arguments, home=folder / "home"
    )
    assert status == 0, output
    return t.cast("dict[str, t.Any]", json.loads(result.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ((), EVERY),
        (("--tags", "kernel"), EVERY),
        (("--tags", "site"), EVERY),
        (("--tags", "kernel_mounts,kernel_security"), ["mounts", "security"]),
        (("--tags", "kernel_hidepid"), ["mounts"]),
        (("--skip-tags", "kernel_mounts,kernel_hidepid,kernel_boot"), ["settings", "modules", "security"]),
        (("--tags", "kernel_boot", "--skip-tags", "kernel_modules"), ["boot"]),
        (("--tags", "site,kernel_boot", "--skip-tags", "kernel_boot"), ["settings", "mounts", "modules", "security"]),
        (("-e", "kernel_boot_state=skip", "-e", "kernel_security_report=false"), ["settings", "mounts", "modules"]),
        (("-e", "kernel_state=absent"), ["settings", "mounts", "modules", "boot"]),
    ],
)
def test_tags_and_switches_choose_the_parts(
    tmp_path: Path, host: Place, words: tuple[str, ...], parts: list[str]
) -> None:
    assert list(play(tmp_path, host, *words)["parts"]) == parts


@pytest.mark.parametrize("words", [("--skip-tags", "kernel"), ("--tags", "elsewhere")])
def test_no_part_runs_where_the_tags_ask_for_none(tmp_path: Path, host: Place, words: tuple[str, ...]) -> None:
    assert play(tmp_path, host, *words) == {}


def test_a_part_that_is_switched_off_and_asked_for_alone_is_skipped(tmp_path: Path, host: Place) -> None:
    result = play(tmp_path, host, "--tags", "kernel_boot", "-e", "kernel_boot_state=skip")
    assert result["skipped"] and not result["changed"]


def test_an_included_role_heeds_the_tags_too(tmp_path: Path, host: Place) -> None:
    assert list(play(tmp_path, host, "--tags", "kernel_mounts", dynamic=True)["parts"]) == ["mounts"]
