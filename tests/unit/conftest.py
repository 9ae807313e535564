# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the unit tests share."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is no fault of the code's.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
