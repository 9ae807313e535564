# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edge: certificates read and made by the program openssl, for a target has no library for that."""

from __future__ import annotations

import ipaddress
import re
import secrets
import shutil
import ssl
import subprocess
import tempfile
import typing as t
from pathlib import Path

from ..errors import CaissonError
from ..host.changes import FileText
from . import tls
from .process import search_path

_SUBJECTS = {tls.AUTHORITY: "Docker daemon authority", tls.SERVER: "Docker daemon", tls.CLIENT: "Docker client"}
_EXTENSIONS = {
    tls.AUTHORITY: "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n",
    tls.SERVER: "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n",
    tls.CLIENT: "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n",
}
_NAME = re.compile(r"(?:DNS:|IP Address:)([^,\s]+)")


def program() -> str:
    """The path of openssl. CaissonError where the host has none."""
    found = shutil.which("openssl", path=search_path())
    if found is None:
        raise CaissonError(
            "tls is true, but this host has no openssl to make certificates with: install the package openssl, or set "
            "tls to false and name certificates of your own in config (tlsverify, tlscacert, tlscert, tlskey)"
        )
    return found


def look(directory: str) -> dict[str, tls.Certificate | None]:
    """The certificates of each kind, None where one or its key is missing or is no certificate."""
    openssl = program()
    return {kind: _look(openssl, directory, kind) for kind in tls.KINDS}


def _look(openssl: str, directory: str, kind: str) -> tls.Certificate | None:
    certificate, key = tls.paths(directory)[kind]
    authority = tls.paths(directory)[tls.AUTHORITY][0]
    if not Path(certificate).is_file() or not Path(key).is_file():
        return None
    shown = _run(openssl, "x509", "-in", certificate, "-noout", "-enddate", "-pubkey")
    public = _run(openssl, "pkey", "-in", key, "-pubout")
    if shown is None or public is None:
        return None
    ends = re.search(r"^notAfter=(.+)$", shown, re.MULTILINE)
    if ends is None:
        return None
    names = _run(openssl, "x509", "-in", certificate, "-noout", "-ext", "subjectAltName") or ""
    trusted = _run(openssl, "verify", "-no_check_time", "-CAfile", authority, certificate) is not None
    if kind == tls.CLIENT:
        given, ours = Path(tls.clients_authority(directory)), Path(authority)
        trusted = trusted and given.is_file() and given.read_bytes() == ours.read_bytes()
    return tls.Certificate(
        not_after=float(ssl.cert_time_to_seconds(ends.group(1).strip())),
        names=frozenset(_plain(name) for name in _NAME.findall(names)),
        trusted=trusted,
        paired=public.strip() in shown,
    )


def _plain(name: str) -> str:
    """An address as Python writes it; openssl has its own way with version 6."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def make(issues: t.Sequence[tls.Issue], request: tls.Request) -> dict[str, FileText]:
    """The files of the certificates that are to be made, by their paths; nothing is written there."""
    openssl = program()
    made: dict[str, FileText] = {}
    parent = "/run" if Path("/run").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="caisson-tls-", dir=parent) as folder:
        paths = {kind: (Path(folder, f"{kind}.pem"), Path(folder, f"{kind}-key.pem")) for kind in tls.KINDS}
        kept = tls.paths(request.directory)[tls.AUTHORITY]
        signer: tuple[str | Path, str | Path] = kept
        for issue in issues:
            certificate, key = paths[issue.kind]
            _issue(openssl, Path(folder), issue, request.days, (certificate, key), signer)
            if issue.kind == tls.AUTHORITY:
                signer = (certificate, key)
            target, target_key = tls.paths(request.directory)[issue.kind]
            made[target] = FileText(certificate.read_text(encoding="ascii"), tls.CERTIFICATE_MODE)
            made[target_key] = FileText(key.read_text(encoding="ascii"), tls.KEY_MODE)
            if issue.kind == tls.CLIENT:
                authority = Path(signer[0]).read_text(encoding="ascii")
                made[tls.clients_authority(request.directory)] = FileText(authority, tls.CERTIFICATE_MODE)
    return made


def _issue(
    openssl: str,
    folder: Path,
    issue: tls.Issue,
    days: int,
    target: tuple[Path, Path],
    signer: tuple[str | Path, str | Path],
) -> None:
    certificate, key = target
    asked, extensions, config = (folder / f"{issue.kind}.{end}" for end in ("csr", "ext", "cnf"))
    names = ",".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in issue.names)
    extensions.write_text(_EXTENSIONS[issue.kind] + (f"subjectAltName={names}\n" if names else ""), encoding="ascii")
    config.write_text("[req]\ndistinguished_name=dn\n[dn]\n", encoding="ascii")
    _must(openssl, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    key.chmod(0o600)
    subject = f"/O=caisson.hardening/CN={_SUBJECTS[issue.kind]} {secrets.token_hex(4)}"
    _must(openssl, "req", "-new", "-config", config, "-key", key, "-subj", subject, "-out", asked)
    # A signer's own signature, or that of the authority.
    by: list[str | Path] = ["-signkey", key]
    if issue.kind != tls.AUTHORITY:
        by = ["-CA", signer[0], "-CAkey", signer[1]]
    serial = str(int.from_bytes(secrets.token_bytes(8), "big") >> 1 or 1)
    lasting = str(tls.AUTHORITY_DAYS * 2 if issue.kind == tls.AUTHORITY else days)
    common: list[str | Path] = ["-in", asked, "-days", lasting, "-sha256", "-set_serial", serial]
    _must(openssl, "x509", "-req", *common, *by, "-extfile", extensions, "-out", certificate)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _run(*command: str | Path) -> str | None:
    """What it prints; None where it fails."""
    done = _done(command)
    return done.stdout if done.returncode == 0 else None


def _must(*command: str | Path) -> None:
    done = _done(command)
    if done.returncode:
        reason = " ".join(done.stderr.split())[-300:]
        raise CaissonError(f"Failed to make a certificate: {command[0]} {command[1]}: {reason}")


def _done(command: t.Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CaissonError(f"Failed to run {command[0]}: {error}") from error
