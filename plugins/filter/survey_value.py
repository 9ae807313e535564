# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.caisson.hardening.plugins.plugin_utils import survey

DOCUMENTATION = r"""
name: survey_value
version_added: 0.1.0
short_description: What an answer of a survey means
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Surveys of job controllers have no lists and no dictionaries; every answer is a text or a number. This makes of it
    what the roles take, which is a list of waves, a list of names, a dictionary of settings, a boolean or a number.
  - An empty answer counts as not given. It stands for the default waves, an empty list or
    dictionary, V(false), or an empty text.
  - With O(otherwise), an answer that was not given, or that says V(as the inventory says), stands for that.
  - It does not judge; the filter P(caisson.hardening.survey_faults#filter) does.
positional: _input, name, otherwise
options:
  _input:
    description: The answer.
    type: raw
    required: true
  name:
    description: The variable that it is the answer for, such as V(harden_serial).
    type: str
    required: true
  otherwise:
    description: What counts where no answer was given, in the same form.
    type: raw
    default: ""
"""

EXAMPLES = r"""
- name: Show the waves
  ansible.builtin.debug:
    msg: "{{ '1, 25%' | caisson.hardening.survey_value('harden_serial') }}"
  # => ["1", "25%"]
"""

RETURN = r"""
_value:
  description: The value for the roles.
  type: raw
"""


def survey_value(value: t.Any, name: str, otherwise: t.Any = "") -> t.Any:
    """The answer for the variable *name* as what it means, or *otherwise* where none was given."""
    kind = survey.VARIABLES.get(name)
    if kind is None:
        raise AnsibleFilterError(f"survey_value knows no variable {name!r}; it knows {', '.join(survey.VARIABLES)}")
    return survey.read(kind, value if survey.text(value) else otherwise)


class FilterModule:
    """The filter, by the name under which playbooks find it."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"survey_value": survey_value}
