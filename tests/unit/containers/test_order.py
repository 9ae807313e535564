# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What both generations cannot hold at once, what waits for what, and what is no longer asked for."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import (
    cases,
    order,
    plan,
    prune,
    spec,
    state,
    steps,
)
from hypothesis import given
from hypothesis import strategies as st

IMAGE = state.Image("sha256:1", {"User": "10001"})
RUNNING = {"State": {"Running": True, "Status": "running"}}


def resolved(**options: t.Any) -> tuple[spec.Spec, state.State]:
    one = spec.parse_specs([{"name": "web", "image": "web:1", **options}])[0]
    return one, state.resolve(one, IMAGE, state.Daemon(), "shop")


@pytest.mark.parametrize(
    ("options", "held"),
    [
        ({}, ()),
        ({"published_ports": ["127.0.0.1::80"]}, ()),
        ({"volumes": ["data:/data:ro", "/srv/www:/www:ro"]}, ()),
        ({"networks": [{"name": "shop", "aliases": ["db"]}]}, ()),
        ({"published_ports": ["127.0.0.1:8080:80"]}, ("the published port 8080/tcp",)),
        ({"networks": [{"name": "shop", "ipv4_address": "10.0.0.9"}]}, ("the address 10.0.0.9",)),
        ({"volumes": ["data:/data"]}, ("the mount /data",)),
        ({"volumes": ["/srv/data:/data"]}, ("the mount /data",)),
        ({"volumes": ["/scratch"]}, ("the mount /scratch",)),
        ({"networks": [{"name": "host"}]}, ("the host's network",)),
    ],
)
def test_what_only_one_can_hold_makes_the_old_one_stop_first(options: dict[str, t.Any], held: tuple[str, ...]) -> None:
    one, wanted = resolved(**options)
    assert order.exclusive(wanted, wanted) == held
    made = plan.plan(one, steps.Existing(RUNNING), wanted, {**wanted, "user": "0"})
    assert (made.order, made.exclusive) == (order.STOP_FIRST if held else order.START_FIRST, held)


@pytest.mark.parametrize(
    ("before", "after", "shared"),
    [
        (["8080:80"], ["8080:81"], True),
        (["127.0.0.1:8080:80"], ["0.0.0.0:8080:80"], True),
        (["127.0.0.1:8080:80"], ["127.0.0.2:8080:80"], False),
        (["127.0.0.1:8080:80"], ["127.0.0.1:8081:80"], False),
        (["127.0.0.1:53:53/udp"], ["127.0.0.1:53:53"], False),
        (["0.0.0.0:8080:80"], ["[::]:8080:80"], False),
        (["[::1]:8080:80"], ["[::]:8080:80"], True),
    ],
)
def test_host_ports_are_shared_by_address_and_protocol(before: list[str], after: list[str], shared: bool) -> None:
    held = order.exclusive(resolved(published_ports=after)[1], resolved(published_ports=before)[1])
    assert bool(held) is shared


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("127.0.0.1:8080:80", "127.0.0.1:8080:81", "'127.0.0.1:8080' is published by 'one' too;"),
        ("0.0.0.0:8080:80", "127.0.0.1:8080:80", "'127.0.0.1:8080' is published by 'one' too, on 0.0.0.0;"),
        ("127.0.0.1:8080:80", "8080:80", "'*:8080' is published by 'one' too, on 127.0.0.1;"),
        ("8080:80", "[::1]:8080:80", "'::1:8080' is published by 'one' too, on every address;"),
        ("[::]:8080:80", "[::1]:8080:80", "'::1:8080' is published by 'one' too, on ::;"),
        ("8080-8082:80-82", "127.0.0.1:8082:80", "'127.0.0.1:8082' is published by 'one' too, on every address;"),
        ("[::ffff:127.0.0.1]:8080:80", "127.0.0.1:8080:80", "'127.0.0.1:8080' is published by 'one' too;"),
        ("0.0.0.0:8080:80", "[::]:8080:80", ""),
        ("[::]:8080:80", "127.0.0.1:8080:80", ""),
        ("127.0.0.1:8080:80", "127.0.0.2:8080:80", ""),
        ("0.0.0.0:8080:80", "127.0.0.1:8081:80", ""),
        ("8080:80", "8080:80/udp", ""),
        ("127.0.0.1::80", "127.0.0.1::80", ""),
    ],
)
def test_a_host_port_is_published_by_one_container_of_a_run(one: str, other: str, said: str) -> None:
    entries = [
        {"name": name, "image": "web:1", "published_ports": [port]} for name, port in (("one", one), ("two", other))
    ]
    faults = cases.shared_ports(spec.parse_specs(entries))
    assert [(fault.where, fault.option) for fault in faults] == (
        [("container 'two'", "published_ports")] if said else []
    )
    assert said in str(faults[0] if faults else "")
    leaving = [{"name": "one", "state": "absent"}, entries[1]]
    assert cases.shared_ports(spec.parse_specs(leaving)) == []


def test_an_order_that_is_asked_for_is_kept() -> None:
    one, wanted = resolved(update_order="stop-first")
    assert plan.plan(one, steps.Existing(RUNNING), wanted, {**wanted, "user": "0"}).order == order.STOP_FIRST
    assert plan.plan(one, steps.Existing(RUNNING), wanted, wanted).order == ""


def faults(*needs: tuple[str, list[str]], present: t.Collection[str] = (), **states: str) -> list[str]:
    specs = spec.parse_specs(
        [
            {
                "name": name,
                "image": "web:1",
                "state": states.get(name, "started"),
                "depends_on": [{"name": other} for other in others],
            }
            for name, others in needs
        ]
    )
    return [str(fault) for fault in order.dependency_faults(specs, present)]


def test_a_dependency_has_to_be_there_and_to_run() -> None:
    assert faults(("web", ["db1"]), ("db1", [])) == []
    assert faults(("web", ["outside"]), present={"outside"}) == []
    (said,) = faults(("web", ["bd1"]), ("db1", []))
    assert "'bd1' is neither in this run nor on the host; name a container that is; did you mean 'db1'?" in said
    (said,) = faults(("web", ["db1"]), ("db1", []), db1="absent")
    assert "'db1' is to be absent" in said


@given(st.integers(2, 6), st.data())
def test_a_circle_is_found_and_named(size: int, data: t.Any) -> None:
    names = [f"c{number}" for number in range(size)]
    extra = data.draw(st.lists(st.sampled_from(names), max_size=3))
    needs = [(f"x{number}", [name]) for number, name in enumerate(dict.fromkeys(extra))]
    needs += [(name, [names[(place + 1) % size]]) for place, name in enumerate(names)]
    (said,) = faults(*needs)
    assert "goes in a circle" in said
    assert all(name in said for name in names)
    assert "x0" not in said


@given(st.integers(1, 8), st.data())
def test_what_only_looks_back_is_no_circle(size: int, data: t.Any) -> None:
    needs = [
        (f"c{number}", [f"c{other}" for other in range(number) if data.draw(st.booleans())]) for number in range(size)
    ]
    assert faults(*data.draw(st.permutations(needs))) == []


def entry(project: str = "") -> dict[str, t.Any]:
    return {"Labels": {state.PROJECT_LABEL: project} if project else None}


def test_only_unlisted_containers_of_the_project_are_pruned() -> None:
    listed = {
        "web": entry("shop"),
        "old": entry("shop"),
        "old.caisson-previous": entry("shop"),
        "left.caisson-next": entry("shop"),
        "web.caisson-previous": entry("shop"),
        "other": entry("bank"),
        "plain": entry(),
        "theirs.caisson-next": entry("shop"),
        "theirs": entry(),
    }
    assert [one.name for one in prune.unlisted(listed, "shop", ["web"])] == ["left", "old"]
    assert all(one.state == "absent" for one in prune.unlisted(listed, "shop", []))
    assert prune.unlisted(listed, "nobody", []) == []
