# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files that stand beside daemon.json and that it names: a seccomp profile, certificates and keys. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..host.changes import FileText
from . import seccomp, tls
from .merge import Config


@dataclass(frozen=True)
class Companion:
    """One file. key: the setting that names it; empty for one that the daemon does not read.

    after: what it is to be; None where that is made only by the run. sentence: what is done, empty for what goes along
    with another one. changes: whether it is to be written. stale: whether the daemon began before it stood so.
    """

    path: str
    before: FileText | None
    after: FileText | None = None
    key: str = ""
    sentence: str = ""
    changes: bool = False
    stale: bool = False

    def counts(self, config: Config) -> bool:
        """Whether the configuration has a use for it."""
        return not self.key or config.get(self.key) == self.path

    @property
    def new_to_the_daemon(self) -> bool:
        return bool(self.key) and (self.changes or self.stale)


Before = t.Callable[[str], t.Optional[FileText]]
Stale = t.Callable[[str], bool]


def profile(path: str, before: Before, stale: Stale) -> Companion:
    """The seccomp profile of `strict`."""
    standing, wanted = before(path), FileText(seccomp.text())
    verb = "write" if standing is None else "correct"
    return Companion(
        path=path,
        before=standing,
        after=wanted,
        key="seccomp-profile",
        sentence=f"{verb} the seccomp profile {path}",
        changes=standing != wanted,
        stale=stale(path),
    )


def certificates(request: tls.Request, issues: t.Sequence[tls.Issue], before: Before, stale: Stale) -> list[Companion]:
    """The files of the certificates; those that are to be made have no content yet."""
    keys = {str(path): key for key, path in tls.settings(request.directory).items()}
    wanted = {issue.kind: issue for issue in issues}
    found = []
    for kind, (certificate, key) in tls.paths(request.directory).items():
        files = [(certificate, tls.CERTIFICATE_MODE), (key, tls.KEY_MODE)]
        if kind == tls.CLIENT:
            files.append((tls.clients_authority(request.directory), tls.CERTIFICATE_MODE))
        for number, (path, mode) in enumerate(files):
            standing = before(path)
            companion = Companion(path=path, before=standing, key=keys.get(path, ""), stale=stale(path))
            if kind in wanted:
                sentence = wanted[kind].sentence(request) if number == 0 else ""
                found.append(_changed(companion, None, sentence))
            elif standing is not None and (standing.mode, standing.uid, standing.gid) != (mode, 0, 0):
                found.append(_changed(companion, FileText(standing.text, mode), f"correct owner and mode of {path}"))
            else:
                found.append(companion)
    return found


def _changed(companion: Companion, after: FileText | None, sentence: str) -> Companion:
    return Companion(companion.path, companion.before, after, companion.key, sentence, True, companion.stale)
