# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run leaves behind for whoever comes next, such as a job of a workflow: a record of each host, and the sum."""

from __future__ import annotations

import typing as t

CHANGED, UNCHANGED, FAILED, NOT_REACHED = "changed unchanged failed not_reached".split()
MOST_ACTIONS = 10  # of one subject; fifty hosts are to fit into one artifact
LONGEST = 2000  # characters of a failure's message


def host_record(results: t.Mapping[str, t.Any], task: str = "", message: str = "") -> dict[str, t.Any]:
    """The record of a host by its results; a task that is named is the one that failed."""
    shown = {subject: result for subject, result in results.items() if result and not result.get("skipped")}
    changed = [subject for subject, result in shown.items() if result.get("changed")]
    findings = [finding for result in shown.values() for finding in result.get("findings") or ()]
    record: dict[str, t.Any] = {
        "outcome": FAILED if task else CHANGED if changed else UNCHANGED,
        "changed": changed,
        "actions": {subject: _capped(shown[subject].get("actions") or ()) for subject in changed},
        "containers": {
            entry["name"]: entry["action"] for result in shown.values() for entry in result.get("containers") or ()
        },
        "open": [each["control"] for each in findings if each["outcome"] in ("fail", "error")],
        "waived": [_finding(each) for each in findings if each["outcome"] == "waived"],
    }
    if task:
        record["failed"] = {"task": task, "message": _short(message)}
    return record


def run_stats(
    playbook: str,
    predicted: bool,
    hosts: t.Sequence[str],
    records: t.Mapping[str, t.Mapping[str, t.Any]],
    refused: t.Sequence[str] = (),
) -> dict[str, t.Any]:
    """What set_stats takes: the sum as flat texts, and all in one report. A host without a record was not reached."""
    every = {host: dict(records.get(host) or {"outcome": NOT_REACHED}) for host in hosts}
    by_outcome = {
        outcome: [host for host, record in every.items() if record["outcome"] == outcome]
        for outcome in (CHANGED, UNCHANGED, FAILED, NOT_REACHED)
    }
    whole = FAILED if by_outcome[FAILED] or by_outcome[NOT_REACHED] or not every else UNCHANGED
    if whole == UNCHANGED and by_outcome[CHANGED]:
        whole = CHANGED
    report = {"playbook": playbook, "predicted": bool(predicted), "outcome": whole, "hosts": every}
    return {
        "caisson_outcome": whole,
        "caisson_changed_hosts": ",".join(by_outcome[CHANGED]),
        "caisson_failed_hosts": ",".join(by_outcome[FAILED]),
        "caisson_report": {**report, "refused": list(refused)} if refused else report,
    }


def audit_faults(record: t.Mapping[str, t.Any], fails_on: str) -> list[str]:
    """Why a host does not pass an audit, by the *record* of a prediction; without one it was not looked at."""
    if fails_on == "nothing":
        return []
    if not record:
        return ["was not looked at"]
    said = [f"is not as it was asked for: {', '.join(record['changed'])} would change"] if record["changed"] else []
    if fails_on == "open" and record["open"]:
        said.append(f"has open controls: {', '.join(sorted(set(record['open'])))}")
    return said


def _finding(finding: t.Mapping[str, t.Any]) -> dict[str, str]:
    return {"control": finding["control"], "object": finding["object"], "evidence": _short(finding["evidence"])}


def _capped(actions: t.Sequence[str]) -> list[str]:
    rest = len(actions) - MOST_ACTIONS
    return [*actions[:MOST_ACTIONS], *([f"and {rest} more, in the run's output"] if rest > 0 else [])]


def _short(words: t.Any) -> str:
    said = str(words)
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 3]}..."
