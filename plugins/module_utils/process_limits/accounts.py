# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: the numbers of users, and of the members of groups."""

from __future__ import annotations

import grp
import pwd
import typing as t


def user_ids(names: t.Iterable[str]) -> tuple[dict[int, str], tuple[str, ...]]:
    """The user numbers of users, and of the members of groups with a leading ``@``; the names that are unknown here."""
    found: dict[int, str] = {}
    unknown = []
    for name in names:
        try:
            ids = _members(name[1:]) if name.startswith("@") else [pwd.getpwnam(name).pw_uid]
        except KeyError:
            unknown.append(name)
            continue
        found.update(dict.fromkeys(ids, name))
    return found, tuple(unknown)


def _members(group: str) -> list[int]:
    entry = grp.getgrnam(group)
    listed = [user for user in pwd.getpwall() if user.pw_name in entry.gr_mem or user.pw_gid == entry.gr_gid]
    return [user.pw_uid for user in listed]
