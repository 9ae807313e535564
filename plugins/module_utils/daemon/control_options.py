# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module's options by which the daemon's controls are chosen, waived and met. Pure data."""

from __future__ import annotations

import typing as t

from . import tls

CONTROL_OPTIONS: dict[str, t.Any] = {
    "controls": {"type": "list", "elements": "str", "default": []},
    "waivers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "control": {"type": "str", "required": True},
            "reason": {"type": "str", "required": True},
            "expires": {"type": "str", "required": True},
        },
    },
    "allow_hidden": {"type": "bool", "default": False},
    "tls": {"type": "bool", "default": False},
    "tls_names": {"type": "list", "elements": "str", "default": []},
    "tls_directory": {"type": "path", "default": "/etc/docker/tls"},
    "tls_days": {"type": "int", "default": 365},
    "tls_renew_before": {"type": "int", "default": 30},
}


def tls_request(given: dict[str, t.Any]) -> tls.Request | None:
    """Take the options of the certificates out of *given*; what they ask for."""
    wanted = given.pop("tls")
    request = tls.Request(
        directory=given.pop("tls_directory"),
        names=tuple(given.pop("tls_names")),
        days=given.pop("tls_days"),
        renew_before=given.pop("tls_renew_before"),
    )
    return request if wanted else None
