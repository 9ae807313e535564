# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every control is judged, each weakening by its own, and its waiver allows it."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import (
    drift,
    policy,
    programs,
    records,
    rules,
    spec,
    state,
)
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
    assert broken(profile="strict") == {"healthcheck", "image_digest"}


def test_every_runtime_control_of_cis_docker_that_a_container_can_break_has_one_here() -> None:
    # 5.1 (swarm), 5.7 (sshd), 5.23 and 5.24 (docker exec) are not of a container's configuration.
    asked = {f"CIS Docker 1.8 5.{number}" for number in (2, 3, 4, 5, 6, *range(8, 23), *range(25, 33))}
    given = {reference for control in container.CONTROLS for reference in control.references}
    assert asked <= given
    assert {each for each in given if each.startswith("CIS Docker 1.8 5.")} == asked


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
        for path in (
            "/etc",
            "/proc",
            "/var",
            "/root/.ssh",
            "/etc/shadow",
            "/etc/shadow-",
            "/etc/gshadow-",
            "/srv/../boot",
        )
    ),
    ({"volumes": ["/etc/nginx:/x"]}, {"host_paths"}),
    ({"volumes": ["/srv/data:/x:rshared"]}, {"mount_propagation"}),
    ({"published_ports": ["8080:80"]}, {"port_address"}),
    ({"published_ports": ["0.0.0.0:8080:80"]}, {"port_address"}),
    ({"published_ports": ["[::]:8080:80"]}, {"port_address"}),
    ({"published_ports": ["[::ffff:0.0.0.0]:8080:80"]}, {"port_address"}),
    ({"published_ports": ["[::ffff:0:0]:8080:80"]}, {"port_address"}),
    ({"published_ports": ["127.0.0.1:80:80"]}, {"privileged_port"}),
    ({"privileged": True}, {"privileged", "system_paths", "selinux"}),
    ({"pid_mode": "host"}, {"pid_mode", "selinux"}),
    ({"ipc_mode": "host"}, {"ipc_mode", "selinux"}),
    ({"ipc_mode": "shareable"}, {"ipc_mode"}),
    ({"uts": "host"}, {"uts_mode"}),
    ({"userns_mode": "host"}, {"userns_mode"}),
    ({"cgroupns_mode": "host"}, {"cgroupns_mode"}),
    ({"cgroup_parent": "/apps"}, {"cgroup_parent"}),
    ({"devices": ["/dev/kvm"]}, {"devices"}),
    ({"device_cgroup_rules": ["c 1:3 r"]}, {"device_cgroup_rules"}),
    ({"device_requests": [{"capabilities": [["gpu"]]}]}, {"device_requests"}),
    *(({"user": f"10001:{group}"}, {"groups"}) for group in ("0", "00", "root", "disk")),
    *(({"groups": [group]}, {"groups"}) for group in ("0", "00", "root", "docker", "disk")),
    ({"oom_killer": True}, {"oom_kill"}),
    ({"oom_score_adj": -1}, {"oom_score_adj"}),
    *(
        ({"security_opts": [opt]}, {name})
        for opt, name in (
            ("seccomp:unconfined", "seccomp"),
            ('seccomp={"defaultAction": "SCMP_ACT_ALLOW"}', "seccomp"),
            ('seccomp={"defaultAction": "SCMP_ACT_LOG", "syscalls": []}', "seccomp"),
            ("apparmor=unconfined", "apparmor"),
            *((f"apparmor{written}", "apparmor") for written in ("=unconfined ", "= unconfined", ": unconfined ")),
            ("label:disable", "selinux"),
            *((f"label{written}", "selinux") for written in ("=type:spc_t", ":type:spc_t", "= type:unconfined_t ")),
            ("systempaths=unconfined", "system_paths"),
            ("no-new-privileges:false", "no_new_privileges"),
        )
    ),
    *(
        ({"env": {name: "hunter2"}}, {"env_secrets"})
        for name in (
            *("PASSWORD", "db_password", "PGPASSWORD", "MYSQL_ROOT_PASSWORD", "REDIS_PASS", "PASSWD", "SSH_PASSPHRASE"),
            *(
                "SECRET",
                "DJANGO_SECRET_KEY",
                "clientSecret",
                "app.secret",
                "TOKEN",
                "GITHUB_TOKEN",
                "API_KEY",
                "APIKEY",
            ),
            *(
                "AWS_SECRET_ACCESS_KEY",
                "PRIVATE_KEY",
                "ENCRYPTION_KEY",
                "CREDENTIALS",
                "MY_CREDENTIAL",
                "APIKEY",
                "VAULT_SECRET_ID",
            ),
        )
    ),
    ({"env": {"DATABASE_URL": "postgres://app:hunter2@db/app"}}, {"env_secrets"}),
    ({"env": {"BROKER": "amqp://:hunter2@queue"}}, {"env_secrets"}),
    *(
        ({"volumes": [f"{path}:/x:ro"]}, {"host_paths"})
        for path in ("/home", "/data/app/.ssh", "/srv/ci/.docker", "/var/lib", "/var/lib/docker/volumes", "/var/log")
    ),
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
        {"volumes": ["/var/lib/shop:/data", "/var/log/shop:/log", "/srv/shop/data:/home:ro", "/opt/shop:/opt"]},
        {"env": dict.fromkeys(("PASSWORD_FILE", "TOKEN_TTL", "PWD", "TOKENIZER", "SECRETARY", "PASSENGERS"), "x")},
        {"env": {"PASSWORD": "/run/secrets/db", "AWS_ACCESS_KEY_ID": "AKIA0"}},
        {"env": {"PASSWORD": "", "ALLOW_EMPTY_PASSWORD": "yes", "URL": "https://example.org:8080/a@b", "KEYS": "1"}},
        {"security_opts": ['seccomp={"defaultAction": "SCMP_ACT_ERRNO"}', "label=type:web", "apparmor=web"]},
        {"user": "app:10001"},
        {"groups": ["1000", "app"], "oom_score_adj": 500, "runtime": "runsc", "tty": True, "uts": "private"},
        {"memory_reservation": "64m", "cpu_shares": 512, "cpuset_cpus": "0", "device_read_bps": []},
        {"ipc_mode": "none", "etc_hosts": {"bank": "192.0.2.1"}, "dns_servers": ["192.0.2.1"], "exposed_ports": ["80"]},
    ],
)
def test_what_is_ordinary_breaks_nothing(options: dict[str, t.Any]) -> None:
    assert broken(**options) == set()


def test_an_image_without_a_user_is_root() -> None:
    assert broken(brings=state.Image("sha256:1", {})) == {"user"}


def test_a_secret_in_the_image_counts_and_is_not_shown() -> None:
    found = findings(brings=state.Image("sha256:1", {"User": "10001", "Env": ["DB_PASSWORD=hunter2", "A=b"]}))
    (broke,) = policy.violations(found)
    assert (broke.control.id, broke.evidence) == ("container.env_secrets", "env has DB_PASSWORD")
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("image", "controls"),
    [("web:1", {"image_digest"}), ("web", {"image_digest", "image_tag"}), ("web@sha256:" + "0" * 64, set()),
     ("sha256:" + "0" * 64, set()), ("0" * 64, set())],
)  # fmt: skip
def test_an_image_without_a_digest_is_for_the_baseline_only(image: str, controls: set[str]) -> None:
    healthy = {"healthcheck": {"test": "true"}}
    assert broken(image=image, profile="strict", **healthy) == controls
    assert broken(image=image, **healthy) == controls - {"image_digest"}


@pytest.mark.parametrize(
    ("source", "real", "controls"),
    [
        ("/srv/web", "/etc", {"host_paths"}),
        ("/srv/web", "/run/docker.sock", {"docker_socket", "host_paths"}),
        ("/srv/web", "/srv/data", set()),
        ("/etc/resolv.conf", "/run/systemd/resolve/stub-resolv.conf", set()),
    ],
)
def test_a_path_is_judged_by_what_it_really_is(source: str, real: str, controls: set[str]) -> None:
    one = spec.parse_specs([{"name": "web", "image": "web:1", "volumes": [f"{source}:/x:ro"]}])[0]
    resolved = state.resolve(one, IMAGE, state.Daemon(), "shop")
    judged = rules.judge(resolved, rules.Context("web:1", real_paths={source: real}))
    against = {name: evidence for name, evidence in judged.items() if not isinstance(evidence, rules.NotJudged)}
    broken = {name.partition(".")[2] for name, evidence in against.items() if evidence}
    assert broken == controls | {"healthcheck", "image_digest"}
    for name in controls:
        assert f"{source}, which is {real}" in str(judged[f"container.{name}"])


@pytest.mark.parametrize(
    ("source", "sensitive"),
    [
        ("/data/engine", True),
        ("/data/engine/volumes/x", True),
        ("/data", True),
        ("/mnt/1", True),
        ("/data/shop", False),
    ],
)
def test_the_engines_own_data_are_sensitive_wherever_they_lie(source: str, sensitive: bool) -> None:
    one = spec.parse_specs([{"name": "web", "image": "web:1", "volumes": [f"{source}:/x:ro"]}])[0]
    resolved = state.resolve(one, IMAGE, state.Daemon(), "shop")
    context = rules.Context("web:1", real_paths={"/data/engine": "/mnt/1"}, data_root="/data/engine")
    assert bool(rules.judge(resolved, context)["container.host_paths"]) is sensitive
    assert rules.judge(resolved, rules.Context("web:1"))["container.host_paths"] is None


@pytest.mark.parametrize("user", ["+0", "-0", "00000", "0:5", "", "root", "+00:root"])
def test_root_is_known_in_every_spelling(user: str) -> None:
    assert rules.is_root(user)


@pytest.mark.parametrize("user", ["10001", "app", "\u00b2", "0x0", "rooty", "1:0", "+1"])
def test_others_are_not_root(user: str) -> None:
    assert not rules.is_root(user)


@pytest.mark.parametrize(
    ("field", "value", "control"),
    [
        ("network_mode", "container:x", "network_mode"),
        ("pid_mode", "container:x", "pid_mode"),
        ("ipc_mode", "container:x", "ipc_mode"),
        ("publish_all_ports", True, "publish_all_ports"),
        *(("published_ports", {("80/tcp", "127.0.0.1", port)}, "privileged_port") for port in ("80-90", "080")),
        ("seccomp", {"seccomp=unconfined", "no-new-privileges=true"}, "seccomp"),
    ],
)
def test_what_no_spec_can_ask_for_is_judged_where_it_is_found(field: str, value: t.Any, control: str) -> None:
    one = spec.parse_specs([{"name": "web", "image": "web:1"}])[0]
    resolved = state.resolve(one, IMAGE, state.Daemon(), "shop")
    resolved["security_opts" if field == "seccomp" else field] = value
    judged = rules.judge(resolved, rules.Context("web:1"))
    assert judged[f"container.{control}"]


def test_waivers_that_expired_or_are_not_needed_are_said() -> None:
    given = [{"control": f"container.{name}", "reason": "why", "expires": day}
             for name, day in (("init", "2020-01-01"), ("read_only", "2099-01-01"))]  # fmt: skip
    one = spec.parse_specs([{"name": "web", "image": "web:1", "waivers": given}])[0]
    said = policy.waiver_warnings("web", one.waivers, [], TODAY)
    assert ["expired on 2020-01-01" in said[0], "not needed" in said[1]] == [True, True]


def seen_as(context: rules.Context, *waived: str) -> dict[str, model.Finding]:
    given = [{"control": f"container.{name}", "reason": "why", "expires": "2099-01-01"} for name in waived]
    one = spec.parse_specs([{"name": "web", "image": "web:1", "waivers": given}])[0]
    resolved = state.resolve(one, IMAGE, state.Daemon(), "shop")
    return {each.control: each for each in policy.findings("web", resolved, context, "baseline", one.waivers, TODAY)}


@pytest.mark.parametrize("control", ["container.one_application", "container.drift"])
def test_what_nobody_has_looked_at_does_not_apply_and_its_waiver_is_not_called_needless(control: str) -> None:
    found = seen_as(rules.Context("web:1"), control.partition(".")[2])
    assert found[control].outcome == model.NOT_APPLICABLE
    assert "not looked at" in found[control].evidence
    waivers = [records.Waiver(control, "why", "2099-01-01")]
    assert policy.waiver_warnings("web", waivers, found.values(), TODAY) == []


def test_what_was_seen_is_judged_and_waived() -> None:
    seen = rules.Context("web:1", programs=programs.Programs(("app", "sshd")), drift=drift.Drift(added=("/x",)))
    fine = rules.Context("web:1", programs=programs.Programs(("app",)), drift=drift.Drift(ignored=1))
    for control, evidence in (("one_application", "runs app and sshd"), ("drift", "added /x")):
        name = f"container.{control}"
        assert seen_as(seen)[name] == model.Finding(name, "web", model.FAIL, evidence)
        assert seen_as(seen, control)[name].outcome == model.WAIVED
        assert seen_as(fine)[name].outcome == model.PASS


def test_an_image_cannot_excuse_itself_from_being_looked_at() -> None:
    bold = state.Image("sha256:1", {"User": "10001", "Labels": {state.DRIFT_LABEL: '["/bin"]'}})
    for given, label in (({}, "[]"), ({"drift_ignore": ["/srv"]}, '["/srv"]')):
        one = spec.parse_specs([{"name": "web", "image": "web:1", **given}])[0]
        assert state.resolve(one, bold, state.Daemon(), "shop")["labels"][state.DRIFT_LABEL] == label


def test_without_limits_on_images_their_controls_do_not_apply() -> None:
    found = judged("web:1")
    left_out = {name for name, each in found.items() if each.outcome == model.NOT_APPLICABLE}
    assert left_out == {"image_registry", "image_size", "drift", "one_application"}
    assert model.score(found.values(), found.values())["total"] == len(found) - len(left_out)


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


def test_a_range_of_host_ports_that_was_published_by_hand_is_judged() -> None:
    """The engine keeps the range in its settings and takes one port of it."""
    one = spec.parse_specs([{"name": "web", "image": "web:1"}])[0]
    resolved = state.resolve(one, IMAGE, state.Daemon(), "shop")
    for outer, evidence in (("8000-9000", None), ("800-900", "published_ports has the host's 800-900")):
        found = {**resolved, "published_ports": frozenset({("80/tcp", "127.0.0.1", outer)})}
        assert rules.judge(found, rules.Context("web:1"))["container.privileged_port"] == evidence
