# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Boot configurations of every kind, drawn from a seed, and what the real tools make of them.

Run inside a place (``tests/support/kernel.py``), it prints as JSON for which of them prediction and live values differ:
the tool, then the first seed and a count, or nothing more for lines that are spelled oddly.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import typing as t
from pathlib import Path

from ansible_collections.caisson.hardening.plugins.module_utils.host.sysctl_names import key_path
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.precedence import PROCPS, SYSTEMD, Settled
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.sysctl_files import boot_files

COMMANDS = {SYSTEMD: ["/lib/systemd/systemd-sysctl"], PROCPS: ["sysctl", "--system"]}
# Keys of which none changes another, and a value that no configuration sets.
KEYS = (
    *("net.ipv4.igmp_max_memberships", "net.ipv4.igmp_max_msf"),
    *(f"net.ipv4.conf.{scope}.send_redirects" for scope in ("all", "default", "lo", "veth/100")),
    *(f"net.ipv4.conf.{scope}.log_martians" for scope in ("all", "default", "lo", "veth/100")),
    *(f"net.ipv4.conf.{scope}.medium_id" for scope in ("all", "default", "lo", "veth/100")),
)
UNSET = "77"
DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")
NAMES = ("10-a.conf", "50-b.conf", "99-z.conf", "Z.conf", "a.conf", "\u00e9.conf", ".b.conf", "b.txt", "99-sysctl.conf")
PATTERNS = (
    *("net.ipv4.conf.*.send_redirects", "net.ipv4.conf.*.*_redirects", "net/ipv4/conf/*/log_martians"),
    *(
        "net.ipv4.igmp_max*",
        "net.*.igmp_max_memberships",
        "net.ipv4.conf.[al]*.medium_id",
        "net.ipv4.conf.l?.log_martians",
    ),
    *("net.ipv4.conf.[!l]*.medium_id", "net.ipv4.conf.veth*.send_redirects", "*.ipv4.igmp_max_msf", "net.ipv4.*"),
    *("net/ipv4/conf/veth.*/log_martians", "net.ipv4.conf.{lo,all}.medium_i?", "net.ipv4.conf.*.nothing"),
)
# Spelled as nobody should.
ODD = (
    *("- net.ipv4.igmp_max_msf = 3", "--net.ipv4.igmp_max_msf = 3", "net..ipv4.igmp_max_msf = 3"),
    *("/net/ipv4/igmp_max_msf=3", "/proc/sys/net/ipv4/igmp_max_msf=3", "net//ipv4/igmp_max_msf=3"),
    *("net.ipv4.{igmp_max_msf,nothing} = 3", "\fnet.ipv4.igmp_max_msf = 3", "net.ipv4.igmp_max_msf\v= 3"),
    *("- net.ipv4.igmp_max_msf", "net/ipv4.igmp_max_msf = 3"),
    *("net/ipv4/./igmp_max_msf = 3", "-;net.ipv4.igmp_max_msf = 3"),
)
JUNK = (
    "# net.ipv4.igmp_max_memberships = 1",
    " ; net.ipv4.igmp_max_memberships=1",
    "",
    "   ",
    "nonsense",
    "= 1",
    "-",
    "net.gone = 1",
)


def text(draw: random.Random) -> str:
    """A file's text."""
    ends = draw.choice(("\n", "\n", "\n", "\r\n"))
    return "".join(_line(draw) + ends for _each in range(draw.randrange(7))) + draw.choice(("", _line(draw)))


def _line(draw: random.Random) -> str:
    if draw.random() < 0.15:
        return draw.choice(JUNK)
    name = draw.choice(PATTERNS) if draw.random() < 0.4 else draw.choice(KEYS)
    name = draw.choice(
        (name, name, name if "/" in name.split(".", 1)[0] else name.translate(str.maketrans("./", "/.")))
    )
    left, middle, right = (draw.choice(("", "", " ", "\t", "  ")) for _each in range(3))
    dash = draw.choice(("", "", "-"))
    if draw.random() < 0.15:
        return f"{left}-{name}{right}"
    return f"{left}{dash}{name}{middle}={right}{draw.randrange(5)}{left}"


def write(draw: random.Random) -> None:
    """One configuration in place of the former."""
    for directory in map(Path, DIRECTORIES):
        directory.mkdir(parents=True, exist_ok=True)
        for old in directory.iterdir():
            old.unlink()
    last = Path("/etc/sysctl.conf")
    last.unlink(missing_ok=True)
    if draw.random() < 0.7:
        last.write_text(text(draw), encoding="utf-8")
    for directory in map(Path, DIRECTORIES):
        for name in NAMES:
            if draw.random() < 0.3:
                path = directory / name
                link = draw.choice(
                    (*[None] * 6, "/dev/null", "/nowhere", "/etc/sysctl.conf", "../../run/sysctl.d/a.conf")
                )
                if link and str(path) != "/run/sysctl.d/a.conf":
                    path.symlink_to(link)
                else:
                    path.write_text(draw.choice(("", *[text(draw)] * 8)), encoding="utf-8", newline="")


def live() -> dict[str, str]:
    return {key: Path("/proc/sys", key_path(key)).read_text(encoding="ascii").strip() for key in KEYS}


def reset() -> None:
    for key in KEYS:
        Path("/proc/sys", key_path(key)).write_text(UNSET, encoding="ascii")


def compared(reader: str) -> dict[str, tuple[str, str]]:
    """Each key for which the tool does otherwise than predicted, with the predicted value and the live one."""
    settled = Settled(boot_files(), reader)
    winners = {key: settled.winner(key) for key in KEYS}
    predicted = {
        key: winner.value if winner and winner.line.value is not None else UNSET for key, winner in winners.items()
    }
    reset()
    subprocess.run(COMMANDS[reader], capture_output=True, check=False)
    shown = live()
    return {key: (predicted[key], shown[key]) for key in KEYS if predicted[key] != shown[key]}


def drawn(reader: str, start: int, count: int) -> t.Iterator[tuple[object, dict[str, tuple[str, str]]]]:
    """The differences by seed."""
    for seed in range(start, start + count):
        write(random.Random(seed))
        yield seed, compared(reader)


def odd(reader: str) -> t.Iterator[tuple[object, dict[str, tuple[str, str]]]]:
    """The differences by odd line, each in a file of its own after one with a pattern."""
    Path("/etc/sysctl.d/a.conf").write_text("net.ipv4.igmp_max_ms* = 1\n", encoding="utf-8")
    for line in ODD:
        Path("/etc/sysctl.d/b.conf").write_text(f"{line}\n", encoding="utf-8", newline="")
        yield line, compared(reader)


def main() -> None:
    reader, numbers = sys.argv[1], [int(word) for word in sys.argv[2:]]
    found = list(drawn(reader, *numbers) if numbers else odd(reader))
    json.dump({"compared": len(found), "wrong": [each for each in found if each[1]]}, sys.stdout)


if __name__ == "__main__":
    main()
