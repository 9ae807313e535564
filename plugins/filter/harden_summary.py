# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: harden_summary
version_added: 0.1.0
short_description: The end of a run as a short table
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Makes a table of the roles' results of one host. It has the controls by subject before and after, those that do not
    hold with the reason, the containers and what became of them, where the undo data lies, and what is particular about
    the host.
positional: _input
options:
  _input:
    description: The roles' results by subject. One that is missing or was skipped is left out.
    type: dict
    required: true
  host:
    description: The host's name.
    type: str
    required: true
  predicted:
    description: Whether this was a check run.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Say what was done
  ansible.builtin.debug:
    msg: "{{ {'kernel': kernel_result} | caisson.hardening.harden_summary(host=inventory_hostname) }}"
  vars:
    kernel_result:
      changed: true
      score: {total: 30, before: 12, after: 30}
      undo: /var/lib/caisson/kernel/undo.json
"""

RETURN = r"""
_value:
  description: The table, one line a row.
  type: str
"""


MOST_OPEN = 12  # controls that do not hold, so that the table stays one screen
LONGEST = 100  # characters of what was seen of one


def harden_summary(results: t.Mapping[str, t.Any], host: str, predicted: bool = False) -> str:
    """The table of one host; *results* is by subject, in the order in which it is to be shown."""
    shown = {subject: result for subject, result in results.items() if result and "score" in result}
    changed = [subject for subject, result in shown.items() if result.get("changed")]
    verb = "would change" if predicted else "changed"
    head = f"{verb} {', '.join(changed)}" if changed else f"nothing {'to change' if predicted else 'changed'}"
    lines = [f"{host}: {head}", *_scores(shown), *_open(shown), *_containers(shown), *_undo(shown), *_notes(shown)]
    return "\n".join(lines)


def _scores(shown: t.Mapping[str, t.Any]) -> list[str]:
    rows = [(subject, result["score"]) for subject, result in shown.items() if result["score"]["total"]]
    lines = [f"  {'controls that hold':<22}{'before':>8}{'after':>8}{'of':>6}"] if rows else []
    return lines + [f"  {name:<22}{row['before']:>8}{row['after']:>8}{row['total']:>6}" for name, row in rows]


def _open(shown: t.Mapping[str, t.Any]) -> list[str]:
    """The controls that do not hold with what was seen, those of a subject for the same reason together."""
    findings = [finding for result in shown.values() for finding in result.get("findings") or ()]
    groups: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        if finding["outcome"] in ("fail", "error"):
            subject = finding["control"].partition(".")[0]
            groups.setdefault((subject, finding["evidence"]), []).append(finding["control"])
    lines = []
    for (subject, evidence), controls in groups.items():
        name = controls[0] if len(controls) == 1 else f"{len(controls)} of {subject}"
        lines.append(f"  open: {name}: {_short(evidence)}")
    rest = len(lines) - MOST_OPEN
    return lines[:MOST_OPEN] + ([f"  open: {rest} more; the results have them"] if rest > 0 else [])


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _containers(shown: t.Mapping[str, t.Any]) -> list[str]:
    entries = [entry for result in shown.values() for entry in result.get("containers") or ()]
    lines = [f"  {'containers':<22}{'action':>12}  state"] if entries else []
    return lines + [f"  {entry['name']:<22}{entry['action']:>12}  {entry['state']}" for entry in entries]


def _undo(shown: t.Mapping[str, t.Any]) -> list[str]:
    rows = [(subject, result["undo"]) for subject, result in shown.items() if result.get("undo")]
    width = max((len(subject) for subject, _where in rows), default=0) + 2
    return [f"  undo {subject:<{width}}{where}" for subject, where in rows]


def _notes(shown: t.Mapping[str, t.Any]) -> list[str]:
    plain = any(result.get("service_manager") == "pidfile" for result in shown.values())
    return ["  note: no systemd runs Docker here; a plain dockerd does, and nothing starts it at boot"] if plain else []


class FilterModule:
    """The filter, by the name under which playbooks find it."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"harden_summary": harden_summary}
