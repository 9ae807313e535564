# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of a container as Ansible's argument specification. Pure data.

The names are those of community.docker.docker_container wherever the meaning is the same.
"""

from __future__ import annotations

import typing as t

Options = t.Dict[str, t.Dict[str, t.Any]]

STATES = ("started", "stopped", "present", "absent")
PULLS = ("missing", "always", "never")
SECRETS_ROTATIONS = ("replace", "in_place")
RESTART_POLICIES = ("no", "on-failure", "always", "unless-stopped")


def _words() -> dict[str, t.Any]:
    return {"type": "list", "elements": "str"}


def container_options() -> Options:
    """The options of one container; ``container`` has them at the top, ``containers`` in each entry."""
    return {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": list(STATES), "default": "started"},
        "image": {"type": "str"},
        "pull": {"type": "str", "choices": list(PULLS), "default": "missing"},
        "command": {"type": "raw"},
        "entrypoint": _words(),
        "env": {"type": "dict"},
        "user": {"type": "str"},
        "working_dir": {"type": "str"},
        "labels": {"type": "dict"},
        "hostname": {"type": "str"},
        "init": {"type": "bool", "default": True},
        "healthcheck": {
            "type": "dict",
            "options": {
                "test": {"type": "raw"},
                "interval": {"type": "str"},
                "timeout": {"type": "str"},
                "start_period": {"type": "str"},
                "retries": {"type": "int"},
            },
        },
        "read_only": {"type": "bool", "default": True},
        "tmpfs": _words(),
        "mounts": {
            "type": "list",
            "elements": "dict",
            "options": {
                "target": {"type": "str", "required": True},
                "source": {"type": "str"},
                "type": {"type": "str", "choices": ["bind", "volume"], "default": "volume"},
                "read_only": {"type": "bool", "default": False},
                "propagation": {
                    "type": "str",
                    "choices": ["private", "rprivate", "shared", "rshared", "slave", "rslave"],
                },
            },
        },
        "volumes": _words(),
        "cap_drop": _words(),
        "capabilities": _words(),
        "security_opts": _words(),
        "memory": {"type": "str", "default": "512m"},
        "memory_swap": {"type": "str"},
        "cpus": {"type": "float", "default": 1.0},
        "pids_limit": {"type": "int", "default": 256},
        "ulimits": _words(),
        "shm_size": {"type": "str", "default": "64m"},
        "networks": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "aliases": _words(),
                "ipv4_address": {"type": "str"},
                "ipv6_address": {"type": "str"},
            },
        },
        "published_ports": _words(),
        "log_driver": {"type": "str", "default": "local"},
        "log_options": {"type": "dict"},
        "restart_policy": {"type": "str", "choices": list(RESTART_POLICIES), "default": "on-failure"},
        "restart_retries": {"type": "int"},
        "stop_timeout": {"type": "int", "default": 10},
        "stop_signal": {"type": "str"},
        "sysctls": {"type": "dict"},
        "waivers": {
            "type": "list",
            "elements": "dict",
            "options": {
                "control": {"type": "str", "required": True},
                "reason": {"type": "str", "required": True},
                "expires": {"type": "str", "required": True},
            },
        },
        # Not secret themselves; Ansible asks for the word wherever a name sounds like it. The values are raw, so that
        # a number without quotes is refused and not taken for a text.
        "secrets": {
            "type": "list",
            "elements": "dict",
            "no_log": False,
            "options": {
                "name": {"type": "str", "required": True},
                "value": {"type": "raw", "no_log": True},
                "value_b64": {"type": "raw", "no_log": True},
                "target": {"type": "str"},
                "mode": {"type": "raw"},
                "uid": {"type": "int"},
                "gid": {"type": "int"},
            },
        },
        "secrets_rotation": {
            "type": "str",
            "choices": list(SECRETS_ROTATIONS),
            "default": "replace",
            "no_log": False,
        },
        "secrets_signal": {"type": "str", "no_log": False},
    }


def run_options() -> Options:
    """What concerns a whole run: the engine, the policy and how long to wait."""
    return {
        "docker_host": {"type": "str", "default": "unix:///var/run/docker.sock"},
        "ca_path": {"type": "path"},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path"},
        "timeout": {"type": "int", "default": 60},
        "project": {"type": "str", "default": "caisson"},
        "profile": {"type": "str", "choices": ["baseline", "strict"], "default": "baseline"},
        "policy": {"type": "str", "choices": ["enforce", "report"], "default": "enforce"},
        "healthy_wait_timeout": {"type": "float", "default": 60.0},
        "settle_time": {"type": "float", "default": 1.0},
        "parallel": {"type": "int", "default": 4},
        "assume_engine": {"type": "bool", "default": False},
        "assume_images": {"type": "list", "elements": "str", "default": []},
    }
