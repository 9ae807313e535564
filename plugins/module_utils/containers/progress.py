# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said of long work while it lasts: one short line for each step of a container. Pure.

A line names a container and a step, never a value of an option. Whoever runs the work takes a :class:`Progress` and
says what it does; where nobody listens, nothing comes of it.
"""

from __future__ import annotations

import threading
import time
import typing as t

# Both ends know these: the action plugin sets the variable to a token, the module writes a file that the token names.
VARIABLE = "CAISSON_PROGRESS"
FILE_PREFIX = "caisson-progress-"
EVERY = 5.0  # seconds between two lines about the same step
LONGEST = 200  # characters of a line

_DOING = {
    "remove_leftover": "removing what an interrupted run left",
    "restore_name": "giving it its name back",
    "keep_leftover": "keeping the generation that was left",
    "stop_leftover": "stopping what an interrupted run left",
    "hold": "keeping the engine from starting the former generation",
    "write_secrets": "writing its secrets",
    "signal": "telling it of its secrets",
    "remove_secrets": "removing secrets that nothing uses",
    "roll_back": "going back to the former generation",
    "snapshot": "keeping what was changed as an image",
    "create": "creating",
    "recreate": "replacing",
    "update": "updating",
    "connect": "connecting to a network",
    "disconnect": "disconnecting from a network",
    "start": "starting",
    "unpause": "unpausing",
    "stop": "stopping",
    "remove": "removing",
}


class Progress:
    """Takes what is said and drops it; a subclass writes it somewhere. May be called from several threads."""

    def __init__(self, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last: dict[str, tuple[str, float]] = {}

    def say(self, container: str, text: str) -> None:
        """The container (or whatever the text is about) has come to this step."""
        self.write(f"{container}: {text}")

    def keep_saying(self, container: str, step: str, detail: str = "") -> None:
        """As :meth:`say`, for a step that lasts: call it as often as you like, it is said every few seconds."""
        now = self._clock()
        with self._lock:
            former, when = self._last.get(container, ("", 0.0))
            if step == former and now - when < EVERY:
                return
            self._last[container] = (step, now)
        self.say(container, f"{step} ({detail})" if detail else step)

    def write(self, line: str) -> None:
        """Drops the line; a subclass's is called for each."""

    def close(self) -> None:
        """Nothing is said any more."""


def doing(kind: str) -> str:
    """What an action of this kind is called while it is carried out."""
    return _DOING.get(kind, kind.replace("_", " "))


def names(containers: t.Sequence[str]) -> str:
    """The containers in few words."""
    first, *others = containers
    return f"{first} and {len(others)} more" if others else first


class Pull:
    """Adds up what the engine tells of one pull, layer by layer."""

    def __init__(self, reference: str) -> None:
        self._reference = reference
        self._sizes: dict[str, int] = {}
        self._fetched: dict[str, int] = {}
        self._unpacked: dict[str, int] = {}
        self._waiting: set[str] = set()

    def take(self, line: t.Mapping[str, t.Any]) -> None:
        """One line of the engine's; what is not about a layer is passed over."""
        layer, status, detail = str(line.get("id", "")), line.get("status"), line.get("progressDetail") or {}
        current, total = detail.get("current"), detail.get("total")
        if status in ("Pulling fs layer", "Waiting"):
            self._waiting.add(layer)
            return
        self._waiting.discard(layer)
        if status == "Downloading" and current is not None:
            self._sizes[layer] = max(int(total or 0), int(current))
            self._fetched[layer] = int(current)
            # The engine fetches a layer anew whose download broke; nothing of that one is unpacked yet.
            self._unpacked.pop(layer, None)
        elif status == "Extracting" and layer in self._sizes:
            self._fetched[layer] = self._sizes[layer]
            self._unpacked[layer] = min(int(current or 0), self._sizes[layer])
        elif status in ("Verifying Checksum", "Download complete", "Pull complete") and layer in self._sizes:
            self._fetched[layer] = self._sizes[layer]
            if status == "Pull complete":
                self._unpacked[layer] = self._sizes[layer]

    @property
    def step(self) -> str:
        return f"{'unpacking' if self._complete else 'pulling'} {self._reference}"

    @property
    def detail(self) -> str:
        """How much has come, or once all has come, how much is unpacked; the empty string before the first byte."""
        total = sum(self._sizes.values())
        done = sum((self._unpacked if self._complete else self._fetched).values())
        more = " or more" if self._waiting else ""
        return f"{done / 1e6:.0f} of {total / 1e6:.0f} MB{more}" if total else ""

    @property
    def _complete(self) -> bool:
        whole = all(self._fetched[layer] >= size for layer, size in self._sizes.items())
        return bool(self._unpacked) and whole and not self._waiting


def at_gate(health: str, passed: float, settle_time: float, timeout: float) -> tuple[str, str]:
    """The step and the detail for a started container that is not through the gate; *health* as the engine says it."""
    if health == "none":
        return "watching that it keeps running", f"{passed:.0f} s of {settle_time:g} s"
    return "waiting for health", f"{passed:.0f} s of {timeout:g} s"


def record(number: int, line: str) -> bytes:
    """One line of the file. It is numbered from 1, so that the reader tells it from the noise of a terminal."""
    return f"{number} {' '.join(line.split())[:LONGEST]}\n".encode("ascii", "backslashreplace")
