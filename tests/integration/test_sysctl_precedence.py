# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which file wins, held against the real systemd-sysctl and the real sysctl on the real kernel."""

from __future__ import annotations

import json
import shutil
import typing as t
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.precedence import PROCPS, SYSTEMD
from ansible_collections.caisson.hardening.tests.support.boot_configs import COMMANDS
from ansible_collections.caisson.hardening.tests.support.kernel import DYING, Place, place

FILE = "/etc/sysctl.d/99-security-caisson.conf"
LATER = "/etc/sysctl.d/99-zzz.conf"
VENDOR = "/usr/lib/sysctl.d/99-vendor.conf"
RUN = "/run/sysctl.d/99-zz-generated.conf"
KEY = "net.ipv4.igmp_max_msf"
OWN = {KEY: "20", "net.ipv4.igmp_max_memberships": "30", "net.ipv4.conf.default.send_redirects": "0"}
OTHERS = "# theirs\r\n\n -net/ipv4/igmp_max_msf=9 \nnet.ipv4.conf.lo.log_martians = 1\n"
DIFFERENCES = "from ansible_collections.caisson.hardening.tests.support.boot_configs import main; main()"
SEEDS = (0, 150)
KILLED = (
    DYING
    + """
from ansible_collections.caisson.hardening.plugins.module_utils.kernel import apply, spec
settings = dict(word.split("=") for word in sys.argv[2:])
apply.run(spec.parse(settings=settings, overridden="take_over"))
"""
)

pytestmark = pytest.mark.skipif(
    not (Path(COMMANDS[SYSTEMD][0]).exists() and shutil.which("sysctl")), reason="needs systemd and procps"
)


@pytest.fixture
def host(tmp_path: Path) -> t.Iterator[Place]:
    with place(tmp_path) as made:
        made.sh("ip link add veth.100 type veth peer name peer0")
        yield made


def boot(host: Place, reader: str = SYSTEMD) -> None:
    """What the tool makes of the files where the kernel's own values stand; AssertionError where it complains."""
    host.sh(
        "cd /proc/sys/net/ipv4; echo 10 > igmp_max_msf; echo 20 > igmp_max_memberships; echo 1 > conf/all/log_martians"
    )
    host.sh(f"{' '.join(COMMANDS[reader])} 2>/tmp/said >/dev/null || true; cat /tmp/said >&2; [ ! -s /tmp/said ]")


@pytest.mark.parametrize("reader", [SYSTEMD, PROCPS])
def test_prediction_is_what_the_tool_does(host: Place, reader: str) -> None:
    done = host.script(DIFFERENCES, reader, *map(str, SEEDS))
    assert json.loads(done.stdout or "0") == {"compared": SEEDS[1], "wrong": []}, done.stderr


@pytest.mark.parametrize("reader", [SYSTEMD, PROCPS])
def test_odd_spelling_is_read_as_the_tool_reads_it(host: Place, reader: str) -> None:
    done = host.script(DIFFERENCES, reader)
    found = json.loads(done.stdout or "0")
    assert found["compared"] > 10 and found["wrong"] == [], done.stderr


@pytest.mark.parametrize("reader", [SYSTEMD, PROCPS])
def test_values_stand_after_both_tools_have_run_and_neither_complains(host: Place, reader: str) -> None:
    result = host.run("sysctl", profile="strict", settings=OWN)
    assert result["overridden"] == {} and host.sh(f"stat -c '%a %U:%G' {FILE}") == "644 root:root\n"
    for each in (reader, PROCPS):
        boot(host, each)
        assert host.values(*result["values"]) == result["values"]


def test_file_that_undoes_one_key_is_named_with_its_line(host: Place) -> None:
    host.sh(f"printf '%b' '# one\\n\\n{KEY} = 1\\n{KEY} = 9\\n' > {LATER}")
    result = host.run("sysctl", settings=OWN)
    where = {"file": LATER, "line": 4, "value": "9"}
    assert result["overridden"] == {KEY: {**where, "readers": {SYSTEMD: where, PROCPS: where}}}
    assert f"{LATER}, line 4, sets {KEY} = 9 at the next boot and when 'sysctl --system' is run" in str(
        result["warnings"]
    )


def test_tools_that_differ_are_told_apart(host: Place) -> None:
    """As on Debian 13, where no link leads to /etc/sysctl.conf."""
    host.sh(f"rm /etc/sysctl.d/99-sysctl.conf; echo '{KEY} = 9' > /etc/sysctl.conf")
    result = host.run("sysctl", settings=OWN)
    assert list(result["overridden"][KEY]["readers"]) == [PROCPS]
    assert "/etc/sysctl.conf, line 1" in str(result["warnings"]) and "next boot" not in str(result["warnings"])
    boot(host)
    assert host.get(KEY) == "20"
    boot(host, PROCPS)
    assert host.get(KEY) == "9"


def test_exclusion_that_ends_our_assignment_is_named(host: Place) -> None:
    host.sh(f"echo '-{KEY}' > {LATER}")
    result = host.run("sysctl", settings=OWN)
    assert list(result["overridden"][KEY]["readers"]) == [SYSTEMD] and result["overridden"][KEY]["value"] == ""
    assert f"keeps {KEY} from being set at the next boot" in str(result["warnings"])
    boot(host)
    assert host.get(KEY) == "10"


def test_pattern_for_interfaces_is_named_and_other_patterns_are_harmless(host: Place) -> None:
    host.sh(f"printf 'net.ipv4.igmp* = 5\\nnet.ipv4.conf.*.send_redirects = 1\\n' > {LATER}")
    result = host.run("sysctl", settings=OWN)
    assert list(result["overridden"]) == ["net.ipv4.conf.default.send_redirects"]
    assert result["overridden"]["net.ipv4.conf.default.send_redirects"]["line"] == 2
    boot(host)
    assert host.values(*OWN) == OWN
    assert host.values("net.ipv4.conf.veth/100.send_redirects") == {"net.ipv4.conf.veth/100.send_redirects": "1"}


@pytest.mark.parametrize("hides", ["touch", "ln -s /dev/null"])
def test_masked_file_does_not_override(host: Place, hides: str) -> None:
    host.sh(f"mkdir -p /run/sysctl.d; echo '{KEY} = 9' > {RUN}; {hides} /etc/sysctl.d/{Path(RUN).name}")
    assert host.run("sysctl", settings=OWN)["overridden"] == {}


def test_file_of_ours_that_nothing_reads_is_told(host: Place) -> None:
    host.sh("touch /etc/sysctl.d/70-mine.conf")
    for path in ("/usr/lib/sysctl.d/70-mine.conf", "/etc/mine.conf"):
        assert f"{path} is not read" in str(host.run("sysctl", settings=OWN, path=path)["warnings"])
        assert "is not read" in host.run("sysctl", settings=OWN, path=path, overridden="fail")["msg"]


def test_overridden_key_fails_on_request_before_anything_is_changed(host: Place) -> None:
    host.sh(f"printf '{KEY} = 9\\nnet.ipv4.igmp_max_memberships = 1\\n' > {LATER}")
    tree, values = host.tree(), host.values()
    for check in (True, False):
        result = host.run("sysctl", settings=OWN, overridden="fail", check=check)
        assert result["failed"] and "Nothing was changed" in result["msg"] and "take_over" in result["msg"]
        assert f"{LATER}, line 1, sets {KEY} = 9" in result["msg"]
        assert f"{LATER}, line 2, sets net.ipv4.igmp_max_memberships = 1" in result["msg"]
    assert (host.tree(), host.values()) == (tree, values)
    host.sh(f"rm {LATER}")
    assert host.run("sysctl", settings=OWN, overridden="fail")["changed"]


@pytest.mark.parametrize("later", [LATER, "/etc/sysctl.conf", VENDOR, RUN, "/usr/local/lib/sysctl.d/99-zz.conf"])
def test_taken_over_line_has_no_force_and_comes_back_byte_for_byte(host: Place, later: str) -> None:
    host.sh(f"mkdir -p $(dirname {later}); printf '%b' '{OTHERS}' > {later}; chmod 0640 {later}; chown 7:8 {later}")
    tree, values = host.tree(), host.values()
    options = {"settings": OWN, "overridden": "take_over"}
    predicted = host.run("sysctl", **options, check=True)
    assert (host.tree(), host.values()) == (tree, values)
    result = host.run("sysctl", **options)
    assert result == predicted and result["overridden"] == {} and result["changed"]
    assert [(each["key"], each["line"], each["value"]) for each in result["taken_over"]] == [(KEY, 3, "9")]
    shown = later if later.startswith("/etc") else f"/etc/sysctl.d/{Path(later).name}"
    assert shown in str(result["actions"]) and f"for {FILE}:  -net/ipv4/igmp_max_msf=9" in result["diff"]["after"]
    assert host.sh(f"stat -c '%a %u:%g' {later}") == "640 7:8\n"
    for check in (True, False):
        again = host.run("sysctl", **options, check=check)
        assert not again["changed"] and again["taken_over"] == result["taken_over"]

    host.set("net.ipv4.conf.lo.log_martians", "0")
    for reader in (SYSTEMD, PROCPS):
        boot(host, reader)
        assert host.values(*OWN) == OWN
        assert host.get("net.ipv4.conf.lo.log_martians") == "1", "the other lines of the file have their effect"

    predicted = host.run("sysctl", state="absent", check=True)
    assert predicted == host.run("sysctl", state="absent") and predicted["changed"]
    assert host.tree() == tree


def test_line_comes_back_when_its_key_is_dropped_or_taking_over_is_no_longer_asked_for(host: Place) -> None:
    host.sh(f"printf '%b' '{OTHERS}' > {LATER}; mkdir -p /run/sysctl.d; echo '{KEY} = 8' > {RUN}")
    files = host.sh("sha256sum /etc/sysctl.d/*")
    rest = {key: value for key, value in OWN.items() if key != KEY}
    for options in ({"settings": rest, "overridden": "take_over"}, {"settings": OWN}):
        host.run("sysctl", settings=OWN, overridden="take_over")
        assert host.run("sysctl", **options)["taken_over"] == []
        host.sh(f"rm {FILE}")
        assert host.sh("sha256sum /etc/sysctl.d/*") == files
        assert host.run("sysctl", **options)["actions"] == [f"write {FILE}"]
        assert not host.run("sysctl", **options)["changed"]


def test_edits_of_a_file_that_was_taken_over_are_kept(host: Place) -> None:
    options = {"settings": OWN, "overridden": "take_over"}
    host.sh(f"printf '%b' '{OTHERS}' > {LATER}; printf '{KEY} = 8\\n' > {VENDOR}")
    host.run("sysctl", **options)
    host.sh(f"echo '{KEY} = 7' >> {LATER}; echo 'net.ipv4.conf.lo.medium_id = 3' >> {VENDOR}")
    result = host.run("sysctl", **options)
    assert result["changed"] and result["overridden"] == {}
    boot(host)
    assert host.get(KEY) == "20" and host.get("net.ipv4.conf.lo.medium_id") == "3"
    host.run("sysctl", state="absent")
    assert host.sh(f"cat {LATER}") == f"{OTHERS}{KEY} = 7\n".replace("\r", "")
    assert not host.sh("ls /etc/sysctl.d | grep vendor || true")


def test_pattern_is_taken_over_only_where_it_sets_nothing_else(host: Place) -> None:
    host.sh(f"printf 'net.ipv4.conf.v*.send_redirects = 1\\nnet.ipv4.conf.*.*_redirects = 1\\n' > {LATER}")
    result = host.run("sysctl", settings=OWN, overridden="take_over")
    assert [each["key"] for each in result["taken_over"]] == ["net.ipv4.conf.v*.send_redirects"]
    assert list(result["overridden"]) == ["net.ipv4.conf.default.send_redirects"]
    assert "it sets other keys too and was left" in str(result["warnings"])


def test_file_that_the_firewall_applies_after_the_boot_counts(host: Place) -> None:
    applied = "/etc/ufw/sysctl.conf"
    text = "# ufw\nnet/ipv4/conf/all/log_martians=0\n"
    host.sh(f"mkdir /etc/ufw; echo IPT_SYSCTL={applied} > /etc/default/ufw; printf '{text}' > {applied}")
    host.sh("echo ENABLED=no > /etc/ufw/ufw.conf")
    settings = {"net.ipv4.conf.all.log_martians": "1"}
    assert host.run("sysctl", settings=settings)["overridden"] == {}
    host.sh("echo ENABLED=yes > /etc/ufw/ufw.conf")
    result = host.run("sysctl", settings=settings)
    assert f"{applied}, line 2, sets" in str(result["warnings"]) and "whenever ufw starts" in str(result["warnings"])
    assert list(result["overridden"]["net.ipv4.conf.all.log_martians"]["readers"]) == ["ufw"]
    assert host.run("sysctl", settings=settings, overridden="take_over")["overridden"] == {}
    boot(host)
    host.sh(f"sysctl -e -q -p {applied}")
    assert host.values(*settings) == settings
    host.run("sysctl", state="absent")
    assert host.sh(f"cat {applied}") == text


def test_file_outside_etc_behind_a_link_is_left_and_told(host: Place, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.conf"
    foreign.write_text(f"{KEY} = 9\n", encoding="utf-8")
    host.sh(f"ln -s {foreign} {LATER}")
    result = host.run("sysctl", settings=OWN, overridden="take_over")
    assert result["taken_over"] == [] and f"a link to {foreign}" in str(result["warnings"])
    assert foreign.read_text(encoding="utf-8") == f"{KEY} = 9\n"


@pytest.mark.parametrize("later", [LATER, VENDOR])
def test_two_files_of_ours_take_over_and_give_back_each_for_itself(host: Place, later: str) -> None:
    other = "/etc/sysctl.d/98-mine.conf"
    memberships = {"net.ipv4.igmp_max_memberships": "40"}
    host.sh(f"printf '{KEY} = 9\\nnet.ipv4.igmp_max_memberships = 9\\n' > {later}")
    tree = host.tree()
    host.run("sysctl", settings={KEY: "20"}, overridden="take_over")
    first = host.tree()
    host.run("sysctl", settings=memberships, overridden="take_over", path=other)
    boot(host)
    assert host.values(KEY, *memberships) == {KEY: "20", **memberships}
    assert not host.run("sysctl", settings={KEY: "20"}, overridden="take_over")["changed"]
    host.run("sysctl", state="absent", path=other)
    assert host.tree() == first
    host.run("sysctl", state="absent")
    assert host.tree() == tree


@pytest.mark.parametrize("step", range(7))
def test_run_after_a_kill_takes_over_and_can_be_undone(host: Place, step: int) -> None:
    host.sh(f"printf '%b' '{OTHERS}' > {LATER}; echo '{KEY} = 9' > {VENDOR}")
    tree = host.tree()
    killed = host.script(KILLED, str(step), *(f"{key}={value}" for key, value in OWN.items()))
    assert killed.returncode == -9, killed.stderr
    options = {"settings": OWN, "overridden": "take_over"}
    assert host.run("sysctl", **options)["overridden"] == {}
    assert not host.run("sysctl", **options)["changed"]
    host.run("sysctl", state="absent")
    assert host.tree() == tree


def test_refused_value_gives_back_what_was_taken_over(host: Place) -> None:
    host.sh(f"printf '%b' '{OTHERS}' > {LATER}; echo '{KEY} = 9' > {VENDOR}")
    tree, values = host.tree(), host.values()
    result = host.run("sysctl", settings={**OWN, "net.ipv4.tcp_rfc1337": "many"}, overridden="take_over")
    assert result["failed"] and (host.tree(), host.values()) == (tree, values)


def test_bytes_that_are_no_text_are_no_obstacle(host: Place) -> None:
    host.sh(f"printf '{KEY} = \\377\\n\\376\\0 = 1\\n' > {LATER}")
    tree = host.tree()
    assert host.run("sysctl", settings=OWN)["overridden"][KEY]["line"] == 1
    assert host.run("sysctl", settings=OWN, overridden="take_over")["overridden"] == {}
    host.run("sysctl", state="absent")
    assert host.tree() == tree


def test_each_key_that_cannot_be_set_has_its_own_reason(host: Place) -> None:
    settings = {
        **OWN,
        "net.ipv4.conf.later0.rp_filter": 1,
        "net.ipv4.tcp_available_congestion_control": "none",
        "net.ipv4.ip_unprivileged_port_start": 70000,
        "net.ipv4.tcp_rfc1337": "many",
        "net.ipv4.tcp_congestion_control": "none",
    }
    tree, values = host.tree(), host.values()
    result = host.run("sysctl", settings=settings, unwritable="report")
    message = result["msg"]
    assert (
        "net.ipv4.ip_unprivileged_port_start: '70000' was refused: the kernel does not take this value (EINVAL)"
        in message
    )
    assert "net.ipv4.tcp_rfc1337: 'many' was refused: the kernel does not take this value (EINVAL)" in message
    assert "net.ipv4.tcp_congestion_control: 'none' was refused" in message and "(ENOENT)" in message
    assert "Nothing was changed" in message and (host.tree(), host.values()) == (tree, values)

    rest = {key: value for key, value in settings.items() if key not in message}
    result = host.run("sysctl", settings=rest)
    assert "net.ipv4.tcp_available_congestion_control: this kernel lets nobody write it here" in result["msg"]
    result = host.run("sysctl", settings=rest, unwritable="report")
    assert list(result["refused"]) == ["net.ipv4.tcp_available_congestion_control"]
    assert result["absent"] == ["net.ipv4.conf.later0.rp_filter"] and host.values(*OWN) == OWN
