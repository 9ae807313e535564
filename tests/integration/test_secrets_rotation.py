# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets are changed as declared, mended where somebody touched them, and never left behind."""

from __future__ import annotations

import signal
import sys
import time
import typing as t
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support import secrets
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, actions_of, until
from ansible_collections.caisson.hardening.tests.support.run_module import run_module, start_module

pytestmark = pytest.mark.usefixtures("tidy_secrets")
Json = t.Dict[str, t.Any]
NEXT, PREVIOUS = ".caisson-next", ".caisson-previous"
# Copies its secret at the start and again at each HUP.
READER = [
    "sh",
    "-c",
    "take() { cat /run/secrets/db >> /tmp/got; echo >> /tmp/got; }; take; trap take HUP; while :; do sleep 0.1; done",
]
IN_PLACE = {"secrets_rotation": "in_place", "secrets_signal": "HUP", "command": READER}


def held(deployer: Deployer, short: str = "web") -> str:
    status, found = deployer.execute(short, "cat", "/run/secrets/db")
    assert status == 0, found
    return found


def predicted_and_run(deployer: Deployer, *specs: Json) -> Json:
    """A run that does what check mode said and leaves nothing to a second one."""
    predicted = deployer.run(*specs, check=True)
    result = deployer.deploy(*specs)
    for key in ("changed", "actions", "diff"):
        assert predicted[key] == result[key], key
    again = deployer.deploy(*specs)
    assert (again["changed"], again["actions"]) == (False, [])
    return result


def only_generation(deployer: Deployer, short: str = "web") -> bool:
    return secrets.generations(deployer, short) == {secrets.mounted(deployer, short).name}


def test_another_value_replaces_the_container_and_the_former_one_leaves_the_host(deployer: Deployer) -> None:
    spec, first, second = deployer.spec("web"), secrets.value(), secrets.value()
    predicted_and_run(deployer, {**spec, **secrets.secret(first)})
    old, place = deployer.inspect("web")["Id"], secrets.mounted(deployer, "web")
    result = predicted_and_run(deployer, {**spec, **secrets.secret(second)})
    assert actions_of(result) == {deployer.name("web"): "recreated"}
    assert deployer.inspect("web")["Id"] != old
    assert held(deployer) == second
    assert secrets.mounted(deployer, "web") != place
    assert only_generation(deployer)

    more = {"secrets": [{"name": "db", "value": second}, {"name": "api", "value": first, "mode": "0440", "gid": 5}]}
    result = predicted_and_run(deployer, {**spec, **more})
    assert result["containers"][0]["reasons"] == ["secrets.api: absent -> present"]
    more["secrets"][1]["mode"] = "0400"
    result = predicted_and_run(deployer, {**spec, **more})
    assert result["containers"][0]["reasons"] == ["secrets.api: 0440 10001:5 -> 0400 10001:5"]
    place = secrets.mounted(deployer, "web")
    predicted_and_run(deployer, {**spec, **more, "hostname": "web"})
    assert secrets.mounted(deployer, "web") == place, "what is right is not written anew"

    result = predicted_and_run(deployer, spec)
    assert "secrets.db: present -> absent" in result["containers"][0]["reasons"]
    assert secrets.folder(deployer, "web") is None


def test_a_change_in_place_restarts_nothing_and_the_program_is_told(deployer: Deployer) -> None:
    first, second = secrets.value(), secrets.value()
    spec = deployer.spec("web", **IN_PLACE)
    predicted_and_run(deployer, {**spec, **secrets.secret(first)})
    before, place = deployer.inspect("web"), secrets.mounted(deployer, "web")
    result = predicted_and_run(deployer, {**spec, **secrets.secret(second)})
    assert actions_of(result) == {deployer.name("web"): "updated"}
    assert [action.partition(" (")[0] for action in result["containers"][0]["actions"]] == [
        "write_secrets",
        "signal SIGHUP",
    ]
    after = deployer.inspect("web")
    assert (after["Id"], after["State"]["StartedAt"]) == (before["Id"], before["State"]["StartedAt"])
    assert held(deployer) == second
    until(lambda: deployer.shell("web", "cat /tmp/got")[1].split() == [first, second])
    assert secrets.mounted(deployer, "web") == place
    assert only_generation(deployer)
    # The signal is no stop by hand: the engine still restarts what fails.
    made = deployer.api.exec_create(deployer.name("web"), ["sh", "-c", "kill -KILL -1"])
    deployer.api.exec_start(made["Id"], detach=True)
    until(lambda: deployer.inspect("web")["RestartCount"] and deployer.inspect("web")["State"]["Status"] == "running")
    assert held(deployer) == second


def test_in_place_with_another_change_replaces_and_a_stopped_container_gets_no_signal(deployer: Deployer) -> None:
    spec, values = deployer.spec("web", **IN_PLACE), [secrets.value() for _each in range(3)]
    deployer.deploy({**spec, **secrets.secret(values[0])})
    result = predicted_and_run(deployer, {**spec, "hostname": "web", **secrets.secret(values[1])})
    assert actions_of(result) == {deployer.name("web"): "recreated"}
    assert held(deployer) == values[1]
    assert only_generation(deployer)
    idle = {**spec, "hostname": "web", "state": "stopped"}
    deployer.deploy({**idle, **secrets.secret(values[1])})
    result = predicted_and_run(deployer, {**idle, **secrets.secret(values[2])})
    assert "signal" not in str(result["actions"])
    deployer.deploy({**idle, "state": "started", **secrets.secret(values[2])})
    assert held(deployer) == values[2]


def test_a_failed_replacement_keeps_the_old_secret_served(deployer: Deployer) -> None:
    first, second = secrets.value(), secrets.value()
    spec = deployer.spec("web", **secrets.secret(first))
    deployer.deploy(spec)
    old, place = deployer.inspect("web")["Id"], secrets.mounted(deployer, "web")
    result = deployer.run({**spec, **secrets.secret(second), "command": ["sh", "-c", "cat /run/secrets/db; exit 3"]})
    assert result["failed"]
    assert second not in str(result)
    assert deployer.inspect("web")["Id"] == old
    assert deployer.inspect("web")["State"]["Running"]
    assert held(deployer) == first
    assert secrets.generations(deployer, "web") == {place.name}


def tamper(place: Path) -> None:
    (place / "changed").write_text("evil", encoding="utf-8")
    (place / "gone").unlink()
    (place / "open").chmod(0o644)
    (place / "stray").write_text("kept by hand", encoding="utf-8")
    (place / "link").unlink()
    (place / "link").symlink_to("/etc/hostname")
    (place / "folder").unlink()
    (place / "folder").mkdir()
    place.parent.chmod(0o755)


@pytest.mark.parametrize("rotation", ["replace", "in_place"])
def test_what_somebody_changed_on_the_host_is_named_and_mended(deployer: Deployer, rotation: str) -> None:
    value, files = secrets.value(), ("changed", "folder", "gone", "link", "open")
    entries = [{"name": name, "value": value} for name in files]
    spec = deployer.spec("web", secrets_rotation=rotation, secrets=entries)
    deployer.deploy(spec)
    started, place = deployer.inspect("web")["State"]["StartedAt"], secrets.mounted(deployer, "web")
    tamper(place)
    result = predicted_and_run(deployer, spec)
    assert result["containers"][0]["reasons"] == [
        "secrets.changed: another value -> the value given",
        "secrets.folder: not a file -> the value given",
        "secrets.gone: absent -> present",
        "secrets.link: not a file -> the value given",
        "secrets.open: 0644 10001:0 -> 0400 10001:0",
        "secrets.stray: present -> absent",
    ]
    assert deployer.shell("web", "cd /run/secrets && ls && cat *")[1] == "\n".join((*files, "")) + value * len(files)
    assert (deployer.inspect("web")["State"]["StartedAt"] == started) is (rotation == "in_place")
    assert (secrets.mounted(deployer, "web") == place) is (rotation == "in_place")
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert only_generation(deployer)
    place.parent.chmod(0o711)
    result = predicted_and_run(deployer, spec)
    assert "their directory is open to others" in str(result["actions"])
    assert place.parent.stat().st_mode & 0o777 == 0o700


def test_a_mount_changed_by_hand_is_a_difference(deployer: Deployer, tmp_path: Path) -> None:
    value = secrets.value()
    spec = deployer.spec("web", secrets_rotation="in_place", **secrets.secret(value))
    deployer.deploy(spec)
    (tmp_path / "db").write_text(value, encoding="utf-8")

    def elsewhere(_body: Json, host: Json) -> None:
        host["Mounts"][0]["Source"] = str(tmp_path)

    def writable(_body: Json, host: Json) -> None:
        host["Mounts"][0]["ReadOnly"] = False

    def away(_body: Json, host: Json) -> None:
        host["Mounts"] = []

    # As after the engine's data were moved: what it had before is replaced and removed.
    former = secrets.ROOT / f"{deployer.prefix}-engine" / deployer.name("web") / ("0" * 32)
    former.mkdir(parents=True)

    def before(_body: Json, host: Json) -> None:
        host["Mounts"] = [{"Type": "bind", "Source": str(former), "Target": "/run/secrets", "ReadOnly": True}]

    for change in (elsewhere, writable, away, before):
        deployer.remake("web", change)
        result = deployer.deploy(spec)
        assert "mounts./run/secrets" in str(result["containers"][0]["reasons"])
        assert held(deployer) == value
        assert only_generation(deployer)

    assert not former.parent.parent.exists()
    deployer.deploy(deployer.spec("other", **secrets.secret(secrets.value())))
    other = secrets.mounted(deployer, "other")

    def anothers(_body: Json, host: Json) -> None:
        host["Mounts"][0]["Source"] = str(other)

    deployer.remake("web", anothers)
    found = deployer.run(spec, check=True)
    assert found["score"]["before"] == found["score"]["after"] - 1, "the secrets of another container break host_paths"
    deployer.deploy(spec)
    assert held(deployer) == value
    assert other.is_dir()


def test_absent_removes_the_secrets_after_the_container(deployer: Deployer) -> None:
    spec = deployer.spec("web", **secrets.secret(secrets.value()))
    deployer.deploy(spec, deployer.spec("other", **secrets.secret(secrets.value())))
    place = secrets.folder(deployer, "web")
    assert place
    predicted_and_run(deployer, {"name": spec["name"], "state": "absent"})
    assert not place.exists()
    assert only_generation(deployer, "other")
    # Left by a run that was killed between the two.
    (place / ("0" * 32)).mkdir(parents=True)
    (place / ("0" * 32) / "db").write_text("left", encoding="utf-8")
    result = predicted_and_run(deployer, {**spec, "state": "absent"})
    assert "remove_secrets" in str(result["actions"])
    assert not place.exists()


POINTS: dict[str, t.Callable[[Deployer], bool]] = {
    "generation written": lambda d: len(secrets.generations(d, "web")) > 1,
    "successor made": lambda d: f"web{NEXT}" in d.names(),
    "old one stopped": lambda d: "web" in d.names() and not d.inspect("web")["State"]["Running"],
    "old one renamed": lambda d: f"web{PREVIOUS}" in d.names(),
    "old one gone": lambda d: d.names() == {"web"} and d.inspect("web")["Config"]["Hostname"] == "new",
}


@pytest.mark.parametrize("point", sorted(POINTS))
def test_a_killed_replacement_is_brought_to_its_end_without_orphans(deployer: Deployer, point: str) -> None:
    first, second = secrets.value(), secrets.value()
    spec = deployer.spec("web", **secrets.secret(first))
    deployer.deploy(spec)
    changed = {**spec, "hostname": "new", **secrets.secret(second)}
    process = start_module("containers", deployer.arguments(changed))

    def reached() -> bool:
        try:
            return process.poll() is not None or POINTS[point](deployer)
        except docker.errors.NotFound:
            return False

    until(reached)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    deployer.deploy(changed)
    assert deployer.names() == {"web"}
    assert held(deployer) == second
    assert only_generation(deployer)
    assert deployer.deploy(changed)["actions"] == []


def killed_in_place(deployer: Deployer, changed: Json, value: str, number: int) -> None:
    """Kill the change at one of its moments, run again, and look."""
    process = start_module("containers", deployer.arguments(changed))
    moments: list[t.Callable[[], bool]] = [
        lambda: len(secrets.generations(deployer, "web")) > 1,
        lambda: (secrets.mounted(deployer, "web") / "db").read_text(encoding="utf-8") == value,
    ]
    until(lambda: process.poll() is not None or moments[number % 2]())
    time.sleep(0.001 * number)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    deployer.deploy(changed)
    assert held(deployer) == value
    until(lambda: deployer.shell("web", "tail -n 1 /tmp/got")[1].strip() == value)
    assert only_generation(deployer)


def test_a_killed_change_in_place_is_brought_to_its_end_and_the_signal_is_sent(deployer: Deployer) -> None:
    values = [secrets.value() for _each in range(5)]
    spec = deployer.spec("web", **IN_PLACE)
    deployer.deploy({**spec, **secrets.secret(values[0])})
    started = deployer.inspect("web")["State"]["StartedAt"]
    for number, value in enumerate(values[1:]):
        killed_in_place(deployer, {**spec, **secrets.secret(value)}, value, number)
    # Killed just before the signal: all files are right, and only the mark says so.
    secrets.mounted(deployer, "web").with_name("in-place").mkdir()
    result = predicted_and_run(deployer, {**spec, **secrets.secret(values[-1])})
    assert [action.partition(" (")[0] for action in result["containers"][0]["actions"]] == ["signal SIGHUP"]
    assert only_generation(deployer)
    assert deployer.inspect("web")["State"]["StartedAt"] == started


@pytest.mark.parametrize("rotation", ["replace", "in_place"])
def test_a_full_disk_fails_before_the_container_is_touched(deployer: Deployer, rotation: str, tmp_path: Path) -> None:
    first, big = secrets.value(), secrets.value() * 2000
    spec = deployer.spec("web", secrets_rotation=rotation, **secrets.secret(first))
    deployer.deploy(spec)
    before, place = deployer.inspect("web"), secrets.mounted(deployer, "web")
    # In a mount namespace of the module's own: the same files on a file system without room.
    copy = f"cp -a {place.parent} {tmp_path}/ && mount -t tmpfs -o size=16k,mode=0700 tmpfs {place.parent}"
    line = f'{copy} && cp -a {tmp_path}/{place.parent.name}/. {place.parent}/ && exec {sys.executable} "$@"'
    script = tmp_path / "python"
    script.write_text(
        f"#!/bin/sh\nexec unshare --mount --propagation private sh -c '{line}' sh \"$@\"\n", encoding="utf-8"
    )
    script.chmod(0o755)
    arguments = deployer.arguments({**spec, **secrets.secret(big)})
    result = run_module("containers", arguments, python=str(script))
    assert result["failed"]
    assert "No space left on device; make room" in result["msg"]
    assert big not in str(result)
    after = deployer.inspect("web")
    assert (after["Id"], after["State"]["StartedAt"]) == (before["Id"], before["State"]["StartedAt"])
    assert held(deployer) == first
    deployer.deploy({**spec, **secrets.secret(big)})
    assert held(deployer) == big


def test_a_directory_that_cannot_be_written_is_named(deployer: Deployer) -> None:
    deployer.deploy(deployer.spec("web", **secrets.secret(secrets.value())))
    engine = secrets.mounted(deployer, "web").parent.parent
    in_the_way = engine / deployer.name("new")
    in_the_way.write_text("", encoding="utf-8")
    try:
        result = deployer.run(deployer.spec("new", **secrets.secret("hunter2")))
        assert str(in_the_way) in result["msg"]
        assert "hunter2" not in str(result)
        assert "new" not in deployer.names()
    finally:
        in_the_way.unlink()
