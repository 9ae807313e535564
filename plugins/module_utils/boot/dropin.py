# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The values that may stand on the command line, and GRUB's drop-in that carries them. Pure."""

from __future__ import annotations

import re
import typing as t

from ..errors import Fault

PATH = "/etc/default/grub.d/99-caisson.cfg"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
VALUE = re.compile(r"[A-Za-z0-9_.,:/+@%=-]*\Z")
# Parameters that choose what is booted, or stop the boot at a root shell.
REFUSED_NAMES = frozenset(("init", "rdinit", "root", "rd.break", "single", "emergency", "rescue", "s", "S", "1"))
# Values that switch a protection off.
REFUSED_VALUES = {"selinux": ("0",), "apparmor": ("0",), "mitigations": ("off",)}


def faults(parameters: t.Mapping[str, str]) -> list[Fault]:
    """What is wrong with the parameters, all of it."""
    found: list[Fault] = []
    for name, value in parameters.items():
        plain = name.replace("-", "_")
        if not NAME.match(name):
            found.append(_fault(name, value, "has a name that no parameter has", "use letters, digits, '_', '-', '.'"))
        elif name in REFUSED_NAMES or plain in REFUSED_NAMES:
            found.append(_fault(name, value, "changes what is booted", "remove it"))
        elif not VALUE.match(value):
            found.append(_fault(name, value, "has characters that GRUB's shell would read", "write a plain value"))
        elif value in REFUSED_VALUES.get(plain, ()):
            found.append(_fault(name, value, "switches a protection off", "remove it"))
    return found


def render(parameters: t.Mapping[str, str]) -> str:
    """The drop-in: it appends, so that for most parameters its values win over those given before."""
    line = " ".join(f"{name}={value}" if value else name for name, value in parameters.items())
    return f'# Managed by caisson.hardening.\nGRUB_CMDLINE_LINUX="${{GRUB_CMDLINE_LINUX:-}} {line}"\n'


def _fault(name: str, value: str, problem: str, remedy: str) -> Fault:
    return Fault("boot_parameters", f"parameters.{name}", value, problem, remedy)
