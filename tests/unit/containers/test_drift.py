# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of an engine's changes is drift, and what a pattern stands for."""

from __future__ import annotations

import datetime
import json
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import (
    drift_plan,
    globs,
    rebuild,
    records,
    state,
)
from ansible_collections.caisson.hardening.plugins.module_utils.containers.drift import Drift, declared, drift
from ansible_collections.caisson.hardening.plugins.module_utils.containers.steps import Existing
from ansible_collections.caisson.hardening.plugins.module_utils.containers.units import Wrong
from hypothesis import given
from hypothesis import strategies as st

CHANGED, ADDED, DELETED = range(3)
NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs", "Cc")), min_size=1, max_size=6)
PLAIN = NAMES.filter(lambda name: not set(name) & set("*?[]\\") and name not in (".", "..") and name.strip())
PATHS = st.lists(PLAIN, min_size=1, max_size=4).map(lambda names: "/" + "/".join(names))


def of(*changes: tuple[int, str], ignored: t.Sequence[str] = (), **inspect: t.Any) -> Drift:
    listed = [{"Kind": kind, "Path": path} for kind, path in changes]
    return drift(listed, [globs.pattern(one) for one in ignored], inspect)


@given(PATHS, PATHS)
def test_a_path_stands_for_itself_and_all_below_and_for_nothing_beside(path: str, below: str) -> None:
    for written in (path, f"{path}/", f"{path}/**", f"//{path}/./"):
        pattern = globs.pattern(written)
        assert globs.covers(pattern, path)
        assert globs.covers(pattern, path + below)
        assert not globs.covers(pattern, f"{path}x")
        assert not globs.covers(pattern, f"{path}x{path}")


@given(st.text(max_size=30))
def test_a_pattern_is_read_or_refused_and_its_canonical_form_means_the_same(written: str) -> None:
    try:
        pattern = globs.pattern(written)
    except Wrong as wrong:
        assert wrong.problem
        assert wrong.remedy
    else:
        assert globs.pattern(pattern) == pattern
        assert globs.patterns([written, pattern]) == (pattern,)


@given(NAMES)
def test_any_name_can_be_written_with_backslashes(name: str) -> None:
    if name in (".", "..") or not name.strip():
        return
    pattern = globs.pattern("/" + "".join(f"\\{char}" for char in name))
    assert globs.covers(pattern, f"/{name}")


@pytest.mark.parametrize(
    ("pattern", "covered", "left"),
    [
        ("/var/*/x", ["/var/a/x", "/var/a/x/y"], ["/var/x", "/var/a/b/x"]),
        ("/a/**/x", ["/a/x", "/a/b/x", "/a/b/c/x/y"], ["/a/b", "/b/x"]),
        ("/**/x", ["/x", "/a/b/x"], ["/ax"]),
        ("/a?c", ["/abc"], ["/ac", "/a/c", "/abbc"]),
        ("/[a-c]x", ["/ax", "/cx/y"], ["/dx", "/-x"]),
        ("/[!a]x", ["/bx"], ["/ax", "//x"]),
        ("/[]-]x", ["/]x", "/-x"], ["/ax"]),
        ("/*.pyc", ["/a.pyc", "/.pyc"], ["/a.py", "/a/b.pyc"]),
        ("/a.b+c", ["/a.b+c"], ["/axb+c", "/a.bbc"]),
        ("/x[.-0]y", ["/x.y", "/x0y"], ["/x/y"]),
    ],
)
def test_wildcards(pattern: str, covered: list[str], left: list[str]) -> None:
    read = globs.pattern(pattern)
    assert [path for path in covered if not globs.covers(read, path)] == []
    assert [path for path in left if globs.covers(read, path)] == []


@pytest.mark.parametrize(
    "pattern",
    ["", "var/x", "/", "/*", "/**", "/*/*", "/**/*", "//", "/a/../b", "/a**", "/a/**b", "/[a", "/a[]", "/[z-a]", "/a\\",
     "/a\nb", "/" + "a" * 2000, 7, None, ["/a"]],
)  # fmt: skip
def test_wrong_patterns_are_refused(pattern: t.Any) -> None:
    with pytest.raises(Wrong):
        globs.pattern(pattern)


def test_a_list_of_patterns_names_its_wrong_one() -> None:
    with pytest.raises(Wrong, match="etc"):
        globs.patterns(["/a", "etc"])


def test_paths_are_told_by_kind_and_directories_above_them_are_not() -> None:
    found = of((CHANGED, "/etc"), (CHANGED, "/etc/passwd"), (ADDED, "/bin/x"), (CHANGED, "/bin"), (DELETED, "/bin/cal"),
               (ADDED, "/opt"), (ADDED, "/opt/x"), (CHANGED, "/home"))  # fmt: skip
    assert found == Drift(("/bin/x", "/opt", "/opt/x"), ("/etc/passwd", "/home"), ("/bin/cal",))
    assert found.count == 6
    assert found.evidence(2) == "deleted /bin/cal, added /bin/x and 4 more"


def test_what_the_engine_put_there_is_no_drift() -> None:
    host = {
        "Init": True,
        "Tmpfs": {"/run": "", "/var/cache/app/": ""},
        "Mounts": [{"Type": "tmpfs", "Target": "/scratch"}],
    }
    found = of(
        *((ADDED, path) for path in ("/run", "/var/cache", "/var/cache/app", "/scratch", "/sbin", "/sbin/docker-init")),
        *((ADDED, path) for path in ("/srv", "/srv/data", "/srv/data/x", "/.dockerenv", "/dev/console", "/proc/x")),
        *((CHANGED, path) for path in ("/etc", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/var", "/dev")),
        HostConfig=host, Mounts=[{"Type": "volume", "Destination": "/srv/data"}],
    )  # fmt: skip
    assert found == Drift()
    assert of((ADDED, "/sbin/docker-init"), (ADDED, "/run/x")).added == ("/run/x", "/sbin/docker-init")


def test_declared_paths_are_counted_and_take_the_directories_above_them_along() -> None:
    changes = (
        (ADDED, "/var/lib"),
        (ADDED, "/var/lib/pg"),
        (ADDED, "/var/lib/pg/1"),
        (CHANGED, "/var"),
        (ADDED, "/var/y"),
    )
    assert of(*changes, ignored=["/var/lib/pg"]) == Drift(added=("/var/y",), ignored=2)
    assert of((DELETED, "/var/lib"), (ADDED, "/var/lib/pg"), ignored=["/var/lib/pg"]).deleted == ("/var/lib",)


@given(st.lists(st.tuples(st.sampled_from((CHANGED, ADDED, DELETED)), PATHS), unique_by=lambda each: each[1]), PATHS)
def test_no_file_is_lost(changes: list[tuple[int, str]], ignored: str) -> None:
    """Each path is told, declared, the engine's, or a directory above another."""
    found = of(*changes, ignored=[ignored])
    told = {*found.added, *found.changed, *found.deleted}
    paths = {path for _kind, path in changes}
    pattern = globs.pattern(ignored)
    for path in paths - told:
        above = any(other.startswith(f"{path}/") for other in paths)
        assert above or globs.covers(pattern, path) or path in drift_paths(), path
    assert found.ignored == sum(globs.covers(pattern, path) and path not in drift_paths() for path in paths)


def drift_paths() -> t.Collection[str]:
    return ("/dev", "/proc", "/sys")


def test_a_path_that_a_terminal_would_obey_is_written_out() -> None:
    assert of((ADDED, "/x\x1b[2J\ny")).evidence() == r"added /x\x1b[2J\ny"


@pytest.mark.parametrize("label", ["x", "{}", '["etc"]', "[1.5]", '["/"]'])
def test_a_label_that_is_none_of_ours_is_refused(label: str) -> None:
    with pytest.raises(Wrong):
        declared(label)


def test_a_label_declares() -> None:
    assert declared('["/b/", "/a"]') == ("/a", "/b")
    assert declared(None) == declared("") == declared("[]") == ()


def listing(*names: str, project: str = "shop") -> list[dict[str, t.Any]]:
    return [
        {"Names": [f"/{name}"], "Labels": {"caisson.hardening.project": project} if project else {}} for name in names
    ]


def test_selecting_takes_what_is_managed_and_what_a_killed_replacement_left() -> None:
    there = [*listing("web", "api.caisson-next", "api.caisson-previous", "x.caisson-next"), *listing("db", project="")]
    there += [*listing("blog", project="press"), {"Names": ["/web/db"], "Labels": None}]
    chosen = {case.name: case.present for case in drift_plan.select(there, drift_plan.Settings())[0]}
    assert chosen == {"api": (".caisson-next", ".caisson-previous"), "blog": ("",), "web": ("",)}
    assert [case.name for case in drift_plan.select(there, drift_plan.Settings(project="press"))[0]] == ["blog"]
    every = [case.name for case in drift_plan.select(there, drift_plan.Settings(everything=True))[0]]
    assert every == ["api", "blog", "db", "web"]


def test_unknown_names_are_refused_with_the_nearest_and_unmanaged_ones_are_only_reported() -> None:
    settings = drift_plan.Settings(containers=("wbe", "db"), responses=frozenset({"recreate"}))
    chosen, faults = drift_plan.select([*listing("web"), *listing("db", project="")], settings)
    assert [case.name for case in chosen] == ["db"]
    assert "did you mean 'web'?" in str(faults[0])
    assert "not under management" in str(faults[1])


def case(**inspect: t.Any) -> drift_plan.Case:
    current = {"Id": "1" * 64, "Image": "", "State": {}, "HostConfig": {}, "Config": {"Labels": {}}, **inspect}
    return drift_plan.Case("web", "shop", existing=Existing(current), drift=Drift(added=("/x",)))


def test_the_plan_follows_from_what_is_asked() -> None:
    def actions(*responses: str, one: drift_plan.Case | None = None, known: t.Collection[str] = ()) -> list[str]:
        settings = drift_plan.Settings(responses=frozenset(responses))
        return [str(action) for action in drift_plan.plan(one or case(), settings, known).actions]

    assert actions("report", "fail") == []
    both = ["snapshot caisson-snapshot (1 path)", "recreate (1 path)"]
    assert actions("recreate", "snapshot") == both
    assert actions("recreate", "snapshot", known=[drift_plan.snapshot_key(case())]) == both[1:]
    clean, waived, foreign = case(), case(), case()
    clean.drift = Drift(ignored=3)
    waived.waiver = records.Waiver("container.drift", "why", "2099-01-01")
    foreign.project = ""
    assert [actions("recreate", "snapshot", one=one) for one in (clean, waived, foreign)] == [[], [], []]


def test_a_waiver_counts_until_its_last_day_and_an_unreadable_one_not_at_all() -> None:
    def found(label: str) -> records.Waiver | None:
        return drift_plan.waiver(
            case(Config={"Labels": {"caisson.hardening.waivers": label}}), datetime.date(2030, 1, 31)
        )

    given_one = {"control": "container.drift", "reason": "why", "expires": "2030-01-31"}
    assert found(json.dumps([given_one])) == records.Waiver(**given_one)
    assert found(json.dumps([{**given_one, "expires": "2030-01-30"}])) is None
    assert found("[") is found("[]") is found('[{"control": "x"}]') is None


def test_labels_of_a_snapshot_hold_no_instruction() -> None:
    one = case()
    one.project = 'x"\nRUN $HOME'
    tag, changes = drift_plan.snapshot_changes(one, datetime.datetime(2030, 1, 31, 10, 15))
    assert tag == "web-20300131T101500Z"
    assert 'LABEL "caisson.hardening.snapshot.project"="x__RUN__HOME"' in changes
    assert 'LABEL "caisson.hardening.project"=""' in changes


@pytest.mark.parametrize("value", ["x:1", "X", "", "a@sha256:0", "a b", "-x"])
def test_a_repository_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(Wrong):
        drift_plan.repository(value)


def test_the_rebuilt_body_keeps_what_no_spec_knows() -> None:
    volume, other = "a" * 64, "b" * 64
    inspect = {
        "Id": "c0ffee" + "0" * 58,
        "Name": "/web",
        "Config": {"Hostname": "c0ffee000000", "Entrypoint": None, "Cmd": ["x"], "Image": "web:1", "StdinOnce": True},
        "HostConfig": {"NetworkMode": "net", "CpuShares": 7, "Links": ["/db:/web/store"],
                       "Mounts": [{"Type": "volume", "Target": "/a"}], "Binds": ["data:/d:ro"]},
        "NetworkSettings": {"Networks": {
            "net": {"Aliases": ["c0ffee000000", "www"], "IPAMConfig": {"IPv4Address": "10.0.0.9"}, "Gateway": "x"},
            "more": {"Aliases": None, "DriverOpts": {"k": "v"}, "IPAMConfig": {}}}},
    }  # fmt: skip
    body = rebuild.create_body(inspect, "sha256:1", {"/a": volume, "/image": other})
    assert body["Entrypoint"] == [""]
    assert body["Hostname"] == ""
    assert body["StdinOnce"]
    assert body["Image"] == "sha256:1"
    assert body["HostConfig"]["CpuShares"] == 7
    assert body["HostConfig"]["Links"] == ["db:store"]
    assert body["HostConfig"]["Mounts"] == [{"Type": "volume", "Target": "/a", "Source": volume}]
    assert body["HostConfig"]["Binds"] == ["data:/d:ro", f"{other}:/image"]
    endpoint = {"IPAMConfig": {"IPv4Address": "10.0.0.9"}, "Aliases": ["www"]}
    assert body["NetworkingConfig"] == {"EndpointsConfig": {"net": endpoint}}
    assert rebuild.further_networks(inspect) == {"more": {"DriverOpts": {"k": "v"}}}
    assert inspect["Config"]["Entrypoint"] is None, "the inspect is left as it was"


@pytest.mark.parametrize(("label", "kept"), [("true", True), ("", False), (None, False)])
def test_a_previous_generation_is_a_leftover_unless_the_container_says_that_it_is_kept(
    label: str | None, kept: bool
) -> None:
    labels = {} if label is None else {state.KEEP_LABEL: label}
    current = {"Config": {"Labels": labels}, "State": {"Running": True}, "Created": "2030-01-01T00:00:02Z"}
    former = {"Config": {}, "State": {"Running": False}, "Created": "2030-01-01T00:00:01Z"}
    case = drift_plan.Case("web", "shop", existing=Existing(current, None, former))
    settings = drift_plan.Settings(responses=frozenset({drift_plan.RECREATE}))
    planned = [action.kind for action in drift_plan.plan(case, settings, ()).actions]
    assert planned == ([] if kept else ["remove_leftover"])
    assert (case.settled.previous is not None) is kept
