# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every control is judged, each weakening by its own, and its waiver allows it."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import policy, rules, spec, state
from ansible_collections.caisson.hardening.plugins.module_utils.controls import container, model

TODAY = datetime.date(2030, 1, 31)
IMAGE = state.Image("sha256:1", {"User": "10001"})


def findings(*, brings: state.Image = IMAGE, profile: str = "baseline", **options: t.Any) -> list[model.Finding]:
    one = spec.parse_specs([{"name": "web", "image": "web:1", **options}])[0]
    resolved = state.resolve(one, brings, state.Daemon(), "shop")
    return policy.findings("web", resolved, rules.Context(str(one.image)), profile, one.waivers, TODAY)


def judged(image: str, identity: str = "sha256:1", **given: t.Any) -> dict[str, model.Finding]:
    """The findings on a container of the image, under the run's own limits on images."""
    one = spec.parse_specs([{"name": "web", "image": image}])[0]
    resolved = state.resolve(one, state.Image(identity, {"User": "1"}), state.Daemon(), "shop")
    found = policy.findings("web", resolved, rules.Context(image, **given), "baseline", (), TODAY)
    return {each.control.partition(".")[2]: each for each in found}


def broken(**options: t.Any) -> set[str]:
    return {each.control.partition(".")[2] for each in findings(**options) if each.outcome == model.FAIL}


def test_policy_judges_each_control_and_no_other() -> None:
    one = spec.parse_specs([{"name": "web", "image": "web:1"}])[0]
    judged = rules.judge(state.resolve(one, IMAGE, state.Daemon(), "shop"), rules.Context("web:1"))
    assert set(judged) == {control.id for control in container.CONTROLS}


def test_the_defaults_break_nothing() -> None:
    assert broken() == set()
    assert broken(profile="strict") == {"healthcheck"}


WEAK: list[tuple[dict[str, t.Any], set[str]]] = [
    ({"read_only": False}, {"read_only"}),
    ({"tmpfs": ["/tmp:exec"]}, {"tmpfs_options"}),
    ({"tmpfs": ["/tmp:suid,dev"]}, {"tmpfs_options"}),
    ({"tmpfs": ["/tmp:size=0"]}, {"tmpfs_size"}),
    ({"tmpfs": ["/tmp:size=50%"]}, {"tmpfs_size"}),
    ({"cap_drop": ["NET_RAW"]}, {"cap_drop"}),
    ({"cap_drop": []}, {"cap_drop"}),
    ({"capabilities": ["CHOWN"]}, {"capabilities"}),
    *(({"capabilities": [name]}, {f"capability_{name.lower()}"}) for name in container.DANGEROUS_CAPABILITIES),
    ({"security_opts": ["no-new-privileges=false"]}, {"no_new_privileges"}),
    ({"security_opts": ["seccomp=unconfined"]}, {"seccomp"}),
    ({"security_opts": ["apparmor:unconfined"]}, {"apparmor"}),
    ({"security_opts": ["label=disable"]}, {"selinux"}),
    ({"memory": "0"}, {"memory"}),
    ({"memory_swap": "1g"}, {"memory_swap"}),
    ({"memory_swap": "-1"}, {"memory_swap"}),
    ({"cpus": 0}, {"cpus"}),
    ({"pids_limit": 0}, {"pids_limit"}),
    ({"pids_limit": -1}, {"pids_limit"}),
    ({"ulimits": ["core:1"]}, {"ulimits"}),
    ({"ulimits": ["nofile:-1"]}, {"ulimits"}),
    ({"init": False}, {"init"}),
    *(({"user": user}, {"user"}) for user in ("root", "0", "00", "0:0", "root:root", "0:10001")),
    ({"image": "web"}, {"image_tag"}),
    ({"image": "host:5000/web"}, {"image_tag"}),
    ({"image": "web:latest"}, {"image_tag"}),
    ({"log_driver": "none"}, {"log_driver"}),
    ({"restart_policy": "always"}, {"restart_policy"}),
    ({"restart_policy": "unless-stopped"}, {"restart_policy"}),
    ({"restart_retries": 6}, {"restart_policy"}),
    ({"restart_retries": 0}, {"restart_policy"}),
    ({"networks": [{"name": "host"}]}, {"network_mode"}),
    ({"networks": [{"name": "bridge"}]}, {"default_bridge"}),
    ({"volumes": ["/srv/docker.sock:/s"]}, {"docker_socket"}),
    ({"volumes": ["/var/run/docker.sock:/s"]}, {"docker_socket", "host_paths"}),
    ({"volumes": ["/:/host:ro"]}, {"docker_socket", "host_paths"}),
    *(
        ({"volumes": [f"{path}:/x:ro"]}, {"host_paths"})
        for path in ("/etc", "/proc", "/var", "/root/.ssh", "/etc/shadow", "/srv/../boot")
    ),
    ({"volumes": ["/etc/nginx:/x"]}, {"host_paths"}),
    ({"volumes": ["/srv/data:/x:rshared"]}, {"mount_propagation"}),
    ({"published_ports": ["8080:80"]}, {"port_address"}),
    ({"published_ports": ["0.0.0.0:8080:80"]}, {"port_address"}),
    ({"published_ports": ["[::]:8080:80"]}, {"port_address"}),
    ({"published_ports": ["127.0.0.1:80:80"]}, {"privileged_port"}),
]


@pytest.mark.parametrize(
    ("options", "controls"), WEAK, ids=lambda value: str(sorted(value) if isinstance(value, set) else value)
)
def test_a_weakening_breaks_its_own_control_and_its_waiver_allows_it(
    options: dict[str, t.Any], controls: set[str]
) -> None:
    assert broken(**options) == controls
    waivers = [{"control": f"container.{name}", "reason": "asked for", "expires": "2030-01-31"} for name in controls]
    found = findings(**options, waivers=waivers)
    assert policy.violations(found) == []
    assert {each.control for each in found if each.outcome == model.WAIVED} == {
        f"container.{name}" for name in controls
    }
    expired = [{**waiver, "expires": "2030-01-30"} for waiver in waivers]
    assert broken(**options, waivers=expired) == controls
    for violation in policy.violations(findings(**options)):
        assert f"{{control: {violation.control.id}, reason: why, expires: YYYY-MM-DD}}" in str(violation)
        assert violation.evidence in str(violation)


@pytest.mark.parametrize(
    "options",
    [
        {"volumes": ["/etc/localtime:/etc/localtime:ro"]},
        {"volumes": ["data:/data"]},
        {"networks": []},
        {"image": "web@sha256:" + "0" * 64},
        {"published_ports": ["10.0.0.1:8080:80"]},
        {"restart_policy": "no"},
    ],
)
def test_what_is_ordinary_breaks_nothing(options: dict[str, t.Any]) -> None:
    assert broken(**options) == set()


def test_an_image_without_a_user_is_root() -> None:
    assert broken(brings=state.Image("sha256:1", {})) == {"user"}


def test_waivers_that_expired_or_are_not_needed_are_said() -> None:
    given = [{"control": f"container.{name}", "reason": "why", "expires": day}
             for name, day in (("init", "2020-01-01"), ("read_only", "2099-01-01"))]  # fmt: skip
    one = spec.parse_specs([{"name": "web", "image": "web:1", "waivers": given}])[0]
    said = policy.waiver_warnings("web", one.waivers, [], TODAY)
    assert ["expired on 2020-01-01" in said[0], "not needed" in said[1]] == [True, True]


def test_without_limits_on_images_their_controls_do_not_apply() -> None:
    found = judged("web:1")
    assert {found[name].outcome for name in ("image_registry", "image_size")} == {model.NOT_APPLICABLE}
    assert model.score(found.values(), found.values())["total"] == len(found) - 2


@pytest.mark.parametrize(
    ("image", "identity", "outcome", "said"),
    [
        ("shop.example/web:1", "sha256:1", model.PASS, ""),
        ("redis:7", "sha256:1", model.FAIL, "image is of docker.io/library/redis, which is not among allowed_images"),
        ("sha256:" + "a" * 64, "sha256:1", model.FAIL, "an id, which names no repository"),
        ("a" * 12, "sha256:" + "a" * 64, model.FAIL, "an id, which names no repository"),
    ],
)
def test_an_image_has_to_be_of_an_allowed_repository(image: str, identity: str, outcome: str, said: str) -> None:
    found = judged(image, identity, allowed_images=("shop.example/*",))["image_registry"]
    assert (found.outcome, said in found.evidence) == (outcome, True)


@pytest.mark.parametrize(
    ("size", "outcome"), [(None, model.NOT_APPLICABLE), (1024, model.PASS), (1025, model.FAIL), (0, model.PASS)]
)
def test_an_image_has_to_keep_to_its_size(size: int | None, outcome: str) -> None:
    assert judged("web:1", image_size=size, max_image_size=1024)["image_size"].outcome == outcome


def test_what_had_to_be_pulled_to_be_measured_says_so() -> None:
    found = judged("web:1", image_size=2000, max_image_size=1024, pulled=True)["image_size"]
    assert found.evidence == (
        "image has 2000 bytes, more than max_image_size, which is 1k; it was measured after its pull and before any"
        " container is touched"
    )
