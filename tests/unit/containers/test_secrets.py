# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets: read or refused without being shown, compared by content, owner and mode, planned as declared."""

from __future__ import annotations

import base64
import os
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import (
    plan,
    policy,
    render,
    rules,
    secret_keeper,
    secret_plan,
    secrets,
    spec,
    state,
    steps,
)
from ansible_collections.caisson.hardening.plugins.module_utils.controls import model
from ansible_collections.caisson.hardening.plugins.module_utils.errors import InputError
from hypothesis import given
from hypothesis import strategies as st

VALUE = "hunter2-and-more"
DB = {"name": "db", "value": VALUE}
RUNNING = {"State": {"Running": True, "Status": "running"}}
PAUSED = {"State": {"Running": True, "Paused": True}}
STOPPED = {"State": {"Running": False, "Status": "exited"}}
GENERATION = "0123456789abcdef" * 2


def parse(**options: t.Any) -> spec.Spec:
    return spec.parse_specs([{"name": "web", "image": "web:1", "user": "10001:10002", **options}])[0]


# the options, a word of the problem
WRONG: list[tuple[dict[str, t.Any], str]] = [
    *(({"secrets": value}, "not a list") for value in ({"db": VALUE}, VALUE, 5)),
    *(({"secrets": [value]}, "no dictionary") for value in (VALUE, [VALUE], 5)),
    *(({"secrets": [{**DB, key: VALUE}]}, "unknown key") for key in ("valeu", VALUE, 5)),
    ({"secrets": [{"value": VALUE}]}, "no name"),
    *(({"secrets": [{**DB, "name": name}]}, "name")
      for name in ("", "..", ".db", "-db", "a/b", "a b", "x" * 129, 5, [VALUE])),
    ({"secrets": [{"name": "db"}]}, "no value"),
    ({"secrets": [{**DB, "value_b64": "eHg="}]}, "both"),
    *(({"secrets": [{**DB, "value": value}]}, "not a string")
      for value in (1234, 1.5, True, [VALUE], {"a": VALUE}, b"x")),
    ({"secrets": [{**DB, "value": ""}]}, "empty"),
    ({"secrets": [{**DB, "value": " \n"}]}, "empty"),
    ({"secrets": [{**DB, "value": "\ud800"}]}, "Unicode"),
    ({"secrets": [{**DB, "value": "x" * (secrets.MOST_BYTES + 1)}]}, "larger"),
    *(({"secrets": [{"name": "db", "value_b64": value}]}, "base64") for value in (VALUE, "é", "eHg", "====")),
    ({"secrets": [{"name": "db", "value_b64": " \n"}]}, "empty"),
    *(({"secrets": [{**DB, "target": target}]}, "plain file name")
      for target in ("/etc/passwd", "/run/secrets/", "/run/secrets/a/b", "../db", "/run/secrets/../x", "", 5)),
    *(({"secrets": [{**DB, "mode": mode}]}, "mode")
      for mode in (256, "0999", "u=r", "04000", "4755", "0500", "0401", "0200", "0000", True, "")),
    *(({"secrets": [{**DB, key: number}]}, "id") for key in ("uid", "gid") for number in (-1, "me", 2**32, 1.5, True)),
    ({"secrets": [DB, DB]}, "twice"),
    ({"secrets": [DB, {"name": "other", "value": VALUE, "target": "/run/secrets/db"}]}, "twice"),
    ({"secrets": [DB], "tmpfs": ["/run/secrets"]}, "where the secrets are"),
    ({"secrets": [DB], "volumes": ["data:/run/secrets/x"]}, "where the secrets are"),
    ({"secrets": [DB], "secrets_rotation": "later"}, "values"),
    ({"secrets": [DB], "secrets_signal": "HUP"}, "in place"),
    ({"secrets": [DB], "secrets_rotation": "in_place", "secrets_signal": "KILL"}, "caught"),
    ({"secrets": [DB], "secrets_rotation": "in_place", "secrets_signal": "WAKE"}, "signal"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "said"), WRONG, ids=lambda each: repr(each)[:50])
def test_a_wrong_secret_is_refused_with_a_remedy_and_without_its_value(options: dict[str, t.Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(**options)
    message = str(caught.value)
    assert said in message
    assert "hunter2" not in message
    assert caught.value.faults[0].remedy
    assert len(message) < 400


PIECES = st.one_of(
    st.none(), st.integers(), st.sampled_from([VALUE, "db", "0440", [VALUE], {"a": VALUE}]), st.text(max_size=5)
)
# A name and a target are shown on purpose: what is written there as a plain text is nobody's secret.
NAMES = PIECES.filter(lambda piece: piece != VALUE)
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("name", "target"), NAMES),
        **dict.fromkeys(("mode", "uid", "gid", "value", "value_b64", "x"), PIECES),
    },
)


@given(st.one_of(PIECES, st.lists(st.one_of(PIECES, ENTRIES), max_size=3)))
def test_whatever_is_written_is_read_or_refused_and_never_shown(value: t.Any) -> None:
    try:
        found = parse(secrets=value)
    except InputError as error:
        assert "hunter2" not in str(error)
    else:
        assert "hunter2" not in repr(found)
    assert "hunter2" not in repr(render.masked({"secrets": [{"name": "db", "value": VALUE, "x": value}]}))


@given(st.binary(min_size=1, max_size=99).filter(bytes.strip))
def test_bytes_survive_base64_in_lines(content: bytes) -> None:
    written = base64.encodebytes(content).decode()
    assert parse(secrets=[{"name": "db", "value_b64": written}]).secrets[0].content == content


def test_no_value_passes_the_mask_whatever_its_form() -> None:
    forms = [
        [DB],
        [{"name": "db", "value_b64": VALUE}],
        VALUE,
        [VALUE],
        {"db": VALUE},
        [{"name": {"x": VALUE}}],
        [{VALUE: 1, "v": VALUE}],
    ]
    for form in forms[:-1]:
        assert "hunter2" not in repr(render.masked({"secrets": form, "containers": [{"secrets": form}]}))
    assert render.masked({"secrets": [DB]}) == {"secrets": [{"name": "db", "value": "VALUE_NOT_SHOWN"}]}


@pytest.mark.parametrize(
    ("user", "options", "owner"),
    [
        ("10001:10002", {}, (10001, 10002)),
        ("10001", {}, (10001, 0)),
        ("", {}, (0, 0)),
        ("root", {}, (0, 0)),
        ("app", {"uid": 7}, (7, 0)),
        ("app:staff", {"uid": "7", "gid": 8, "mode": "0440"}, (7, 8)),
        ("10001", {"gid": 8}, (10001, 8)),
    ],
)
def test_the_owner_follows_from_the_user(user: str, options: dict[str, t.Any], owner: tuple[int, int]) -> None:
    found, faults = secrets.files("web", parse(secrets=[{**DB, **options}]).secrets, user, (0, 0))
    assert not faults
    assert (found["db"].uid, found["db"].gid) == owner
    shifted, _faults = secrets.files("web", parse(secrets=[{**DB, **options}]).secrets, user, (231072, 231072))
    assert (shifted["db"].uid, shifted["db"].gid) == (owner[0] + 231072, owner[1] + 231072)


@pytest.mark.parametrize(
    ("user", "options", "shift", "said"),
    [
        ("app", {}, (0, 0), "secrets.db.uid: None is missing, and the user 'app' is a name"),
        ("10001", {"mode": "0440"}, (0, 0), "secrets.db.gid"),
        ("10001:staff", {"mode": "0440"}, (0, 0), "secrets.db.gid"),
        ("10001", {"uid": 70000}, (231072, 231072), "user namespace"),
    ],
)
def test_an_owner_that_cannot_be_known_is_asked_for(
    user: str, options: dict[str, t.Any], shift: tuple[int, int], said: str
) -> None:
    faults = secrets.files("web", parse(secrets=[{**DB, **options}]).secrets, user, shift)[1]
    assert len(faults) == 1
    assert said in str(faults[0])


@pytest.mark.parametrize(
    ("info", "shift"),
    [
        ({}, (0, 0)),
        ({"SecurityOptions": ["name=seccomp"], "DockerRootDir": "/var/lib/docker/1.1"}, (0, 0)),
        ({"SecurityOptions": ["name=userns"], "DockerRootDir": "/var/lib/docker/231072.231073"}, (231072, 231073)),
        ({"SecurityOptions": ["name=userns"], "DockerRootDir": "/srv/docker"}, (-1, -1)),
    ],
)
def test_the_user_namespace_is_read_from_the_engine(info: dict[str, t.Any], shift: tuple[int, int]) -> None:
    assert secrets.shift(info) == shift


class Reached:
    def __init__(self, url: str) -> None:
        self.url = url


@pytest.mark.parametrize(
    ("url", "daemon", "root", "said"),
    [
        ("tcp://10.0.0.1:2376", state.Daemon(), True, "engine of the host itself"),
        ("unix:///run/user/1000/docker.sock", state.Daemon(rootless=True), True, "without root"),
        ("unix:///run/docker.sock", state.Daemon(shift=(-1, -1)), True, "user namespace"),
        ("unix:///run/docker.sock", state.Daemon(), False, "become: true"),
    ],
)
def test_what_an_engine_cannot_do_is_told_only_where_secrets_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, url: str, daemon: state.Daemon, root: bool, said: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    keeper = secret_keeper.SecretKeeper(t.cast("t.Any", Reached(url)), daemon, [])
    faults = keeper.look(secret_keeper.Case(parse(secrets=[DB])))
    assert [said in str(fault) for fault in faults] == [True]
    assert keeper.look(secret_keeper.Case(parse())) == []


def test_a_generation_is_the_containers_own_and_nothing_else() -> None:
    root = "/var/lib/docker"
    own = secrets.directory(root, "web", GENERATION)
    assert own == f"{secrets.ROOT}/var-lib-docker/web/{GENERATION}"
    assert secrets.generation_of(own, root, "web") == GENERATION
    parent = own[: -len(GENERATION) - 1]
    for source in (f"{own}/db", own[:-1], f"{parent}/..", parent, "/etc", ""):
        assert secrets.generation_of(source, root, "web") == ""
    assert secrets.generation_of(own, "/srv/docker", "web") == ""
    assert secrets.generation_of(own, root, "we") == ""


@given(st.text(), st.text())
def test_each_engine_has_a_directory_of_its_own(one: str, two: str) -> None:
    names = [secrets.engine_name(f"/data/{each}/x") for each in (one, two)]
    assert all("/" not in name and name not in ("", ".", "..") for name in names)
    if len(one + two) < 20:
        assert (names[0] == names[1]) == (f"/data/{one}/x" == f"/data/{two}/x")


def host_paths(mount: tuple[str, str, str, bool, str], name: str) -> str:
    wanted = state.resolve(parse(), state.Image("sha256:1", {}), state.Daemon(), "shop")
    wanted["mounts"] = {mount[0]: mount}
    found = policy.findings(
        "web", wanted, rules.Context("web:1", name=name), "baseline", (), policy.datetime.date.today()
    )
    return next(each.outcome for each in found if each.control == "container.host_paths")


def test_only_its_own_secrets_pass_the_policy() -> None:
    own = secrets.mount("AB", "web", GENERATION)
    assert host_paths(own, "web") == model.PASS
    assert host_paths(own, "") == model.PASS
    assert host_paths(own, "api") == model.FAIL
    assert host_paths((*own[:3], False, ""), "web") == model.FAIL
    assert host_paths(("/srv", *own[1:]), "web") == model.FAIL
    assert host_paths((own[0], "bind", secrets.ROOT, True, ""), "web") == model.FAIL
    assert host_paths((own[0], "bind", "/var/lib/caisson/daemon", True, ""), "web") == model.FAIL


def planned(
    existing: steps.Existing, seen: secrets.Seen, before: dict[str, secrets.SecretFile] | None, **options: t.Any
) -> list[str]:
    """The plan's actions; *before* is what the host has, None for the files that are asked for."""
    one = parse(secrets=[DB], **options)
    wanted = state.resolve(one, state.Image("sha256:1", {}), state.Daemon(), "shop")
    files = secrets.files("web", one.secrets, str(one.user), (0, 0))[0]
    own = secrets.mount("AB", "web", seen.generation or secrets.UNMADE)
    wanted["mounts"] = {own[0]: own}
    wanted["secrets"] = secrets.InPlace(files) if one.secrets_rotation == "in_place" else files
    observed = {**wanted, "secrets": files if before is None else before}
    if not seen.generation:
        observed["mounts"] = {}
    made = plan.plan(one, existing, wanted, observed)
    return [str(each) for each in secret_plan.completed(made, one, existing, seen).actions]


HELD = secrets.Seen(GENERATION)
OTHER = {"db": secrets.SecretFile(b"former", 0o400, 10001, 10002)}
IN_PLACE = {"secrets_rotation": "in_place", "secrets_signal": "HUP"}
CHANGED = "(secrets.db: another value -> the value given)"
SIGNAL = "signal SIGHUP (its secrets are other ones)"
LEFT = "remove_secrets (an earlier run left some that no container uses)"


@pytest.mark.parametrize(
    ("existing", "seen", "before", "options", "actions"),
    [
        (steps.Existing(RUNNING), HELD, None, {}, []),
        (steps.Existing(RUNNING), HELD, OTHER, {}, [f"recreate {CHANGED}"]),
        (steps.Existing(RUNNING), HELD, OTHER, IN_PLACE, [f"write_secrets {CHANGED}", SIGNAL]),
        (steps.Existing(RUNNING), HELD, OTHER, {"secrets_rotation": "in_place"}, [f"write_secrets {CHANGED}"]),
        (steps.Existing(STOPPED), HELD, OTHER, {**IN_PLACE, "state": "present"}, [f"write_secrets {CHANGED}"]),
        (steps.Existing(PAUSED), HELD, OTHER, {**IN_PLACE, "state": "present"}, [f"write_secrets {CHANGED}"]),
        (steps.Existing(PAUSED), HELD, OTHER, IN_PLACE, [f"write_secrets {CHANGED}", "unpause (it is paused)", SIGNAL]),
        (steps.Existing(RUNNING), HELD, OTHER, {**IN_PLACE, "state": "stopped"},
         [f"write_secrets {CHANGED}", "stop (state is stopped)"]),
        (steps.Existing(RUNNING), secrets.Seen(GENERATION, unfinished=True), None, IN_PLACE, [SIGNAL]),
        (steps.Existing(RUNNING), secrets.Seen(GENERATION, unfinished=True), None, {}, [LEFT]),
        (steps.Existing(RUNNING), secrets.Seen(GENERATION, ("x",)), None, {}, [LEFT]),
        (steps.Existing(RUNNING), secrets.Seen(GENERATION, loose=True), None, {},
         ["write_secrets (secrets: their directory is open to others -> for root only)"]),
        (steps.Existing(RUNNING, RUNNING), HELD, OTHER, IN_PLACE,
         ["remove_leftover web.caisson-next (an earlier run was interrupted)", f"write_secrets {CHANGED}", SIGNAL]),
    ],
)  # fmt: skip
def test_a_change_of_secrets_leads_to_what_was_declared(
    existing: steps.Existing,
    seen: secrets.Seen,
    before: dict[str, secrets.SecretFile] | None,
    options: dict[str, t.Any],
    actions: list[str],
) -> None:
    assert planned(existing, seen, before, **options) == actions


def test_a_generation_that_is_gone_is_replaced_even_in_place() -> None:
    said = planned(steps.Existing(RUNNING), secrets.Seen(), {}, **IN_PLACE)
    assert len(said) == 1
    assert said[0].startswith(
        "recreate (mounts./run/secrets: absent -> bind /var/lib/caisson/secrets/AB/web/new read-only"
    )


@given(st.binary(min_size=1), st.binary(min_size=1), st.integers(0, 0o777), st.integers(0, 99))
def test_a_difference_is_told_by_what_differs_and_never_by_the_content(
    one: bytes, two: bytes, mode: int, uid: int
) -> None:
    before, after = secrets.SecretFile(one), secrets.SecretFile(two, mode, uid, 0)
    old, new = secrets.told(before, after)
    assert ("another value" in old) == (one != two) == ("the value given" in new)
    assert (f"{mode:04o} {uid}:0" in new) == ((mode, uid) != (0o400, 0))
    assert repr(one) not in repr(before)
