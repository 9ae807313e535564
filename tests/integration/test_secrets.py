# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A secret is read by the container's user, and is nowhere else: not in the engine, not in images, not in results."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.tests.support import secrets
from ansible_collections.caisson.hardening.tests.support.containers import SLEEP, Deployer, waiver
from ansible_collections.caisson.hardening.tests.support.relay import relay
from ansible_collections.caisson.hardening.tests.support.run_module import COLLECTIONS, run_module

pytestmark = pytest.mark.usefixtures("tidy_secrets")


def traces(value: str) -> list[bytes]:
    """The forms in which a secret may give itself away."""
    raw = value.encode()
    return [
        raw,
        base64.b64encode(raw)[:-4],
        hashlib.sha256(raw).hexdigest().encode(),
        hashlib.md5(raw).hexdigest().encode(),
    ]


def test_the_containers_user_reads_it_and_nobody_else(deployer: Deployer) -> None:
    value, key = secrets.value(), b"\0\xff\n" + secrets.value().encode()
    entries = [
        {"name": "db", "value": value},
        {"name": "key", "value_b64": base64.b64encode(key).decode(), "target": "/run/secrets/tls.key", "mode": "0640",
         "uid": 10002, "gid": 10003},
    ]  # fmt: skip
    deployer.deploy(deployer.spec("web", secrets=entries))
    assert deployer.execute("web", "cat", "/run/secrets/db") == (0, value)
    assert deployer.execute("web", "sha256sum", "/run/secrets/tls.key", user="10001:10003")[1].startswith(
        hashlib.sha256(key).hexdigest()
    )
    for user, file in (("10002", "db"), ("10001", "tls.key"), ("10003:10001", "db")):
        status, said = deployer.execute("web", "cat", f"/run/secrets/{file}", user=user)
        assert status != 0
        assert "Permission denied" in said
    status, said = deployer.execute("web", "sh", "-c", "echo x > /run/secrets/new", user="0")
    assert status != 0
    assert "Read-only" in said
    assert " /run/secrets " in deployer.shell("web", "grep ' /run/secrets .* ro[, ]' /proc/mounts")[1]

    place = secrets.mounted(deployer, "web")
    assert sorted((path.name, path.stat().st_mode & 0o7777, path.stat().st_uid) for path in place.iterdir()) == [
        ("db", 0o400, 10001), ("tls.key", 0o640, 10002),
    ]  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in (secrets.ROOT, place.parent.parent, place.parent)} == {0o700}
    outsider = ["setpriv", "--reuid=10001", "--regid=10001", "--clear-groups", "cat", str(place / "db")]
    done = subprocess.run(outsider, capture_output=True, check=False)
    assert done.returncode != 0
    assert value.encode() not in done.stdout


def test_it_is_in_nothing_that_the_engine_keeps_tells_or_gives_away(deployer: Deployer) -> None:
    api, value, began = deployer.api, secrets.value(), int(time.time())
    spec = deployer.spec("web", env={"MODE": "prod"}, log_driver="json-file", **secrets.secret(value))
    results = [deployer.run(spec, check=True), deployer.deploy(spec), deployer.deploy(spec)]
    newer = secrets.value()
    results += [
        deployer.run({**spec, **secrets.secret(newer)}, check=True),
        deployer.deploy({**spec, **secrets.secret(newer)}),
    ]
    results.append(deployer.deploy({**spec, "secrets_rotation": "in_place", **secrets.secret(value)}))
    assert deployer.execute("web", "cat", "/run/secrets/db")[1] == value

    name = deployer.name("web")
    deployer.deploy(deployer.spec("plain"))
    changed = [sorted(each["Path"] for each in api.diff(one)) for one in (name, deployer.name("plain"))]
    assert changed[0] == changed[1], "only what the engine makes for every container"
    tag = f"{deployer.prefix}-committed"
    api.commit(name, tag, "1")
    try:
        image = b"".join(api.get_image(f"{tag}:1"))
    finally:
        api.remove_image(f"{tag}:1")
    told = {
        "results": json.dumps(results).encode(),
        "inspect": json.dumps([api.inspect_container(name), api.containers(all=True)]).encode(),
        "events": json.dumps(list(api.events(since=began, until=int(time.time()) + 1, decode=True))).encode(),
        "log": api.logs(name),
        "export": b"".join(api.export(name)),
        "image": image,
    }
    assert b"./bin/busybox" in told["export"] or b"bin/busybox" in told["export"]
    assert len(image) > 10**6
    for where, found in told.items():
        assert not [trace for trace in (*traces(value), *traces(newer)) if trace in found], where
    reasons = results[4]["containers"][0]["reasons"]
    assert reasons == ["secrets.db: another value -> the value given"]


def test_a_program_that_prints_its_secret_and_fails_does_not_give_it_away(deployer: Deployer) -> None:
    value = f"first {secrets.value()}\nsecond {secrets.value()}\n"
    encoded = {"name": "db", "value_b64": base64.b64encode(value.encode()).decode()}
    command = ["sh", "-c", "echo it said; cat /run/secrets/db; exit 3"]
    result = deployer.run(deployer.spec("web", command=command, secrets=[encoded]))
    assert "it said" in result["msg"]
    assert "hunter2" not in json.dumps(result)


def test_a_vaulted_value_is_nowhere_in_a_verbose_play(deployer: Deployer, tmp_path: Path) -> None:
    value = secrets.value()
    (tmp_path / "password").write_text("vault\n", encoding="utf-8")
    binaries, environment = Path(sys.executable).parent, {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
    environment.update(ANSIBLE_NOCOLOR="1", LC_ALL="C.UTF-8", ANSIBLE_VAULT_PASSWORD_FILE=str(tmp_path / "password"))
    words = [str(binaries / "ansible-vault"), "encrypt_string", "--stdin-name", "db_password"]
    vaulted = subprocess.run(words, input=value, env=environment, capture_output=True, text=True, check=True).stdout
    options = deployer.spec("web", **secrets.secret("{{ db_password }}"), docker_host=deployer.docker_host)
    options.update(project=deployer.prefix, settle_time=0.1)
    play = [{"hosts": "localhost", "gather_facts": False, "vars_files": ["vars.yml"],
             "tasks": [{"caisson.hardening.container": options}]}]  # fmt: skip
    (tmp_path / "vars.yml").write_text(vaulted, encoding="utf-8")
    (tmp_path / "play.yml").write_text(json.dumps(play), encoding="utf-8")
    inventory = f"localhost ansible_connection=local ansible_python_interpreter={sys.executable}\n"
    (tmp_path / "hosts").write_text(inventory, encoding="utf-8")
    command = [
        str(binaries / "ansible-playbook"),
        "-vvv",
        "--diff",
        "-i",
        str(tmp_path / "hosts"),
        str(tmp_path / "play.yml"),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert deployer.execute("web", "cat", "/run/secrets/db") == (0, value)
    assert "VALUE_NOT_SHOWN" in done.stdout, "the arguments are shown, but for the value"
    assert value not in done.stdout + done.stderr


def test_the_image_says_who_reads_it_or_the_owner_has_to_be_written(deployer: Deployer) -> None:
    api, tag = deployer.api, f"{deployer.prefix}-named"
    made = api.create_container(deployer.image, command=SLEEP, name=deployer.name("seed"))
    api.commit(made, tag, "1", changes=["USER app"])
    api.commit(made, tag, "2", changes=["USER 10001:10001"])
    api.remove_container(made)
    value = secrets.value()
    spec = {**deployer.spec("web", **secrets.secret(value)), "user": None}
    try:
        for check in (True, False):
            refused = deployer.run({**spec, "image": f"{tag}:1"}, check=check)
            assert "secrets.db.uid: None is missing, and the user 'app' is a name" in refused["msg"]
        assert deployer.names() == set()
        deployer.deploy({**spec, "image": f"{tag}:2"})
        assert deployer.execute("web", "cat", "/run/secrets/db") == (0, value)
        deployer.deploy({**spec, "image": f"{tag}:1", **secrets.secret(value, uid=10001)})
        assert deployer.execute("web", "cat", "/run/secrets/db") == (0, value)
        deployer.deploy({"name": spec["name"], "state": "absent"})
    finally:
        api.remove_image(f"{tag}:1", force=True)
        api.remove_image(f"{tag}:2", force=True)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([{"name": "db", "value": 73291}], "not a string"),
        ([{"name": "db", "value": {"a": "hunter2"}}], "not a string"),
        ([{"name": "db", "value": ["hunter2"]}], "not a string"),
        ([{"name": "db", "value": "hunter2", "value_b64": "aHVudGVyMg=="}], "both"),
        ([{"name": "db", "valeu": "hunter2"}], "unknown key"),
        (["hunter2"], "no dictionary"),
        ({"db": "hunter2"}, "not a list"),
        ("hunter2", "not a list"),
        ([{"name": "db", "value": "hunter2", "mode": 256}], "octal"),
        ([{"name": "db", "value": "hunter2", "target": "/etc/db"}], "plain file name"),
    ],
)  # fmt: skip
def test_a_wrong_secret_is_refused_without_being_shown(deployer: Deployer, entries: t.Any, said: str) -> None:
    for arguments in ({"containers": [deployer.spec("web", secrets=entries)]}, deployer.spec("web", secrets=entries)):
        module = "containers" if "containers" in arguments else "container"
        result = run_module(module, {**arguments, "docker_host": deployer.docker_host})
        assert result["failed"]
        assert said in result["msg"]
        for trace in ("hunter2", "73291", "aHVudGVyMg"):
            assert trace not in json.dumps(result)
    assert deployer.names() == set()


def test_without_the_hosts_own_engine_and_root_it_is_one_clear_fault(deployer: Deployer, docker_host: str) -> None:
    spec = deployer.spec("web", **secrets.secret("hunter2"))
    folder = Path("/tmp") / deployer.prefix
    folder.mkdir(mode=0o755)
    script = folder / "python"
    script.write_text(f'#!/bin/sh\nexec setpriv --reuid=65534 --clear-groups {sys.executable} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    try:
        with relay(docker_host, folder / "socket") as anybody, relay(docker_host) as remote:
            given = {**deployer.arguments(spec), "docker_host": anybody}
            refused = run_module("containers", given, check=True, python=str(script))
            assert refused["msg"].endswith("secrets: ['db'] needs root on the host; set become: true")
            assert run_module("containers", given, python=str(script))["failed"]
            for check in (True, False):
                refused = deployer.run(spec, docker_host=remote, check=check)
                assert "secrets: ['db'] needs the engine of the host itself" in refused["msg"]
            assert deployer.names() == set()
            deployer.deploy(deployer.spec("other"), docker_host=remote)
            deployer.deploy({**deployer.spec("other"), "state": "absent"}, docker_host=remote)
            deployer.deploy(spec)
            refused = deployer.run({**spec, "state": "absent"}, docker_host=remote)
            assert "needs the engine of the host itself" in refused["msg"]
            assert deployer.names() == {"web"}
    finally:
        script.unlink()
        folder.rmdir()


def test_root_reads_its_own_secret_without_any_capability(deployer: Deployer) -> None:
    value = secrets.value()
    deployer.deploy(deployer.spec("web", user="0", waivers=waiver("user"), **secrets.secret(value)))
    assert deployer.execute("web", "cat", "/run/secrets/db") == (0, value)
