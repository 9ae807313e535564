# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of the kernel's modules is in use on a host, and so must not be denied. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .catalogue import ENTRIES, protection

LOADED, NOT_LOADED = "loaded", "not loaded"


@dataclass(frozen=True)
class Loaded:
    """A module that the kernel has loaded: how many use it, and the modules among those."""

    users: int = 0
    holders: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Kernel:
    """The running kernel and what the host needs of it; modules by their canonical names.

    needs: every module that this kernel can load, with those that are loaded before it.
    built_in: the modules that are part of the kernel itself.
    aliases: the names by which the kernel asks for file systems (``fs-udf``), with their modules.
    mounted, named: file system types with where they are mounted, or who names them (fstab, a mount unit).
    sockets: modules with the protocol of which sockets are open.
    interfaces: entries of the catalogue with a network interface of their kind.
    at_boot: modules with the file that has them loaded at boot.
    """

    release: str = ""
    needs: t.Mapping[str, frozenset[str]] = field(default_factory=dict)
    built_in: frozenset[str] = frozenset()
    aliases: t.Mapping[str, str] = field(default_factory=dict)
    loaded: t.Mapping[str, Loaded] = field(default_factory=dict)
    mounted: t.Mapping[str, str] = field(default_factory=dict)
    named: t.Mapping[str, str] = field(default_factory=dict)
    sockets: t.Mapping[str, str] = field(default_factory=dict)
    interfaces: t.Mapping[str, str] = field(default_factory=dict)
    at_boot: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def loads(self) -> bool:
        """Whether there is anything that this kernel could load."""
        return bool(self.needs)

    def module_of(self, file_system: str) -> str:
        """The module of a file system type."""
        return self.aliases.get(f"fs-{file_system}", file_system.replace("-", "_"))


def open_protocols(text: str) -> dict[str, str]:
    """Modules with a protocol of which sockets are open, from the text of /proc/net/protocols.

    That is one network namespace; sockets of the others show in the use counts of the modules.
    """
    found: dict[str, str] = {}
    lines = text.splitlines()
    columns = {name: number for number, name in enumerate(lines[0].split())} if lines else {}
    if not {"sockets", "module"} <= set(columns):
        return found
    for line in lines[1:]:
        words = line.split()
        if len(words) > columns["module"] and words[columns["sockets"]] not in ("0", "-1"):
            found.setdefault(words[columns["module"]].replace("-", "_"), words[0])
    return found


def in_use(kernel: Kernel, unloadable: t.Collection[str] = ()) -> dict[str, str]:
    """Each module that is needed, with the reason as the end of a sentence.

    unloadable: loaded modules that nobody uses and that may go; they are no reason to keep what they need.
    """
    direct: dict[str, str] = {}
    for kind, place in kernel.mounted.items():
        direct.setdefault(kernel.module_of(kind), f"a file system of that type is mounted on {place}")
    for kind, place in kernel.named.items():
        direct.setdefault(kernel.module_of(kind), f"{place} names that file system type")
    for module, protocol in kernel.sockets.items():
        direct.setdefault(module, f"sockets of the protocol {protocol} are open")
    for entry, interface in kernel.interfaces.items():
        for module in ENTRIES[entry].modules:
            direct.setdefault(module, f"the network interface {interface} is of its kind")
    for module, path in kernel.at_boot.items():
        direct.setdefault(module, f"{path} has it loaded at boot")
    for module, state in kernel.loaded.items():
        outside = state.users - len(state.holders & set(unloadable))
        if module not in unloadable and outside > 0:
            direct.setdefault(module, f"it is loaded and {state.users} make use of it")
    # Most protected modules are not loaded now; what they need must be there when they are.
    roots = {**dict.fromkeys(direct, ""), **dict.fromkeys(set(kernel.loaded) - set(unloadable), "")}
    found = dict(direct)
    for root in [*sorted(roots), *sorted(module for module in kernel.needs if protection(module))]:
        for module in sorted(kernel.needs.get(root, ())):
            found.setdefault(module, f"{root} needs it")
    return found


def unloadable(kernel: Kernel, modules: t.Collection[str]) -> tuple[str, ...]:
    """Those of the loaded *modules* that nobody but each other uses, in the order in which they can be unloaded."""
    order: list[str] = []
    while True:
        free = [
            module
            for module in sorted(set(modules) & set(kernel.loaded) - set(order))
            if kernel.loaded[module].users == len(kernel.loaded[module].holders)
            and kernel.loaded[module].holders <= set(order)
        ]
        if not free:
            return tuple(order)
        order += free
