# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes: the flags wherever the engine holds them, refused where it does not, and never a change."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import options, render, state, volumes
from ansible_collections.caisson.hardening.plugins.module_utils.containers.units import Wrong
from hypothesis import given
from hypothesis import strategies as st

HELD = {"noexec", "nosuid", "nodev"}
BIND = {"type": "none", "device": "/srv/data", "o": "bind"}
MEMORY = {"type": "tmpfs", "device": "tmpfs"}


def local(**given_: t.Any) -> dict[str, t.Any]:
    return {"driver_options": given_}


# options, the option that is at fault, a word of the problem
WRONG: list[tuple[dict[t.Any, t.Any], str, str]] = [
    *(({"name": value}, "name", "volume name") for value in ("a", "-v", "a b", "../v", "/srv", "vö", "x" * 201)),
    ({"name": True}, "name", "string"),
    ({"name": None}, "name", "missing"),
    ({"state": "absent"}, "state", "destroy its data"),
    ({"state": "gone"}, "state", "values"),
    *(({"driver": value}, "driver", "volume driver") for value in ("a b", "-x", "ü", "x;id")),
    ({"driver": 1.5}, "driver", "string"),
    *(({flag: "perhaps"}, flag, "neither") for flag in volumes.FLAGS),
    *(({flag: False}, flag, "cannot be held: the engine mounts such a volume") for flag in volumes.FLAGS),
    *(
        ({flag: False, "driver_options": BIND}, flag, "cannot be held: the engine mounts a bind")
        for flag in volumes.FLAGS
    ),
    *(({flag: False, "driver": "plugin"}, flag, "cannot be held") for flag in volumes.FLAGS),
    *(({flag: False, **local(**MEMORY, o=flag)}, flag, "contradicts") for flag in volumes.FLAGS),
    *(({flag: True, **local(**MEMORY, o=f"no{flag}")}, flag, "contradicts") for flag in volumes.FLAGS),
    ({"driver_options": "size=1m"}, "driver_options", "dictionary"),
    ({"driver_options": {"o": ["bind"]}}, "driver_options", "string"),
    (local(typ="tmpfs"), "driver_options", "not an option of the local driver"),
    (local(o="size=1m"), "driver_options", "missing"),
    (local(device="/srv/data"), "driver_options", "missing"),
    (local(type="ext4"), "driver_options", "missing"),
    (local(type="none", o="bind"), "driver_options", "missing"),
    (local(type="none", device="/srv/data"), "driver_options", "no bind"),
    (local(type="none", device="srv/data", o="bind"), "driver_options", "absolute"),
    *(
        (local(type=kind, device=kind, o="rw"), "driver_options", "not a type")
        for kind in ("overlay", "proc", "sysfs", "cgroup", "devtmpfs", "fuse", "bind")
    ),
    *(
        (local(**{**BIND, "device": path}), "driver_options", "not handed in")
        for path in ("/", "/etc", "/var/run/docker.sock", "/root", "/proc", "/var/lib/docker/volumes", "/srv/../etc")
    ),
    (local(**{**BIND, "device": "/etc/shadow", "o": "bind,ro"}), "driver_options", "not handed in"),
    (local(type="ext4", device="/etc", o="rbind"), "driver_options", "not handed in"),
    ({"labels": {"caisson.hardening.x": "y"}}, "labels", "collection"),
    ({"driver_opts": {}}, "driver_opts", "driver_options"),
    ({5: "x"}, "5", "not an option"),
]


def one(**given_: t.Any) -> volumes.VolumeSpec:
    specs, faults = volumes.parse_volumes([{"name": "data", **given_}])
    assert faults == []
    return specs[0]


@pytest.mark.parametrize(("given_", "option", "said"), WRONG, ids=lambda each: str(each)[:50])
def test_a_wrong_value_is_refused_by_name_and_remedy(given_: dict[str, t.Any], option: str, said: str) -> None:
    specs, faults = volumes.parse_volumes([{"name": "data", **given_}])
    assert specs == ()
    assert any(said in str(fault) and fault.option == option for fault in faults), faults
    assert all(fault.remedy and fault.where.startswith("volume ") for fault in faults)


def test_every_fault_of_every_volume_is_named_at_once() -> None:
    assert len(WRONG) >= 40
    _specs, faults = volumes.parse_volumes([{"name": "one", "exec": 5, "state": "absent"}, "x", {"name": "one"}])
    assert [(fault.where, fault.option) for fault in faults] == [
        ("volume 'one'", "exec"),
        ("volume 'one'", "state"),
        ("volume 2", "volumes"),
        ("volume 'one'", "name"),
    ]


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({}, set()),
        (local(size="1g"), set()),
        (local(type="tmpfs"), {"size=67108864", *HELD}),
        (local(**MEMORY, o="size=1m,mode=0700"), {"size=1m", "mode=0700", *HELD}),
        (local(**MEMORY, o="nr_blocks=9, exec"), {"nr_blocks=9", "exec", "nosuid", "nodev"}),
        ({**local(**MEMORY, o="size=1m"), "exec": True}, {"size=1m", "nosuid", "nodev"}),
        ({**local(**MEMORY, o="size=1m"), "exec": True, "suid": True, "dev": True}, {"size=1m"}),
        ({**local(**MEMORY, o="size=1m,noexec"), "exec": False}, {"size=1m", *HELD}),
        (local(type="ext4", device="/dev/vdb"), HELD),
        (local(type="nfs", device=":/data", o="addr=192.0.2.1,rw"), {"addr=192.0.2.1", "rw", *HELD}),
        (local(**BIND), {"bind"}),
        (local(**{**BIND, "o": "bind,ro"}), {"bind", "ro", *HELD}),
        ({"driver": "plugin", **local(type="tmpfs", o="x")}, {"x"}),
    ],
)
def test_the_flags_are_there_wherever_the_engine_holds_them(given_: dict[str, t.Any], words: set[str]) -> None:
    found = one(**given_)
    assert set(filter(None, found.driver_options.get("o", "").split(","))) == words


def test_the_defaults_are_the_options_defaults() -> None:
    entry = options.resource_options()["volumes"]["options"]
    defaults = {name: option["default"] for name, option in entry.items() if "default" in option}
    assert one(**defaults) == one()
    assert set(entry) == set(volumes.READERS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON, option=st.sampled_from(sorted(volumes.READERS)))
def test_a_reader_gives_a_value_or_wrong(value: t.Any, option: str) -> None:
    try:
        volumes.READERS[option](value)
    except Wrong as wrong:
        assert wrong.problem
        assert wrong.remedy


TEXT = st.text(max_size=12)
OPTIONS = st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from(["none", "tmpfs", "nfs"]) | TEXT, "device": TEXT, "o": TEXT, "size": TEXT}
)


@given(given_=OPTIONS, flags=st.dictionaries(st.sampled_from(volumes.FLAGS), st.booleans()))
def test_what_is_accepted_reads_back_as_no_difference(given_: dict[str, str], flags: dict[str, bool]) -> None:
    specs, faults = volumes.parse_volumes([{"name": "data", "driver_options": given_, **flags}])
    assert bool(specs) is not bool(faults)
    for found in specs:
        body = volumes.body(found, "shop")
        stored = {"Driver": body["driver"], "Options": body["driver_opts"] or None, "Labels": body["labels"]}
        assert volumes.differences(found, stored) == ()
        assert volumes.judge(found, stored).item.actions == ()
        for flag, wanted in flags.items():
            assert wanted or f"no{flag}" in body["driver_opts"]["o"].split(",")


def test_what_is_not_there_is_created_and_what_differs_is_refused() -> None:
    wanted = one(**local(**MEMORY), labels={"team": "a"})
    assert [action.kind for action in volumes.judge(wanted, None).item.actions] == ["create"]
    stored = {"Driver": "local", "Options": {**MEMORY, "o": "size=1m"}, "Labels": None}
    judged = volumes.judge(wanted, stored)
    assert judged.item.actions == ()
    assert "driver_options.o: size=1m -> nodev,noexec,nosuid,size=67108864" in str(judged.faults[0])
    assert "docker volume rm data" in str(judged.faults[0])
    foreign = {"Driver": "local", "Options": dict(wanted.driver_options), "Labels": {state.PROJECT_LABEL: "other"}}
    assert "other labels" in volumes.judge(wanted, foreign).warnings[0]


def test_a_password_among_the_options_is_not_shown() -> None:
    options_ = {"type": "cifs", "device": "//192.0.2.1/x", "o": "username=app,password=hunter2,vers=3.0"}
    stored = {"Driver": "local", "Options": {**options_, "o": "password=hunter3"}, "Labels": None}
    judged = volumes.judge(one(driver_options=options_), stored)
    assert "vers=3.0" in str(judged.faults[0])
    plugin = {"Driver": "plugin", "Options": {"token": "hunter3"}, "Labels": None}
    other = volumes.judge(one(driver="plugin", driver_options={"token": "hunter2"}), plugin)
    wrong = volumes.parse_volumes(
        [{"name": "x1", "driver_options": {"o": ["hunter2"]}}, {"name": "x2", "opts": "hunter2"}]
    )
    masked = render.masked({"volumes": [{"name": "data", "driver_options": options_, "driver_opts": "hunter2"}]})
    assert "hunter" not in str([judged, other, wrong, masked])
    assert masked["volumes"][0]["name"] == "data"
    assert render.masked({"volumes": ["data:/data"]}) == {"volumes": ["data:/data"]}
