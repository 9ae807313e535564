# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of the modules counts as in use, and what can be unloaded in which order."""

from __future__ import annotations

from ansible_collections.caisson.hardening.plugins.module_utils.kernel_modules.usage import (
    Kernel,
    Loaded,
    in_use,
    open_protocols,
    unloadable,
)

NEEDS = {
    "dccp": frozenset[str](),
    "dccp_ipv4": frozenset({"dccp"}),
    "can": frozenset[str](),
    "can_raw": frozenset({"can"}),
    "bridge": frozenset({"stp", "llc"}),
    "stp": frozenset({"llc"}),
    "llc": frozenset[str](),
    "isofs": frozenset[str](),
    "udf": frozenset({"crc_itu_t"}),
    "crc_itu_t": frozenset[str](),
}
PROTOCOLS = """\
protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em
SCTPv6    1640      2       0   no     208   yes  sctp        y  y  y  n  y  y  y  y  y  y  y  y  n  y  y  y  y  n
DCCP      1200      0      -1   NI       0   yes  dccp-ipv4   y  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n
TCP       2304      1       0   no     192   yes  kernel      y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  y  y
"""


def test_a_file_system_is_found_under_the_name_of_its_module() -> None:
    kernel = Kernel(needs=NEEDS, aliases={"fs-iso9660": "isofs"}, mounted={"iso9660": "/mnt"})
    assert in_use(kernel)["isofs"] == "a file system of that type is mounted on /mnt"


def test_what_a_needed_file_system_needs_is_needed() -> None:
    kernel = Kernel(needs=NEEDS, named={"udf": "/etc/fstab"})
    assert in_use(kernel)["crc_itu_t"] == "udf needs it"


def test_what_protected_modules_need_is_needed_though_they_are_not_loaded() -> None:
    assert {"stp", "llc"} <= set(in_use(Kernel(needs=NEEDS)))


def test_interface_keeps_all_modules_of_its_kind() -> None:
    found = in_use(Kernel(needs=NEEDS, interfaces={"can": "can0"}))
    assert "can0" in found["can"] and "can0" in found["can_raw"]


def test_open_sockets_keep_their_module() -> None:
    assert open_protocols(PROTOCOLS) == {"sctp": "SCTPv6", "kernel": "TCP"}
    assert open_protocols("") == open_protocols("no such\ntable 1 2\n") == {}


def test_modules_that_only_use_each_other_are_unloaded_from_the_outside_in() -> None:
    loaded = {"dccp": Loaded(1, frozenset({"dccp_ipv4"})), "dccp_ipv4": Loaded(0)}
    kernel = Kernel(needs=NEEDS, loaded=loaded)
    assert unloadable(kernel, {"dccp", "dccp_ipv4", "can"}) == ("dccp_ipv4", "dccp")
    assert not {"dccp", "dccp_ipv4"} & set(in_use(kernel, {"dccp", "dccp_ipv4"}))
    # One that stays keeps what it needs.
    assert unloadable(kernel, {"dccp"}) == () and "dccp" in in_use(kernel)


def test_a_module_with_a_user_of_its_own_is_not_unloaded() -> None:
    loaded = {"dccp": Loaded(2, frozenset({"dccp_ipv4"})), "dccp_ipv4": Loaded(0)}
    assert unloadable(Kernel(needs=NEEDS, loaded=loaded), {"dccp", "dccp_ipv4"}) == ("dccp_ipv4",)
