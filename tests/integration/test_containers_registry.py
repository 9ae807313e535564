# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images from a real registry: pulled by tag and by digest, replaced by newer ones, held to repositories and a size."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, actions_of, waiver
from ansible_collections.caisson.hardening.tests.support.registry import Registry, registry

LABEL = "caisson.hardening.image_digest"
Json = t.Dict[str, t.Any]


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Registry]:
    with registry(tmp_path_factory.mktemp("registry")) as one:
        yield one


@pytest.fixture
def app(api: docker.APIClient, deployer: Deployer, zoo: Registry) -> t.Iterator[str]:
    """A reference in the registry that nothing stands for yet; at the end the engine forgets what it has under it."""
    reference = zoo.reference(f"shop/{deployer.prefix}:1")
    yield reference
    forget(api, reference.rpartition(":")[0])


def forget(api: docker.APIClient, repository: str) -> None:
    """Take every name of the repository away from the engine."""
    for container in api.containers(all=True):
        if repository in container["Image"]:
            api.remove_container(container["Id"], force=True)
    for image in api.images(repository):
        for name in [*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())]:
            if name.startswith(repository):
                with contextlib.suppress(docker.errors.NotFound):
                    api.remove_image(name, force=True)


def short(reference: str) -> str:
    """The name by which the registry takes it."""
    return reference.partition("/")[2]


def variant(api: docker.APIClient, busybox: str, mark: str) -> str:
    """The id of an image that differs from busybox by a label."""
    made = api.create_container(busybox, ["true"])
    try:
        return str(api.commit(made["Id"], changes=[f"LABEL mark={mark}"])["Id"])
    finally:
        api.remove_container(made["Id"])


def published(api: docker.APIClient, zoo: Registry, image: str, reference: str) -> str:
    """Push the image and forget it here; the digest."""
    digest = zoo.push(api, image, short(reference))
    forget(api, reference.rpartition(":")[0])
    return digest


def image_of(result: Json, number: int = 0) -> Json:
    return dict(result["containers"][number]["image"])


def test_an_image_is_pulled_by_its_tag_and_its_digest_is_told(
    api: docker.APIClient, deployer: Deployer, zoo: Registry, app: str, busybox: str
) -> None:
    digest = published(api, zoo, busybox, app)
    spec = deployer.spec("web", image=app)
    predicted = deployer.run(spec, check=True)
    assert not api.images(app)
    result = deployer.deploy(spec)
    assert predicted["actions"] == result["actions"]
    assert result["actions"][1] == f"{deployer.name('web')}: pull {app} (it is not on the host)"
    assert image_of(result) == {"reference": app, "id": api.inspect_image(busybox)["Id"], "digest": digest}
    assert deployer.inspect("web")["Config"]["Labels"][LABEL] == digest
    again = deployer.deploy(spec)
    assert again["actions"] == []
    assert image_of(again)["digest"] == digest


def test_an_image_is_pulled_by_its_digest(
    api: docker.APIClient, deployer: Deployer, zoo: Registry, app: str, busybox: str
) -> None:
    digest = published(api, zoo, busybox, app)
    pinned = f"{app.rpartition(':')[0]}@{digest}"
    spec = deployer.spec("web", image=pinned, pull="always")
    result = deployer.deploy(spec)
    assert result["containers"][0]["action"] == "created"
    assert image_of(result)["digest"] == digest
    assert deployer.inspect("web")["Config"]["Labels"][LABEL] == digest
    assert deployer.deploy(spec)["actions"] == []
    wrong = f"{app.rpartition(':')[0]}@sha256:{'0' * 64}"
    failed = deployer.run({**spec, "image": wrong})
    assert failed["failed"]
    assert f"Failed to pull the image {wrong!r}" in failed["msg"]
    assert deployer.inspect("web")["State"]["Running"]


def test_pull_always_replaces_what_the_registry_has_anew_and_missing_does_not(
    api: docker.APIClient, deployer: Deployer, zoo: Registry, app: str, busybox: str
) -> None:
    published(api, zoo, busybox, app)
    always, missing = deployer.spec("always", image=app, pull="always"), deployer.spec("missing", image=app)
    deployer.deploy(always, missing)
    assert deployer.deploy(always, missing)["actions"] == []

    newer = variant(api, busybox, deployer.prefix)
    digest = zoo.push(api, newer, short(app))
    repository, _colon, tag = app.rpartition(":")
    api.tag(busybox, repository, tag)  # as on a host that was not told of the newer one
    assert deployer.deploy(missing)["actions"] == []

    predicted = deployer.run(always, check=True)
    result = deployer.deploy(always)
    assert predicted["containers"][0]["action"] == result["containers"][0]["action"] == "recreated"
    assert result["containers"][0]["actions"][0] == f"pull {app} (the registry has another one)"
    assert deployer.inspect("always")["Image"] == newer == image_of(result)["id"]
    assert deployer.inspect("always")["Config"]["Labels"][LABEL] == digest == image_of(result)["digest"]
    assert deployer.deploy(always)["actions"] == []
    # The tag stands for the newer image now, so the other container follows without asking the registry.
    assert actions_of(deployer.deploy(always, missing)) == {
        deployer.name("always"): "unchanged",
        deployer.name("missing"): "recreated",
    }


def test_a_digest_that_an_image_gains_later_makes_no_container_anew(
    api: docker.APIClient, deployer: Deployer, zoo: Registry, app: str, busybox: str
) -> None:
    repository, _colon, tag = app.rpartition(":")
    image = variant(api, busybox, f"loaded-{deployer.prefix}")
    api.tag(image, repository, tag)
    spec = deployer.spec("web", image=app)
    assert image_of(deployer.deploy(spec))["digest"] == ""
    assert LABEL not in deployer.inspect("web")["Config"]["Labels"]

    digest = zoo.push(api, image, short(app))
    again = deployer.deploy(spec)
    assert again["actions"] == []
    assert image_of(again)["digest"] == digest
    deployer.deploy({**spec, "hostname": "web"})
    assert deployer.inspect("web")["Config"]["Labels"][LABEL] == digest


def test_a_registry_that_does_not_answer_or_lacks_the_image_fails_its_own_containers_only(
    api: docker.APIClient, deployer: Deployer, zoo: Registry, app: str, busybox: str, tmp_path: Path
) -> None:
    with registry(tmp_path) as mortal:
        gone = mortal.reference(f"shop/{deployer.prefix}:1")
        mortal.push(api, busybox, short(gone))
    try:
        always = deployer.spec("always", image=gone)
        deployer.deploy(always)
        before = deployer.inspect("always")["State"]["Pid"]
        result = deployer.run(
            {**always, "pull": "always", "hostname": "changed"},
            deployer.spec("missing", image=mortal.reference("shop/none:1")),
            deployer.spec("lacking", image=zoo.reference("shop/none:1")),
            deployer.spec("well"),
        )
        assert result["failed"]
        assert actions_of(result) == {
            deployer.name("always"): "failed",
            deployer.name("missing"): "failed",
            deployer.name("lacking"): "failed",
            deployer.name("well"): "created",
        }
        errors = [entry["error"] for entry in result["containers"]]
        assert f"Failed to ask the registry for {gone!r}" in errors[0]
        assert "connection refused" in errors[0]
        assert f"Failed to pull the image '{mortal.address}/shop/none:1'" in errors[1]
        assert "connection refused" in errors[1]
        assert "manifest unknown" in errors[2]
        assert "Traceback" not in str(result)
        assert deployer.inspect("always")["State"]["Pid"] == before
        assert deployer.names() == {"always", "well"}
    finally:
        forget(api, gone.rpartition(":")[0])


def test_images_of_other_repositories_are_refused_and_never_pulled(
    api: docker.APIClient, deployer: Deployer, zoo: Registry, app: str, busybox: str
) -> None:
    published(api, zoo, busybox, app)
    spec = deployer.spec("web", image=app)
    allowed = {"allowed_images": [f"{zoo.address}/shop/*"], "inspect_processes": "never"}
    for other in (["docker.io/library/*"], [zoo.reference("shop")], [zoo.reference("*")]):
        refused = deployer.run(spec, allowed_images=other)
        assert refused["failed"]
        assert "breaks container.image_registry: image is of " in refused["msg"]
    assert not api.images(app)
    assert deployer.names() == set()
    assert deployer.deploy(spec, **allowed)["containers"][0]["action"] == "created"

    # What runs is judged, too: an image from elsewhere that is named now by an allowed repository.
    elsewhere = deployer.spec("old")
    assert deployer.run(elsewhere, **allowed)["failed"]
    deployer.deploy({**elsewhere, "waivers": waiver("image_registry")}, **allowed)
    result = deployer.deploy({**elsewhere, "image": app}, **allowed)
    assert result["score"]["before"] == result["score"]["after"] - 1


def test_bad_limits_are_refused_all_at_once(deployer: Deployer) -> None:
    result = deployer.run(deployer.spec("web"), allowed_images=["*.example.org/x"], max_image_size="huge")
    assert result["failed"]
    for said in ("allowed_images", "leaves the registry open", "max_image_size: 'huge' is not a size"):
        assert said in result["msg"]


def test_an_image_that_is_too_large_is_refused_after_its_pull_and_the_old_one_runs_on(
    api: docker.APIClient, deployer: Deployer, zoo: Registry, app: str, busybox: str
) -> None:
    made = api.create_container(busybox, ["sh", "-c", "dd if=/dev/urandom of=/ballast bs=1M count=6"])
    api.start(made)
    api.wait(made)
    large = api.commit(made["Id"])["Id"]
    api.remove_container(made["Id"])
    published(api, zoo, large, app)
    spec = deployer.spec("web")
    limit = {"max_image_size": "5m", "inspect_processes": "never"}
    deployer.deploy(spec, **limit)
    pid = deployer.inspect("web")["State"]["Pid"]

    refused = deployer.run({**spec, "image": app}, **limit)
    assert refused["failed"]
    assert "breaks container.image_size: image has " in refused["msg"]
    assert "more than max_image_size, which is 5m; it was measured after its pull" in refused["msg"]
    assert deployer.inspect("web")["State"]["Pid"] == pid
    assert deployer.names() == {"web"}
    # It is on the host now, so check mode says the same.
    assert "breaks container.image_size" in deployer.run({**spec, "image": app}, check=True, **limit)["msg"]

    result = deployer.deploy({**spec, "image": app, "waivers": waiver("image_size")}, **limit)
    assert result["containers"][0]["action"] == "recreated"
    assert [each["outcome"] for each in result["findings"] if each["control"] == "container.image_size"] == ["waived"]
    back = deployer.deploy(spec, **limit)
    assert back["score"]["before"] == back["score"]["after"] - 1


def test_an_image_that_is_too_large_is_only_told_where_the_policy_reports(
    deployer: Deployer,
) -> None:
    result = deployer.deploy(deployer.spec("web"), max_image_size="1m", policy="report")
    assert "breaks container.image_size" in str(result["warnings"])
    assert deployer.inspect("web")["State"]["Running"]
