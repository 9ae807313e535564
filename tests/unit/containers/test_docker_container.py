# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The page for those who come from docker_container says what the modules do, and so do the refusals."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import docker_container, options, spec
from ansible_collections.caisson.hardening.plugins.module_utils.controls import catalogue
from ansible_collections.caisson.hardening.plugins.module_utils.errors import InputError

PAGE = Path(__file__).resolve().parents[3] / "docs" / "coming-from-docker_container.md"
ROW = re.compile(r"^\| `(\w+)` \| (same|waiver|renamed|refused) \| (.*?) ?\|$", re.MULTILINE)
ROWS = {name: (kind, how) for name, kind, how in ROW.findall(PAGE.read_text(encoding="utf-8"))}
OURS = {**options.container_options(), **options.run_options()}
# Options that docker_container has not.
OWN = {
    *("assume_engine", "assume_images", "parallel", "policy", "profile", "project", "settle_time", "waivers"),
    *("depends_on", "keep_previous", "update_order", "drift_ignore", "inspect_processes"),
    *("allowed_images", "max_image_size", "internal", "secrets", "secrets_rotation", "secrets_signal"),
}
ALIASES = {"expose", "exposed", "forcekill", "log_opt", "ports"}


def test_the_page_has_every_option_of_docker_container_once() -> None:
    names = [name for name, _kind, _how in ROW.findall(PAGE.read_text(encoding="utf-8"))]
    assert len(names) == len(set(names)) == 111  # 100, and 11 of the connection


@pytest.mark.parametrize("name", sorted(ROWS))
def test_what_the_page_says_of_an_option_is_so(name: str) -> None:
    kind, how = ROWS[name]
    if kind in ("same", "waiver"):
        assert name in OURS
        assert name not in docker_container.REFUSED
        controls = re.findall(r"`(container\.\w+)`", how)
        assert set(controls) <= set(catalogue.CONTROLS)
        assert bool(controls) is (kind == "waiver")
    else:
        assert name not in OURS
        assert how == "; ".join(docker_container.REFUSED[name])


def test_every_option_of_ours_is_on_the_page_or_our_own() -> None:
    assert set(OURS) - set(ROWS) == OWN
    assert set(docker_container.REFUSED) - set(ROWS) == ALIASES


@pytest.mark.parametrize("name", sorted(docker_container.REFUSED))
def test_an_option_that_is_not_taken_is_refused_by_name_with_its_remedy(name: str) -> None:
    with pytest.raises(InputError) as caught:
        spec.parse_specs([{"name": "web", "image": "web:1", name: "hunter2"}])
    problem, remedy = docker_container.REFUSED[name]
    (fault,) = caught.value.faults
    assert (fault.option, fault.remedy) == (name, remedy)
    assert problem in str(fault)
    assert "hunter2" not in str(fault)
    for other in re.findall(r"\b[a-z]+_[a-z_]+\b", remedy):
        assert other in OURS, f"{name} is sent to {other}"
