# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: an engine's files, directories and sockets as they are, and the users of its group."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import typing as t
from pathlib import Path

from ..daemon import effective
from ..daemon.merge import Config
from ..errors import CaissonError
from ..host.files import read_access, read_file
from ..host.systemd import Unit, is_running
from ..host.transaction import to_text
from ..host.undo import UndoStore
from .catalogue import BY_NAME, DIRECTORY, FILE, SOCKET
from .plan import DROP_IN, Observed, Seen
from .socket_unit import GROUP, MODE, USER, SocketUnit

UNIT_DIRECTORIES = tuple(f"{root}/systemd/system" for root in ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"))
CERTIFICATES = Path("/etc/docker/certs.d")
CONTAINERD_SOCKETS = ("/run/containerd/containerd.sock", "/run/docker/containerd/containerd.sock")
SOCKET_UNIT = "docker.socket"
_KINDS = {FILE: stat.S_IFREG, DIRECTORY: stat.S_IFDIR, SOCKET: stat.S_IFSOCK}
_CERTIFICATE_SUFFIXES = (".crt", ".cert", ".pem")


def look(path: str, pidfile: str, store: UndoStore, undoing: bool = False) -> Observed:
    """The host. path: of daemon.json; pidfile: of the daemon, whose command line may name other files."""
    config = effective.settings(path, pidfile, forgiving=undoing)
    group, gid = _group(str(config.get("group") or "docker"))
    data_root = effective.data_root(config)
    recorded = store.accesses()
    found = {name: read_access(name) for name in recorded}
    files = store.files()
    return Observed(
        seen=tuple(_seen(path, config)),
        group=group,
        gid=gid,
        members=_members(group, gid),
        data_root=data_root if Path(data_root).is_dir() else None,
        own_partition=os.path.ismount(os.path.realpath(data_root)),
        socket_unit=socket_unit(),
        drop_in=to_text(read_file(DROP_IN)),
        drop_in_recorded=DROP_IN in files,
        drop_in_original=to_text(files.get(DROP_IN)),
        recorded=recorded,
        now={name: access[0] for name, access in found.items() if access},
    )


def socket_unit() -> SocketUnit | None:
    """How systemd makes the engine's socket; None where it does not."""
    if not is_running():
        return None
    shown = Unit(SOCKET_UNIT, 30).show("LoadState", "FragmentPath", "DropInPaths", USER, GROUP, MODE)
    if shown.get("LoadState") != "loaded":
        return None
    paths = [shown.get("FragmentPath", ""), *shown.get("DropInPaths", "").split()]
    texts = ((path, to_text(read_file(path))) for path in paths if path)
    files = tuple((path, file.text if file else "") for path, file in texts)
    return SocketUnit(shown.get(USER, ""), shown.get(GROUP, ""), int(shown.get(MODE) or "0666", 8), files)


def _seen(path: str, config: Config) -> t.Iterator[Seen]:
    """Every path that is there and is what its rule is for; each real file once."""
    done: set[str] = set()
    for name, candidate in _candidates(path, config):
        rule = BY_NAME[name]
        real = os.path.realpath(candidate)
        access = read_access(real)
        if access and access[1] == _KINDS[rule.kind] and real not in done:
            done.add(real)
            yield Seen(real, rule, access[0])


def _candidates(path: str, config: Config) -> t.Iterator[tuple[str, str]]:
    for name, unit in (("service_unit", "docker.service"), ("socket_unit", SOCKET_UNIT)):
        for folder in UNIT_DIRECTORIES:
            yield name, f"{folder}/{unit}"
            yield from ((name, str(drop_in)) for drop_in in sorted(Path(folder, f"{unit}.d").glob("*.conf")))
    yield "directory", "/etc/docker"
    for file in sorted(CERTIFICATES.rglob("*")):
        if file.suffix in _CERTIFICATE_SUFFIXES:
            yield "registry_certificates", str(file)
        elif file.suffix == ".key":
            yield "registry_keys", str(file)
    for name, key in (("tls_ca", "tlscacert"), ("tls_certificate", "tlscert"), ("tls_key", "tlskey")):
        if isinstance(config.get(key), str):
            yield name, config[key]
    yield "socket", "/run/docker.sock"
    for host in config.get("hosts") or ():
        if str(host).startswith("unix://"):
            yield "socket", str(host)[len("unix://") :]
    yield "daemon_json", path
    yield "default_file", "/etc/default/docker"
    yield "sysconfig_file", "/etc/sysconfig/docker"
    yield from (("containerd_socket", socket) for socket in CONTAINERD_SOCKETS)


def _group(name: str) -> tuple[str, int]:
    try:
        found = grp.getgrgid(int(name)) if name.isdigit() else grp.getgrnam(name)
    except KeyError:
        return "root", 0
    return found.gr_name, found.gr_gid


def _members(group: str, gid: int) -> tuple[str, ...]:
    """Those named in the group and those whose own group it is, but not root."""
    try:
        named = set(grp.getgrgid(gid).gr_mem)
    except KeyError as error:
        raise CaissonError(f"Failed to read the members of group {group}: {error}") from error
    return tuple(sorted((named | {user.pw_name for user in pwd.getpwall() if user.pw_gid == gid}) - {"root"}))
