# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stands in, in check mode, for an engine that an earlier task of the same run would install or start."""

from __future__ import annotations

from .engine import Engine, Json
from .state import Daemon, Image


class FreshEngine(Engine):
    """An engine that has nothing yet. Only what a prediction reads is there."""

    def __init__(self) -> None:
        self.url = "fresh"

    def close(self) -> None:
        """There is no connection."""

    def daemon(self) -> Daemon:
        return Daemon()

    def containers(self) -> list[Json]:
        return []

    def image(self, reference: str) -> Image | None:
        return None

    def networks(self) -> dict[str, Json]:
        return {}

    def volumes(self) -> dict[str, Json]:
        return {}
