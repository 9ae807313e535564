# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks: closed by default, every fault at once, and what follows from what is there."""

from __future__ import annotations

import ipaddress
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import (
    needs,
    network_plan,
    networks,
    options,
    project_resources,
    spec,
    state,
)
from ansible_collections.caisson.hardening.plugins.module_utils.containers.units import Wrong
from hypothesis import given
from hypothesis import strategies as st

POOL = {"subnet": "10.20.0.0/24"}

# option, wrong value, a word of the problem
WRONG: list[tuple[str, t.Any, str]] = [
    *(("name", value, "network name") for value in ("a", "-net", "a b", "net/1", "nét", "x" * 201)),
    *(("name", value, "engine itself") for value in ("host", "none", "bridge", "default")),
    ("name", True, "string"),
    ("name", None, "missing"),
    ("state", "gone", "values"),
    ("state", True, "values"),
    *(("driver", value, "close") for value in ("macvlan", "ipvlan", "overlay", "host", 5)),
    *((flag, "perhaps", "neither") for flag in ("internal", "icc", "host_access", "enable_ipv6")),
    *((flag, 2, "neither") for flag in ("internal", "icc", "host_access", "enable_ipv6")),
    ("ipam_config", POOL, "list"),
    ("ipam_config", ["10.20.0.0/24"], "dictionary"),
    ("ipam_config", [{}], "subnet"),
    ("ipam_config", [{"gateway": "10.20.0.1"}], "subnet"),
    ("ipam_config", [{**POOL, "ip_range": "10.20.0.0/25"}], "unknown key"),
    *(
        ("ipam_config", [{"subnet": value}], "subnet")
        for value in ("10.20.0.1/24", "10.20.0.0", "10.20.0.0/33", "10.20.0/24", "all", True, 5, "", "10.20.0.0/24 ")
    ),
    *(
        ("ipam_config", [{"subnet": value}], "no network's")
        for value in ("127.0.0.0/8", "224.0.0.0/4", "169.254.0.0/16", "0.0.0.0/0")
    ),
    ("ipam_config", [{"subnet": "10.20.0.0/31"}], "room"),
    ("ipam_config", [{"subnet": "10.20.0.0/32"}], "room"),
    ("ipam_config", [POOL, {"subnet": "10.21.0.0/24"}], "two subnets"),
    ("ipam_config", [{**POOL, "iprange": "10.21.0.0/25"}], "outside"),
    ("ipam_config", [{**POOL, "iprange": "10.20.0.0/16"}], "outside"),
    ("ipam_config", [{**POOL, "iprange": "10.0.0.0/8"}], "outside"),
    ("ipam_config", [{**POOL, "iprange": "fd00::/64"}], "outside"),
    ("ipam_config", [{**POOL, "iprange": "half"}], "iprange"),
    *(
        ("ipam_config", [{**POOL, "gateway": value}], "gateway")
        for value in ("10.21.0.1", "10.20.0.0", "10.20.0.255", "fd00::1", "first", "10.20.0.1/24")
    ),
    ("ipam_config", [{"subnet": "fd00:20::/64"}], "IPv6"),
    ("enable_ipv6", True, "needs a subnet"),
    ("driver_options", "mtu=1", "dictionary"),
    ("driver_options", {"a b": "x"}, "key"),
    ("driver_options", {"com.docker.network.driver.mtu": 1.5}, "string"),
    ("driver_options", {networks.ICC: "true"}, "icc"),
    ("driver_options", {networks.INHIBIT: "false"}, "host_access"),
    ("labels", {"caisson.hardening.project": "x"}, "collection"),
    ("labels", ["a"], "dictionary"),
    ("attachable", True, "not an option"),
    ("intrenal", True, "internal"),
    (5, "x", "not an option"),
]


def one(**given_: t.Any) -> networks.NetworkSpec:
    specs, faults = networks.parse_networks([{"name": "net", **given_}])
    assert faults == []
    return specs[0]


@pytest.mark.parametrize(("option", "value", "said"), WRONG, ids=lambda each: repr(each)[:40])
def test_a_wrong_value_is_refused_by_name_value_and_remedy(option: str, value: t.Any, said: str) -> None:
    specs, faults = networks.parse_networks([{"name": "net", option: value}])
    assert specs == ()
    assert said in str(faults[0])
    assert faults[0].where.startswith("network ")
    assert faults[0].option == str(option)
    assert faults[0].remedy
    assert "\n" not in str(faults[0])


def test_every_fault_of_every_network_is_named_at_once() -> None:
    assert len(WRONG) >= 40
    shared = {"ipam_config": [POOL]}
    _specs, faults = networks.parse_networks(
        [{"name": "one", "icc": "x", "driver": "x"}, 5, {"name": "two", **shared}, {"name": "two", **shared}]
    )
    said = [(fault.where, fault.option) for fault in faults]
    assert said == [
        ("network 'one'", "icc"),
        ("network 'one'", "driver"),
        ("network 2", "networks"),
        ("network 'two'", "name"),
        ("network 'two'", "ipam_config"),
    ]
    assert networks.parse_networks("net")[1][0].option == "networks"
    assert networks.parse_networks(None) == ((), [])
    _specs, faults = networks.parse_networks([{"name": "net", "internal": False, "host_access": True}])
    assert "only for an internal network" in str(faults[0])


def test_a_network_is_closed_unless_told_otherwise() -> None:
    found = one()
    assert (found.internal, found.icc, found.host_access, found.enable_ipv6) == (True, False, False, False)
    entry = options.resource_options()["networks"]["options"]
    defaults = {name: option["default"] for name, option in entry.items() if "default" in option}
    assert one(**defaults) == found
    assert set(entry) == set(networks.READERS)
    made = network_plan.body(found, "shop")
    assert made["internal"]
    assert made["options"] == {networks.ICC: "false", networks.INHIBIT: "true"}
    assert made["labels"] == {state.PROJECT_LABEL: "shop"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON, option=st.sampled_from(sorted(networks.READERS)))
def test_a_reader_gives_a_value_or_wrong(value: t.Any, option: str) -> None:
    try:
        networks.READERS[option](value)
    except Wrong as wrong:
        assert wrong.problem
        assert wrong.remedy


@given(value=JSON)
def test_any_list_is_read_or_refused(value: t.Any) -> None:
    for list_ in (value, [value]):
        specs, faults = networks.parse_networks(list_)
        assert specs or faults or list_ in ([], None)


V4 = st.builds(
    lambda number, prefix: ipaddress.ip_network((number >> (32 - prefix) << (32 - prefix), prefix)),
    st.integers(min_value=10 << 24, max_value=(11 << 24) - 1),
    st.integers(min_value=8, max_value=30),
)


@given(subnet=V4, data=st.data())
def test_addresses_inside_the_subnet_are_taken_and_read_back(
    subnet: ipaddress.IPv4Network, data: st.DataObject
) -> None:
    gateway = subnet[data.draw(st.integers(1, subnet.num_addresses - 2))]
    inner = next(subnet.subnets(new_prefix=data.draw(st.integers(subnet.prefixlen, 32))))
    pool = {"subnet": str(subnet), "gateway": str(gateway), "iprange": str(inner)}
    found = one(ipam_config=[pool])
    assert found.ipam_config == (networks.Pool(str(subnet), str(gateway), str(inner)),)
    assert network_plan.differences(found, inspect(found)) == ()


@given(first=V4, second=V4)
def test_networks_overlap_only_where_they_share_an_address(
    first: ipaddress.IPv4Network, second: ipaddress.IPv4Network
) -> None:
    assert networks.overlap(str(first), str(second)) is first.overlaps(second)


def inspect(wanted: networks.NetworkSpec, project: str = "shop", **change: t.Any) -> dict[str, t.Any]:
    """What the engine reports of a network that was made from the spec."""
    body = network_plan.body(wanted, project)
    found = {"Name": wanted.name, "Id": f"id-{wanted.name}", "Driver": "bridge", "Internal": body["internal"]}
    ipam = body.get("ipam") or {"Config": [{"Subnet": "172.20.0.0/16", "Gateway": "172.20.0.1"}]}
    found.update(EnableIPv6=body["enable_ipv6"], Options=body["options"], Labels=body["labels"], IPAM=ipam)
    return {**found, **change}


FIXED = {"ipam_config": [{**POOL, "gateway": "10.20.0.1"}]}
CHANGES: list[tuple[dict[str, t.Any], dict[str, t.Any], str]] = [
    ({}, {"Driver": "macvlan"}, "driver: macvlan -> bridge"),
    ({}, {"Internal": False}, "internal: false -> true"),
    ({"internal": False}, {"Internal": True}, "internal: true -> false"),
    ({}, {"EnableIPv6": True}, "enable_ipv6: true -> false"),
    ({}, {"Options": {networks.INHIBIT: "true"}}, "icc: true -> false"),
    ({}, {"Options": {networks.ICC: "false"}}, "host_access: true -> false"),
    ({"host_access": True}, {"Options": {networks.ICC: "false", networks.INHIBIT: "1"}}, "host_access: false -> true"),
    (FIXED, {"IPAM": {"Config": [{"Subnet": "10.20.0.0/25"}]}}, "ipam_config.subnet: 10.20.0.0/25 -> 10.20.0.0/24"),
    (FIXED, {"IPAM": {"Config": [{**{"Subnet": "10.20.0.0/24"}, "Gateway": "10.20.0.9"}]}}, "ipam_config.gateway"),
    (FIXED, {"IPAM": None}, "ipam_config.subnet: none -> 10.20.0.0/24"),
    ({"driver_options": {"mtu": "9000"}}, {"Options": {networks.ICC: "false", networks.INHIBIT: "true"}}, "mtu: none"),
    (
        {"internal": False, "icc": True},
        {"Options": {"com.docker.network.bridge.gateway_mode_ipv4": "routed"}},
        "driver_options.com.docker.network.bridge.gateway_mode_ipv4: routed -> none",
    ),
]


@pytest.mark.parametrize(("declared", "change", "said"), CHANGES, ids=lambda each: str(each)[:40])
def test_each_property_that_differs_is_named(declared: dict[str, t.Any], change: dict[str, t.Any], said: str) -> None:
    wanted = one(**declared)
    assert network_plan.differences(wanted, inspect(wanted)) == ()
    assert said in "; ".join(map(str, network_plan.differences(wanted, inspect(wanted, **change))))


def test_what_the_engine_adds_is_no_difference() -> None:
    wanted = one(**FIXED, internal=False, icc=True)
    found = inspect(wanted)
    found["Options"] = {"com.docker.network.enable_ipv4": "true", "com.docker.network.driver.mtu": "1500"}
    found["IPAM"]["Config"][0]["Gateway"] = "10.20.0.1/24"
    assert network_plan.differences(wanted, found) == ()
    closed = one()
    isolated = {networks.ICC: "false", "com.docker.network.bridge.gateway_mode_ipv4": "isolated"}
    assert network_plan.differences(closed, inspect(closed, Options=isolated)) == ()


@pytest.mark.parametrize(
    ("change", "attached", "kinds", "fault", "warning"),
    [
        (None, [], ["create"], "", ""),
        ({}, ["web"], [], "", ""),
        ({"Internal": False}, [], ["recreate"], "", ""),
        ({"Internal": False}, ["web"], [], "cannot be changed while web is on it: internal", ""),
        ({"Internal": False}, ["web", "db"], [], "while db, web are on it", ""),
        ({"Labels": {state.PROJECT_LABEL: "shop", "a": "b"}}, [], ["recreate"], "", ""),
        ({"Labels": {state.PROJECT_LABEL: "shop", "a": "b"}}, ["web"], [], "", "only once it is made anew"),
        ({"Labels": None}, ["web"], [], "", ""),
        (
            {"Labels": {state.PROJECT_LABEL: "other"}, "Internal": False},
            [],
            [],
            "is not this project's and differs",
            "",
        ),
    ],
)
def test_what_follows_from_what_is_there(
    change: dict[str, t.Any] | None, attached: list[str], kinds: list[str], fault: str, warning: str
) -> None:
    wanted = one()
    existing = {} if change is None else {"net": inspect(wanted, **change)}
    judged = network_plan.judge(wanted, existing, attached, attached, "shop")
    assert [action.kind for action in judged.item.actions] == kinds
    assert [fault in str(each) for each in judged.faults] == ([True] if fault else [])
    assert [warning in each for each in judged.warnings] == ([True] if warning else [])


@pytest.mark.parametrize(
    ("labels", "staying", "kinds", "said"),
    [
        ({state.PROJECT_LABEL: "shop"}, [], ["remove"], ""),
        ({state.PROJECT_LABEL: "shop"}, ["web"], [], "web would still be on it"),
        ({state.PROJECT_LABEL: "other"}, [], [], "left alone"),
        (None, ["web"], [], "left alone"),
    ],
)
def test_absent_removes_only_what_is_ours(labels: t.Any, staying: list[str], kinds: list[str], said: str) -> None:
    wanted = one(state="absent")
    judged = network_plan.judge(wanted, {"net": inspect(wanted, Labels=labels)}, staying, staying, "shop")
    assert [action.kind for action in judged.item.actions] == kinds
    assert said in "".join(map(str, (*judged.faults, *judged.warnings)))
    assert bool(said) is bool(judged.faults or judged.warnings)


def test_a_subnet_that_another_network_has_is_refused() -> None:
    other = inspect(one(name="other", ipam_config=[{"subnet": "10.20.0.128/25"}]))
    judged = network_plan.judge(one(**FIXED), {"other": other}, [], [], "shop")
    assert "overlaps with 10.20.0.128/25 of the network 'other'" in str(judged.faults[0])


def container(**given_: t.Any) -> spec.Spec:
    return spec.parse_specs([{"name": "web", "image": "web:1", **given_}])[0]


@pytest.mark.parametrize(
    ("given_", "names"),
    [
        ({}, ("shop",)),
        ({"internal": True}, ("shop-internal",)),
        ({"networks": []}, ()),
        ({"networks": [{"name": "shop"}, {"name": "shop-internal"}, {"name": "x1"}]}, ("shop", "shop-internal", "x1")),
        ({"networks": [{"name": "bridge"}]}, ()),
        ({"internal": True, "state": "absent"}, ()),
    ],
)
def test_the_networks_that_a_container_wants_and_implies(given_: dict[str, t.Any], names: tuple[str, ...]) -> None:
    wanting = container(**given_)
    assert networks.wanted_names(wanting, "shop") == names
    implied = networks.with_implied((), [wanting], "shop")
    assert tuple(each.name for each in implied) == tuple(name for name in names if name.startswith("shop"))
    assert [each.internal for each in implied] == [each.name == "shop-internal" for each in implied]
    declared = one(name="shop")
    assert networks.with_implied([declared], [wanting], "shop")[-1] == declared
    attached = state.resolve(wanting, state.Image("", {}), state.Daemon(), "shop")["networks"]
    assert set(attached) - {"bridge"} == set(names) or not wanting.wants_container


def test_containers_on_a_network_are_found_running_or_not() -> None:
    network = {"Name": "net", "Id": "1"}
    listed = [
        {"Names": ["/up"], "NetworkSettings": {"Networks": {"net": {"NetworkID": "1"}}}},
        {"Names": ["/never-started"], "NetworkSettings": {"Networks": {"net": {"NetworkID": ""}}}},
        {"Names": ["/on-a-former-one"], "NetworkSettings": {"Networks": {"net": {"NetworkID": "0"}}}},
        {"Names": ["/elsewhere"], "NetworkSettings": {"Networks": {"other": {"NetworkID": "2"}}}},
        {"Names": None, "NetworkSettings": None},
    ]
    assert needs.attached_to(listed, network) == ["never-started", "up"]


def test_those_that_stay_on_a_network_are_the_strangers_and_those_that_want_it() -> None:
    specs = [container(networks=[{"name": "net"}]), container(name="gone", state="absent"), container(name="moved")]
    attached = ["gone", "gone.caisson-previous", "moved", "stranger", "web"]
    assert needs.staying(attached, specs, "net", "shop") == ["stranger", "web"]
    assert needs.staying([], specs, "shop", "shop") == ["moved"]


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"internal": True}, ""),
        ({"internal": True, "networks": [{"name": "shut"}]}, ""),
        ({"internal": True, "networks": [{"name": "wide"}]}, "'wide' is not internal"),
        ({"internal": True, "networks": [{"name": "hand"}]}, "'hand' is not internal"),
        ({"networks": [{"name": "shut"}], "published_ports": ["127.0.0.1:1:1"]}, "no port would be published"),
        ({"networks": [{"name": "shut"}, {"name": "wide"}], "published_ports": ["127.0.0.1:1:1"]}, ""),
        ({"networks": [{"name": "shut", "ipv4_address": "10.20.0.7"}]}, ""),
        ({"networks": [{"name": "shut", "ipv4_address": "10.30.0.7"}]}, "is not in 10.20.0.0/24"),
        ({"networks": [{"name": "shut", "ipv6_address": "fd00::7"}]}, "is not in 10.20.0.0/24"),
        ({"networks": [{"name": "wide", "ipv4_address": "10.30.0.7"}]}, "needs a subnet of 'wide'"),
        ({"networks": [{"name": "hand", "ipv4_address": "10.30.0.7"}]}, "is not in 172.20.0.0/16"),
        ({"networks": [{"name": "hand", "ipv4_address": "172.20.0.7"}]}, ""),
        ({"networks": [{"name": "nowhere", "ipv4_address": "172.20.0.7"}]}, ""),
    ],
)
def test_what_a_container_asks_of_its_networks_is_held_against_them(given_: dict[str, t.Any], said: str) -> None:
    shut, wide = one(name="shut", **FIXED), one(name="wide", internal=False)
    own = networks.with_implied((), [container(internal=True)], "shop")
    known = {each.name: each for each in (shut, wide, *own)}
    existing = {"hand": inspect(one(name="hand", internal=False))}
    faults = list(needs.container_faults(container(**given_), "shop", known, existing))
    assert [said in str(fault) for fault in faults] == ([True] if said else [])


@pytest.mark.parametrize(
    ("daemon", "declared", "said"),
    [
        ({}, {}, ""),
        ({"bridge_filter": False}, {}, "icc: false does not hold"),
        ({"bridge_filter": False}, {"icc": True}, ""),
        ({"bridge_filter": False, "version": "28.0.1"}, {}, ""),
        ({"version": "20.10.24"}, {"enable_ipv6": True, "ipam_config": [{"subnet": "fd00:20::/64"}]}, "filter IPv6"),
        ({"version": "27.1.0"}, {"enable_ipv6": True, "ipam_config": [{"subnet": "fd00:20::/64"}]}, ""),
    ],
)
def test_what_this_engine_cannot_hold_is_said(daemon: dict[str, t.Any], declared: dict[str, t.Any], said: str) -> None:
    found = project_resources.networks_warnings([one(**declared)], state.Daemon(**daemon))
    assert [said in line for line in found] == ([True] if said else [])
