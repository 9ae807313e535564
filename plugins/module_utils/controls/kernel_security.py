# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controls of what confines programs inside the kernel; decided at boot, so only reported. Pure data."""

from __future__ import annotations

from .model import STRICT, Control

CONTROLS: tuple[Control, ...] = (
    Control(
        "kernel.mandatory_access_control",
        "AppArmor or SELinux is in force",
        "What breaks out of a container meets rules that even root inside it cannot change.",
        ("CIS Docker 1.8 5.2", "CIS Docker 1.8 5.3", "CIS Debian 12 1.3.1", "NIST SP 800-190 4.4.3"),
    ),
    Control(
        "kernel.lsm_yama",
        "The security module Yama is in the kernel",
        "Without it no kernel.yama.ptrace_scope keeps one program from reading another one's memory.",
        ("KSPP", "CIS Debian 12 1.5.2"),
    ),
    Control(
        "kernel.lsm_landlock",
        "The security module Landlock is in the kernel",
        "Programs without any right can take rights away from themselves; many do where it is there.",
        ("KSPP",),
        STRICT,
    ),
    Control(
        "kernel.lockdown",
        "The kernel is locked down",
        "Root cannot change the running kernel, so that a break-in does not outlast its discovery.",
        ("KSPP",),
        STRICT,
    ),
    Control(
        "kernel.module_signatures",
        "Only signed modules are loaded",
        "Root cannot put code of their own into the kernel.",
        ("KSPP",),
        STRICT,
    ),
)
