# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The paths of an engine that the kernel's audit watches, and for what. Pure data.

The paths are those of CIS Docker 1.8 1.1.3 to 1.1.18, with the places where distributions put the programs.
"""

from __future__ import annotations

from dataclasses import dataclass

# Of a program its start is told too. Reading is not: it would fill the log with what the engine does all day.
CHANGED, CHANGED_OR_RUN = "wa", "wxa"
PATH, TREE = "path", "dir"
_PROGRAMS = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/libexec/docker")
_UNITS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")


@dataclass(frozen=True)
class Watch:
    """One item of the benchmark.

    name: its part of the control's id. what: the words of its title. paths: where it may be.
    field: whether a directory itself is watched (path) or all that is below it (dir).
    volatile: it comes and goes with the engine, so the rule is there without it.
    """

    name: str
    what: str
    item: str
    paths: tuple[str, ...]
    permissions: str = CHANGED
    field: str = PATH
    volatile: bool = False


def _program(name: str, item: str) -> Watch:
    paths = tuple(f"{folder}/{name}" for folder in _PROGRAMS)
    return Watch(name.replace("-", "_"), f"the program {name}", item, paths, CHANGED_OR_RUN)


# Where these two are, the daemon's own settings say.
DATA_ROOT, DAEMON_JSON = "data_root", "daemon_json"
WATCHES: tuple[Watch, ...] = (
    _program("dockerd", "1.1.3"),
    Watch("containerd_run", "/run/containerd", "1.1.4", ("/run/containerd",), volatile=True),
    # What containers write lies below; of the data root only itself is watched.
    Watch(DATA_ROOT, "the engine's data root", "1.1.5", ()),
    Watch("configuration", "/etc/docker", "1.1.6", ("/etc/docker",), field=TREE),
    Watch("service_unit", "docker.service", "1.1.7", tuple(f"{folder}/docker.service" for folder in _UNITS)),
    Watch("containerd_socket", "containerd's socket", "1.1.8", ("/run/containerd/containerd.sock",), volatile=True),
    Watch("socket", "the engine's socket", "1.1.9", ("/run/docker.sock",), volatile=True),
    Watch("default_file", "/etc/default/docker", "1.1.10", ("/etc/default/docker",)),
    Watch(DAEMON_JSON, "daemon.json", "1.1.11", ()),
    Watch("containerd_config", "/etc/containerd/config.toml", "1.1.12", ("/etc/containerd/config.toml",)),
    Watch("sysconfig_file", "/etc/sysconfig/docker", "1.1.13", ("/etc/sysconfig/docker",)),
    _program("containerd", "1.1.14"),
    _program("containerd-shim", "1.1.15"),
    _program("containerd-shim-runc-v1", "1.1.16"),
    _program("containerd-shim-runc-v2", "1.1.17"),
    _program("runc", "1.1.18"),
)


def control_id(name: str) -> str:
    """The id of the control for a watch."""
    return f"docker_audit.{name}"
