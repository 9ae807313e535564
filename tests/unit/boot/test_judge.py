# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said of each recommended boot parameter."""

from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.boot import catalogue
from ansible_collections.caisson.hardening.plugins.module_utils.boot.cmdline import parse
from ansible_collections.caisson.hardening.plugins.module_utils.boot.judge import (
    Kernel,
    findings,
    judge,
    reboot_required,
)
from ansible_collections.caisson.hardening.plugins.module_utils.boot.spec import parse as parse_spec

ALLOC = next(each for each in catalogue.PARAMETERS if each.name == "init_on_alloc")
BUILT_IN = "CONFIG_INIT_ON_ALLOC_DEFAULT_ON=y\n"


@pytest.mark.parametrize(
    ("running", "configured", "config", "kernel", "outcome", "evidence"),
    [
        ("init_on_alloc=1", "", "", (6, 1), "pass", "running with init_on_alloc=1"),
        ("init_on_alloc=on", "", "", (6, 1), "pass", "running with init_on_alloc=on"),
        ("", "", BUILT_IN, (6, 1), "pass", "built into the kernel by CONFIG_INIT_ON_ALLOC_DEFAULT_ON"),
        ("init_on_alloc=0", "", BUILT_IN, (6, 1), "fail", "running with init_on_alloc=0"),
        ("init_on_alloc=1 init_on_alloc=0", "", "", (6, 1), "fail", "running with init_on_alloc=0"),
        ("", "init_on_alloc=1", "", (6, 1), "fail", "running without init_on_alloc, set for the next boot"),
        ("", "", "", (6, 1), "fail", "running without init_on_alloc"),
        ("init_on_alloc=1", "", "", (4, 19), "not_applicable", "kernel 4.19 on x86_64 does not know init_on_alloc"),
    ],
)
def test_outcomes(
    running: str, configured: str, config: str, kernel: tuple[int, int], outcome: str, evidence: str
) -> None:
    assert judge(ALLOC, parse(running), parse(configured), Kernel(kernel, "x86_64", config)) == (outcome, evidence)


def test_words_are_compared_as_the_kernel_compares_them() -> None:
    kernel = Kernel((6, 18), "x86_64", "")
    by_name = {each.name: each for each in catalogue.PARAMETERS}
    for name, given, outcome in (("random.trust_cpu", "0", "pass"), ("pti", "1", "fail"), ("debugfs", "0", "fail")):
        assert judge(by_name[name], parse(f"{name}={given}"), {}, kernel)[0] == outcome


def test_what_is_omitted_is_left_and_an_own_value_stands_for_the_recommended() -> None:
    kernel = Kernel((6, 1), "x86_64", BUILT_IN + "CONFIG_AUDIT=y\n")
    spec = parse_spec(parameters={"audit_backlog_limit": 64}, omit=["audit"])
    found = {each.control: each for each in findings(spec, kernel, parse("audit_backlog_limit=64"), {})}
    assert found["kernel.boot_audit"].outcome == "not_applicable"
    assert found["kernel.boot_audit_backlog_limit"].outcome == "pass"
    assert found["kernel.boot_init_on_alloc"].outcome == "pass"


@pytest.mark.parametrize(
    ("running", "configured", "due"),
    [
        ("", "", False),
        ("", "audit=1", True),
        ("audit=1", "audit=on", False),
        ("audit=1", "", True),
        ("panic=1", "panic=30", True),
        ("", "init_on_alloc=1", False),
        ("init_on_alloc=0", "init_on_alloc=1", True),
        ("quiet", "debug", False),
    ],
)
def test_a_reboot_is_due_where_it_makes_a_difference(running: str, configured: str, due: bool) -> None:
    kernel = Kernel((6, 1), "x86_64", BUILT_IN)
    assert reboot_required(["audit", "init_on_alloc", "panic"], kernel, parse(running), parse(configured)) is due
