# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is seen of a mount point: live, and what systemd has for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .options import Options, join

# What a path can be: a mount of something else, a bind of the directory onto itself, a plain directory, a link.
MOUNT, SELF, DIRECTORY, LINK, MISSING = "mount", "self", "directory", "link", "missing"
# The live value of what is no mount.
PLAIN = "a plain directory"


@dataclass(frozen=True)
class MountView:
    """What is at a path.

    options: those of the mount there. inherited: the flags of the mount around it. below: mounts below it.
    source: where a link leads.
    """

    path: str
    kind: str
    options: Options = ()
    inherited: Options = ()
    below: tuple[str, ...] = ()
    source: str = ""

    @property
    def mounted(self) -> bool:
        return self.kind in (MOUNT, SELF)

    @property
    def value(self) -> str:
        """The live value, as a transaction compares and sets it."""
        if self.kind == LINK:
            return f"a link to {self.source}"
        return join(self.options) if self.mounted else PLAIN if self.kind == DIRECTORY else MISSING

    @property
    def effective(self) -> Options:
        """The options that hold for the files there."""
        return self.options if self.mounted else self.inherited


@dataclass(frozen=True)
class UnitView:
    """systemd's mount unit for a path.

    fragment: its file; generated from /etc/fstab where that says so. options: those of its files without our drop-in.
    """

    name: str
    load: str = "not-found"
    active: bool = False
    fragment: str = ""
    from_fstab: bool = False
    options: Options = ()

    @property
    def masked(self) -> bool:
        return self.load == "masked"

    @property
    def rules(self) -> bool:
        """Whether the unit's own files, and not /etc/fstab, decide about the mount."""
        return self.active and bool(self.fragment) and not self.from_fstab

    @property
    def in_the_way(self) -> bool:
        """Whether a line in /etc/fstab would have no effect: an administrator's unit goes before the generated one."""
        local = self.fragment.startswith(("/etc/systemd/", "/run/systemd/system/", "/run/systemd/transient/"))
        return self.masked or (local and not self.active and not self.from_fstab)
