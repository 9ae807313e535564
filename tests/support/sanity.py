# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`ansible-test sanity` in a clean copy of the checkout, with a home directory of its own."""

from __future__ import annotations

import os
import re
import sys
from importlib import metadata
from pathlib import Path

from .shell import CACHE, LOGS, TestSetupError, copy_checkout, logged, output, tool

FOLDER = CACHE / "sanity"
COPY = FOLDER / "ansible_collections" / "caisson" / "hardening"
HOME = CACHE / "home" / "sanity"

# ansible-test downloads such a script from a place that closed networks do not reach; pip's own wheel does the same.
BOOTSTRAP = """import runpy, sys
sys.path.insert(0, {wheel!r})
sys.argv = ["pip", "install", *(word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel"))]
runpy.run_module("pip", run_name="__main__")
"""


def run_sanity(log: str) -> bool:
    """Whether the suite passes; its output goes to the log."""
    _bootstrap(log)
    copy_checkout(COPY)
    # Without a repository of its own, ansible-test asks the checkout's, to which all of .cache is ignored.
    output(["git", "init", "-q", str(COPY)])
    environment = {**os.environ, "HOME": str(HOME), "ANSIBLE_COLLECTIONS_PATH": str(FOLDER)}
    for name in ("PYTHONPATH", "ANSIBLE_CONFIG", "ANSIBLE_HOME"):
        environment.pop(name, None)
    python = ".".join(map(str, sys.version_info[:2]))
    argv = [tool("ansible-test"), "sanity", "--local", "--python", python, "--color", "no"]
    status = logged(log, argv, cwd=COPY, env=environment)
    skipped = "All targets skipped" in (LOGS / f"{log}.log").read_text(encoding="utf-8")
    return status == 0 and not skipped


def _bootstrap(log: str) -> None:
    source = Path(
        str(metadata.distribution("ansible-core").locate_file("ansible_test/_internal/python_requirements.py"))
    )
    for version in set(re.findall(r"pip='([\d.]+)'", source.read_text(encoding="utf-8"))):
        script = HOME / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
        wheel = script.parent / f"pip-{version}-py3-none-any.whl"
        if not wheel.is_file():
            argv = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "-q",
                "--no-deps",
                "--dest",
                wheel.parent,
                f"pip=={version}",
            ]
            if logged(log, argv) != 0:
                raise TestSetupError(f"Failed to download pip {version}; see .cache/logs/{log}.log")
        script.write_text(BOOTSTRAP.format(wheel=str(wheel)), encoding="utf-8")
