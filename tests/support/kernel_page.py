# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The page docs/kernel.md, made from the catalogue: `python -m ...tests.support.kernel_page` writes it."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.caisson.hardening.plugins.module_utils.kernel.host_rules import RND_BITS, RULES
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.keys import KEYS, ONE_WAY
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.left_alone import LEFT_ALONE, refusal
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.model import SysctlKey

PAGE = Path(__file__).resolve().parents[2] / "docs" / "kernel.md"

_HEAD = """\
# Kernel settings

Made from the catalogue by `tests/support/kernel_page.py`; a test holds it equal.

`baseline` breaks no ordinary Docker host; `strict` is all that the field recommends, that containers survive and that
can be undone. An empty cell sets nothing. A host's own stricter value stays. The column "all and own" says, for keys of
network interfaces, what the kernel makes of `conf.all` and of an interface's own value: AND and MIN take the lesser, OR
and MAX the greater, INTERFACE its own only. Where the own one would be in force in spite of `conf.all`, it is set too,
save on interfaces of container engines: those take `conf.default` when they are made. A reboot makes the
bridges of the networks anew; undo gives them back what they had before the first run.

In the file, the lines of single interfaces begin with a dash, so that one that is gone at the next boot is no error,
and the line of one that went stays until undo, so that its going is no change.
"""


_COLUMNS = ("key", "baseline", "strict", "reason", "may break", "engines and IPv6", "all and own", "sources")


def page() -> str:
    """The whole page."""
    keys = [
        (f"`{key}`", entry.value("baseline") or "", entry.value("strict") or "", *_words(entry))
        for key, entry in sorted(KEYS.items())
    ]
    rules = [
        (", ".join(f"`{key}`" for key in rule.keys), rule.trait, rule.value or "left alone", rule.why) for rule in RULES
    ]
    bits = [(machine, *(most or "" for most in pair)) for machine, pair in RND_BITS.items()]
    alone = [
        (f"`{key}`", entry.reason, entry.asked, entry.breaks, entry.docker) for key, entry in sorted(LEFT_ALONE.items())
    ]
    ways = [(f"`{key}`", value) for key, value in sorted(ONE_WAY.items()) if not refusal(key, value)]
    return "\n".join(
        (
            _HEAD,
            "## What the profiles set\n",
            _table(_COLUMNS, keys),
            "## What depends on the host\n",
            "`adjusted` in the module's result says which of these applied and what was seen.\n",
            _table(("keys", "where the host shows", "value", "reason"), rules),
            "`vm.mmap_rnd_bits` and `vm.mmap_rnd_compat_bits` get the most that the kernel's configuration names, or,",
            "where that cannot be read, the architecture's; on others they are left alone.\n",
            _table(("machine", "vm.mmap_rnd_bits", "vm.mmap_rnd_compat_bits"), bits),
            "On 32-bit ARM `vm.mmap_min_addr` is 32768.\n",
            "## Values of no return\n",
            "Only a reboot takes these back, so they are set only for keys that `one_way` names.\n",
            _table(("key", "value"), ways),
            "## What is left alone\n",
            _table(("key", "reason", "asked for by", "may break", "engines"), alone),
        )
    )


def _words(entry: SysctlKey) -> tuple[str, str, str, str, str]:
    engines = [entry.docker, entry.rootless, entry.ipv6]
    return (
        entry.reason,
        entry.breaks,
        "; ".join(filter(None, engines)),
        entry.combine,
        "; ".join(entry.references),
    )


def _table(head: tuple[str, ...], rows: t.Iterable[tuple[t.Any, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
