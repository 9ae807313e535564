# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the files that decide which limits a login session gets."""

from __future__ import annotations

import os
from pathlib import Path

from ..host.files import conf_files, read_file
from .pam import LIMITS_CONF, PamObserved
from .spec import ConfigFile

# In the second one some distributions ship theirs; a file of the same name in the first hides it.
_DIRECTORIES = ("/etc/security/limits.d", "/usr/etc/security/limits.d")
_SERVICES = ("/usr/lib/pam.d", "/usr/etc/pam.d", "/etc/pam.d")
_SSHD = "/etc/ssh/sshd_config"


def observe_pam(ours: str) -> PamObserved:
    """The files as they stand, without *ours*."""
    paths = [LIMITS_CONF, *map(str, conf_files(_DIRECTORIES))]
    services = {path.name: _text(path) for folder in _SERVICES for path in Path(folder).glob("*") if path.is_file()}
    return PamObserved(
        limits=tuple(ConfigFile(path, _text(path)) for path in paths if path != ours),
        services=services,
        sshd=_with_includes(Path(_SSHD), 0) if Path(_SSHD).exists() else None,
    )


def _with_includes(path: Path, depth: int) -> str:
    """The text with each Include in its place; sshd follows them sixteen levels deep at the most."""
    lines = []
    for line in _text(path).splitlines():
        words = line.replace("=", " ").split()
        if words and words[0].lower() == "include" and depth < 16:
            for pattern in words[1:]:
                relative = os.path.normpath(Path("/etc/ssh") / pattern.strip('"')).lstrip("/")
                lines += [
                    _with_includes(each, depth + 1) for each in sorted(Path("/").glob(relative)) if each.is_file()
                ]
        else:
            lines.append(line)
    return "\n".join(lines)


def _text(path: str | Path) -> str:
    state = read_file(path)
    return state.text if state else ""
