# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far a play over many hosts is: its waves, steps and hosts, the time that is left, and the words for all that.

Pure: whoever knows the play says what happens, and when.
"""

from __future__ import annotations

import math
import typing as t

MOST_NAMES = 8  # of hosts in one line
SURE = 0.15  # the share of a wave from which on its own pace counts


def wave_sizes(hosts: int, serial: t.Sequence[t.Any], to_number: t.Callable[[t.Any, int], int]) -> list[int]:
    """The number of hosts of each wave, as Ansible makes its batches; *to_number* reads numbers and percentages."""
    sizes: list[int] = []
    left = hosts
    while left > 0:
        wanted = to_number(serial[min(len(sizes), len(serial) - 1)], hosts) if serial else 0
        sizes.append(min(left, wanted) if wanted > 0 else left)
        left -= sizes[-1]
    return sizes


def span(seconds: float) -> str:
    """Words for a time."""
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def names(hosts: t.Sequence[str]) -> str:
    shown = list(hosts[:MOST_NAMES])
    rest = len(hosts) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def expected_seconds(waves: t.Sequence[tuple[int, float]], hosts: int, forks: int) -> float | None:
    """How long a wave of so many hosts should take, by those that were measured (hosts, seconds); None without one.

    One wave tells what a round of hosts side by side takes. Two that differ in size tell what each further host adds.
    """
    if not waves or hosts <= 0:
        return None if hosts > 0 else 0.0
    by_size = {size: seconds for size, seconds in waves if size > 0}  # the latest of a size
    if hosts in by_size:
        return by_size[hosts]
    sizes = sorted(by_size)
    if len(sizes) < 2:
        rounds = math.ceil(hosts / forks) / math.ceil(sizes[0] / forks)
        return by_size[sizes[0]] * rounds
    upper = next((size for size in sizes[1:] if size >= hosts), sizes[-1])
    lower = sizes[sizes.index(upper) - 1]
    slope = max(0.0, (by_size[upper] - by_size[lower]) / (upper - lower))
    return max(0.0, by_size[upper] + slope * (hosts - upper))


class Steps:
    """The steps of a wave in their order, with the time at which each began; of a whole one, the shares of its time."""

    def __init__(self, planned: int = 0) -> None:
        self.planned = planned  # 0 where nobody knows
        self.began: dict[tuple[t.Hashable, int], float] = {}
        self.current: tuple[t.Hashable, int] | None = None
        self.name = ""
        self.alone = False  # on one host for all
        self.through: set[str] = set()  # the hosts that have the current one behind them

    def begin(self, key: t.Hashable, name: str, alone: bool, now: float) -> None:
        number = 0
        while (key, number) in self.began:  # the same task may come twice
            number += 1
        self.current = (key, number)
        self.began[self.current] = now
        self.name, self.alone = name, alone
        self.through = set()

    @property
    def number(self) -> int:
        return len(self.began)

    def shares(self, began: float, ended: float) -> dict[tuple[t.Hashable, int], tuple[float, float]]:
        """The share of the time at which each step began and ended."""
        whole = max(ended - began, 1e-9)
        starts = [(moment - began) / whole for moment in self.began.values()]
        return dict(zip(self.began, zip(starts, [*starts[1:], 1.0])))


class Rollout:
    """One play over its hosts."""

    def __init__(self, sizes: t.Sequence[int], forks: int, planned: t.Sequence[t.Hashable] = ()) -> None:
        """*planned* are the keys of the steps that the playbook names, in their order."""
        self.sizes = list(sizes)
        self.forks = max(1, forks)
        self.began: float | None = None
        self.wave = 0  # the number of the current one; 0 before the first
        self.done: list[str] = []
        self.failed: list[str] = []
        self.unfinished: list[str] = []
        self._wave_began = 0.0
        self._hosts: list[str] = []
        self._planned = list(planned)
        self._steps = Steps()
        self._at_end: set[str] = set()  # the hosts of the wave that have the last planned step behind them
        self._stopped = False  # the current wave, before its end
        self._open = False
        self._lasted = False  # so long that a line was said meanwhile
        self._measured: list[tuple[int, float]] = []
        self._shares: dict[tuple[t.Hashable, int], tuple[float, float]] = {}

    @property
    def total(self) -> int:
        return sum(self.sizes)

    @property
    def more_waves(self) -> bool:
        return self.wave < len(self.sizes)

    @property
    def _many(self) -> bool:
        return self.total > 1

    def wave_begins(self, hosts: t.Sequence[str], now: float) -> str | None:
        """What is to be said at the beginning of a wave; nothing where there is only one."""
        if self.began is None:
            self.began = now
        self.wave += 1
        self._wave_began, self._hosts, self._stopped, self._open = now, list(hosts), False, True
        self._steps, self._at_end = Steps(len(self._shares) or len(self._planned)), set()
        if len(self.sizes) < 2:
            return None
        later = self.total - len(self.done) - len(self.failed) - len(hosts)
        waiting = f", {later} wait" if later > 0 else ""
        return f"{self._wave()} begins with {_hosts(len(hosts))} ({names(hosts)}){waiting}{self._left(now)}"

    def step_begins(self, key: t.Hashable, name: str, now: float, *, alone: bool = False) -> None:
        self._steps.begin(key, name, alone, now)

    def host_through(self, host: str, key: t.Hashable) -> None:
        """The host has a step behind it; with a step on one host for all, all have."""
        steps = self._steps
        current = steps.current is not None and steps.current[0] == key
        if current:
            steps.through.add(host)
        if self._planned and key == self._planned[-1]:
            self._at_end |= set(self._hosts) if current and steps.alone else {host}

    def host_failed(self, host: str, *, stops_all: bool = False) -> None:
        """The host is out; with *stops_all* the others of the wave are out as well."""
        self._steps.through.add(host)
        if host in self._hosts and host not in self.failed:
            self.failed.append(host)
        self._stopped = self._stopped or stops_all

    def wave_stopped(self) -> None:
        self._stopped = True

    def wave_ends(self, now: float) -> str | None:
        if not self._open:
            return None
        self._open = False
        remaining = [host for host in self._hosts if host not in self.failed]
        done = [host for host in remaining if not self._stopped or host in self._at_end]
        self.done += done
        self.unfinished += [host for host in remaining if host not in done]
        seconds = now - self._wave_began
        if not self._stopped and remaining:
            self._measured.append((len(self._hosts), seconds))
            self._shares = self._steps.shares(self._wave_began, now)
        if len(self.sizes) < 2:
            return None
        ended = "stopped" if self._stopped else "ended"
        here = [host for host in self._hosts if host in self.failed]
        failed = f", {len(here)} failed ({names(here)})" if here else ""
        line = f"{self._wave()} {ended} after {span(seconds)}: {len(done)} of {_hosts(len(self._hosts))} done{failed}"
        goes_on = self.more_waves and not self._stopped
        return line + (f"; in all {self._counts()}{self._left(now)}" if goes_on else "")

    def status(self, now: float) -> str | None:
        """Where the play is; nothing before its first step."""
        if not self._open or not self._steps.number:
            return None
        self._lasted = True
        planned = self._steps.planned
        # What is planned is a count of the playbook until a whole wave was seen.
        about = "" if self._shares else "about "
        of = f" of {about}{planned}" if planned >= self._steps.number else ""
        wave = f"{self._wave()}, " if len(self.sizes) > 1 else ""
        remaining = [host for host in self._hosts if host not in self.failed]
        through = len([host for host in remaining if host in self._steps.through])
        several = len(remaining) > 1 and not self._steps.alone
        here = f", over on {through} of {_hosts(len(remaining))}" if several else ""
        counts = f"; {self._counts()}" if self._many else ""
        passed = span(now - (now if self.began is None else self.began))
        step = f"step {self._steps.number}{of} ({self._steps.name})"
        return f"{wave}{step}{here}{counts}; {passed} so far{self._left(now)}"

    def ends(self, now: float) -> str | None:
        """The last word on the play."""
        if self.began is None or not self._many:
            return None
        if len(self.sizes) < 2 and not (self._lasted or self.failed or self.unfinished):
            return None
        untouched = self.total - len(self.done) - len(self.failed) - len(self.unfinished)
        whole = not self.unfinished and untouched <= 0
        line = "ended" if whole else f"stopped in {self._wave()}" if len(self.sizes) > 1 else "stopped"
        line += f" after {span(now - self.began)}: {len(self.done)} of {_hosts(self.total)} done, {self._failures()}"
        line += f", {len(self.unfinished)} not finished ({names(self.unfinished)})" if self.unfinished else ""
        return line + (f", {untouched} not reached" if untouched > 0 else "")

    def seconds_left(self, now: float) -> float | None:
        """An estimate, None where there is nothing to make it of."""
        waves = list(self._measured)
        rest = 0.0
        if self._open:
            passed, whole = now - self._wave_began, self._whole(now)
            if whole is None:
                whole = expected_seconds(waves, len(self._hosts), self.forks)
            if whole is None:
                return None
            rest = max(0.0, whole - passed)
            waves.append((len(self._hosts), max(whole, passed)))
        for size in self.sizes[self.wave :]:
            seconds = expected_seconds(waves, size, self.forks)
            if seconds is None:
                return None
            rest += seconds
        return rest

    def _whole(self, now: float) -> float | None:
        """How long the current wave takes at the pace that it has; None as long as it has none."""
        steps, passed = self._steps, now - self._wave_began
        hosts = [host for host in self._hosts if host not in self.failed]
        within = len([host for host in hosts if host in steps.through]) / len(hosts) if hosts else 1.0
        least = 0.0
        if steps.current is not None and steps.current in self._shares:
            first, last = self._shares[steps.current]
            share, least = first + within * (last - first), passed / last
            if not within:  # how far a step is that no host has behind it, nobody knows: the pace is that up to it
                passed = steps.began[steps.current] - self._wave_began
        elif steps.number and not self._shares and steps.planned >= steps.number:
            share = (steps.number - 1 + within) / steps.planned
        else:
            return None
        return max(passed / share, least) if share >= SURE else None

    def _wave(self) -> str:
        return f"wave {self.wave} of {len(self.sizes)}"

    def _counts(self) -> str:
        left = self.total - len(self.done) - len(self.failed) - len(self.unfinished)
        return f"{len(self.done)} of {_hosts(self.total)} done, {self._failures()}, {left} left"

    def _failures(self) -> str:
        return f"{len(self.failed)} failed" + (f" ({names(self.failed)})" if self.failed else "")

    def _left(self, now: float) -> str:
        seconds = self.seconds_left(now)
        return "" if seconds is None else f", about {span(seconds)} left"


def _hosts(number: int) -> str:
    return f"{number} host" if number == 1 else f"{number} hosts"
