# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rule on secrets in the environment: by a variable's name, or a password in an address. Pure.

What it finds is named, never shown.
"""

from __future__ import annotations

import re
import typing as t

from .state import ANY, State

_NAME = re.compile(
    r"PASSW(?:OR)?D|PASSPHRASE|(?<![A-Z0-9])(?:PASS|SECRETS?|TOKENS?|CREDENTIALS?|API_?KEYS?|"
    r"(?:ACCESS|ACCOUNT|AUTH|ENCRYPTION|MASTER|PRIVATE|SECRET|SIGNING|STORAGE)_?KEYS?)(?![A-Z0-9])"
)
# A name that ends so holds where the secret is, or what it is like, and not the secret.
_ABOUT = re.compile(
    r"_(?:FILE|PATH|DIR|NAME|(?<!SECRET_)ID|TYPE|TTL|EXPIRY|EXPIRES|LENGTH|ALGORITHM|MIN|MAX|HEADER|ISSUER|URL|URI)\Z"
)
_SWITCHES = frozenset("0 1 true false yes no on off none null".split())
_ELSEWHERE = ("/run/secrets/", "file:")  # the value says where the secret is
_ADDRESS = re.compile(r"\A[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s:@]*:[^/\s@]+@")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def names_secret(name: str) -> bool:
    """Whether a variable of this name holds a secret."""
    written = re.sub(r"[.-]", "_", _CAMEL.sub("_", name)).upper()
    return bool(_NAME.search(written)) and not _ABOUT.search(written)


def env_secrets(state: State) -> str | None:
    """The variables that hold a secret; the image's own count too."""
    env: t.Mapping[str, str] = state["env"]
    found = [name for name, value in env.items() if _is_secret(name, value)]
    return f"env has {', '.join(sorted(found))}" if found else None


def _is_secret(name: str, value: str) -> bool:
    if value is ANY:
        return False
    if value.strip().lower() in {"", *_SWITCHES} or value.startswith(_ELSEWHERE):
        return False
    return names_secret(name) or bool(_ADDRESS.match(value))
