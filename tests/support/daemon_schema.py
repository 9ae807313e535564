# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The schema of daemon.json held against an engine: it names all keys that it does not know, and its help those that it
has a flag for."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.caisson.hardening.plugins.module_utils.daemon.schema import KEYS, engine_has, parse_version

# What an engine names and has flags for instead of the key that they are in.
INSIDE = dict.fromkeys(("http-proxy", "https-proxy", "no-proxy"), "proxies")
EVERY_KEY = json.dumps({"not-a-key": 1, **dict.fromkeys(KEYS), "proxies": dict.fromkeys(INSIDE)}).encode()


def differs(said: t.Callable[[str], str], file: str) -> dict[str, set[str]]:
    """What the schema has and the engine lacks or the other way; nothing where they agree.

    said: the output of a shell command where the engine is. file: the path there of a file with `EVERY_KEY`.
    """
    version = parse_version(said("dockerd --version").split("version ")[1])
    told = said(f"dockerd --config-file {file} --pidfile {file}.pid")
    unknown = re.search(r"don't match any configuration option: ([^\"\n]+)", told)
    assert unknown is not None, told
    refused = {INSIDE.get(name, name) for name in unknown[1].strip().split(", ")} - {"not-a-key"}
    lacked = {name for name in KEYS if not engine_has(name, version)}
    flags = set(re.findall(r"^ +(?:-\w, )?--([\w-]+)", said("dockerd --help"), re.MULTILINE))
    known = {key.flag or key.name for key in KEYS.values()} | {"config-file", "help", "version", "validate", *INSIDE}
    found = {"unknown to the engine": refused - lacked, "known to it": lacked - refused, "flags": flags - known}
    return {what: names for what, names in found.items() if names}
