# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mount options as values: what holds, what is missing, what remains when ours are taken away. Pure.

The options that are managed are the three flags of mount(8), and ``hidepid`` and ``gid`` of proc(5). All others belong
to the host and are kept as they stand.
"""

from __future__ import annotations

import typing as t

FLAGS = {"nosuid": "suid", "nodev": "dev", "noexec": "exec"}
PROC = "/proc"
# The names that proc(5) shows since Linux 5.8, as the numbers that every kernel takes, from weakest to strictest.
HIDEPID = ("0", "1", "2", "4")
HIDDEN = HIDEPID[2:]
_HIDEPID_NAMES = {"off": "0", "noaccess": "1", "invisible": "2", "ptraceable": "4"}
# In the order in which the kernel shows the flags of a mount.
_SHOWN = (
    *("ro", "rw", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime", "nosymfollow"),
    *("hidepid", "gid"),
)

Options = t.Tuple[str, ...]


def split(field: str) -> Options:
    """The options of a field, ``hidepid`` as a number."""
    return tuple(_plain(option) for option in field.split(",") if option)


def join(options: t.Iterable[str]) -> str:
    return ",".join(options)


def missing(have: t.Sequence[str], wanted: t.Iterable[str]) -> Options:
    """Those of the *wanted* options that *have* does not give; what is stricter gives it too."""
    return tuple(option for option in wanted if not _given(have, option))


def merge(have: t.Sequence[str], wanted: t.Iterable[str]) -> Options:
    """*have* with what it is missing; what contradicts that goes, all else keeps its place."""
    added = missing(have, wanted)
    gone = {FLAGS.get(option, "") for option in added}
    names = {_name(option) for option in added if "=" in option}
    kept = tuple(option for option in have if option not in {*gone, *added} and _name(option) not in names)
    return kept + added


def rebase(now: t.Sequence[str], original: t.Sequence[str], path: str) -> Options:
    """What *now* would be without us: its own options, and of the managed ones those that were there at first.

    The original itself, in its order, where nobody changed anything else since.
    """
    others = tuple(option for option in now if not managed(option, path))
    if others == tuple(option for option in original if not managed(option, path)):
        return tuple(original)
    return others + tuple(option for option in original if managed(option, path))


def as_shown(options: t.Iterable[str]) -> Options:
    """The options of a live mount in the kernel's order."""
    rank = {name: place for place, name in enumerate(_SHOWN)}
    return tuple(sorted(options, key=lambda option: rank.get(_name(option), len(rank))))


def managed(option: str, path: str) -> bool:
    """Whether the option is one that the module sets on *path*."""
    if path == PROC and _name(option) in ("hidepid", "gid"):
        return True
    return option in FLAGS or option in FLAGS.values()


def value(options: t.Sequence[str], name: str) -> str:
    """The last value of ``name=value`` among the options, or an empty text."""
    found = [option.partition("=")[2] for option in options if option.startswith(f"{name}=")]
    return found[-1] if found else ""


def _given(have: t.Sequence[str], option: str) -> bool:
    name, _equals, wanted = option.partition("=")
    if option in FLAGS:
        last = [each for each in have if each in (option, FLAGS[option])][-1:]
        return last == [option]
    found = value(have, name) or "0"
    if name == "hidepid" and found in HIDEPID and wanted in HIDEPID:
        return HIDEPID.index(found) >= HIDEPID.index(wanted)
    return found == wanted


def _name(option: str) -> str:
    return option.partition("=")[0]


def _plain(option: str) -> str:
    name, _equals, given = option.partition("=")
    return f"hidepid={_HIDEPID_NAMES.get(given, given)}" if name == "hidepid" else option
