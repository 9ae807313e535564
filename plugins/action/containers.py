# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module of this name and shows its progress."""

from __future__ import annotations

from ansible_collections.caisson.hardening.plugins.plugin_utils.progress import ProgressAction


class ActionModule(ProgressAction):
    """What Ansible looks for."""
