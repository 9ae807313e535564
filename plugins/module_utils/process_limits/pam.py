# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What limits.conf(5), the PAM services and sshd's configuration make of our limits for login sessions. Pure.

pam_limits reads limits.conf and then each limits.d/*.conf by name. A line for a user beats one for a group, and that
one beats ``*``, wherever they stand; of two for the same the later one holds. ``*`` and groups do not touch root.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .spec import ConfigFile

LIMITS_CONF = "/etc/security/limits.conf"
# Who opens the sessions of ordinary users. sudo and runuser are called from such a session, or by root.
SESSIONS = ("login", "sshd", "su", "su-l", "cron", "crond", "atd", "systemd-user")

_WORDS = ("unlimited", "infinity", "-1")
_SESSION = re.compile(r"^-?session\s+(?:\[[^]]*\]|\S+)\s+(\S*pam_limits\.so)(.*)$")
_INCLUDE = re.compile(r"^(?:@include|session\s+(?:include|substack))\s+(\S+)")


@dataclass(frozen=True)
class PamObserved:
    """The files of pam_limits but ours in its order, the files of /etc/pam.d by name, sshd_config with its includes.

    sshd is None where there is none.
    """

    limits: tuple[ConfigFile, ...] = ()
    services: t.Mapping[str, str] = field(default_factory=dict)
    sshd: str | None = None


@dataclass(frozen=True)
class Override:
    """A line of another file that gives somebody more than ours does."""

    file: str
    domain: str
    kind: str
    item: str
    value: str

    def __str__(self) -> str:
        return f"'{self.domain} {self.kind} {self.item} {self.value}' in {self.file}"


def overrides(
    ours: ConfigFile, others: t.Sequence[ConfigFile], exempt: t.Container[str], item: str
) -> tuple[Override, ...]:
    """The lines of the other files that hold and give more of *item* than ours; those for the exempt are no news."""
    limits = _wildcards(ours, item)
    holding: dict[tuple[str, str], Override] = {}
    for file in _in_order([ours, *others]):
        for line in _lines(file, item):
            if line.domain in exempt or not _ordinary(line.domain):
                continue
            for kind in ("soft", "hard") if line.kind == "-" else (line.kind,):
                holding[line.domain, kind] = line
    found = [
        line
        for (_domain, kind), line in holding.items()
        if line.file != ours.path and kind in limits and _size(line.value) > limits[kind]
    ]
    return tuple(dict.fromkeys(found))


def inactive(observed: PamObserved) -> dict[str, str]:
    """The services that open sessions without our limits, and what to do about each."""
    found = {}
    for service in SESSIONS:
        if service in observed.services:
            remedy = _inactive(service, observed.services)
            if remedy:
                found[service] = remedy
    if observed.sshd is not None and not _uses_pam(observed.sshd):
        found["sshd"] = "write 'UsePAM yes' into /etc/ssh/sshd_config and reload sshd"
    return found


def _inactive(service: str, services: t.Mapping[str, str]) -> str:
    calls = _calls(service, services, ())
    if not calls:
        return f"write 'session required pam_limits.so' into /etc/pam.d/{service}"
    if all(re.search(r"\bconf=", arguments) for arguments in calls):
        return f"take 'conf=' of pam_limits.so out of /etc/pam.d/{service}, for with it limits.d is not read"
    return ""


def _calls(name: str, services: t.Mapping[str, str], above: tuple[str, ...]) -> list[str]:
    """The arguments of each call of pam_limits in a session of the service, what it includes counted in."""
    found: list[str] = []
    for raw in services.get(name, "").replace("\\\n", " ").splitlines():
        line = raw.split("#", 1)[0].strip()
        call, include = _SESSION.match(line), _INCLUDE.match(line)
        if call:
            found.append(call.group(2))
        elif include and include.group(1) not in above:
            found += _calls(include.group(1), services, (*above, name))
    return found


def _uses_pam(text: str) -> bool:
    """The first line counts, as for every option of sshd_config(5); without one it is off."""
    for line in text.splitlines():
        words = line.split("#", 1)[0].replace("=", " ").split()
        if len(words) > 1 and words[0].lower() == "usepam":
            return words[1].strip('"').lower() == "yes"
    return False


def _wildcards(file: ConfigFile, item: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for line in _lines(file, item):
        if line.domain == "*":
            found.update({kind: _size(line.value) for kind in ("soft", "hard") if line.kind in (kind, "-")})
    return found


def _lines(file: ConfigFile, item: str) -> t.Iterator[Override]:
    for raw in file.text.splitlines():
        words = raw.split("#", 1)[0].split()
        if len(words) == 2 and words[1] == "-":
            # With neither item nor value the module never limits that user.
            words += [item, "unlimited"]
        if len(words) != 4 or words[2].lower() != item or words[1].lower() not in ("soft", "hard", "-"):
            continue
        if words[3].lower() in _WORDS or words[3].isdigit():
            yield Override(file.path, words[0], words[1].lower(), item, words[3])


def _ordinary(domain: str) -> bool:
    return domain not in ("root", "0:0", ":0") and not domain.startswith("%")


def _size(value: str) -> float:
    return float("inf") if value.lower() in _WORDS else float(value)


def _in_order(files: t.Iterable[ConfigFile]) -> list[ConfigFile]:
    return sorted(files, key=lambda file: (file.path != LIMITS_CONF, file.path.rpartition("/")[2].encode()))
