# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    # What every module of the collection can do.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Predicts what a run would do, from the same plan, and changes nothing.
  diff_mode:
    support: full
    description: Shows what is changed, or would be in check mode.
  idempotent:
    support: full
    description: A second run changes nothing and says so.
"""

    # The same of a module that only looks.
    READ_ONLY = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: The module only looks, in check mode too.
  diff_mode:
    support: none
    description: There is nothing to compare.
  idempotent:
    support: full
    description: The module changes nothing.
"""
