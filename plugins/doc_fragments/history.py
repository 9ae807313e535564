# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option that brings a subject back to an earlier run."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  as_of:
    description:
      - A moment with its zone, such as V(2030-01-01T22:00:00Z), to whose state the host is brought. What the last run
        up to then asked for is carried out again, and other options that are given do not count.
      - V(before 2030-01-01T22:00:00Z) leaves out a run that began at that very moment.
      - Where no run had come by then, it is the same as O(state=absent), but the later runs stay known.
      - A run is known where it asked for something else than the one before, as M(caisson.hardening.undo_status) lists
        them. With O(state=absent) they are forgotten.
      - What an engine, a kernel or a newer version of the collection would decide otherwise today is decided anew.
    type: str
"""
