# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said of each recommended boot parameter."""

from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.boot import catalogue
from ansible_collections.caisson.hardening.plugins.module_utils.boot.cmdline import parse
from ansible_collections.caisson.hardening.plugins.module_utils.boot.judge import judge

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
    assert judge(ALLOC, parse(running), parse(configured), config, kernel, "x86_64") == (outcome, evidence)
