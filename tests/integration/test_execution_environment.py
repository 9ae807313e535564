# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The definition of the execution environment is one that ansible-builder takes."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from ansible_collections.caisson.hardening.tests.support import awx_tools, execution_environment
from ansible_collections.caisson.hardening.tests.support.shell import ROOT, output


def test_builder_makes_its_context_and_every_program_is_pinned(tmp_path: Path) -> None:
    context = tmp_path / "context"
    argv = [str(awx_tools.builder()), "create", "--file", str(execution_environment.DEFINITION)]
    done = subprocess.run([*argv, "--context", str(context)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    made = (context / "Containerfile").read_text(encoding="utf-8")
    for pin in ("python:3.11.13-slim-bookworm", "ansible-core==2.19.14", "ansible-runner==2.4.3", "openssh-client"):
        assert pin in made

    pinned = execution_environment.definition()["dependencies"]
    tested = (ROOT / "requirements.txt").read_text() + (ROOT / "requirements-test.txt").read_text()
    for name in ("ansible_core", "ansible_runner"):
        assert re.search(rf"^{pinned[name]['package_pip']}$", tested, re.MULTILINE), "another version is tested"


def test_builder_can_read_the_collection_too() -> None:
    # It looks into meta/execution-environment.yml of every collection that goes into an image.
    builder = awx_tools.builder()
    [script] = builder.parents[1].glob("lib/python3*/site-packages/ansible_builder/_target_scripts/introspect.py")
    code = (
        "import json, runpy, sys; found = runpy.run_path(sys.argv[1])['process_collection'](sys.argv[2]);"
        "print(json.dumps(found))"
    )
    said = output([str(builder.with_name("python")), "-c", code, str(script), str(ROOT)])
    assert json.loads(said) == [[], []]
