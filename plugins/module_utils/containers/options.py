# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of a container as Ansible's argument specification. Pure data.

The names are those of community.docker.docker_container wherever the meaning is the same.
"""

from __future__ import annotations

import typing as t

Options = t.Dict[str, t.Dict[str, t.Any]]

STATES = ("started", "stopped", "present", "absent", "rolled_back")
PULLS = ("missing", "always", "never")
ORDERS = ("auto", "stop-first", "start-first")
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
                "start_interval": {"type": "str"},
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
        "internal": {"type": "bool", "default": False},
        "published_ports": _words(),
        "log_driver": {"type": "str", "default": "local"},
        "log_options": {"type": "dict"},
        "restart_policy": {"type": "str", "choices": list(RESTART_POLICIES), "default": "on-failure"},
        "restart_retries": {"type": "int"},
        "stop_timeout": {"type": "int", "default": 10},
        "stop_signal": {"type": "str"},
        "sysctls": {"type": "dict"},
        "depends_on": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "condition": {"type": "str", "choices": ["started", "healthy"], "default": "started"},
            },
        },
        "keep_previous": {"type": "bool", "default": False},
        "update_order": {"type": "str", "choices": list(ORDERS), "default": "auto"},
        **_resources(),
        **_isolation(),
        "drift_ignore": _words(),
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


def batch_options() -> Options:
    """What only a list of containers has."""
    return {"prune": {"type": "bool", "default": False}}


def _resources() -> Options:
    """How the host's memory, processors and block devices are shared out."""
    rates: Options = {
        name: {
            "type": "list",
            "elements": "dict",
            "options": {"path": {"type": "str", "required": True}, "rate": {"type": kind, "required": True}},
        }
        for name, kind in (
            ("device_read_bps", "str"),
            ("device_read_iops", "int"),
            ("device_write_bps", "str"),
            ("device_write_iops", "int"),
        )
    }
    return {
        "memory_reservation": {"type": "str"},
        "memory_swappiness": {"type": "int"},
        "oom_killer": {"type": "bool", "default": False},
        "oom_score_adj": {"type": "int", "default": 0},
        "cpu_shares": {"type": "int"},
        "cpuset_cpus": {"type": "str"},
        "cpuset_mems": {"type": "str"},
        "blkio_weight": {"type": "int"},
        **rates,
        "storage_opts": {"type": "dict"},
    }


def _isolation() -> Options:
    """Namespaces, devices, groups and names."""
    return {
        "privileged": {"type": "bool", "default": False},
        "pid_mode": {"type": "str"},
        "ipc_mode": {"type": "str", "default": "private"},
        "uts": {"type": "str"},
        "userns_mode": {"type": "str"},
        "cgroupns_mode": {"type": "str", "choices": ["private", "host"], "default": "private"},
        "cgroup_parent": {"type": "str"},
        "devices": _words(),
        "device_cgroup_rules": _words(),
        "device_requests": {
            "type": "list",
            "elements": "dict",
            "options": {
                "driver": {"type": "str"},
                "count": {"type": "int"},
                "device_ids": _words(),
                "capabilities": {"type": "list", "elements": "list", "required": True},
                "options": {"type": "dict"},
            },
        },
        "groups": _words(),
        "runtime": {"type": "str"},
        "tty": {"type": "bool", "default": False},
        "interactive": {"type": "bool", "default": False},
        "domainname": {"type": "str"},
        "dns_servers": _words(),
        "dns_opts": _words(),
        "dns_search_domains": _words(),
        "etc_hosts": {"type": "dict"},
        "exposed_ports": _words(),
    }


def resource_options() -> Options:
    """The networks and volumes of a run of the module ``containers``."""
    labels_and_driver: Options = {"driver_options": {"type": "dict"}, "labels": {"type": "dict"}}
    pool = {"subnet": {"type": "str", "required": True}, "gateway": {"type": "str"}, "iprange": {"type": "str"}}
    network: Options = {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "driver": {"type": "str", "choices": ["bridge"], "default": "bridge"},
        "internal": {"type": "bool", "default": True},
        "icc": {"type": "bool", "default": False},
        "host_access": {"type": "bool", "default": False},
        "enable_ipv6": {"type": "bool", "default": False},
        "ipam_config": {"type": "list", "elements": "dict", "options": pool},
        **labels_and_driver,
    }
    volume: Options = {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present"], "default": "present"},
        "driver": {"type": "str", "default": "local"},
        **{flag: {"type": "bool"} for flag in ("exec", "suid", "dev")},
        **labels_and_driver,
    }
    return {
        "networks": {"type": "list", "elements": "dict", "options": network},
        "volumes": {"type": "list", "elements": "dict", "options": volume},
    }


def engine_options() -> Options:
    """The connection to the engine, the same in every module that talks to it."""
    return {
        "docker_host": {"type": "str", "default": "unix:///var/run/docker.sock"},
        "ca_path": {"type": "path"},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path"},
        "timeout": {"type": "int", "default": 60},
    }


def run_options() -> Options:
    """What concerns a whole run: the engine, the policy and how long to wait."""
    return {
        **engine_options(),
        "project": {"type": "str", "default": "caisson"},
        "profile": {"type": "str", "choices": ["baseline", "strict"], "default": "baseline"},
        "policy": {"type": "str", "choices": ["enforce", "report"], "default": "enforce"},
        "allowed_images": {"type": "list", "elements": "str", "default": []},
        "max_image_size": {"type": "str"},
        "healthy_wait_timeout": {"type": "float", "default": 60.0},
        "settle_time": {"type": "float", "default": 1.0},
        "parallel": {"type": "int", "default": 4},
        "inspect_processes": {"type": "str", "choices": ["started", "always", "never"], "default": "started"},
        "assume_engine": {"type": "bool", "default": False},
        "assume_images": {"type": "list", "elements": "str", "default": []},
    }
