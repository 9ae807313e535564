# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the configuration files that set the kernel's values at boot, and the tools that read them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..host.changes import FileText
from ..host.files import read_file
from .precedence import DIRECTORIES, LAST, PROCPS, SYSTEMD, UFW, BootFiles

_TOOLS = {
    SYSTEMD: ("/usr/lib/systemd/systemd-sysctl", "/lib/systemd/systemd-sysctl"),
    PROCPS: ("/usr/sbin/sysctl", "/sbin/sysctl"),
}


def boot_files() -> BootFiles:
    """All of them, those that another of the same name hides too."""
    paths = [path for directory in DIRECTORIES for path in sorted(Path(directory).glob("*.conf"))]
    firewall = _firewall()
    paths += [Path(each) for each in (LAST, firewall) if each]
    targets = {str(path): os.path.realpath(path) for path in paths if os.path.lexists(path)}
    contents = {}
    for target in set(targets.values()):
        # A link to /dev/null, to nothing or to a directory says nothing, and hides what has its name.
        state = read_file(target) if Path(target).is_file() else None
        if state:
            text = state.content.decode("utf-8", "surrogateescape")
            contents[target] = FileText(text, state.mode, state.uid, state.gid)
    readers = tuple(tool for tool, places in _TOOLS.items() if any(map(os.path.exists, places)))
    # Where neither is installed, as in a container, it may be later.
    readers = readers or (SYSTEMD, PROCPS)
    if firewall in targets:
        return BootFiles(targets, contents, (*readers, UFW), firewall)
    return BootFiles(targets, contents, readers)


def _firewall() -> str:
    """The file of kernel settings that ufw applies, by its own configuration; empty where ufw is off or not here."""
    if re.search(r"(?m)^ENABLED=[\"']?yes\b", _text("/etc/ufw/ufw.conf")):
        found = re.search(r"(?m)^IPT_SYSCTL=[\"']?([^\"'\s#]+)", _text("/etc/default/ufw"))
        return found.group(1) if found else ""
    return ""


def _text(path: str) -> str:
    state = read_file(path)
    return state.text if state else ""
