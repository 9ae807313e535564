# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mount points that are hardened, with the options of each profile. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

from ..controls.model import BASELINE, STRICT


@dataclass(frozen=True)
class MountPoint:
    """One path that everybody may write, or /proc.

    baseline, strict: the options of the profile. api: the kernel's own file system that systemd mounts there at boot,
    whose options it takes from /etc/fstab. reason: why. breaks: what may stop working.
    """

    path: str
    control: str
    baseline: tuple[str, ...]
    strict: tuple[str, ...]
    reason: str
    references: tuple[str, ...]
    breaks: str = ""
    api: str = ""

    def wanted(self, profile: str) -> tuple[str, ...]:
        return {BASELINE: self.baseline, STRICT: self.strict}.get(profile, ())

    @property
    def profile(self) -> str:
        """The lowest profile that asks for something here."""
        return BASELINE if self.baseline else STRICT

    @property
    def unit(self) -> str:
        """systemd's name of the mount."""
        return self.path.strip("/").replace("/", "-") + ".mount"


_WRITABLE = "Everybody may write here, so it is where an intruder puts a program, a setuid file or a device first."

MOUNTS: dict[str, MountPoint] = {
    entry.path: entry
    for entry in (
        MountPoint(
            "/dev/shm",
            "kernel.mount_shm",
            ("nosuid", "nodev", "noexec"),
            ("nosuid", "nodev", "noexec"),
            _WRITABLE,
            ("CIS Debian 13 1.1.2.2", "CIS Debian 12 1.1.2.2", "CWE-732"),
            "Programs that map code from shared memory, as some databases and emulators do; containers have their own",
            api="tmpfs",
        ),
        MountPoint(
            "/tmp",
            "kernel.mount_tmp",
            ("nosuid", "nodev"),
            ("nosuid", "nodev", "noexec"),
            _WRITABLE,
            ("CIS Debian 13 1.1.2.1", "CIS Debian 12 1.1.2.1", "CWE-732"),
            "noexec: installers that unpack and run programs there, debconf's questions before an installation, "
            "and programs that containers run from a bind of a directory below it",
        ),
        MountPoint(
            "/var/tmp",
            "kernel.mount_var_tmp",
            ("nosuid", "nodev"),
            ("nosuid", "nodev", "noexec"),
            _WRITABLE,
            ("CIS Debian 13 1.1.2.5", "CIS Debian 12 1.1.2.5", "CWE-732"),
            "noexec: as in /tmp",
        ),
        MountPoint(
            "/proc",
            "kernel.proc_hidepid",
            (),
            ("hidepid=2",),
            "The command lines, environments and open files of other users' processes hold passwords and show "
            "an intruder what to attack.",
            ("proc(5)", "Kicksecure security-misc", "CWE-200"),
            "Monitoring by users who are neither root nor in the group that may see all processes; polkit",
            api="proc",
        ),
    )
}
# By control, the mount point that it is about.
CONTROLS: dict[str, str] = {entry.control: path for path, entry in MOUNTS.items()}
