# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What images hold, held against what they say of themselves when they run."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import subprocess
import sys
import tarfile
import time
import typing as t

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support import images
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, until
from ansible_collections.caisson.hardening.tests.support.run_module import run_module, start_module

Json = t.Dict[str, t.Any]
LABEL = "caisson.hardening.inspector"


@pytest.fixture(scope="session")
def debian(api: docker.APIClient) -> str:
    return images.ensure_debian(api, images.BARE)


@pytest.fixture
def made(api: docker.APIClient, unique: str) -> t.Iterator[t.Callable[..., str]]:
    """Makes an image of the files given, as mode and content by path; it is gone after the test."""
    references: list[str] = []

    def make(name: str, files: dict[str, tuple[int, bytes]], *changes: str) -> str:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for path, (mode, content) in files.items():
                entry = tarfile.TarInfo(path)
                entry.mode, entry.size = mode, len(content)
                archive.addfile(entry, io.BytesIO(content))
        references.append(f"{unique}-{name}:1")
        api.import_image_from_data(buffer.getvalue(), f"{unique}-{name}", tag="1", changes=list(changes))
        return references[-1]

    yield make
    for reference in references:
        api.remove_image(reference, force=True)


def everything(docker_host: str) -> set[str]:
    """What the engine has: containers, volumes and images."""
    found = docker.APIClient(base_url=docker_host).df()
    return {
        str(each.get("Id", each.get("Name"))) for kind in ("Containers", "Volumes", "Images") for each in found[kind]
    }


def inspect(docker_host: str, **options: t.Any) -> Json:
    before = everything(docker_host)
    result = run_module("image_inspect", {"docker_host": docker_host, **options})
    assert everything(docker_host) == before, "nothing is left behind, whatever the outcome"
    assert not result.get("changed")
    return result


def ran(api: docker.APIClient, image: str, line: str) -> str:
    """What a shell line says in a container of the image."""
    made = api.create_container(image, ["sh", "-c", line], user="0")
    try:
        api.start(made)
        assert api.wait(made)["StatusCode"] == 0, api.logs(made)
        return str(api.logs(made, stderr=False).decode())
    finally:
        api.remove_container(made, force=True)


def outcomes(result: Json) -> dict[str, str]:
    return {each["control"].partition(".")[2]: each["outcome"] for each in result["findings"]}


def evidence(result: Json, control: str) -> str:
    return str(next(each["evidence"] for each in result["findings"] if each["control"] == f"image.{control}"))


def test_a_debian_image_is_described_as_it_describes_itself(
    api: docker.APIClient, docker_host: str, debian: str
) -> None:
    found = inspect(docker_host, images=[debian], profile="strict")
    (image,) = found["images"]
    counted = ran(api, debian, "dpkg-query -W -f '${db:Status-Status}\\n' | grep -c '^installed$'")
    assert image["packages"] == {"dpkg": int(counted)}
    assert image["packages_total"] == int(counted) > 100
    for kind, bit in (("setuid", "4000"), ("setgid", "2000")):
        listed = ran(api, debian, f"find / -xdev -type f -perm -{bit} -printf '%p %04m %U %G\\n' | sort")
        shown = [f"{each['path']} {each['mode']} {each['uid']} {each['gid']}" for each in image[kind]]
        assert shown == listed.splitlines()
    assert {"/usr/bin/su", "/usr/bin/mount", "/usr/bin/passwd"} <= {each["path"] for each in image["setuid"]}
    sh = next(each for each in image["shells"] if each["name"] == "sh")
    assert sh["target"] == ran(api, debian, "readlink -f /bin/sh").strip()
    assert {"apt", "dpkg"} <= {each["name"] for each in image["package_managers"]}
    known = api.inspect_image(debian)
    assert (image["id"], image["size"], image["layers"]) == (known["Id"], known["Size"], 1)
    assert image["architecture"] == known["Architecture"]
    assert outcomes(found) == {
        **{"user": "fail", "secrets": "pass", "world_writable": "pass", "healthcheck": "fail"},
        **{"size": "not_applicable", "packages": "not_applicable", "setuid": "fail", "file_capabilities": "pass"},
        **{"shell": "fail", "package_manager": "fail"},
    }
    assert found["score"] == {"total": 8, "before": 3, "after": 3}


def test_busybox_has_shells_and_no_packages(docker_host: str, busybox: str) -> None:
    (image,) = inspect(docker_host, images=[busybox])["images"]
    assert {each["name"]: each["target"] for each in image["shells"]}["sh"] == "/bin/busybox"
    assert image["packages"] == {}
    assert image["packages_total"] == 0
    assert image["setuid"] == image["setgid"] == []
    assert image["world_writable"] == {"count": 0, "sample": []}
    assert image["env"] == ["PATH"]


def test_a_minimal_image_passes_every_control_but_the_healthcheck(
    api: docker.APIClient, docker_host: str, unique: str
) -> None:
    arguments = {"docker_host": docker_host, "name": f"{unique}-sleeper:1", "programs": ["sleep"]}
    assert run_module("minimal_image", arguments)["changed"]
    try:
        options = {"images": [f"{unique}-sleeper:1"], "profile": "strict", "max_size": "50m", "max_packages": 0}
        found = inspect(docker_host, **options, on_finding="fail")
        assert found["failed"]
        assert [name for name, outcome in outcomes(found).items() if outcome != "pass"] == ["healthcheck"]
        waived = {"control": "image.healthcheck", "reason": "it only sleeps", "expires": "2099-12-31"}
        found = inspect(docker_host, **options, on_finding="fail", waivers=[waived])
        assert not found.get("failed"), found["msg"]
        assert outcomes(found)["healthcheck"] == "waived"
        (image,) = found["images"]
        assert (image["user"], image["root"], image["shells"]) == ("65534:65534", False, [])
    finally:
        api.remove_image(f"{unique}-sleeper:1")


def test_what_is_wrong_with_an_image_is_found_and_named(docker_host: str, made: t.Callable[..., str]) -> None:
    bad = made(
        "bad",
        {
            "etc/passwd": (0o644, b"admin:x:0:0::/:/x\n"),
            "srv/open": (0o666, b"x"),
            "bin/backdoor": (0o6755, b"x"),
            "root/.ssh/id_rsa": (0o600, b"key"),
        },
        "USER admin",
        "ENV DB_PASSWORD=hunter2",
        "ENV DB_PASSWORD_FILE=/run/secrets/db",
        "VOLUME /data",
        'ENTRYPOINT ["/x"]',
        "EXPOSE 80",
    )
    found = inspect(docker_host, images=[bad], max_size="3", max_packages=1, allow_setuid=False)
    assert "hunter2" not in str(found)
    assert {name for name, outcome in outcomes(found).items() if outcome == "fail"} == {
        *("user", "secrets", "world_writable", "size", "setuid")
    }
    assert evidence(found, "user") == "its user is admin, which is root"
    assert evidence(found, "secrets") == "it sets DB_PASSWORD; it has /root/.ssh/id_rsa"
    assert evidence(found, "world_writable") == "1 are: /srv/open"
    assert evidence(found, "setuid") == "these are: /bin/backdoor"
    (image,) = found["images"]
    assert (image["volumes"], image["exposed_ports"], image["entrypoint"]) == (["/data"], ["80/tcp"], ["/x"])

    failing = inspect(docker_host, images=[bad], on_finding="fail")
    assert failing["failed"]
    for name in ("user", "secrets", "world_writable"):
        assert f"image {bad!r} breaks image.{name}: " in failing["msg"]
    assert failing["images"]


def test_an_image_of_several_names_is_looked_into_once_and_a_projects_images_are_those_that_run(
    api: docker.APIClient, docker_host: str, busybox: str, unique: str, made: t.Callable[..., str]
) -> None:
    api.tag(busybox, f"{unique}-tag", "1")
    try:
        found = inspect(docker_host, images=[busybox, f"{unique}-tag:1", api.inspect_image(busybox)["Id"]])
        (image,) = found["images"]
        assert {busybox, f"{unique}-tag:1"} <= set(image["references"])
        assert len(found["findings"]) == len(outcomes(found))

        deployer = Deployer(api, docker_host, unique, f"{unique}-tag:1")
        deployer.deploy(deployer.spec("one"), deployer.spec("two"))
        other = made("other", {"etc/passwd": (0o644, b"")})
        api.tag(other, f"{unique}-tag", "1", force=True)
        (running,) = inspect(docker_host, project=unique)["images"]
        assert running["id"] == image["id"]
        assert "no image to inspect" in str(inspect(docker_host, project=f"{unique}-none")["warnings"])
        known = {each["id"] for each in inspect(docker_host, all=True)["images"]}
        assert {running["id"], api.inspect_image(other)["Id"]} <= known
    finally:
        for container in api.containers(all=True, filters={"name": unique}):
            api.remove_container(container["Id"], force=True)
        api.remove_image(f"{unique}-tag:1")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"images": ["no/such:1", "none:2"]}, ["'no/such:1' is not on the host", "'none:2' is not on the host"]),
        ({"images": []}, ["images: [] is empty"]),
        ({"images": ["UPPER:1"], "max_size": "lots", "parallel": 0}, ["'UPPER:1'", "'lots'", "parallel"]),
        ({"images": ["a:1"], "all": True}, ["keep one of them"]),
        ({"max_packages": -1}, ["max_packages"]),
        (
            {"waivers": [{"control": "container.user", "reason": "x", "expires": "2099-01-01"}]},
            ["no control of images"],
        ),
        ({"waivers": [{"control": "image.user", "reason": "x", "expires": "soon"}]}, ["YYYY-MM-DD"]),
    ],
)
def test_the_impossible_is_refused_all_at_once(docker_host: str, options: Json, said: list[str]) -> None:
    result = run_module("image_inspect", {"docker_host": docker_host, **options})
    assert result["failed"]
    assert [each for each in said if each not in result["msg"]] == []
    assert "images" not in result


def test_expired_and_idle_waivers_are_said(docker_host: str, busybox: str) -> None:
    waivers = [
        {"control": "image.user", "reason": "x", "expires": "2020-01-01"},
        {"control": "image.secrets", "reason": "x", "expires": "2099-01-01", "image": busybox},
    ]
    found = inspect(docker_host, images=[busybox], waivers=waivers)
    assert outcomes(found)["user"] == "fail"
    said = [str(each) for each in found["warnings"]]
    assert len(said) == 2
    assert "the waiver of image.user expired on 2020-01-01" in said[0]
    assert f"the waiver of image.secrets for {busybox} is not needed; remove it" in said[1]


def test_what_a_killed_run_leaves_never_ran_and_the_next_run_removes_it(
    api: docker.APIClient, docker_host: str, debian: str, busybox: str
) -> None:
    def left() -> list[Json]:
        return list(api.containers(all=True, filters={"label": LABEL}))

    process = start_module("image_inspect", {"docker_host": docker_host, "images": [debian]})
    until(left, timeout=60)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (leftover,) = left()
    state = api.inspect_container(leftover["Id"])["State"]
    assert (state["Status"], state["StartedAt"][:4]) == ("created", "0001")
    result = run_module("image_inspect", {"docker_host": docker_host, "images": [busybox]})
    assert not result.get("failed"), result
    assert left() == []


def test_what_is_read_while_somebody_removes_the_container_is_whole_or_an_error(
    api: docker.APIClient, docker_host: str, debian: str
) -> None:
    whole = inspect(docker_host, images=[debian])["images"]
    in_time = 0
    for _attempt in range(10):
        process = start_module("image_inspect", {"docker_host": docker_host, "images": [debian]})
        container = until(lambda: api.containers(all=True, filters={"label": LABEL}), timeout=60)[0]
        # On a busy machine the module may be done with it already.
        with contextlib.suppress(docker.errors.NotFound):
            api.remove_container(container["Id"], force=True)
            in_time += 1
        result = json.loads(process.communicate()[0].splitlines()[-1])
        if result.get("failed"):
            assert result["msg"].startswith(f"image {debian!r}: Failed to ")
            assert result["images"] == []
        else:
            assert result["images"] == whole
        assert until(lambda: not api.containers(all=True, filters={"label": LABEL}))
        if in_time == 3:
            break
    assert in_time, "the container was never removed while it was read"


def test_it_is_fast_and_takes_little_memory(docker_host: str, debian: str) -> None:
    """A 400 MB image; the bounds are wide, for the machine is shared."""
    code = (
        "import resource, sys, runpy, json\nfrom ansible.module_utils.testing import patch_module_args\n"
        "with patch_module_args(json.loads(sys.argv[1])):\n"
        "    try:\n"
        "        runpy.run_module('ansible_collections.caisson.hardening.plugins.modules.image_inspect',"
        " run_name='__main__')\n"
        "    except SystemExit:\n        pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    begun = time.monotonic()
    arguments = json.dumps({"docker_host": docker_host, "images": [debian], "_ansible_remote_tmp": "/tmp"})
    done = subprocess.run([sys.executable, "-c", code, arguments], capture_output=True, text=True, check=True)
    assert time.monotonic() - begun < 120
    assert int(done.stdout.splitlines()[-1]) < 150 * 1024
