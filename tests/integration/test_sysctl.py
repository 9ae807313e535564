# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sysctl module on the real kernel."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.keys import KNOWN
from ansible_collections.caisson.hardening.plugins.modules.sysctl import EXAMPLES
from ansible_collections.caisson.hardening.tests.support.kernel import AS_NOBODY, DYING, Place, place

FILE = "/etc/sysctl.d/99-security-caisson.conf"
RECORD = "/var/lib/caisson/kernel/undo.json"
# Keys that belong to the place's own network.
OWN = {
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.default.accept_redirects": "0",
    "net.ipv4.icmp_ratelimit": "500",
    "net.ipv4.ping_group_range": "0 4",
}
STOCK = """
cd /proc/sys/net/ipv4
echo 1 > conf/all/send_redirects
echo 1 > conf/default/accept_redirects
echo 1000 > icmp_ratelimit
echo 1 0 > ping_group_range
"""
READ_BACK = [
    pytest.param("sysctl --system", marks=pytest.mark.skipif(not shutil.which("sysctl"), reason="needs procps")),
    pytest.param(
        "/lib/systemd/systemd-sysctl",
        marks=pytest.mark.skipif(not Path("/lib/systemd/systemd-sysctl").exists(), reason="needs systemd"),
    ),
]

KILLED = (
    DYING
    + """
from ansible_collections.caisson.hardening.plugins.module_utils.kernel import apply, spec
apply.run(spec.parse(settings=dict(word.split("=") for word in sys.argv[2:])))
"""
)


@pytest.fixture
def host(tmp_path: Path) -> t.Iterator[Place]:
    with place(tmp_path) as made:
        # A machine that is hardened already must not make the tests pass or fail by that.
        made.sh(STOCK)
        yield made


@pytest.mark.parametrize("command", READ_BACK)
def test_values_of_the_profile_are_live_and_come_back_at_boot(host: Place, command: str) -> None:
    result = host.run("sysctl", profile="strict")
    assert result["changed"] and len(result["values"]) > 30
    assert host.values(*result["values"]) == result["values"]
    assert {finding["outcome"] for finding in result["findings"]} <= {"pass", "not_applicable"}

    for key in ("fs.protected_fifos", "kernel.kptr_restrict", "net.ipv4.conf.all.accept_source_route"):
        host.set(key, "1" if key.startswith("net") else "0")
    host.sh(command)
    assert host.values(*result["values"]) == result["values"]


def test_examples_run_as_they_are_written(host: Place) -> None:
    tree, values = host.tree(), host.values(*KNOWN, "vm.swappiness", "vm.max_map_count")
    try:
        for task in yaml.safe_load(EXAMPLES):
            (options,) = (value for name, value in task.items() if name != "name")
            predicted = host.run("sysctl", **options, check=True)
            assert predicted == host.run("sysctl", **options) and not host.run("sysctl", **options)["changed"]
    finally:
        host.run("sysctl", state="absent", path="/etc/sysctl.d/70-search.conf")
        host.run("sysctl", state="absent")
    assert (host.tree(), host.values(*KNOWN, "vm.swappiness", "vm.max_map_count")) == (tree, values)


def test_forwarding_is_never_cut(host: Place) -> None:
    host.set("net.ipv4.ip_forward", "1")
    for profile in ("baseline", "strict"):
        result = host.run("sysctl", profile=profile)
        host.sh("sysctl --system")
        assert host.get("net.ipv4.ip_forward") == host.get("net.ipv4.conf.default.forwarding") == "1"
        assert not [key for key in result["values"] if "forward" in key]


def test_second_run_changes_nothing(host: Place) -> None:
    assert host.run("sysctl", profile="strict", settings=OWN)["changed"]
    tree = host.tree()
    for check in (True, False):
        result = host.run("sysctl", profile="strict", settings=OWN, check=check)
        assert not result["changed"] and result["actions"] == []
    assert host.tree() == tree


def test_value_changed_by_hand_is_found_and_mended(host: Place) -> None:
    host.run("sysctl", settings=OWN)
    host.set("net.ipv4.icmp_ratelimit", "100")
    result = host.run("sysctl", settings=OWN)
    assert result["actions"] == ["set net.ipv4.icmp_ratelimit from '100' to '500'"]
    assert host.get("net.ipv4.icmp_ratelimit") == "500"


def test_file_changed_by_hand_is_found_and_mended(host: Place) -> None:
    host.run("sysctl", settings=OWN)
    tree = host.tree()
    host.sh(f"echo 'net.ipv4.icmp_ratelimit = 3' >> {FILE}; chmod 0666 {FILE}")
    assert host.run("sysctl", settings=OWN)["actions"] == [f"change {FILE}"]
    assert host.tree() == tree


def test_key_that_the_kernel_lacks_is_reported_and_left_out(host: Place) -> None:
    missing = "net.ipv4.conf.later0.rp_filter"
    result = host.run("sysctl", settings={**OWN, missing: 1})
    assert result["absent"] == [missing] and missing not in result["values"]
    assert missing not in host.sh(f"cat {FILE}")
    assert not host.run("sysctl", settings={**OWN, missing: 1})["changed"]


def test_unknown_key_is_refused_with_the_nearest_name_and_nothing_changes(host: Place) -> None:
    tree, values = host.tree(), host.values()
    result = host.run("sysctl", settings={**OWN, "kernel.kptr_restrct": 1, "net.ipv4.tcp_syncookys": 1})
    assert result["failed"]
    assert "did you mean 'kernel.kptr_restrict'?" in result["msg"]
    assert "did you mean 'net.ipv4.tcp_syncookies'?" in result["msg"]
    assert (host.tree(), host.values()) == (tree, values)


def test_every_fault_of_the_input_is_told_at_once(host: Place) -> None:
    tree = host.tree()
    settings = {
        "net.ipv4.ip_forward": 0,
        "net.ipv4.tcp_syncookies": True,
        "kernel.printk": "4\n4",
        "../etc/passwd": 1,
        "kernel.sysrqq": 0,
        "net.ipv4.route.flush": 1,
    }
    result = host.run("sysctl", settings=settings, omit=["kernel.nothing"], path="/etc/sysctl.d/no-suffix")
    assert "8 faults" in result["msg"] and "Traceback" not in result["msg"]
    for name in (*settings, "kernel.nothing", "no-suffix"):
        assert name in result["msg"]
    assert host.tree() == tree


def test_check_predicts_exactly_and_touches_nothing(host: Place) -> None:
    tree, values = host.tree(), host.values(*KNOWN)
    predicted = host.run("sysctl", profile="strict", settings=OWN, check=True)
    assert (host.tree(), host.values(*KNOWN)) == (tree, values)
    done = host.run("sysctl", profile="strict", settings=OWN)
    assert predicted == done and done["changed"]

    predicted = host.run("sysctl", state="absent", check=True)
    assert predicted == host.run("sysctl", state="absent") and predicted["changed"]


@pytest.mark.parametrize("former", ["", "\\377 not UTF-8\\n# mine\\nnet.ipv4.icmp_ratelimit = 4\\n"])
def test_absent_brings_back_every_value_and_the_former_file(host: Place, former: str) -> None:
    if former:
        host.sh(f"printf '{former}' > {FILE}; chmod 0640 {FILE}; chown 7:8 {FILE}")
    tree, values = host.tree(), host.values(*KNOWN)
    host.run("sysctl", profile="strict", settings=OWN)
    host.run("sysctl", profile="baseline")
    assert host.sh(f"stat -c '%a %u' {RECORD} /var/lib/caisson") == "600 0\n700 0\n"
    result = host.run("sysctl", state="absent")
    assert result["changed"]
    assert (host.tree(), host.values(*KNOWN)) == (tree, values)
    assert not host.run("sysctl", state="absent")["changed"]


def test_absent_warns_of_a_value_that_somebody_else_changed(host: Place) -> None:
    host.set("net.ipv4.icmp_ratelimit", "1000")
    host.run("sysctl", settings=OWN)
    host.set("net.ipv4.icmp_ratelimit", "100")
    result = host.run("sysctl", state="absent")
    assert "net.ipv4.icmp_ratelimit was changed to '100'" in str(result["warnings"])
    assert host.get("net.ipv4.icmp_ratelimit") == "1000"


def test_key_that_is_dropped_gets_its_original_value_back(host: Place) -> None:
    host.set("net.ipv4.icmp_ratelimit", "1000")
    host.run("sysctl", settings=OWN)
    rest = {key: value for key, value in OWN.items() if key != "net.ipv4.icmp_ratelimit"}
    result = host.run("sysctl", settings=rest)
    assert "set net.ipv4.icmp_ratelimit from '500' to '1000'" in result["actions"]
    assert host.get("net.ipv4.icmp_ratelimit") == "1000" and "icmp_ratelimit" not in host.sh(f"cat {FILE}")
    assert not host.run("sysctl", settings=rest)["changed"]


def test_refused_value_takes_everything_back(host: Place) -> None:
    host.sh(f"echo '# mine' > {FILE}")
    tree, values = host.tree(), host.values()
    result = host.run(
        "sysctl", settings={**OWN, "net.ipv4.ip_unprivileged_port_start": 70000, "net.ipv4.tcp_rfc1337": "many"}
    )
    assert result["failed"] and "the kernel does not take this value" in result["msg"]
    assert "net.ipv4.ip_unprivileged_port_start" in result["msg"] and "net.ipv4.tcp_rfc1337" in result["msg"]
    assert "Nothing was changed" in result["msg"]
    assert (host.tree(), host.values()) == (tree, values)


def test_refused_value_leaves_the_earlier_run_standing(host: Place) -> None:
    host.run("sysctl", settings=OWN)
    tree, values = host.tree(), host.values()
    assert host.run("sysctl", settings={"net.ipv4.tcp_rfc1337": 1, "net.ipv4.ip_unprivileged_port_start": 70000})[
        "failed"
    ]
    assert (host.tree(), host.values()) == (tree, values)


@pytest.mark.parametrize("step", range(6))
def test_run_after_a_kill_converges_and_can_be_undone(host: Place, step: int) -> None:
    tree, values = host.tree(), host.values()
    killed = host.script(KILLED, str(step), *(f"{key}={value}" for key, value in OWN.items()))
    assert killed.returncode == -9, killed.stderr
    host.run("sysctl", settings=OWN)
    assert host.values(*OWN) == OWN and not host.run("sysctl", settings=OWN)["changed"]
    host.run("sysctl", state="absent")
    assert (host.tree(), host.values()) == (tree, values)


def test_user_without_permission_is_told_and_nothing_changes(host: Place) -> None:
    tree, values = host.tree(), host.values()
    done = host.script(AS_NOBODY.format(module="sysctl", options={"settings": OWN}))
    assert "add 'become: true'" in done.stdout and "Traceback" not in done.stdout + done.stderr
    assert (host.tree(), host.values()) == (tree, values)


@pytest.mark.parametrize("full", ["/etc/sysctl.d", "/var/lib"])
def test_full_disk_changes_nothing(host: Place, full: str) -> None:
    host.sh(f"mount -t tmpfs -o size=4k tmpfs {full}; head -c 4096 /dev/zero > {full}/filler")
    tree, values = host.tree(), host.values()
    result = host.run("sysctl", settings=OWN)
    assert result["failed"] and "No space left on device" in result["msg"]
    assert (host.tree(), host.values()) == (tree, values)


def test_read_only_kernel_fails_before_anything_is_changed(host: Place) -> None:
    host.sh("mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys")
    tree = host.tree()
    for check in (True, False):
        result = host.run("sysctl", settings=OWN, check=check)
        assert "mounted read-only" in result["msg"] and "unwritable: report" in result["msg"]
    assert host.tree() == tree


def test_read_only_kernel_is_reported_on_request(host: Place) -> None:
    tree = host.tree()
    host.sh("mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys")
    options = {"settings": OWN, "unwritable": "report"}
    predicted = host.run("sysctl", **options, check=True)
    result = host.run("sysctl", **options)
    assert predicted == result and result["actions"] == [f"write {FILE}"]
    assert "net.ipv4.icmp_ratelimit" in result["refused"] and "mounted read-only" in str(result["warnings"])
    assert not host.run("sysctl", **options)["changed"]
    host.run("sysctl", state="absent")
    assert host.tree() == tree


@pytest.mark.parametrize("later", ["/etc/sysctl.d/99-zzz.conf", "/etc/sysctl.conf"])
def test_later_file_that_overrides_a_key_is_named(host: Place, later: str) -> None:
    host.sh(f"echo '-net/ipv4/icmp_ratelimit=9' > {later}")
    result = host.run("sysctl", settings=OWN)
    assert list(result["overridden"]) == ["net.ipv4.icmp_ratelimit"]
    assert result["overridden"]["net.ipv4.icmp_ratelimit"]["value"] == "9"
    assert later in str(result["warnings"])


def test_control_fails_where_another_file_undoes_it_at_boot(host: Place) -> None:
    host.sh("echo 'kernel.randomize_va_space = 0' > /etc/sysctl.d/99-zzz.conf")
    findings = {each["control"]: each for each in host.run("sysctl", profile="baseline")["findings"]}
    assert findings["kernel.randomize_va_space"]["outcome"] == "fail"
    assert "/etc/sysctl.d/99-zzz.conf" in findings["kernel.randomize_va_space"]["evidence"]


def test_stricter_value_of_the_host_is_kept(host: Place) -> None:
    host.set("kernel.kptr_restrict", "2")
    result = host.run("sysctl", profile="baseline")
    assert result["values"]["kernel.kptr_restrict"] == "2" == host.get("kernel.kptr_restrict")


def test_files_of_different_paths_are_undone_each_for_itself(host: Place) -> None:
    tree, values = host.tree(), host.values()
    other = "/etc/sysctl.d/70-mine.conf"
    host.run("sysctl", profile="baseline")
    first, first_values = host.tree(), host.values()
    host.run("sysctl", settings={"net.ipv4.icmp_ratelimit": 700}, path=other)
    host.run("sysctl", state="absent", path=other)
    assert (host.tree(), host.values()) == (first, first_values)
    host.run("sysctl", state="absent")
    assert (host.tree(), host.values()) == (tree, values)


def test_link_to_a_device_is_not_replaced(host: Place) -> None:
    host.sh(f"ln -s /dev/null {FILE}")
    tree = host.tree()
    assert "is not a regular file" in host.run("sysctl", settings=OWN)["msg"]
    assert host.tree() == tree and Path("/dev/null").is_char_device()
