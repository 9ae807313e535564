# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: what the kernel shows of its security modules; nothing is ever changed."""

from __future__ import annotations

from pathlib import Path

from .findings import Security, chosen_mode, profile_counts


def observe(sys: str = "/sys", proc: str = "/proc") -> Security:
    """What there is to see of the running kernel."""
    root = Path(sys)
    modules, lockdown = _text(root / "kernel/security/lsm"), _text(root / "kernel/security/lockdown")
    profiles = _text(root / "kernel/security/apparmor/profiles")
    enforcing, complaining = profile_counts(profiles) if profiles is not None else (None, None)
    return Security(
        modules=tuple(modules.split(",")) if modules else None,
        lockdown=chosen_mode(lockdown) if lockdown else None,
        apparmor=_flag(root / "module/apparmor/parameters/enabled"),
        enforcing=enforcing,
        complaining=complaining,
        selinux=_flag(root / "fs/selinux/enforce"),
        signed_modules=_flag(root / "module/module/parameters/sig_enforce"),
        loads_modules=(Path(proc) / "modules").exists(),
    )


def _flag(path: Path) -> bool | None:
    text = _text(path)
    return None if text is None else text in ("Y", "1")


def _text(path: Path) -> str | None:
    """The file's text without the end of its line; None where there is none or it may not be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
