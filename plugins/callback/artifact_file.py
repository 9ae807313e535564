# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: artifact_file
type: notification
version_added: 0.1.0
short_description: Writes a run's report into a JSON file
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Job controllers keep the report of a run (P(caisson.hardening.run_stats#filter)) as artifacts of the job. For those
    who call C(ansible-playbook) or C(ansible-runner) themselves this writes the same report into a file, also where the
    run failed.
  - Hosts that could not be reached are named so in the file.
requirements:
  - Enable it in C(callbacks_enabled).
options:
  path:
    description:
      - The file. Its directory must be there.
      - By default C(caisson.json) in the artifacts of C(ansible-runner); without a runner nothing is written.
    type: path
    env:
      - name: CAISSON_ARTIFACT_FILE
    ini:
      - section: callback_caisson
        key: artifact_file
"""

import json
import os
import typing as t
from pathlib import Path

from ansible.plugins.callback import CallbackBase

RUNNER_FOLDER = "AWX_ISOLATED_DATA_DIR"  # set by ansible-runner
NAME = "caisson.json"


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Writes the file at the end of a run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "caisson.hardening.artifact_file"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        report = stats.custom.get("_run", {}).get("caisson_report")
        folder = os.environ.get(RUNNER_FOLDER)
        path = self.get_option("path") or (folder and str(Path(folder) / NAME))
        if not report or not path:
            return
        hosts = {
            host: {"outcome": "unreachable"} if stats.dark.get(host) and entry["outcome"] == "not_reached" else entry
            for host, entry in report["hosts"].items()
        }
        target = Path(path)
        temporary = target.with_name(f".{target.name}.new")
        temporary.write_text(json.dumps({**report, "hosts": hosts}, indent=1) + "\n", encoding="utf-8")
        temporary.replace(target)
