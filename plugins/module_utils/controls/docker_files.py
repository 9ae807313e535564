# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controls of an engine's files and sockets, of its group and of the place of its data. Pure data."""

from __future__ import annotations

from ..permissions.catalogue import (
    ENGINE_GROUP,
    GROUP_CONTROL,
    PARTITION_CONTROL,
    RULES,
    Rule,
    mode_control,
    owner_control,
)
from .model import Control

_REASON = "Who may change it, or for a key and a socket who may use it, can make himself root on this host."


def _pair(rule: Rule) -> tuple[Control, Control]:
    group = "the engine's group" if rule.group == ENGINE_GROUP else "root"
    return (
        Control(
            owner_control(rule.name),
            f"{rule.what}: owned by root and {group}",
            _REASON,
            (f"CIS Docker 1.8 {rule.owner_item}",),
        ),
        Control(
            mode_control(rule.name),
            f"{rule.what}: mode {rule.most:o} or tighter",
            _REASON,
            (f"CIS Docker 1.8 {rule.mode_item}",),
        ),
    )


CONTROLS: tuple[Control, ...] = (
    *(control for rule in RULES for control in _pair(rule)),
    Control(
        GROUP_CONTROL,
        "Only trusted users are in the engine's group",
        "A member of it can have the engine start a container that is root on the host.",
        ("CIS Docker 1.8 1.1.2",),
    ),
    Control(
        PARTITION_CONTROL,
        "The engine's data root is a file system of its own",
        "Images and logs that fill it do not fill the host's root file system.",
        ("CIS Docker 1.8 1.1.1",),
    ),
)
