# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The same hardened containers for every side: for our module, for docker_container, for compose."""

from __future__ import annotations

import contextlib
import typing as t

import docker

FLAGS = "noexec,nosuid,nodev,mode=1777"
TMPFS = [f"/tmp:{FLAGS},size=67108864", f"/run:{FLAGS},size=16777216"]
LOG = {"max-size": "10m", "max-file": "3"}


def names(prefix: str, number: int) -> list[str]:
    return [f"{prefix}-{each:03}" for each in range(number)]


def ours(prefix: str, number: int, image: str, memory: str, **more: t.Any) -> dict[str, t.Any]:
    """The arguments of `containers`; everything else is the module's default, but for more of each container."""
    common = {
        "image": image,
        "user": "10001",
        "command": ["sleep", "3600"],
        "memory": memory,
        "stop_timeout": 1,
        **more,
    }
    return {"project": prefix, "containers": [{"name": name, **common} for name in names(prefix, number)]}


def docker_container(prefix: str, image: str, memory: str) -> dict[str, t.Any]:
    """The arguments of `docker_container` for one turn of its loop: the same, option by option."""
    return {
        "name": "{{ item }}", "image": image, "user": "10001", "command": ["sleep", "3600"], "state": "started",
        "memory": memory, "memory_swap": memory, "cpus": 1.0, "pids_limit": 256, "init": True, "read_only": True,
        "tmpfs": TMPFS, "cap_drop": ["ALL"], "security_opts": ["no-new-privileges=true"], "ipc_mode": "private",
        "ulimits": ["core:0:0", "nofile:1024:4096", "nproc:4096:4096"], "cgroupns_mode": "private", "shm_size": "64m",
        "log_driver": "local", "log_options": LOG, "restart_policy": "on-failure", "restart_retries": 5,
        "stop_timeout": 1, "networks": [{"name": prefix}], "networks_cli_compatible": True,
        "image_name_mismatch": "recreate",
    }  # fmt: skip


def compose(prefix: str, number: int, image: str, memory: str) -> dict[str, t.Any]:
    """The file of a compose project: the same containers, on the project's own network."""
    service = {
        "image": image, "user": "10001", "command": ["sleep", "3600"], "mem_limit": memory, "memswap_limit": memory,
        "cpus": 1.0, "pids_limit": 256, "init": True, "read_only": True, "cap_drop": ["ALL"], "ipc": "private",
        "cgroup": "private", "shm_size": "64m", "security_opt": ["no-new-privileges=true"], "tmpfs": TMPFS,
        "ulimits": {"core": 0, "nofile": {"soft": 1024, "hard": 4096}, "nproc": 4096},
        "logging": {"driver": "local", "options": LOG}, "restart": "on-failure:5", "stop_grace_period": "1s",
    }  # fmt: skip
    services = {name: {"container_name": name, **service} for name in names(prefix, number)}
    return {"services": services, "networks": {"default": {"name": prefix}}}


def clear(api: docker.APIClient, prefix: str) -> None:
    for container in api.containers(all=True, filters={"name": prefix}):
        with contextlib.suppress(docker.errors.NotFound):
            api.remove_container(container["Id"], force=True, v=True)
    for network in api.networks(names=[prefix]):
        if network["Name"].startswith(prefix):
            api.remove_network(network["Id"])
