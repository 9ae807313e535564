# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the checkout is, and how its tests run commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
LOGS = CACHE / "logs"
INSTALLED = CACHE / "installed"


class TestSetupError(Exception):
    """The machine cannot run the tests; the message says what to do."""

    __test__ = False


def as_root(argv: t.Sequence[str]) -> list[str]:
    """The command as root: through sudo where we are not root already."""
    if os.geteuid() == 0:
        return list(argv)
    if not shutil.which("sudo"):
        raise TestSetupError(f"'{argv[0]}' needs root and there is no sudo; run the tests as root")
    return ["sudo", "--preserve-env", "env", f"PATH={os.environ['PATH']}", *argv]


def output(argv: t.Sequence[str], **options: t.Any) -> str:
    """What the command prints. TestSetupError with its last lines where it fails."""
    done = subprocess.run(list(argv), capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise TestSetupError(f"'{' '.join(argv)}' failed with {done.returncode}:\n{tail(done.stderr or done.stdout)}")
    return str(done.stdout)


def logged(name: str, argv: t.Sequence[t.Any], **options: t.Any) -> int:
    """Run the command with its output in .cache/logs/<name>.log; its exit status."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with (LOGS / f"{name}.log").open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(map(str, argv))}\n")
        log.flush()
        options.update(stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        return subprocess.run([str(word) for word in argv], check=False, **options).returncode


def tail(text: str, lines: int = 40) -> str:
    return "\n".join(text.rstrip().splitlines()[-lines:])


def checkout_files() -> list[str]:
    """Paths of the checkout's files, committed or not, ignored ones left out."""
    listed = output(["git", "-c", f"safe.directory={ROOT}", "ls-files", "-co", "--exclude-standard"], cwd=ROOT)
    return [path for path in listed.splitlines() if (ROOT / path).is_file() or (ROOT / path).is_symlink()]


def copy_checkout(target: Path) -> None:
    """A clean copy of the checkout at *target*, which is emptied first."""
    shutil.rmtree(target, ignore_errors=True)
    for path in checkout_files():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target / path, follow_symlinks=False)


def tool(name: str) -> str:
    """A command of the virtual environment that runs us."""
    return str(Path(sys.executable).parent / name)
