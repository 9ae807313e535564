# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A module as Ansible sends it: one file with all that it imports, to be run by the target's own interpreter."""

from __future__ import annotations

import json
import os
import sys
import typing as t
from pathlib import Path

from .run_module import COLLECTIONS
from .shell import output

_BUILD = """
import json, sys
from ansible.plugins.loader import init_plugin_loader, module_loader
init_plugin_loader()
from ansible.executor.module_common import modify_module
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
found = module_loader.find_plugin_with_context(sys.argv[1])
built = modify_module(
    module_name=found.resolved_fqcn, module_path=found.plugin_resolved_path, module_args=json.loads(sys.argv[3]),
    templar=Templar(loader=DataLoader()), task_vars={"ansible_playbook_python": sys.executable},
    module_compression="ZIP_DEFLATED", remote_is_local=True,
)
with open(sys.argv[2], "wb") as stream:
    stream.write(built.b_module_data)
"""


def package(name: str, args: t.Mapping[str, t.Any], target: Path) -> Path:
    """Write the module of that full name with its arguments to the file *target*."""
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
    environment.pop("PYTHONPATH", None)  # the collection is found by Ansible's own way
    given = {"_ansible_check_mode": False, "_ansible_diff": False, "_ansible_remote_tmp": "/tmp", **args}
    output([sys.executable, "-c", _BUILD, name, str(target), json.dumps(given)], env=environment)
    return target
