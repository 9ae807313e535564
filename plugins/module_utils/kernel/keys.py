# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalogue of sysctl keys: what each profile sets, why, and what was left alone on purpose. Pure.

To add a key, add an entry in keys_kernel or keys_network; its control, its page in docs/kernel.md and its place in the
file follow from it.
"""

from __future__ import annotations

from .keys_kernel import FILESYSTEMS, KERNEL
from .keys_network import IPV4, IPV6
from .left_alone import LEFT_ALONE
from .model import SysctlKey

KEYS: dict[str, SysctlKey] = {entry.key: entry for entry in (*FILESYSTEMS, *KERNEL, *IPV4, *IPV6)}
KNOWN: frozenset[str] = frozenset({*KEYS, *LEFT_ALONE})

# Each key that has a value of no return, with that value.
ONE_WAY: dict[str, str] = {
    **{entry.key: entry.one_way[0] for entry in KEYS.values() if entry.one_way},
    **{entry.key: entry.one_way for entry in LEFT_ALONE.values() if entry.one_way},
}


def profile_values(profile: str) -> dict[str, str]:
    """Each key that *profile* sets, with its value on an ordinary host."""
    found = ((entry.key, entry.value(profile)) for entry in KEYS.values())
    return {key: value for key, value in found if value is not None}


def stricter(key: str, live: str, wanted: str) -> bool:
    """Whether the *live* value is *wanted* or stricter; without an order among the values, equal."""
    entry = KEYS.get(key)
    return entry.at_least(live, wanted) if entry else live == wanted


def is_one_way(key: str, value: str) -> bool:
    """Whether the kernel takes *value* of *key* back only at a reboot."""
    return ONE_WAY.get(key) == value
