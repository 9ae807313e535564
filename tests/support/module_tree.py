# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A tree of kernel modules like /lib/modules/RELEASE, indexed by the real depmod.

The modules are object files with all that depmod reads: name, aliases, the symbols that they have and those that they
need. No kernel could load them; what modprobe would do with them is real.
"""

from __future__ import annotations

import struct
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ko:
    """A module: its name, the aliases by which the kernel asks for it, the modules that it needs, or would like."""

    name: str
    aliases: t.Sequence[str] = ()
    needs: t.Sequence[str] = ()
    likes: t.Sequence[str] = ()

    def content(self) -> bytes:
        """The module as an ELF object for x86-64; each module has one symbol, named after it."""
        strings = b"\0" + b"".join(f"sym_{name}\0".encode() for name in self.needs)
        places = [strings.index(f"sym_{name}\0".encode()) for name in self.needs]
        symbols = bytes(24) + b"".join(struct.pack("<IBBHQQ", place, 0x10, 0, 0, 0, 0) for place in places)
        information = b"".join(f"alias={alias}\0".encode() for alias in self.aliases) + f"name={self.name}\0".encode()
        information += b"".join(f"softdep=pre: {name}\0".encode() for name in self.likes)
        return _elf(
            {
                ".modinfo": (1, information, 0),
                "__ksymtab_strings": (1, f"sym_{self.name}\0".encode(), 0),
                ".strtab": (3, strings, 0),
                ".symtab": (2, symbols, 3),
            }
        )


def _elf(sections: t.Mapping[str, tuple[int, bytes, int]]) -> bytes:
    names = b"\0" + b"".join(name.encode() + b"\0" for name in [*sections, ".shstrtab"])
    header, body = bytes(64), b""
    for name, (kind, content, link) in {**sections, ".shstrtab": (3, names, 0)}.items():
        place = names.index(name.encode() + b"\0")
        size = 24 if kind == 2 else 0
        header += struct.pack(
            "<IIQQQQIIQQ",
            place,
            kind,
            0,
            0,
            64 + len(body),
            len(content),
            link,
            int(kind == 2),
            8,
            size,
        )
        body += content + bytes(-len(content) % 8)
    count = len(sections) + 2
    start = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01" + bytes(9), 1, 62, 1, 0, 0, 64 + len(body), 0, 64, 0, 0, 64, count, count - 1,
    )  # fmt: skip
    return start + body + header


def make_tree(folder: Path, release: str, modules: t.Iterable[Ko], built_in: t.Iterable[str] = ()) -> None:
    """Write the tree of *release* below *folder*/lib/modules and have depmod index it."""
    top = folder / "lib" / "modules" / release
    (top / "kernel").mkdir(parents=True)
    for module in modules:
        # A file's name has hyphens where the module's own name has underscores.
        (top / "kernel" / f"{module.name.replace('_', '-')}.ko").write_bytes(module.content())
    (top / "modules.builtin").write_text("".join(f"kernel/{name}.ko\n" for name in built_in), encoding="utf-8")
    (top / "modules.order").write_text("", encoding="utf-8")
    subprocess.run(["depmod", "--basedir", str(folder), release], check=True, capture_output=True, text=True)
