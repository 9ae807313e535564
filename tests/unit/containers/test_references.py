# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""References are completed as the engine does it, and a list of repositories lets through what it says and no more."""

from __future__ import annotations

import re

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import (
    observe,
    payload,
    plan,
    references,
    spec,
    state,
)
from ansible_collections.caisson.hardening.plugins.module_utils.containers.units import Wrong
from hypothesis import given
from hypothesis import strategies as st

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


@pytest.mark.parametrize(
    ("reference", "repository"),
    [
        ("redis", "docker.io/library/redis"),
        ("redis:7.2", "docker.io/library/redis"),
        (f"redis:7.2@{DIGEST}", "docker.io/library/redis"),
        ("docker.io/redis", "docker.io/library/redis"),
        ("index.docker.io/library/redis", "docker.io/library/redis"),
        ("shop/web:1", "docker.io/shop/web"),
        ("registry.example.org/web", "registry.example.org/web"),
        ("Registry.Example.org/web", "registry.example.org/web"),
        ("registry.example.org:5000/a/b/c:1", "registry.example.org:5000/a/b/c"),
        ("localhost/web", "localhost/web"),
        ("localhost:5000/web", "localhost:5000/web"),
        ("registry/web", "docker.io/registry/web"),
    ],
)
def test_references_are_completed_as_the_engine_completes_them(reference: str, repository: str) -> None:
    assert references.repository(reference) == repository


@pytest.mark.parametrize(
    ("allowed", "reference", "answer"),
    [
        (["redis"], "redis:7", True),
        (["docker.io/library/redis"], "redis", True),
        (["redis"], "docker.io/library/redis@" + DIGEST, True),
        (["redis"], "redis/redis", False),
        (["redis"], "evil.example/library/redis", False),
        (["registry.example.org/shop/*"], "registry.example.org/shop/web:1", True),
        (["registry.example.org/shop/*"], "registry.example.org/shop/web/deep:1", False),
        (["registry.example.org/shop/*"], "registry.example.org/shopping/web", False),
        (["registry.example.org/shop/*"], "registry.example.org:5000/shop/web", False),
        (["registry.example.org/shop/*"], "registry.example.org.evil.example/shop/web", False),
        (["registry.example.org/shop/*"], "shop/web", False),
        (["registry.example.org/**"], "registry.example.org/web", True),
        (["registry.example.org/**"], "registry.example.org/a/b/c", True),
        (["registry.example.org/shop/**"], "registry.example.org/shop", False),
        (["registry.example.org/*/web"], "registry.example.org/shop/web", True),
        (["registry.example.org/*/web"], "registry.example.org/shop/webs", False),
        (["registry.example.org/shop/web-*"], "registry.example.org/shop/web-api", True),
        (["registry.example.org/shop/web-*"], "registry.example.org/shop/web-a/b", False),
        (["registry.example.org/a.b"], "registry.example.org/axb", False),
        (["localhost:5000/**"], "localhost:5000/web", True),
        (["other.example/**", "shop/*"], "shop/web", True),
    ],
)
def test_a_list_of_repositories_lets_through_what_it_says(allowed: list[str], reference: str, answer: bool) -> None:
    assert references.allows(references.read_allowed(allowed), reference) is answer


@pytest.mark.parametrize(
    "entry",
    [
        "*", "**", "*/redis", "*.example.org/web", "registry.example.org", "localhost:5000", "redis:7",
        "registry.example.org/web:1", f"redis@{DIGEST}", "registry.example.org/", "registry.example.org//web",
        "registry.example.org/**/web", "registry.example.org/a**", "registry.example.org/Web", "/web", "a b", "",
        "registry.example.org/web?", "registry.example.org/[ab]",
    ],
)  # fmt: skip
def test_an_entry_that_would_mean_something_else_is_refused(entry: str) -> None:
    with pytest.raises(Wrong):
        references.read_allowed([entry])


_PART = st.from_regex(r"\A[a-z0-9]{1,4}\Z")


@given(st.lists(_PART, min_size=1, max_size=4), st.lists(st.one_of(_PART, st.just("*")), min_size=1, max_size=4))
def test_a_star_never_goes_beyond_its_part(asked: list[str], pattern: list[str]) -> None:
    allowed = references.read_allowed([f"registry.example/{'/'.join(pattern)}"])
    expected = len(asked) == len(pattern) and all(two in ("*", one) for one, two in zip(asked, pattern))
    assert references.allows(allowed, f"registry.example/{'/'.join(asked)}:1") is expected


def test_the_digest_is_that_of_the_reference_s_own_repository() -> None:
    known = (f"zoo.example/web@{DIGEST}", f"redis@{OTHER}")
    assert references.digest(known, "zoo.example/web:1") == DIGEST
    assert references.digest(known, "docker.io/library/redis:7") == OTHER
    assert re.match("sha256:", references.digest(known, "renamed:1"))
    assert references.digest(known, f"redis@{DIGEST}") == DIGEST
    assert references.digest((), "redis:7") == ""


def wanted(digests: tuple[str, ...], labels: dict[str, str] | None = None) -> tuple[spec.Spec, state.State]:
    one = spec.parse_specs([{"name": "web", "image": "redis:7", "user": "1", "labels": {"team": "a"}}])[0]
    image = state.Image("sha256:1", {"Labels": labels or {}}, digests)
    return one, state.resolve(one, image, state.Daemon(), "shop")


def label_of(digests: tuple[str, ...], labels: dict[str, str] | None = None) -> str | None:
    found: str | None = payload.create_body(*wanted(digests, labels), {})["Labels"].get(state.DIGEST_LABEL)
    return found


def test_the_digest_is_on_the_container_and_makes_no_difference() -> None:
    assert label_of((f"redis@{DIGEST}",)) == DIGEST
    assert label_of(()) is None
    # An image made of one of our containers has that one's label; it says nothing of the new image.
    assert label_of((), {state.DIGEST_LABEL: OTHER}) == ""
    assert label_of((f"redis@{DIGEST}",), {state.DIGEST_LABEL: OTHER}) == DIGEST
    for label in ({}, {state.DIGEST_LABEL: ""}, {state.DIGEST_LABEL: OTHER}):
        labels = {"team": "a", state.PROJECT_LABEL: "shop", **label}
        for digests in ((), (f"redis@{DIGEST}",)):
            found = observe.observe({"Config": {"Labels": labels}})
            fields = [each.field for each in plan.differences(wanted(digests)[1], found)]
            assert [each for each in fields if each.startswith(("labels", "image_digest"))] == []
