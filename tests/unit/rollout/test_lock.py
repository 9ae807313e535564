# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who gets a host, and when it is taken over."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError, InputError
from ansible_collections.caisson.hardening.plugins.module_utils.rollout import lock

NOW = datetime.datetime(2030, 1, 1, 12, tzinfo=datetime.timezone.utc)
OTHER = lock.Holder("run1", "operator", "control1", "2030-01-01T11:00:00Z", "boot1")


def spec(**given: t.Any) -> lock.LockSpec:
    known = {"state": "present", "run": "run2", "who": "me", "origin": "here", "stale_after": 12, "take_over": False}
    return lock.parse(**{**known, "finished": (), **given})


def test_free_host_is_taken_and_given_back() -> None:
    decided = lock.decide(spec(), None, "boot1", NOW)
    assert decided.write == lock.Holder("run2", "me", "here", "2030-01-01T12:00:00Z", "boot1")
    assert lock.decide(spec(), decided.write, "boot1", NOW) == lock.Decision()
    assert lock.decide(spec(state="absent"), decided.write, "boot1", NOW) == lock.Decision(remove=True)


def test_refusal_says_whose_it_is_and_how_to_take_it_over() -> None:
    with pytest.raises(lock.HeldError) as refused:
        lock.decide(spec(), OTHER, "boot1", NOW)
    assert "operator from control1 since 2030-01-01T11:00:00Z" in str(refused.value)
    assert "-e harden_take_over=yes" in str(refused.value) and "after 12 hours" in str(refused.value)


@pytest.mark.parametrize(
    ("given", "boot", "why"),
    [
        ({"take_over": True}, "boot1", "told to"),
        ({}, "boot2", "the host was started anew since"),
        ({"finished": ["run1"]}, "boot1", "that run has died"),
        ({"stale_after": 0.5}, "boot1", "older than 0.5 hours"),
    ],
)
def test_lock_that_no_longer_counts_is_taken_over(given: dict[str, t.Any], boot: str, why: str) -> None:
    decided = lock.decide(spec(**given), OTHER, boot, NOW)
    assert decided.write is not None and decided.write.run == "run2"
    assert decided.took_over == f"operator from control1 since 2030-01-01T11:00:00Z: {why}"


def test_lock_of_another_run_is_not_given_back() -> None:
    assert lock.decide(spec(state="absent"), OTHER, "boot1", NOW) == lock.Decision()
    assert lock.decide(spec(state="absent"), None, "boot1", NOW) == lock.Decision()


def test_file_that_is_no_lock_is_named() -> None:
    assert lock.read(lock.render(OTHER), "x") == OTHER
    for text in ("", "[]", "{}", "null"):
        with pytest.raises(CaissonError, match="Failed to read the lock /run/x"):
            lock.read(text, "/run/x")


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(InputError) as refused:
        spec(run=" ", stale_after=0)
    assert len(refused.value.faults) == 2
