# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: what a host is that matters to its hardening, in one look that changes nothing."""

from __future__ import annotations

import os
import typing as t
from dataclasses import asdict
from pathlib import Path

from ..containers.state import Daemon
from ..containers.status_apply import survey
from ..errors import CaissonError
from ..host import distributions, systemd
from ..host.container import is_container
from ..host.load import memory_kib
from ..host.undo import ROOT, subjects
from ..kernel.host_traits import observe_host

Facts = t.Dict[str, t.Any]
NO_ENGINE: Facts = {
    "answers": False,
    "product": "",
    "version": "",
    "api_version": "",
    "rootless": False,
    "userns_remap": False,
    "apparmor": False,
    "cgroup_version": "",
    "data_root": "",
    "log_driver": "",
    "runtimes": [],
    "containers": [],
}


def gather(params: t.Mapping[str, t.Any], undo_root: str = ROOT) -> Facts:
    """The facts by the names under which a play finds them. CaissonError where /proc cannot be read."""
    release = Path("/etc/os-release")
    fields = distributions.parse_os_release(release.read_text(encoding="utf-8") if release.is_file() else "")
    distribution = distributions.find(fields)
    return {
        "distribution": {
            "id": fields.get("ID", ""),
            "version": fields.get("VERSION_ID", ""),
            "support": distribution.status,
        },
        "is_container": is_container(),
        "service_manager": "systemd" if systemd.is_running() else "",
        "memory_mib": memory_kib() // 1024,
        "cpus": len(os.sched_getaffinity(0)),
        "kernel": {"release": os.uname().release, **_as_plain(asdict(observe_host()))},
        "engine": _engine(params),
        "undo_subjects": subjects(undo_root),
    }


def _as_plain(traits: t.Mapping[str, t.Any]) -> Facts:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in traits.items()}


def _engine(params: t.Mapping[str, t.Any]) -> Facts:
    try:
        daemon, fares = survey(params)
    except CaissonError:
        return dict(NO_ENGINE)
    return {**_said(daemon), "containers": [vars(fare) for fare in fares]}


def _said(daemon: Daemon) -> Facts:
    return {
        "answers": True,
        "product": "podman" if daemon.podman else "docker",
        "version": daemon.version,
        "api_version": daemon.api_version,
        "rootless": daemon.rootless,
        "userns_remap": daemon.shift != (0, 0) and not daemon.rootless,
        "apparmor": daemon.apparmor,
        "cgroup_version": daemon.cgroup_version,
        "data_root": daemon.root,
        "log_driver": daemon.log_driver,
        "runtimes": sorted(daemon.runtimes),
    }
