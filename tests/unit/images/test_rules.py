# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which controls an image is held to, by profile, option and waiver."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.controls import image, model
from ansible_collections.caisson.hardening.plugins.module_utils.images import report, rules
from ansible_collections.caisson.hardening.plugins.module_utils.images.content import (
    Content,
    Privileged,
    Program,
)

TODAY = datetime.date(2030, 1, 31)
SHELL = [Program("sh", "/bin/sh", "/bin/dash")]
WEAK: dict[str, t.Any] = {
    "shells": SHELL,
    "package_managers": [Program("apk", "/sbin/apk", "/sbin/apk")],
    "setuid": [Privileged("/bin/su", 0o4755, 0, 0)],
    "capabilities": {"/bin/ping": ("NET_RAW",)},
}


def inspected(config: dict[str, t.Any] | None = None, **content: t.Any) -> rules.Inspected:
    return rules.Inspected(("web:1",), {"Config": {"User": "1", **(config or {})}, "Size": 100}, Content(**content))


def judged(one: rules.Inspected, waivers: t.Any = (), **limits: t.Any) -> dict[str, str]:
    found = rules.findings(one, rules.Limits(**limits), rules.read_waivers(waivers), TODAY)
    return {each.control.partition(".")[2]: each.outcome for each in found}


def test_every_control_is_judged_and_a_good_image_breaks_none() -> None:
    good = inspected({"Healthcheck": {"Test": ["CMD", "/check"]}})
    found = judged(good, profile="strict", max_size=100, max_packages=0)
    assert found == {control.id.partition(".")[2]: model.PASS for control in image.CONTROLS}


def test_an_option_outweighs_the_profile() -> None:
    weak = inspected(**WEAK)
    by_option = {"shell", "package_manager", "setuid", "file_capabilities"}
    assert not by_option & set(judged(weak))
    strict = judged(weak, profile="strict")
    assert {name for name in by_option if strict[name] == model.FAIL} == by_option
    refused = judged(weak, allow_shell=False, allow_package_manager=False, allow_setuid=False)
    assert {name for name, outcome in refused.items() if outcome == model.FAIL} == by_option
    allowed = judged(weak, profile="strict", allow_shell=True, allow_package_manager=True, allow_setuid=True)
    assert {allowed[name] for name in by_option} == {model.NOT_APPLICABLE}


@pytest.mark.parametrize(
    ("packages", "outcome"),
    [
        ({"dpkg": 2, "apk": 1}, model.PASS),
        ({"dpkg": 2, "apk": 2}, model.FAIL),
        ({"rpm": None}, model.FAIL),
        ({}, model.PASS),
    ],
)
def test_packages_of_all_managers_count_and_what_cannot_be_counted_fails(packages: t.Any, outcome: str) -> None:
    one = inspected(packages=packages)
    assert judged(one, max_packages=3)["packages"] == outcome
    assert report.entry(one)["packages_total"] == (None if None in packages.values() else sum(packages.values()))


@pytest.mark.parametrize(
    ("user", "users", "root"),
    [("", {}, True), ("0:5", {}, True), ("app", {"app": 0}, True), ("app:0", {"app": 7}, False), ("app", {}, False)],
)
def test_a_user_is_root_by_number_or_by_name(user: str, users: dict[str, int], root: bool) -> None:
    one = inspected({"User": user}, users=users)
    assert judged(one)["user"] == (model.FAIL if root else model.PASS)
    assert report.entry(one)["root"] is root


@pytest.mark.parametrize(
    ("variable", "secret"),
    [
        ("PASSWORD=x", True), ("DB_PASSWORD=x", True), ("db_pass=x", True), ("API_KEY=x", True),
        ("AWS_SECRET_ACCESS_KEY=x", True),
        ("TOKEN_OLD=x", True), ("PASSWORD=", False), ("PASSWORD_FILE=/x", False), ("GPG_KEY=x", False),
        ("PASS_MAX_DAYS=9", False),
        ("PATH=/bin", False), ("TOKENIZER=x", False), ("COMPASS=x", False),
    ],
)  # fmt: skip
def test_secrets_are_known_by_their_names_and_never_shown(variable: str, secret: bool) -> None:
    name = variable.partition("=")[0]
    assert rules.secret_names([variable]) == ([name] if secret else [])
    assert report.entry(inspected({"Env": [variable]}))["env"] == [name]


def test_a_waiver_is_for_its_image_and_ends() -> None:
    root = inspected({"User": ""})
    base = {"control": "image.user", "reason": "why", "expires": "2030-01-31"}
    assert judged(root, [base])["user"] == model.WAIVED
    assert judged(root, [{**base, "image": "web:1"}])["user"] == model.WAIVED
    assert judged(root, [{**base, "image": "other:1"}])["user"] == model.FAIL
    assert judged(root, [{**base, "expires": "2030-01-30"}])["user"] == model.FAIL
    (failure,) = rules.failures(rules.findings(root, rules.Limits(), (), TODAY))
    assert "{image: 'web:1', control: image.user, reason: why, expires: YYYY-MM-DD}" in failure


def test_names_that_are_no_unicode_are_fit_for_the_result() -> None:
    one = inspected(setuid=[Privileged("/bin/\udcff", 0o4755, 0, 0)])
    assert report.entry(one)["setuid"] == [{"path": "/bin/\\xff", "mode": "4755", "uid": 0, "gid": 0}]
