# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files, directories and sockets of an engine, each with owner and the mode that it may have at most. Pure data.

The modes are those of section 3 of CIS Docker 1.8; but a key below certs.d is held to the mode of a key.
"""

from __future__ import annotations

from dataclasses import dataclass

FILE, DIRECTORY, SOCKET = "file", "directory", "socket"
ROOT, ENGINE_GROUP = "root", "docker"


@dataclass(frozen=True)
class Rule:
    """What holds for one kind of path.

    name: its part of the controls' ids. what: the words of their titles. most: the permission bits that are allowed.
    group: root, or the group whose members use the engine. owner_item, mode_item: the items of CIS Docker 1.8.
    """

    name: str
    what: str
    most: int
    owner_item: str
    mode_item: str
    kind: str = FILE
    group: str = ROOT


RULES: tuple[Rule, ...] = (
    Rule("service_unit", "docker.service and its drop-ins", 0o644, "3.1", "3.2"),
    Rule("socket_unit", "docker.socket and its drop-ins", 0o644, "3.3", "3.4"),
    Rule("directory", "/etc/docker", 0o755, "3.5", "3.6", DIRECTORY),
    Rule("registry_certificates", "The certificates of registries", 0o444, "3.7", "3.8"),
    Rule("registry_keys", "The client keys for registries", 0o400, "3.7", "3.8"),
    Rule("tls_ca", "The CA's certificate of the daemon", 0o444, "3.9", "3.10"),
    Rule("tls_certificate", "The daemon's certificate", 0o444, "3.11", "3.12"),
    Rule("tls_key", "The daemon's key", 0o400, "3.13", "3.14"),
    Rule("socket", "The engine's socket", 0o660, "3.15", "3.16", SOCKET, ENGINE_GROUP),
    Rule("daemon_json", "daemon.json", 0o644, "3.17", "3.18"),
    Rule("default_file", "/etc/default/docker", 0o644, "3.19", "3.20"),
    Rule("sysconfig_file", "/etc/sysconfig/docker", 0o644, "3.22", "3.21"),
    Rule("containerd_socket", "containerd's socket", 0o660, "3.23", "3.24", SOCKET),
)
BY_NAME: dict[str, Rule] = {rule.name: rule for rule in RULES}


def owner_control(name: str) -> str:
    """The id of the control for the owner of a rule's paths."""
    return f"docker_files.{name}_owner"


def mode_control(name: str) -> str:
    """The id of the control for the mode of a rule's paths."""
    return f"docker_files.{name}_mode"


GROUP_CONTROL = "docker_files.group_members"
PARTITION_CONTROL = "docker_files.data_root_partition"
# Either id of a rule, to the rule.
BY_CONTROL: dict[str, Rule] = {
    control: rule for rule in RULES for control in (owner_control(rule.name), mode_control(rule.name))
}
