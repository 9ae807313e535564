# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The playbooks of docs/examples: read, and run as they are."""

from __future__ import annotations

import json
import re
import sys
import typing as t
from pathlib import Path

import jinja2
import jinja2.nativetypes
from ansible.module_utils.common.yaml import yaml_load

from . import playbook
from .shell import ROOT

FOLDER = ROOT / "docs" / "examples"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.yml")))
MODULE = "caisson.hardening.containers"


def play(name: str) -> dict[str, t.Any]:
    """The one play of an example."""
    plays = yaml_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    assert len(plays) == 1
    return dict(plays[0])


def arguments(name: str, **variables: t.Any) -> dict[str, t.Any]:
    """What the play gives the module, its variables filled in; *variables* go before the play's own."""
    found = play(name)
    values = {**found["vars"], **variables}
    task = next(each for each in found["tasks"] if MODULE in each)

    def filled(given: t.Any) -> t.Any:
        if isinstance(given, str):
            # As Ansible does: a text that is one expression keeps the expression's type, any other stays a text.
            native = re.fullmatch(r"\{\{[^{}]*\}\}", given)
            environment = jinja2.nativetypes.NativeEnvironment() if native else jinja2.Environment(autoescape=False)
            return environment.from_string(given).render(values)
        if isinstance(given, list):
            return [filled(item) for item in given]
        return {key: filled(item) for key, item in given.items()} if isinstance(given, dict) else given

    return dict(filled(task[MODULE]))


def run(names: t.Iterable[str], folder: Path, *words: str, **variables: t.Any) -> tuple[int, str]:
    """Exit status and output of the playbooks against this machine; *folder* is for what belongs to the run."""
    inventory = f"here ansible_connection=local ansible_become=false ansible_python_interpreter={sys.executable}\n"
    (folder / "hosts").write_text(f"[docker_hosts]\n{inventory}", encoding="utf-8")
    (folder / "variables.json").write_text(json.dumps(variables), encoding="utf-8")
    given = ("-e", f"@{folder / 'variables.json'}")
    files = (FOLDER / f"{name}.yml" for name in names)
    return playbook.run("-i", folder / "hosts", *words, *given, *files, timeout=300)
