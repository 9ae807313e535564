# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kernel shows of its security modules to findings. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..controls.kernel_security import CONTROLS
from ..controls.model import FAIL, NOT_APPLICABLE, PASS, Finding


@dataclass(frozen=True)
class Security:
    """What the kernel shows; None is what it does not show here.

    modules: the security modules in force, in their order. lockdown: none, integrity or confidentiality.
    apparmor: whether it is enabled, with how many profiles enforce and how many only complain.
    selinux: whether it enforces. signed_modules: whether unsigned kernel modules are refused.
    """

    modules: tuple[str, ...] | None = None
    lockdown: str | None = None
    apparmor: bool | None = None
    enforcing: int | None = None
    complaining: int | None = None
    selinux: bool | None = None
    signed_modules: bool | None = None
    loads_modules: bool = True

    def as_dict(self) -> dict[str, t.Any]:
        """For the module's result."""
        return {**vars(self), "modules": list(self.modules) if self.modules is not None else None}


def chosen_mode(text: str) -> str | None:
    """The word in brackets of a text such as ``none [integrity] confidentiality``."""
    return next((word.strip("[]") for word in text.split() if word.startswith("[") and word.endswith("]")), None)


def profile_counts(text: str) -> tuple[int, int]:
    """How many of AppArmor's loaded profiles enforce, and how many only complain."""
    modes = [line.rpartition("(")[2].rstrip(")") for line in text.splitlines() if line.endswith(")")]
    return modes.count("enforce"), modes.count("complain")


def findings(seen: Security, profile: str) -> list[Finding]:
    """One finding for each control that *profile* demands."""
    judged = {
        "kernel.mandatory_access_control": _access_control(seen),
        "kernel.lsm_yama": _module(seen, "yama"),
        "kernel.lsm_landlock": _module(seen, "landlock"),
        "kernel.lockdown": _lockdown(seen),
        "kernel.module_signatures": _signatures(seen),
    }
    return [Finding(each.id, "host", *judged[each.id]) for each in CONTROLS if each.demanded_by(profile)]


_HIDDEN = (NOT_APPLICABLE, "the kernel does not show its security modules here (securityfs is not mounted)")


def _access_control(seen: Security) -> tuple[str, str]:
    if seen.selinux:
        return PASS, "SELinux enforces"
    if seen.apparmor:
        counts = f": {seen.enforcing} profiles enforce, {seen.complaining} complain"
        return PASS, f"AppArmor is enabled{'' if seen.enforcing is None else counts}"
    if seen.selinux is not None:
        return FAIL, "SELinux only permits and logs; set SELINUX=enforcing in /etc/selinux/config"
    if seen.apparmor is None and seen.modules is None:
        return _HIDDEN
    how = "apparmor=1 security=apparmor"
    return FAIL, f"neither AppArmor nor SELinux is in force; write '{how}' on the kernel command line and start anew"


def _module(seen: Security, name: str) -> tuple[str, str]:
    if seen.modules is None:
        return _HIDDEN
    shown = ",".join(seen.modules)
    if name in seen.modules:
        return PASS, f"in force: {shown}"
    # The option replaces the whole list, so what is in force must be named again.
    remedy = ",".join([*(each for each in seen.modules if each != "capability"), name])
    return FAIL, f"in force: {shown}; write 'lsm={remedy}' on the kernel command line, if this kernel has {name}"


def _lockdown(seen: Security) -> tuple[str, str]:
    if seen.modules is None and seen.lockdown is None:
        return _HIDDEN
    if seen.lockdown in ("integrity", "confidentiality"):
        return PASS, f"lockdown is {seen.lockdown}"
    return FAIL, f"lockdown is {seen.lockdown or 'not in force'}; write 'lockdown=integrity' on the kernel command line"


def _signatures(seen: Security) -> tuple[str, str]:
    if not seen.loads_modules:
        return PASS, "this kernel loads no modules"
    if seen.lockdown in ("integrity", "confidentiality"):
        return PASS, f"lockdown {seen.lockdown} refuses unsigned modules"
    if seen.signed_modules is None:
        return NOT_APPLICABLE, "this kernel does not know signatures"
    if seen.signed_modules:
        return PASS, "unsigned modules are refused"
    return FAIL, "unsigned modules are loaded; write 'module.sig_enforce=1' on the kernel command line"
