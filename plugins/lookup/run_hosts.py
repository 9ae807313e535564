# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: run_hosts
version_added: 0.1.0
short_description: The hosts that several patterns have in common
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Gives the hosts of the inventory that match every pattern, in their order. An empty pattern stands for all.
  - So a survey may ask for the hosts and for a limit in two questions, with commas in both.
options:
  _terms:
    description: Patterns of hosts.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Harden what the survey asks for
  hosts: "{{ query('caisson.hardening.run_hosts', harden_hosts | default(''), harden_limit | default('')) }}"
  roles:
    - caisson.hardening.kernel
"""

RETURN = r"""
_raw:
  description: The names of the hosts; none where the patterns have no host in common.
  type: list
  elements: str
"""

import typing as t

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.plugins.lookup import LookupBase
from ansible_collections.caisson.hardening.plugins.plugin_utils.survey import text


class LookupModule(LookupBase):  # type: ignore[misc]
    """The lookup, by the name under which playbooks find it."""

    def run(self, terms: list[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        manager = InventoryManager(self._loader, parse=False)
        for group, hosts in (variables or {}).get("groups", {}).items():
            manager.add_group(group)
            for host in hosts:
                manager.add_host(host, group=group)
        matched = [self._matched(manager, text(term) or "all") for term in terms]
        first = matched[0] if matched else []
        return [host for host in first if all(host in others for others in matched[1:])]

    @staticmethod
    def _matched(manager: InventoryManager, pattern: str) -> list[str]:
        try:
            return [str(host.name) for host in manager.get_hosts(pattern=pattern)]
        except AnsibleError:
            return []
