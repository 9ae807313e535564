# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sysctl module's look at the host, on the real kernel: its traits, its interfaces, its values of no return."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.keys import KNOWN
from ansible_collections.caisson.hardening.tests.support.kernel import Place, place

FILE = "/etc/sysctl.d/99-security-caisson.conf"
OWN = (
    "net.ipv4.conf.lan0.send_redirects",
    "net.ipv4.conf.lan0.accept_redirects",
    "net.ipv6.conf.lan0.accept_redirects",
)
NAMESPACES = "user.max_user_namespaces"

# A router that says once: here is a default route, and a prefix to make addresses from.
ADVERTISE = """
import socket, struct, sys
raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode())
prefix = socket.inet_pton(socket.AF_INET6, "2001:db8:7::")
message = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
message += struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 7200, 3600, 0) + prefix
raw.sendto(message, ("ff02::1%" + sys.argv[1], 0))
"""


@pytest.fixture
def host(tmp_path: Path) -> t.Iterator[Place]:
    with place(tmp_path) as made:
        # Nothing of the machine's own engines is seen in the place, whatever it runs.
        made.sh(
            "mkdir -p /etc/docker; echo '{}' > /etc/docker/daemon.json; sed -i /^dockremap:/d /etc/subuid /etc/subgid"
        )
        made.sh("mount -t tmpfs tmpfs /var/lib/docker 2>/dev/null || true")
        made.sh("echo 1 > /proc/sys/net/ipv4/conf/default/send_redirects")
        made.sh("echo 1 > /proc/sys/net/ipv4/conf/default/accept_redirects")
        made.sh("echo 1 > /proc/sys/net/ipv6/conf/default/accept_redirects")
        yield made


def add_interface(host: Place, name: str, address: str = "") -> None:
    host.sh(f"ip link add {name} type veth peer name {name}p && ip link set {name} up && ip link set {name}p up")
    if address:
        host.sh(f"ip address add {address} dev {name}")


def wait_for_default_route(host: Place) -> None:
    asked = "ip -6 route show dev lan0 default | grep -q ."
    host.sh(f"for i in 1 2 3 4 5 6 7 8 9 10; do {asked} && exit; sleep 0.2; done; exit 1")


def routing_advertised(host: Place) -> None:
    """An interface that lives on router advertisements, by a real one."""
    host.sh("ip link add lan0 type veth peer name router && ip link set lan0 up && ip link set router up")
    host.sh("echo 1 > /proc/sys/net/ipv6/conf/lan0/accept_ra_from_local; sleep 2")
    done = host.script(ADVERTISE, "router")
    assert done.returncode == 0, done.stderr
    wait_for_default_route(host)


def test_existing_and_later_interfaces_are_hardened_and_undo_returns_both(host: Place) -> None:
    add_interface(host, "lan0", "192.0.2.1/24")
    tree, values = host.tree(), host.values(*KNOWN, *OWN)
    assert {values[key] for key in OWN} == {"1"}
    predicted = host.run("sysctl", profile="baseline", check=True)
    result = host.run("sysctl", profile="baseline")
    assert predicted == result
    assert set(host.values(*OWN).values()) == {"0"}, "an interface that was there kept its own value"
    assert {finding["outcome"] for finding in result["findings"]} <= {"pass", "not_applicable"}

    add_interface(host, "lan1", "198.51.100.1/24")
    later = [key.replace("lan0", "lan1") for key in OWN]
    assert set(host.values(*later).values()) == {"0"}, "an interface that came later was not hardened"
    for check in (True, False):
        assert not host.run("sysctl", profile="baseline", check=check)["changed"]

    host.sh("ip link del lan1")
    host.run("sysctl", state="absent")
    assert (host.tree(), host.values(*KNOWN, *OWN)) == (tree, values)
    add_interface(host, "lan1", "198.51.100.1/24")
    assert set(host.values(*later).values()) == {"1"}


def test_interface_that_an_earlier_boot_left_to_itself_is_named_and_mended(host: Place) -> None:
    add_interface(host, "lan0", "192.0.2.1/24")
    host.run("sysctl", profile="baseline")
    host.set("net.ipv4.conf.lan0.send_redirects", "1")
    assert host.run("sysctl", profile="baseline", check=True)["score"]["before"] < len(
        host.run("sysctl", profile="baseline", check=True)["findings"]
    )
    result = host.run("sysctl", profile="baseline")
    assert result["actions"] == ["set net.ipv4.conf.lan0.send_redirects from '1' to '0'"]


def test_loose_reverse_path_filter_of_one_interface_does_not_undo_the_strict_one(host: Place) -> None:
    add_interface(host, "lan0", "192.0.2.1/24")
    host.set("net.ipv4.conf.lan0.rp_filter", "2")
    result = host.run("sysctl", profile="strict")
    assert result["values"]["net.ipv4.conf.lan0.rp_filter"] == "1" == host.get("net.ipv4.conf.lan0.rp_filter")
    assert "net.ipv4.conf.lan0.log_martians" not in result["values"], "all of them follow conf.all there"


def test_containers_that_come_and_go_change_nothing(host: Place) -> None:
    host.sh("ip link add docker0 type bridge && ip link set docker0 up && ip address add 172.31.0.1/24 dev docker0")
    first = host.run("sysctl", profile="strict")
    assert not [key for key in first["values"] if "docker0" in key]
    host.sh("ip link add veth1a2b3c4 type veth peer name vethpeer && ip link set veth1a2b3c4 master docker0 up")
    host.sh("ip link add br-0123456789ab type bridge && ip address add 172.31.1.1/24 dev br-0123456789ab")
    assert not host.run("sysctl", profile="strict")["changed"]
    assert host.get("net.ipv4.conf.br-0123456789ab/send_redirects".replace("/", ".")) == "0"
    host.sh("ip link del veth1a2b3c4; ip link del br-0123456789ab")
    assert not host.run("sysctl", profile="strict")["changed"]


def test_bridge_that_was_made_anew_is_given_back_what_it_had(host: Place) -> None:
    bridge, later = "br-0123456789ab", "br-ba9876543210"
    keys = [
        f"net.ipv4.conf.{bridge}.accept_redirects",
        f"net.ipv4.conf.{bridge}.send_redirects",
        f"net.ipv6.conf.{bridge}.accept_redirects",
        # Engines set this of their bridges, against the default.
        f"net.ipv6.conf.{bridge}.accept_ra",
    ]
    make = f"ip link add {bridge} type bridge; echo 0 > /proc/sys/net/ipv6/conf/{bridge}/accept_ra"
    host.sh(f"{make}; ip link add docker0 type bridge")
    host.set(keys[1], "0")
    tree, values = host.tree(), host.values(*KNOWN, *keys)
    host.run("sysctl", profile="strict")
    assert host.values(*keys) == {key: values[key] for key in keys}, "the engine's bridges were to be left alone"
    # As a reboot does, which the bridge of a network outlives. The other network goes, and a new one comes.
    host.sh(f"ip link del {bridge}; {make}; ip link del docker0; ip link add {later} type bridge")
    assert host.values(*keys) == dict.fromkeys(keys, "0")
    for check in (True, False):
        assert not host.run("sysctl", profile="strict", check=check)["changed"]
    host.run("sysctl", profile="strict", omit=["net.ipv4.conf.default.accept_redirects"])
    assert host.values(*keys[:3]) == {keys[0]: "1", keys[1]: "0", keys[2]: "0"}, "only that one is no longer ours"
    host.run("sysctl", profile="strict")
    host.set(keys[0], "0")
    predicted = host.run("sysctl", state="absent", check=True)
    assert host.run("sysctl", state="absent") == predicted
    assert (host.tree(), host.values(*KNOWN, *keys)) == (tree, values)
    hardened = keys[0].replace(bridge, later)
    assert host.get(hardened) == "0", "what nobody asked for was made weaker"


@pytest.mark.parametrize("command", ["sysctl --system", "/lib/systemd/systemd-sysctl"])
def test_interface_that_vanished_is_no_change_and_no_error_at_boot(host: Place, command: str) -> None:
    add_interface(host, "lan0", "192.0.2.1/24")
    host.run("sysctl", profile="baseline")
    assert f"-{OWN[0]} = 0\n" in host.sh(f"cat {FILE}")
    host.sh("ip link del lan0")
    for check in (True, False):
        result = host.run("sysctl", profile="baseline", check=check)
        assert not result["changed"] and not result.get("warnings")
    said = host.sh(f"{command} 2>&1 >/dev/null")
    assert "lan0" not in said, said
    # It comes back with the value of those that come later, and is undone with the rest.
    add_interface(host, "lan0", "192.0.2.1/24")
    assert not host.run("sysctl", profile="baseline")["changed"]
    host.run("sysctl", state="absent")
    assert set(host.values(*OWN).values()) == {"1"}


def test_switch_of_forwarding_comes_before_what_it_resets(host: Place) -> None:
    settings = {
        "net.ipv4.conf.default.forwarding": 1,
        "net.ipv4.conf.all.accept_redirects": 1,
        "net.ipv4.ip_forward": 1,
    }
    wanted = {key: str(value) for key, value in settings.items()}
    host.sh("echo 0 > /proc/sys/net/ipv4/ip_forward")
    host.run("sysctl", settings=settings)
    # The kernel sets accept_redirects to 0 as it switches forwarding on; the other order would leave that.
    assert host.values(*settings) == wanted
    add_interface(host, "lan0")
    assert host.get("net.ipv4.conf.lan0.forwarding") == "1"
    host.sh("echo 0 > /proc/sys/net/ipv4/ip_forward; sysctl --system")
    assert host.values(*settings) == wanted


def test_host_that_lives_on_router_advertisements_keeps_them(host: Place) -> None:
    routing_advertised(host)
    result = host.run("sysctl", profile="strict")
    for key in ("net.ipv6.conf.all.accept_ra", "net.ipv6.conf.default.accept_ra_defrtr"):
        assert result["adjusted"][key]["value"] is None and "lan0" in result["adjusted"][key]["why"]
        assert key not in result["values"]
    findings = {each["control"]: each for each in result["findings"]}
    assert findings["kernel.net.ipv6.conf.all.accept_ra"]["outcome"] == "not_applicable"
    assert "router advertisement (lan0" in findings["kernel.net.ipv6.conf.all.accept_ra"]["evidence"]
    host.script(ADVERTISE, "router")
    assert "default" in host.sh("ip -6 route show dev lan0")


def test_host_that_forwards_too_takes_advertisements_all_the_same(host: Place) -> None:
    routing_advertised(host)
    host.sh("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding")
    values = host.values("net.ipv6.conf.lan0.accept_ra")
    result = host.run("sysctl", profile="strict")
    assert result["values"]["net.ipv6.conf.lan0.accept_ra"] == "2" == host.get("net.ipv6.conf.lan0.accept_ra")
    # The route is renewed in spite of forwarding.
    host.sh("ip -6 route del default dev lan0 2>/dev/null || true")
    host.script(ADVERTISE, "router")
    wait_for_default_route(host)
    assert not host.run("sysctl", profile="strict")["changed"]
    host.run("sysctl", state="absent")
    assert host.values("net.ipv6.conf.lan0.accept_ra") == values


def test_host_without_advertisements_takes_none(host: Place) -> None:
    add_interface(host, "lan0", "192.0.2.1/24")
    host.run("sysctl", profile="strict")
    host.sh("echo 1 > /proc/sys/net/ipv6/conf/lan0/accept_ra_from_local; sleep 2")
    assert host.script(ADVERTISE, "lan0p").returncode == 0
    host.sh("sleep 1")
    assert "2001:db8:7" not in host.sh("ip -6 address show dev lan0") and host.sh("ip -6 route show default") == ""


def test_userns_remap_keeps_its_namespaces_and_is_named(host: Place) -> None:
    host.sh('echo \'{"userns-remap": "default"}\' > /etc/docker/daemon.json')
    result = host.run("sysctl", profile="strict")
    assert NAMESPACES not in result["values"]
    assert "user namespaces" in result["adjusted"][NAMESPACES]["why"]
    host.sh("unshare --user true")


def test_what_the_host_is_going_to_be_counts_like_what_is_seen(host: Place) -> None:
    result = host.run("sysctl", profile="strict", expect=["userns_remap"])
    assert NAMESPACES not in result["values"] and "expected" in result["adjusted"][NAMESPACES]["why"]


def test_randomness_is_the_most_that_this_kernel_takes(host: Place) -> None:
    bits = int(host.run("sysctl", profile="strict")["values"]["vm.mmap_rnd_bits"])
    assert int(host.get("vm.mmap_rnd_bits")) == bits
    result = host.run("sysctl", settings={"vm.mmap_rnd_bits": bits + 1})
    assert result["failed"] and "vm.mmap_rnd_bits" in result["msg"], "the kernel would have taken more"


def test_value_of_no_return_needs_its_name(host: Place) -> None:
    tree = host.tree()
    key = "kernel.kexec_load_disabled"
    result = host.run(
        "sysctl",
        settings={"kernel.unprivileged_bpf_disabled": 1},
        one_way=[key, "kernel.modules_disabled", "vm.swappiness"],
    )
    assert "one_way: [kernel.unprivileged_bpf_disabled]" in result["msg"]
    assert "modules that Docker loads" in result["msg"] and "name one of kernel.kexec_load_disabled" in result["msg"]
    assert host.tree() == tree


def test_user_is_warned_of_a_value_that_the_host_does_not_bear(host: Place) -> None:
    host.sh("echo '{\"ipv6\": true}' > /etc/docker/daemon.json")
    result = host.run("sysctl", settings={"net.ipv6.conf.default.disable_ipv6": 1})
    assert "it would forbid the containers' IPv6 networks (/etc/docker/daemon.json)" in json.dumps(result["warnings"])
