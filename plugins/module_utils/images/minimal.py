# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: makes an image of a few programs of the host and the libraries they load, and nothing else."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import tarfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ..containers.values import LABEL_PREFIX
from ..errors import CaissonError

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CONTENT_LABEL = f"{LABEL_PREFIX}content"
DIRECTORIES = ("bin", "dev", "etc", "proc", "run", "sys", "tmp", "usr", "var")
_LIBRARY = re.compile(r"(?:=>\s+)?(/\S+)\s+\(0x[0-9a-f]+\)")


@dataclass(frozen=True)
class Content:
    """The files of an image by their path inside, and the digest that tells two of them apart."""

    files: t.Mapping[str, bytes]
    user: str

    @property
    def digest(self) -> str:
        known = hashlib.sha256(self.user.encode())
        for path, data in sorted(self.files.items()):
            known.update(f"\n{path}\n{len(data)}\n".encode())
            known.update(data)
        return known.hexdigest()

    def changes(self) -> list[str]:
        """The image's configuration, as the engine's import takes it."""
        return ["ENV PATH=/bin", "WORKDIR /tmp", f"USER {self.user}", f"LABEL {CONTENT_LABEL}={self.digest}"]


def libraries(ldd: str) -> list[str]:
    """The paths in the output of ldd; none for a static program. Pure."""
    return _LIBRARY.findall(ldd)


def collect(programs: t.Sequence[str], user: str) -> Content:
    """The programs, under /bin, with the libraries they load under their own paths."""
    missing = [name for name in programs if shutil.which(name, path=PATH) is None]
    if missing:
        raise CaissonError(f"This host has no {', '.join(missing)}; install it, or leave it out of programs")
    files: dict[str, bytes] = {}
    for name in programs:
        found = str(shutil.which(name, path=PATH))
        files[f"bin/{Path(name).name}"] = Path(found).read_bytes()
        for library in libraries(_ldd(found)):
            files[library.lstrip("/")] = Path(library).read_bytes()
    number = user.partition(":")[0]
    files["etc/passwd"] = f"root:x:0:0::/:/bin/sh\napp:x:{number}:{number}::/tmp:/bin/sh\n".encode()
    return Content(files, user)


def _ldd(program: str) -> str:
    # ldd exits 1 for a static program, which is no error here.
    try:
        done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CaissonError(f"Failed to list the libraries of {program}: {error}; install libc-bin") from error
    return done.stdout


def archive(content: Content) -> bytes:
    """The files as a tar archive, owned by root, dated 0, so that the same files give the same image."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in DIRECTORIES:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name in ("tmp", "run") else 0o755
            tar.addfile(entry)
        for path, data in sorted(content.files.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o644 if path.startswith("etc/") else 0o755
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
