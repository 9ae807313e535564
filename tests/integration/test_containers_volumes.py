# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes that a run declares: what cannot be done on them, and that they are never changed or removed."""

from __future__ import annotations

import io
import json
import tarfile
import typing as t

import docker
import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.images import minimal
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, waiver

Json = t.Dict[str, t.Any]
MEMORY: Json = {"type": "tmpfs"}


@pytest.fixture
def tools_image(api: docker.APIClient, unique: str) -> t.Iterator[str]:
    """An image of programs that keep the rights of a setuid bit, as busybox does not."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, data in minimal.collect(["chmod", "cp", "id", "mknod", "sh", "sleep"], "10001").files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o755
            archive.addfile(entry, io.BytesIO(data))
    reference = f"{unique}-tools:1"
    api.import_image_from_data(buffer.getvalue(), f"{unique}-tools", tag="1", changes=["ENV PATH=/bin"])
    yield reference
    for container in api.containers(all=True, filters={"ancestor": reference}):
        api.remove_container(container["Id"], force=True)
    api.remove_image(reference, force=True)


def flags(deployer: Deployer, short: str) -> set[str]:
    """The mount options of /v in the container."""
    line = deployer.shell(short, "grep ' /v ' /proc/self/mountinfo")[1].split(" - ")[0]
    return set(line.split()[5].split(","))


def test_a_program_on_a_volume_of_its_own_mount_is_not_executed(deployer: Deployer) -> None:
    volumes = [
        {"name": deployer.name("held"), "driver_options": MEMORY},
        {"name": deployer.name("free"), "driver_options": MEMORY, "exec": True},
        {"name": deployer.name("small"), "driver_options": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}},
    ]
    specs = [deployer.spec(each, volumes=[f"{deployer.name(each)}:/v"]) for each in ("held", "free", "small")]
    predicted = deployer.run(*specs, volumes=volumes, check=True)
    result = deployer.deploy(*specs, volumes=volumes)
    assert predicted["actions"] == result["actions"]
    assert predicted["volumes"] == result["volumes"]
    assert result["actions"][0] == f"volume {deployer.name('held')}: create (it does not exist)"

    assert flags(deployer, "held") >= {"noexec", "nosuid", "nodev"}
    run = "cp /bin/busybox /v/echo && /v/echo hello"
    status, said = deployer.shell("held", run)
    assert (status, "Permission denied" in said) == (126, True)
    assert deployer.shell("free", run) == (0, "hello\n")
    assert flags(deployer, "free") >= {"nosuid", "nodev"}
    assert "noexec" not in flags(deployer, "free")
    status, said = deployer.shell("small", "dd if=/dev/zero of=/v/big bs=1M count=3")
    assert (status != 0, "No space left on device" in said) == (True, True)
    assert "65536" in deployer.shell("held", "df /v")[1]
    again = deployer.deploy(*specs, volumes=volumes)
    assert (again["changed"], again["actions"]) == (False, [])


def test_a_setuid_program_on_a_volume_gives_nothing(deployer: Deployer, tools_image: str) -> None:
    volumes = [
        {"name": deployer.name("held"), "driver_options": MEMORY, "exec": True},
        {"name": deployer.name("open"), "driver_options": MEMORY, "exec": True, "suid": True},
    ]
    wide: Json = {"image": tools_image, "security_opts": ["no-new-privileges=false"]}
    for each in ("held", "open"):
        mounted = {"volumes": [f"{deployer.name(each)}:/v"]}
        maker = deployer.spec(f"{each}-root", user="0", **wide, **mounted, waivers=waiver("no_new_privileges", "user"))
        user = deployer.spec(each, **wide, **mounted, waivers=waiver("no_new_privileges"))
        deployer.deploy(maker, user, volumes=volumes)
        assert deployer.shell(f"{each}-root", "cp /bin/id /v/id && chmod 4755 /v/id") == (0, "")
    assert "euid=0" in deployer.execute("open", "/v/id")[1], "the program of the test is not setuid"
    status, said = deployer.execute("held", "/v/id")
    assert (status, "uid=10001" in said, "euid" in said) == (0, True, False)


def test_a_device_on_a_volume_cannot_be_opened(deployer: Deployer, tools_image: str) -> None:
    volumes = [
        {"name": deployer.name("held"), "driver_options": MEMORY},
        {"name": deployer.name("open"), "driver_options": MEMORY, "dev": True},
    ]
    root: Json = {"image": tools_image, "user": "0", "capabilities": ["MKNOD"]}
    waived = waiver("user", "capabilities")
    for each, status in (("open", 0), ("held", 2)):
        spec = deployer.spec(each, **root, volumes=[f"{deployer.name(each)}:/v"], waivers=waived)
        deployer.deploy(spec, volumes=volumes)
        assert deployer.shell(each, "mknod -m 666 /v/null c 1 3") == (0, "")
        found, said = deployer.shell(each, "echo x > /v/null")
        assert found == status, said
        assert ("Permission denied" in said) is (status != 0)


def test_a_bind_holds_the_flags_only_where_it_is_read_only(deployer: Deployer) -> None:
    """What the documentation says of the engine, tried: the flags of a writable bind are dropped without a word."""
    options = {"type": "none", "device": "/usr/bin", "o": "bind,ro"}
    volumes = [
        {"name": deployer.name("held"), "driver_options": options},
        {"name": deployer.name("free"), "driver_options": options, "exec": True},
    ]
    specs = [deployer.spec(each, volumes=[f"{deployer.name(each)}:/v"]) for each in ("held", "free")]
    deployer.deploy(*specs, volumes=volumes)
    assert flags(deployer, "held") >= {"ro", "noexec", "nosuid", "nodev"}
    status, said = deployer.shell("held", "/v/busybox echo hello")
    assert (status, "Permission denied" in said) == (126, True)
    assert deployer.shell("free", "/v/busybox echo hello") == (0, "hello\n")

    by_hand = {**options, "device": "/usr/share", "o": "bind,noexec,nosuid,nodev"}
    deployer.api.create_volume(deployer.name("rw"), driver="local", driver_opts=by_hand)
    deployer.deploy(deployer.spec("rw", volumes=[f"{deployer.name('rw')}:/v:ro"]))
    assert not flags(deployer, "rw") & {"noexec", "nosuid", "nodev"}
    writable = deployer.run(deployer.spec("rw", volumes=[f"{deployer.name('rw')}:/v"]))
    assert f"mounts has the volume {deployer.name('rw')}, which is /usr/share, on /v" in writable["msg"]
    for driver_options in (None, {**by_hand, "device": "/srv/data", "o": "bind"}):
        asked = {"name": deployer.name("x"), "driver_options": driver_options, "exec": False}
        assert "cannot be held: the engine mounts" in deployer.run(volumes=[asked])["msg"]


def test_a_volume_is_never_changed_and_never_removed(deployer: Deployer) -> None:
    name = deployer.name("data")
    spec = deployer.spec("web", volumes=[f"{name}:/v"], user="0", waivers=waiver("user"))
    deployer.deploy(spec)  # the engine makes the volume, without a label
    assert deployer.shell("web", "echo kept > /v/file")[0] == 0
    plain = {"name": name}
    assert deployer.deploy(spec, volumes=[plain])["volumes"][0]["action"] == "unchanged"
    labelled = deployer.deploy(spec, volumes=[{**plain, "labels": {"team": "a"}}])
    assert (labelled["actions"], "other labels" in str(labelled["warnings"])) == ([], True)
    for change in ({"driver_options": MEMORY}, {"driver": "other"}):
        predicted = deployer.run(spec, volumes=[{**plain, **change}], check=True)
        refused = deployer.run(spec, volumes=[{**plain, **change}])
        assert "cannot be changed and differs: driver" in refused["msg"]
        assert predicted["msg"] == refused["msg"]
    gone = deployer.run(spec, volumes=[{**plain, "state": "absent"}])
    assert "would destroy its data" in gone["msg"]
    assert "docker volume rm" in gone["msg"]
    assert deployer.shell("web", "cat /v/file") == (0, "kept\n")


def test_the_options_of_a_driver_are_nowhere_in_the_output(deployer: Deployer) -> None:
    name = deployer.name("share")
    secret = {"type": "cifs", "device": "//192.0.2.1/share", "o": "username=app,password=hunter2"}
    declared = {"name": name, "driver_options": secret}
    outputs = [
        deployer.run(volumes=[declared], check=True),
        deployer.deploy(volumes=[declared]),
        deployer.run(volumes=[{**declared, "driver_options": {**secret, "o": "password=hunter2-new"}}]),
        deployer.run(volumes=[{**declared, "exec": "hunter"}, {**declared, "driver_opts": secret}]),
        deployer.run(volumes=[{"name": name, "driver_options": {**secret, "o": ["password=hunter2"]}}]),
    ]
    assert "hunter2" not in json.dumps(outputs)
    assert "password=(value not shown)" in outputs[2]["msg"]
    assert "noexec" in deployer.api.inspect_volume(name)["Options"]["o"]


def test_a_volume_that_cannot_be_created_fails_only_who_needs_it(deployer: Deployer) -> None:
    volumes = [{"name": deployer.name("bad"), "driver": "no-such-driver"}, {"name": deployer.name("good")}]
    specs = [deployer.spec(each, volumes=[f"{deployer.name(each)}:/v"]) for each in ("bad", "good")]
    result = deployer.run(*specs, volumes=volumes)
    assert result["msg"].startswith(f"volume {deployer.name('bad')}: Failed to create the volume")
    assert [entry["action"] for entry in result["containers"]] == ["failed", "created"]
    assert deployer.names() == {"good"}
